"""CIPURSE: mutual authentication, the chain of frame keys, check values (AES-128 throughout).

No specification of CIPURSE is free; the functions are those of published vectors (tests/vectors/cipurse.json).
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from cardkit.crypto.key import Key
from cardkit.crypto.mac import pad80
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError, KeyStoreError

BLOCK = 16
CHALLENGE_BYTES = 22
"""Of a challenge, the card's or the host's: a block and six bytes."""
MAC_BYTES, KVV_BYTES = 8, 3

_number = int.from_bytes

# The field of 48-bit products: polynomials over GF(2), modulo this one.
_FIELD_BYTES, _FIELD_BITS = 6, 48
_FIELD_POLYNOMIAL = 0x1_35B0_88CC_E173


def _reduced(value: int) -> int:
    """Return what is left of a product modulo the field's polynomial."""
    while value >> _FIELD_BITS:
        value ^= _FIELD_POLYNOMIAL << value.bit_length() - _FIELD_BITS - 1
    return value


# What the byte above the field's 48 bits is worth in it.
_OVERFLOW = tuple(_reduced(top << _FIELD_BITS) for top in range(256))

# A number whose bits stand in bytes of their own: where two such are multiplied, each byte counts what meets in it.
_ONES = _number(b"\x01" * 2 * _FIELD_BITS)
_DIGITS = _number(b"0" * 2 * _FIELD_BITS)

# CRC_A of ISO/IEC 14443-3 counts bits from the other end than the standard library: every byte is turned round.
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC_START = 0xC6C6  # 6363 turned round

_ECB = modes.ECB()  # noqa: S305  single blocks, each under a key of its own
_NO_KEY = bytes(BLOCK)

_ROLL = b"\x74" * BLOCK


def _encrypt(key: bytes | bytearray, blocks: bytes | bytearray) -> bytes:
    """Encrypt blocks, each for itself."""
    return Cipher(algorithms.AES128(bytes(key)), _ECB).encryptor().update(blocks)


def _mixed(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    return (_number(left) ^ _number(right)).to_bytes(len(left))


def nlm(left: bytes, right: bytes | bytearray) -> bytes:
    """Return the product of two elements of the 48-bit field, 6 bytes each.

    >>> nlm(bytes.fromhex("010000000000"), bytes.fromhex("800000000000")).hex()
    'f760849a87c1'
    """
    one, other = (_number(f"{_number(factor):b}".encode()) & _ONES for factor in (left, right))
    odd = one * other & _ONES | _DIGITS
    product = int(odd.to_bytes(2 * _FIELD_BITS), 2)
    for place in range(_FIELD_BITS - 8, -8, -8):
        top = product >> _FIELD_BITS + place
        product ^= top << _FIELD_BITS + place ^ _OVERFLOW[top] << place
    return product.to_bytes(_FIELD_BYTES)


def kvv(key: Key) -> bytes:
    """Return the 3-byte key verification value: the beginning of a block of zeros under the key."""
    _check(key)
    with key.reveal() as clear:
        return _encrypt(clear, bytes(BLOCK))[:KVV_BYTES]


def enciphered(key: Key, kek: Key) -> bytes:
    """Return a key as UPDATE KEY and CREATE FILE take it under a key of the card: one block."""
    _check(key)
    _check(kek)
    with key.reveal() as clear, kek.reveal() as above:
        return _encrypt(above, clear)


def mic(data: bytes) -> bytes:
    """Return the 4-byte check of a frame's data: two CRC_A, the second over swapped halves of words.

    >>> mic(bytes.fromhex("11223344")).hex()
    'd471a773'
    """
    padded = data + bytes(-len(data) % 4)
    swapped = bytearray(len(padded))
    swapped[0::4], swapped[1::4], swapped[2::4], swapped[3::4] = padded[2::4], padded[3::4], padded[0::4], padded[1::4]
    return _crc_a(bytes(swapped)) + _crc_a(padded)


def _crc_a(data: bytes) -> bytes:
    """Return CRC_A, high byte first."""
    value = binascii.crc_hqx(data.translate(_TURNED), _CRC_START)
    return bytes((_TURNED[value & 0xFF], _TURNED[value >> 8]))


class Rekeyed:
    """AES-128 of few blocks under one key after another: one cipher object, its key changed in between.

    A cipher object costs as much to make as to use, and here hardly a key serves for two blocks. It keeps no key, so
    that one serves for all sessions of a card.

    :ivar roll: makes the keys of a ciphered frame from each other, under a constant key.
    """

    __slots__ = ("_cipher", "_working", "roll")

    def __init__(self) -> None:
        self._working = algorithms.AES128(_NO_KEY)
        self._cipher = Cipher(self._working, _ECB)
        self.roll = self.encryptor(_ROLL)

    def encryptor(self, key: bytes | bytearray) -> CipherContext:
        """Return what encrypts blocks under a key, each for itself."""
        self._working.key = bytes(key)
        context = self._cipher.encryptor()
        self._working.key = _NO_KEY
        return context

    def decryptor(self, key: bytes | bytearray) -> CipherContext:
        """Return what decrypts blocks under a key, each for itself."""
        self._working.key = bytes(key)
        context = self._cipher.decryptor()
        self._working.key = _NO_KEY
        return context


class FrameKey:
    """The key of the next frame: every use takes it and leaves another.

    :param key: 16 bytes.  :param cipher: what it is used with, where there is one already.
    """

    __slots__ = ("_cipher", "_key")

    def __init__(self, key: bytes, cipher: Rekeyed | None = None) -> None:
        self._key = Secret(key, "frame key")
        self._cipher = cipher or Rekeyed()

    def mac(self, data: bytes) -> bytes:
        """Return the 8-byte MAC of a frame."""
        return self.mac_padded(pad80(data, BLOCK))

    def mac_padded(self, blocks: bytes) -> bytes:
        """Return the 8-byte MAC of whole blocks, one or more."""
        first = blocks[:BLOCK]
        with self._key.reveal() as key:
            before = self._cipher.encryptor(key)  # takes the first block, and in the end the key that is left
            left = self._chained(_mixed(before.update(first), first), blocks[BLOCK:])
            key[:] = left
            return _mixed(before.update(left), left)[:MAC_BYTES]

    def pass_by(self, data: bytes) -> None:
        """Take a frame into the chain whose MAC is not sent."""
        with self._key.reveal() as key:
            key[:] = self._chained(bytes(key), pad80(data, BLOCK))

    def _chained(self, key: bytes, blocks: bytes) -> bytes:
        """Return what blocks leave of a key."""
        for place in range(0, len(blocks), BLOCK):
            block = blocks[place : place + BLOCK]
            key = _mixed(self._cipher.encryptor(key).update(block), block)
        return key

    def encipher(self, blocks: bytes) -> bytes:
        """Return whole blocks enciphered."""
        return self._ciphered(blocks, self._cipher.encryptor)

    def decipher(self, blocks: bytes) -> bytes:
        """Return whole blocks deciphered.  :raises EncodingError: on part of a block."""
        if len(blocks) % BLOCK:
            raise EncodingError(f"{len(blocks)} enciphered bytes, expected whole blocks of {BLOCK}")
        return self._ciphered(blocks, self._cipher.decryptor)

    def _ciphered(self, blocks: bytes, under: Callable[[bytes | bytearray], CipherContext]) -> bytes:
        out, roll = bytearray(), self._cipher.roll
        with self._key.reveal() as key:
            for place in range(0, len(blocks), BLOCK):
                key[:] = _mixed(roll.update(key), key)
                out += under(key).update(blocks[place : place + BLOCK])
        return bytes(out)

    def wipe(self) -> None:
        """Overwrite it with zeros."""
        self._key.wipe()


@dataclass(frozen=True, slots=True)
class Handshake:
    """What one authentication gives the host.

    :param proof: that the host has the key, 16 bytes (cP).  :param expected: what the card must prove it with (cT).
    :param frame: key of the first frame.
    """

    proof: bytes
    expected: Secret = field(repr=False)
    frame: FrameKey = field(repr=False)


def handshake(key: Key, card: bytes, host: bytes, cipher: Rekeyed | None = None) -> Handshake:
    """Return the host's side of a mutual authentication.

    :param card, host: challenges of 22 bytes, RP || rP and RT || rT.  :param cipher: as of :class:`FrameKey`.
    :raises KeyStoreError: on a key that is none for AES-128.  :raises EncodingError: on a challenge of another length.
    """
    _check(key)
    for name, challenge in (("card", card), ("host", host)):
        if len(challenge) != CHALLENGE_BYTES:
            raise EncodingError(f"challenge of the {name}: {len(challenge)} bytes, expected {CHALLENGE_BYTES}")
    card_block, host_block = card[:BLOCK], host[:BLOCK]
    cipher = cipher or Rekeyed()
    with key.reveal() as clear:
        product = nlm(card[BLOCK:], clear[-_FIELD_BYTES:])
        mask = bytes(4) + product + _mixed(product, host[BLOCK:])
        base = _mixed(cipher.encryptor(mask).update(clear), clear)
    crossed = _mixed(base, host_block)
    first = _mixed(cipher.encryptor(card_block).update(crossed), crossed)
    proofs = cipher.encryptor(base).update(card_block + host_block)
    return Handshake(proofs[:BLOCK], Secret(proofs[BLOCK:], "proof of the card"), FrameKey(first, cipher))


def _check(key: Key) -> None:
    if key.algorithm != "AES-128":
        raise KeyStoreError(f"key {key.name}: {key.algorithm}, CIPURSE works with AES-128")
