"""Cryptogram versions: what the form of the Issuer Application Data says about keys, cryptograms and scripts.

One line an entry, keyed by family and cryptogram version number, never by the number alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import crypto

# What every cryptogram covers, in this order (EMV Book 2, 8.1.1), with its size
TERMINAL_DATA: Final = (
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
)
_CONTACTLESS_DATA: Final = ((0x9F02, 6), (0x9F37, 4))
_VSDC_SIZES, _MCHIP_SIZES, _CCD_SIZE = range(7, 33), (18, 20, 26, 28), 32


class Family(Enum):
    """Whose Issuer Application Data these are."""

    VSDC = "VSDC"
    VSDC_LONG = "VSDC, format 2"
    MCHIP = "M/Chip"
    CCD = "CCD"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in the Issuer Application Data.

    :ivar version: offset of the cryptogram version number.
    :ivar idn: of the data authentication code or ICC dynamic number, 2 bytes.  :ivar counters: 8 bytes.
    """

    version: int
    cvr: slice
    idn: slice | None = None
    counters: slice | None = None


LAYOUTS: Final = {
    Family.VSDC: Layout(2, slice(3, 7)),
    Family.VSDC_LONG: Layout(1, slice(3, 8)),
    Family.MCHIP: Layout(1, slice(2, 8), slice(8, 10), slice(10, 18)),
    Family.CCD: Layout(1, slice(3, 8), None, slice(8, 16)),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a cryptogram is made over.

    :ivar values: of the terminal, by tag.  :ivar aip: 2 bytes.  :ivar atc: 2 bytes.
    :ivar iad: Issuer Application Data as they will leave the card.
    """

    values: Mapping[int, bytes]
    aip: bytes
    atc: bytes
    iad: bytes

    def terminal(self, tags: tuple[tuple[int, int], ...] = TERMINAL_DATA) -> bytes:
        """Values in a row; one that the list did not ask for is zeros."""
        return b"".join(self.values.get(tag, b"")[-size:].rjust(size, b"\x00") for tag, size in tags)

    @property
    def number(self) -> bytes:
        """The unpredictable number."""
        return self.terminal(((0x9F37, 4),))


def _master(master: bytes, atc: bytes, number: bytes) -> bytes:
    del atc, number
    return master


def _common(master: bytes, atc: bytes, number: bytes) -> bytes:
    del number
    return crypto.session_key(master, atc + bytes(6))


def _common_aes(master: bytes, atc: bytes, number: bytes) -> bytes:
    del number
    return crypto.aes_session_key(master, atc)


def _skd(master: bytes, atc: bytes, number: bytes) -> bytes:
    return crypto.session_key(master, atc + bytes(2) + number)


@dataclass(frozen=True, slots=True)
class Version:
    """One cryptogram version.

    :ivar key: master key, ATC, unpredictable number -> key of the cryptogram.
    :ivar covered: parts of the Issuer Application Data that the cryptogram covers.
    :ivar padding: method 1 or 2.  :ivar arpc: method of the response cryptogram, 1 or 2.
    :ivar arpc_key: its key, as `key`.  :ivar vis: VSDC session keys for scripts, else common ones over the cryptogram.
    :ivar aes: AES-128 and CMAC in place of triple DES.
    """

    family: Family
    key: Callable[[bytes, bytes, bytes], bytes]
    covered: tuple[slice, ...]
    padding: int = 2
    arpc: int = 2
    arpc_key: Callable[[bytes, bytes, bytes], bytes] = _common
    vis: bool = False
    contactless: bool = False
    aes: bool = False

    @property
    def layout(self) -> Layout:
        """Where things stand in its Issuer Application Data."""
        return LAYOUTS[self.family]

    def cryptogram(self, master: bytes, subject: Subject) -> bytes:
        """The application cryptogram, 8 bytes (EMV Book 2, 8.1.2)."""
        key = self.key(master, subject.atc, subject.number)
        covered = subject.atc + b"".join(subject.iad[part] for part in self.covered)
        data = subject.terminal(_CONTACTLESS_DATA) if self.contactless else subject.terminal() + subject.aip
        return (
            crypto.aes_mac(key, data + covered) if self.aes else crypto.mac3(key, data + covered, method=self.padding)
        )

    def response(self, master: bytes, subject: Subject, cryptogram: bytes, answer: bytes) -> bytes:
        """The response cryptogram an issuer would have made, 8 or 4 bytes (EMV Book 2, 8.2).

        :param answer: authorisation response code of 2 bytes, or card status update and proprietary data.
        """
        key = self.arpc_key(master, subject.atc, subject.number)
        if self.arpc == 1:
            code = int.from_bytes(answer.ljust(8, b"\x00"), "big")
            return crypto.des3_ecb(key, (int.from_bytes(cryptogram, "big") ^ code).to_bytes(8, "big"))
        mac = crypto.aes_mac if self.aes else crypto.mac3
        return mac(key, cryptogram + answer)[:4]


_CVR_OF_VSDC, _FIRST_OF_CVR, _CVR_OF_MCHIP = (slice(3, 7),), (slice(4, 5),), (slice(2, 8),)
_CVR_AND_COUNTERS: Final = (slice(2, 8), slice(10, 18))
_ALL: Final = (slice(None),)

VERSIONS: Final[Mapping[tuple[Family, int], Version]] = {
    (Family.VSDC, 0x0A): Version(Family.VSDC, _master, _CVR_OF_VSDC, padding=1, arpc=1, arpc_key=_master, vis=True),
    (Family.VSDC, 0x11): Version(Family.VSDC, _master, _FIRST_OF_CVR, padding=1, contactless=True, vis=True),
    (Family.VSDC, 0x12): Version(Family.VSDC, _common, _ALL, vis=True),
    (Family.VSDC_LONG, 0x22): Version(Family.VSDC_LONG, _common, _ALL),
    (Family.MCHIP, 0x10): Version(Family.MCHIP, _skd, _CVR_OF_MCHIP, arpc=1, arpc_key=_master),
    (Family.MCHIP, 0x11): Version(Family.MCHIP, _skd, _CVR_AND_COUNTERS, arpc=1, arpc_key=_master),
    (Family.MCHIP, 0x14): Version(Family.MCHIP, _common, _CVR_OF_MCHIP, arpc=1),
    (Family.MCHIP, 0x15): Version(Family.MCHIP, _common, _CVR_AND_COUNTERS, arpc=1),
    (Family.CCD, 0xA5): Version(Family.CCD, _common, _ALL),
    (Family.CCD, 0xA6): Version(Family.CCD, _common_aes, _ALL, arpc_key=_common_aes, aes=True),
}


def family(iad: bytes) -> Family:
    """Whose Issuer Application Data these are, by their form.

    :raises StatusWordError: 6A80 for no form known here.
    """
    size = len(iad)
    if size == _CCD_SIZE and iad[0] == 0x0F and iad[16] == 0x0F:
        return Family.CCD
    if size == _CCD_SIZE and iad[0] == 0x1F and iad[8] < 0x10:
        return Family.VSDC_LONG
    if size in _VSDC_SIZES and iad[0] == 0x06 and iad[3] == 0x03:
        return Family.VSDC
    if size in _MCHIP_SIZES:
        return Family.MCHIP
    raise StatusWordError(sw.WRONG_DATA)


def of(iad: bytes) -> Version:
    """The cryptogram version that Issuer Application Data name.

    :raises StatusWordError: 6A80 for one that is not known here.
    """
    found = family(iad)
    version = VERSIONS.get((found, iad[LAYOUTS[found].version]))
    if version is None:
        raise StatusWordError(sw.WRONG_DATA)
    return version
