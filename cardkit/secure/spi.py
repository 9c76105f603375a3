"""What the header of a secured packet says of its protection: SPI, KIc, KID (ETSI TS 102 225 5.1.1 to 5.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from cardkit.errors import EncodingError, KeyStoreError, ProfileError

SPI_BYTES = 2

# First byte of the SPI; bits not named here are reserved.
_INTEGRITY, _CIPHERED, _COUNTER, _COUNTER_SHIFT = 0x03, 0x04, 0x18, 3
# Second byte.
_POR, _POR_INTEGRITY, _POR_INTEGRITY_SHIFT = 0x03, 0x0C, 2
_POR_CIPHERED, _POR_BY_SUBMIT = 0x10, 0x20

# Algorithm nibble of KIc, and of KID for a checksum, by algorithm of the key. 0 is one both sides know.
IMPLICIT = 0x0
_NIBBLES = MappingProxyType({"3DES-128": 0x5, "3DES-192": 0x9, "AES-128": 0x2, "AES-192": 0x2, "AES-256": 0x2})
_NAMES = MappingProxyType({0x1: "DES-CBC", 0x2: "AES", 0x5: "3DES, two keys", 0x9: "3DES, three keys", 0xD: "DES-ECB"})
CRC16, CRC32 = 0x1, 0x5
"""Algorithm nibble of KID for a redundancy check."""


class Integrity(IntEnum):
    """What proves a packet."""

    NONE = 0
    RC = 1
    CC = 2
    DS = 3


class CounterMode(IntEnum):
    """What the card makes of a packet's counter."""

    NONE = 0
    UNCHECKED = 1
    HIGHER = 2
    ONE_HIGHER = 3


class Receipt(IntEnum):
    """When the card answers with a proof of receipt."""

    NEVER = 0
    ALWAYS = 1
    ON_ERROR = 2
    RESERVED = 3


@dataclass(frozen=True, slots=True)
class Spi:
    """Security parameter indicator: two bytes, kept as they are.

    :param command, response: first and second byte: what protects the packet, and the card's answer.
    :raises EncodingError: when either is no byte.

    >>> Spi.parse(bytes.fromhex("1619")).counter
    <CounterMode.HIGHER: 2>
    """

    command: int
    response: int

    def __post_init__(self) -> None:
        if not (0 <= self.command <= 0xFF and 0 <= self.response <= 0xFF):
            raise EncodingError(f"SPI: got {self.command:X} and {self.response:X}, expected two bytes")

    @classmethod
    def of(
        cls,
        integrity: Integrity,
        *,
        ciphered: bool,
        counter: CounterMode = CounterMode.HIGHER,
        receipt: Receipt = Receipt.ALWAYS,
        by_submit: bool = False,
    ) -> Spi:
        """Return the SPI of a packet whose answer is protected as it is itself.

        :param by_submit: the answer comes as an SMS of its own, not with the card's answer to ENVELOPE.

        >>> Spi.of(Integrity.CC, ciphered=True).build().hex()
        '1619'
        """
        command = integrity | ciphered * _CIPHERED | counter << _COUNTER_SHIFT
        response = receipt | by_submit * _POR_BY_SUBMIT
        if receipt is not Receipt.NEVER:
            response |= integrity << _POR_INTEGRITY_SHIFT | ciphered * _POR_CIPHERED
        return cls(command, response)

    @classmethod
    def parse(cls, data: bytes) -> Spi:
        """Read two bytes; EncodingError on another number."""
        if len(data) != SPI_BYTES:
            raise EncodingError(f"SPI: got {len(data)} bytes, expected {SPI_BYTES}")
        return cls(data[0], data[1])

    def build(self) -> bytes:
        """Return the two bytes."""
        return bytes((self.command, self.response))

    @property
    def integrity(self) -> Integrity:
        """What proves the command packet."""
        return Integrity(self.command & _INTEGRITY)

    @property
    def ciphered(self) -> bool:
        """Whether the command packet is ciphered."""
        return bool(self.command & _CIPHERED)

    @property
    def counter(self) -> CounterMode:
        """What the card makes of the counter."""
        return CounterMode((self.command & _COUNTER) >> _COUNTER_SHIFT)

    @property
    def receipt(self) -> Receipt:
        """When the card answers."""
        return Receipt(self.response & _POR)

    @property
    def receipt_integrity(self) -> Integrity:
        """What proves the response packet."""
        return Integrity((self.response & _POR_INTEGRITY) >> _POR_INTEGRITY_SHIFT)

    @property
    def receipt_ciphered(self) -> bool:
        """Whether the response packet is ciphered."""
        return bool(self.response & _POR_CIPHERED)

    @property
    def receipt_by_submit(self) -> bool:
        """Whether the response comes as an SMS of its own (SEND SHORT MESSAGE)."""
        return bool(self.response & _POR_BY_SUBMIT)

    @property
    def proof(self) -> Integrity:
        """What KID is coded for: the one means of proof of command and response.

        :raises ProfileError: for a signature, which has no published algorithm, and for two different means.
        """
        used = {self.integrity, self.receipt_integrity} - {Integrity.NONE}
        if Integrity.DS in used:
            raise ProfileError(f"SPI {self}: a digital signature has no published algorithm, expected RC or CC")
        if len(used) > 1:
            raise ProfileError(f"SPI {self}: RC one way and CC the other, but KID codes one of them")
        return max(used, default=Integrity.NONE)

    def __str__(self) -> str:
        return self.build().hex().upper()


def key_byte(index: int, algorithm: str, *, implicit: bool = False) -> int:
    """Return KIc, or KID of a checksum: key set and algorithm.

    :param index: of the key set, 0 to 15: its key version number.  :param algorithm: of the key, ``AES-128`` ...
    :param implicit: leave the algorithm to what both sides know.
    :raises KeyStoreError: on a key set or an algorithm SCP80 has no code for.

    >>> f"{key_byte(3, '3DES-128'):02X} {key_byte(2, 'AES-256'):02X}"
    '35 22'
    """
    if not 0 <= index <= 0xF:
        raise KeyStoreError(f"key set {index:02X}: over the air there are 00 to 0F")
    if algorithm not in _NIBBLES:
        raise KeyStoreError(f"key of {algorithm}: SCP80 has {', '.join(_NIBBLES)}")
    return index << 4 | (IMPLICIT if implicit else _NIBBLES[algorithm])


def check_key_byte(name: str, byte: int, algorithm: str) -> None:
    """Raise KeyStoreError where KIc or KID says another algorithm than its key has."""
    nibble = byte & 0xF
    if nibble not in (IMPLICIT, _NIBBLES.get(algorithm)):
        said = _NAMES.get(nibble, "a reserved or private algorithm")
        raise KeyStoreError(f"{name} {byte:02X} says {said}, its key is {algorithm}")
