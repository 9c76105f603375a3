"""Secured packets: their layout, redundancy checks, cryptographic checksums and ciphers (ETSI TS 102 225 5).

    command: CPL 2 | CHL 1 | SPI 2 | KIc 1 | KID 1 | TAR 3 | [ CNTR 5 | PCNTR 1 | RC/CC | data | padding ]
    response: RPL 2 | RHL 1 | TAR 3 | [ CNTR 5 | PCNTR 1 | status 1 | RC/CC | data | padding ]

What stands in brackets is ciphered, with an initial value of zero. Digital signatures are in no key of this card.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ..errors import VirtualCardError
from ..gp.crypto import AES_BLOCK, DES_BLOCK, KEY_AES, KEY_DES, aes_cbc, aes_cbc_decrypt, aes_cmac, des3_cbc
from ..gp.crypto import des3_cbc_decrypt as des3_decrypt
from ..gp.keysets import CardKeyEntry

_HEADER: Final = 11  # CPL 2, CHL 1, SPI 2, KIc 1, KID 1, TAR 3, and one for counting CHL from SPI on
_FIXED: Final = 13  # CHL without a checksum: SPI 2, KIc 1, KID 1, TAR 3, CNTR 5, PCNTR 1
_COUNTER: Final = 5
_MAC_SIZE: Final = 8
_IMPLICIT, _DES, _AES = 0, 1, 2  # b2 b1 of KIc and KID
_DES_MODES: Final = {0x01: (8,), 0x05: (16,), 0x09: (24,)}  # b4-b1 -> bytes of a key
_CRC32: Final = 0x05


class Status(IntEnum):
    """Response status codes (5.2)."""

    OK = 0x00
    CHECK_FAILED = 0x01
    COUNTER_LOW = 0x02
    COUNTER_HIGH = 0x03
    COUNTER_BLOCKED = 0x04
    CIPHERING = 0x05
    UNIDENTIFIED = 0x06
    TAR_UNKNOWN = 0x09
    TOO_LITTLE_SECURITY = 0x0A


class Integrity(IntEnum):
    """b2 b1 of SPI 1, and b4 b3 of SPI 2 for the response."""

    NONE = 0
    RC = 1
    CC = 2
    DS = 3


class PacketError(VirtualCardError):
    """A packet that is not accepted, and why; never leaves the card."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in clear in front of a command packet."""

    spi1: int
    spi2: int
    kic: int
    kid: int
    tar: bytes

    @property
    def integrity(self) -> Integrity:
        """What protects the command."""
        return Integrity(self.spi1 & 0x03)

    @property
    def ciphered(self) -> bool:
        """Is the command ciphered?"""
        return bool(self.spi1 & 0x04)

    @property
    def counter_mode(self) -> int:
        """0 no counter, 1 not checked, 2 must be higher, 3 must be one higher."""
        return self.spi1 >> 3 & 0x03


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys a packet names; None where the card has none of that number."""

    cipher: CardKeyEntry | None
    check: CardKeyEntry | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A command packet whose protection was right."""

    counter: bytes
    data: bytes


def read_head(packet: bytes) -> Head:
    """The head of a whole packet.

    :raises PacketError: when lengths do not add up; such a packet gets no answer.
    """
    size = int.from_bytes(packet[:2], "big")
    if len(packet) < 2 + 1 + _FIXED or size != len(packet) - 2 or packet[2] < _FIXED or packet[2] > size - 1:
        raise PacketError(Status.UNIDENTIFIED)
    return Head(packet[3], packet[4], packet[5], packet[6], packet[7:10])


def open_packet(packet: bytes, head: Head, keys: Keys) -> Opened:
    """Decipher and check a command packet.

    :raises PacketError: 05 cipher or key, 01 a wrong checksum, 06 one this card cannot check.
    """
    body = packet[_HEADER - 1 :]
    if head.ciphered:
        body = _decipher(keys.cipher, head.kic, body)
    check_size = packet[2] - _FIXED
    counter, padding = body[:_COUNTER], body[_COUNTER]
    check, rest = body[_COUNTER + 1 : _COUNTER + 1 + check_size], body[_COUNTER + 1 + check_size :]
    if padding > len(rest):
        raise PacketError(Status.CIPHERING if head.ciphered else Status.UNIDENTIFIED)
    covered = packet[: _HEADER - 1] + body[: _COUNTER + 1] + rest
    if checksum(head.integrity, head.kid, keys.check, covered) != check:
        raise PacketError(Status.CHECK_FAILED)
    return Opened(counter, rest[: len(rest) - padding])


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back."""

    counter: bytes
    status: Status
    data: bytes = b""


def build_response(head: Head, keys: Keys, response: Response, prefix: bytes) -> bytes:
    """A response packet, protected as SPI 2 asks for.

    :param prefix: header of the bearer that the checksum covers, too.
    :raises PacketError: when there is no key for that protection.
    """
    integrity = Integrity(head.spi2 >> 2 & 0x03)
    size = len(checksum(integrity, head.kid, keys.check, b""))
    ciphered = bool(head.spi2 & 0x10)
    block = _block(keys.cipher, head.kic) if ciphered else 1
    padding = -(_COUNTER + 2 + size + len(response.data)) % block
    inner = response.counter + bytes((padding, response.status))
    rest = response.data + bytes(padding)
    length = 1 + 3 + len(inner) + size + len(rest)
    outer = length.to_bytes(2, "big") + bytes((3 + len(inner) + size,)) + head.tar
    check = checksum(integrity, head.kid, keys.check, prefix + outer + inner + rest)
    body = inner + check + rest
    return outer + (_encipher(keys.cipher, head.kic, body) if ciphered else body)


def checksum(integrity: Integrity, kid: int, key: CardKeyEntry | None, data: bytes) -> bytes:
    """RC or CC over `data`; nothing when none is asked for.

    :raises PacketError: 06 for a digital signature, or a key that is not there or of another kind.
    """
    if integrity is Integrity.NONE:
        return b""
    if integrity is Integrity.RC:
        return _crc32(data) if kid & 0x0F == _CRC32 else crc16(data)
    if integrity is Integrity.DS or key is None or not _fits(key, kid):
        raise PacketError(Status.UNIDENTIFIED)
    if key.type == KEY_AES:
        return aes_cmac(key.value, data)[:_MAC_SIZE]
    padded = data + bytes(-len(data) % DES_BLOCK)
    return des3_cbc(_triple(key.value), padded)[-_MAC_SIZE:] if padded else bytes(_MAC_SIZE)


def crc16(data: bytes) -> bytes:
    """The redundancy check of ISO/IEC 13239 with 16 bits (from memory: 0102030405 gives 22EC)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "big")


def _crc32(data: bytes) -> bytes:
    """With 32 bits (from memory: 0102030405 gives 470B99F4)."""
    return zlib.crc32(data).to_bytes(4, "big")


def _fits(key: CardKeyEntry, indicator: int) -> bool:
    """Does KIc or KID name the algorithm this key is for?"""
    kind = indicator & 0x03
    if kind == _IMPLICIT and not indicator & 0x0C:
        return key.type in (KEY_DES, KEY_AES)
    if key.type == KEY_AES:
        return indicator & 0x0F == _AES
    return key.type == KEY_DES and len(key.value) in _DES_MODES.get(indicator & 0x0F, ())


def _triple(key: bytes) -> bytes:
    """A DES key of 8, 16 or 24 bytes as one of triple DES."""
    return key * 3 if len(key) == DES_BLOCK else key


def _block(key: CardKeyEntry | None, kic: int) -> int:
    """Bytes of a block of the cipher.

    :raises PacketError: 05 without a fitting key.
    """
    if key is None or not _fits(key, kic):
        raise PacketError(Status.CIPHERING)
    return AES_BLOCK if key.type == KEY_AES else DES_BLOCK


def _decipher(key: CardKeyEntry | None, kic: int, body: bytes) -> bytes:
    block = _block(key, kic)
    if key is None or len(body) % block:
        raise PacketError(Status.CIPHERING)
    return aes_cbc_decrypt(key.value, body) if key.type == KEY_AES else des3_decrypt(_triple(key.value), body)


def _encipher(key: CardKeyEntry | None, kic: int, body: bytes) -> bytes:
    block = _block(key, kic)
    if key is None or len(body) % block:
        raise PacketError(Status.CIPHERING)
    return aes_cbc(key.value, body) if key.type == KEY_AES else des3_cbc(_triple(key.value), body)
