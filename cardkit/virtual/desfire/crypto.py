"""What the card computes with: block ciphers, CMAC from a running IV, the two checksums (sheet 3.6 to 3.8)."""

import zlib
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

_CRC_A_START: Final = 0x6363
_CRC_A_POLYNOMIAL: Final = 0x8408
_LONG: Final = 5  # blocks, from which a context of its own is quicker
_REDUCTION: Final = {8: 0x1B, 16: 0x87}  # of the CMAC subkeys, by block size


class KeyType(IntEnum):
    """Key types as the high bits of key settings 2 and of the key number at PICC level name them."""

    TDEA2 = 0x00
    TDEA3 = 0x40
    AES = 0x80

    @classmethod
    def of(cls, bits: int) -> "KeyType":
        """What bits 7 and 6 say, whatever stands below them; 11 counts as AES."""
        return cls.AES if bits & cls.AES else cls.TDEA3 if bits & cls.TDEA3 else cls.TDEA2

    @property
    def size(self) -> int:
        """Bytes of a key."""
        return 24 if self is KeyType.TDEA3 else 16

    @property
    def random_size(self) -> int:
        """Bytes of RndA and RndB."""
        return 8 if self is KeyType.TDEA2 else 16


class BlockCipher:
    """One key at work; chains blocks itself, which for short messages costs less than a context for each.

    :param key: 16 bytes of AES, 16 or 24 of triple DES; a 2TDEA key with equal halves is single DES.
    :ivar block: 8 or 16.
    """

    __slots__ = ("_aes", "_algorithm", "_decryptor", "_encryptor", "_key", "_subkeys", "block", "zeros")

    def __init__(self, key: bytes, *, aes: bool) -> None:
        self.block = 16 if aes else 8
        self.zeros = bytes(self.block)
        self._key, self._aes = key, aes
        self._subkeys: tuple[int, int] | None = None
        self._algorithm = AES(key) if aes else TripleDES(key + key[:8] if len(key) == 16 else key)
        self._encryptor = Cipher(self._algorithm, modes.ECB()).encryptor()  # noqa: S305 - chained below
        self._decryptor: CipherContext | None = None

    def __reduce__(self) -> "tuple[Callable[..., BlockCipher], tuple[()]]":
        """Copies have contexts of their own."""
        return partial(BlockCipher, self._key, aes=self._aes), ()

    def encrypt(self, data: bytes, iv: bytes) -> bytes:
        """CBC of whole blocks."""
        size, encipher = self.block, self._encryptor.update
        if len(data) > _LONG * size:
            return Cipher(self._algorithm, modes.CBC(iv)).encryptor().update(data)
        last, found = int.from_bytes(iv, "big"), []
        for at in range(0, len(data), size):
            mixed = int.from_bytes(data[at : at + size], "big") ^ last
            sent = encipher(mixed.to_bytes(size, "big"))
            found.append(sent)
            last = int.from_bytes(sent, "big")
        return b"".join(found)

    def decrypt(self, data: bytes, iv: bytes) -> bytes:
        """CBC backwards."""
        if self._decryptor is None:
            self._decryptor = Cipher(self._algorithm, modes.ECB()).decryptor()  # noqa: S305 - idem
        return xor(self._decryptor.update(data), (iv + data)[: len(data)])

    def ecb(self, data: bytes) -> bytes:
        """Each block enciphered alone."""
        return self._encryptor.update(data)

    def cmac(self, message: bytes, iv: bytes) -> bytes:
        """CMAC whose CBC starts from `iv`; NIST SP 800-38B when that is zero.

        :returns: a whole block.
        """
        first, second = self._subkeys or self._derive_subkeys()
        size = self.block
        if message and len(message) % size == 0:
            subkey = first
        else:
            subkey = second
            message += b"\x80" + bytes(-(len(message) + 1) % size)
        last = int.from_bytes(message[-size:], "big") ^ subkey
        return self.encrypt(message[:-size] + last.to_bytes(size, "big"), iv)[-size:]

    def _derive_subkeys(self) -> tuple[int, int]:
        first = _double(int.from_bytes(self.ecb(self.zeros), "big"), self.block)
        self._subkeys = first, _double(first, self.block)
        return self._subkeys


def _double(value: int, size: int) -> int:
    bits = 8 * size
    doubled = value << 1
    return (doubled & (1 << bits) - 1) ^ (_REDUCTION[size] if doubled >> bits else 0)


def xor(left: bytes, right: bytes) -> bytes:
    """Byte by byte, both of one length."""
    size = len(left)
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(size, "big")


def zero_padded(data: bytes, block: int) -> bytes:
    """Filled with zeros to whole blocks."""
    return data + bytes(-len(data) % block)


def padded_80(data: bytes, block: int) -> bytes:
    """80, then zeros to whole blocks; always at least one byte."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def _crc_a_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_CRC_A_POLYNOMIAL if byte & 1 else 0)
    return byte


_CRC_A_TABLE: Final = tuple(map(_crc_a_of, range(256)))


def crc16(data: bytes) -> bytes:
    """CRC_A of ISO/IEC 14443-3, 2 bytes little endian, as D40 has it.

    >>> crc16(bytes.fromhex("04440f32763180")).hex()
    '2798'
    """
    crc = _CRC_A_START
    for byte in data:
        crc = crc >> 8 ^ _CRC_A_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def crc32(data: bytes) -> bytes:
    """The CRC of EV1 and later, 4 bytes little endian: zlib's without its last inversion.

    >>> crc32(bytes.fromhex("04440f3276318000")).hex()
    '99ce1ad4'
    """
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def odd_bytes(mac: bytes) -> bytes:
    """MACt: bytes 1, 3, .. 15 of a MAC of 16 bytes."""
    return mac[1::2]
