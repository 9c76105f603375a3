"""Leakage resilient primitive: AES whose keys are used so seldom that power analysis learns nothing (NXP AN12304)."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto.mac import pad80, unpad80
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

_BLOCK = 16
_NIBBLES = 16
_UPPER, _LOWER = b"\xaa" * _BLOCK, b"\x55" * _BLOCK
_REDUCTION = 0x87
_ALL_BITS = (1 << 128) - 1


def _encrypt(key: bytes | bytearray, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # noqa: S305  one block each


def _decrypt(key: bytes | bytearray, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(block)  # noqa: S305  one block each


def _ladder(start: bytes, rungs: int) -> Iterator[Secret]:
    """Yield what a chain of encryptions gives (AN12304 algorithms 1 and 2)."""
    link = start
    for _ in range(rungs):
        yield Secret(_encrypt(link, _UPPER), "LRP")
        link = _encrypt(link, _LOWER)


class Lrp:
    """One key with its tables: 16 secret plaintexts, and updated keys that are used in its place.

    :param key: 16 bytes.  :param updated: how many updated keys are needed.
    :raises EncodingError: on a key of another length.
    """

    __slots__ = ("_plaintexts", "_subkeys", "_updated")

    def __init__(self, key: Secret, updated: int = 1) -> None:
        if len(key) != _BLOCK:
            raise EncodingError(f"LRP key {key.name}: {len(key)} bytes, expected {_BLOCK}")
        with key.reveal() as clear:
            self._plaintexts = tuple(_ladder(_encrypt(clear, _LOWER), _NIBBLES))
            self._updated = tuple(_ladder(_encrypt(clear, _UPPER), updated))
        self._subkeys: tuple[int, int] | None = None

    def evaluate(self, number: int, nibbles: bytes, *, final: bool = True) -> bytes:
        """Return the primitive's 16 bytes (AN12304 algorithm 3).

        :param number: of the updated key.  :param nibbles: input, one nibble a byte, 0 to 15 each.
        """
        with self._updated[number].reveal() as clear:
            value = bytes(clear)
        for nibble in nibbles:
            with self._plaintexts[nibble].reveal() as plaintext:
                value = _encrypt(value, bytes(plaintext))
        return _encrypt(value, bytes(_BLOCK)) if final else value

    def cmac(self, message: bytes) -> bytes:
        """Return CMAC_LRP, 16 bytes (AN12304 algorithm 6)."""
        whole, padded = self.subkeys()
        if message and not len(message) % _BLOCK:
            subkey = whole
        else:
            message, subkey = pad80(message, _BLOCK), padded
        chained = 0
        for start in range(0, len(message) - _BLOCK, _BLOCK):
            chained = self._mixed(chained ^ int.from_bytes(message[start : start + _BLOCK]))
        return self._mixed(chained ^ int.from_bytes(message[-_BLOCK:]) ^ subkey).to_bytes(_BLOCK)

    def subkeys(self) -> tuple[int, int]:
        """Return both subkeys of CMAC_LRP as numbers: of whole messages and of padded ones."""
        if self._subkeys is None:
            first = _doubled(self._mixed(0))
            self._subkeys = first, _doubled(first)
        return self._subkeys

    def _mixed(self, block: int) -> int:
        return int.from_bytes(self.evaluate(0, nibbles_of(block.to_bytes(_BLOCK))))

    def encrypt(self, data: bytes, counter: bytes, *, number: int = 0, padded: bool = True) -> tuple[bytes, bytes]:
        """Return LRICB's ciphertext and the counter after it (AN12304 algorithms 4 and 5).

        :param counter: bytes that count blocks.  :param number: of the updated key.
        :param padded: whether 80 and zeros are added; without it, whole blocks.
        """
        whole = pad80(data, _BLOCK) if padded else data
        return self._chained(whole, counter, number, deciphering=False)

    def decrypt(self, data: bytes, counter: bytes, *, number: int = 0, padded: bool = True) -> tuple[bytes, bytes]:
        """Return the plaintext and the counter after it; parameters as of :meth:`encrypt`.

        :raises EncodingError: on part of a block, or without the padding.
        """
        plain, after = self._chained(data, counter, number, deciphering=True)
        return (unpad80(plain) if padded else plain), after

    def _chained(self, data: bytes, counter: bytes, number: int, *, deciphering: bool) -> tuple[bytes, bytes]:
        if len(data) % _BLOCK:
            raise EncodingError(f"LRICB: {len(data)} bytes, expected blocks of {_BLOCK}")
        operate = _decrypt if deciphering else _encrypt
        size, value, done = len(counter), int.from_bytes(counter), bytearray()
        for start in range(0, len(data), _BLOCK):
            key = self.evaluate(number, nibbles_of(value.to_bytes(size)))
            done += operate(key, data[start : start + _BLOCK])
            value = (value + 1) % (1 << 8 * size)
        return bytes(done), value.to_bytes(size)

    def __repr__(self) -> str:
        return f"<LRP key, {len(self._updated)} updated>"


def nibbles_of(data: bytes) -> bytes:
    """Return the nibbles of bytes, one a byte, high one first.

    >>> nibbles_of(bytes.fromhex("1359")).hex()
    '01030509'
    """
    return bytes(half for byte in data for half in (byte >> 4, byte & 0x0F))


def _doubled(value: int) -> int:
    return value << 1 & _ALL_BITS ^ (_REDUCTION if value >> 127 else 0)
