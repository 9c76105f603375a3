"""CIPURSE: mutual authentication, the chain of frame keys, check values (AES-128 throughout).

No specification of CIPURSE is free; the functions are those of published vectors (tests/vectors/cipurse.json).
"""

from __future__ import annotations

import binascii
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

# The field of 48-bit products: polynomials over GF(2), modulo this one.
_FIELD_BYTES, _FIELD_BITS = 6, 48
_FIELD_POLYNOMIAL = 0x1_35B0_88CC_E173

# CRC_A of ISO/IEC 14443-3 counts bits from the other end than the standard library: every byte is turned round.
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC_START = 0xC6C6  # 6363 turned round

_ECB = modes.ECB()  # noqa: S305  single blocks, each under a key of its own
_number = int.from_bytes

# Keys of a ciphered frame come from each other under one constant key.
_ROLL = Cipher(algorithms.AES128(b"\x74" * BLOCK), _ECB)


def _encryptor(key: bytes | bytearray) -> CipherContext:
    return Cipher(algorithms.AES128(bytes(key)), _ECB).encryptor()


def _encrypt(key: bytes | bytearray, blocks: bytes | bytearray) -> bytes:
    """Encrypt blocks, each for itself."""
    return _encryptor(key).update(blocks)


def _mixed(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    return (_number(left) ^ _number(right)).to_bytes(len(left))


def nlm(left: bytes, right: bytes) -> bytes:
    """Return the product of two elements of the 48-bit field, 6 bytes each.

    >>> nlm(bytes.fromhex("010000000000"), bytes.fromhex("800000000000")).hex()
    'f760849a87c1'
    """
    factor, product = _number(left), 0
    for bit in f"{_number(right):048b}":
        product <<= 1
        if product >> _FIELD_BITS:
            product ^= _FIELD_POLYNOMIAL
        if bit == "1":
            product ^= factor
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


class FrameKey:
    """The key of the next frame: every use takes it and leaves another.

    :param key: 16 bytes.
    """

    __slots__ = ("_key", "_roll")

    def __init__(self, key: bytes) -> None:
        self._key = Secret(key, "frame key")
        self._roll = _ROLL.encryptor()

    def mac(self, data: bytes) -> bytes:
        """Return the 8-byte MAC of a frame."""
        return self.mac_padded(pad80(data, BLOCK))

    def mac_padded(self, blocks: bytes) -> bytes:
        """Return the 8-byte MAC of whole blocks, one or more."""
        first = blocks[:BLOCK]
        with self._key.reveal() as key:
            before = _encryptor(key)  # takes the first block, and in the end the key that is left
            key[:] = _mixed(before.update(first), first)
            self._chain(blocks[BLOCK:])
            return _mixed(before.update(key), key)[:MAC_BYTES]

    def pass_by(self, data: bytes) -> None:
        """Take a frame into the chain whose MAC is not sent."""
        self._chain(pad80(data, BLOCK))

    def _chain(self, blocks: bytes) -> None:
        with self._key.reveal() as key:
            for place in range(0, len(blocks), BLOCK):
                block = blocks[place : place + BLOCK]
                key[:] = _mixed(_encrypt(key, block), block)

    def encipher(self, blocks: bytes) -> bytes:
        """Return whole blocks enciphered."""
        return self._ciphered(blocks, decrypt=False)

    def decipher(self, blocks: bytes) -> bytes:
        """Return whole blocks deciphered.  :raises EncodingError: on part of a block."""
        if len(blocks) % BLOCK:
            raise EncodingError(f"{len(blocks)} enciphered bytes, expected whole blocks of {BLOCK}")
        return self._ciphered(blocks, decrypt=True)

    def _ciphered(self, blocks: bytes, *, decrypt: bool) -> bytes:
        out = bytearray()
        with self._key.reveal() as key:
            for place in range(0, len(blocks), BLOCK):
                key[:] = _mixed(self._roll.update(key), key)
                cipher = Cipher(algorithms.AES128(bytes(key)), _ECB)
                context = cipher.decryptor() if decrypt else cipher.encryptor()
                out += context.update(blocks[place : place + BLOCK])
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


def handshake(key: Key, card: bytes, host: bytes) -> Handshake:
    """Return the host's side of a mutual authentication.

    :param card, host: challenges of 22 bytes, RP || rP and RT || rT.
    :raises KeyStoreError: on a key that is none for AES-128.  :raises EncodingError: on a challenge of another length.
    """
    _check(key)
    for name, challenge in (("card", card), ("host", host)):
        if len(challenge) != CHALLENGE_BYTES:
            raise EncodingError(f"challenge of the {name}: {len(challenge)} bytes, expected {CHALLENGE_BYTES}")
    (card_block, card_short), (host_block, host_short) = ((one[:BLOCK], one[BLOCK:]) for one in (card, host))
    with key.reveal() as clear:
        product = nlm(card_short, bytes(clear[-_FIELD_BYTES:]))
        mask = bytes(4) + product + _mixed(product, host_short)
        base = _mixed(_encrypt(mask, clear), clear)
    crossed = _mixed(base, host_block)
    first = _mixed(_encrypt(card_block, crossed), crossed)
    proofs = _encrypt(base, card_block + host_block)
    return Handshake(proofs[:BLOCK], Secret(proofs[BLOCK:], "proof of the card"), FrameKey(first))


def _check(key: Key) -> None:
    if key.algorithm != "AES-128":
        raise KeyStoreError(f"key {key.name}: {key.algorithm}, CIPURSE works with AES-128")
