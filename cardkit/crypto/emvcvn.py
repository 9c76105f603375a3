"""Cryptogram versions: which key, which data, which padding; a number means nothing without its family.

EMV 4.4 Book 2, 8 and 9; Book 3, C9. What is of a payment scheme is unverified, but for vectors of other programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cardkit.crypto.cardkeys import Scheme
from cardkit.errors import EncodingError

ATC_TAG, IAD_TAG = b"\x9f\x36", b"\x9f\x10"
# Book 2, 8.1.1: what goes into a cryptogram, in this order, then AIP, ATC and what the version adds
_TERMINAL_TAGS = tuple(bytes.fromhex(tag) for tag in ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37"))
_CARD_TAGS = (b"\x82", ATC_TAG)
_QVSDC_TAGS = (b"\x9f\x02", b"\x9f\x37", ATC_TAG)


class Family(StrEnum):
    """Whose specification numbers a cryptogram version."""

    VSDC = "vsdc"
    MCHIP = "mchip"
    INTERAC = "interac"
    CCD = "ccd"


class Session(StrEnum):
    """How a session key is made from a card's master key."""

    MASTER = "master key"
    COMMON = "EMV common"
    SKD = "M/Chip SKD"
    VIS = "VIS"
    TREE = "EMV2000 tree"


class Tail(StrEnum):
    """What a cryptogram covers of the issuer application data."""

    CVR = "CVR"
    CVR_COUNTERS = "CVR and counters"
    WHOLE = "issuer application data"
    FIFTH = "fifth byte of the issuer application data"


class Padding(StrEnum):
    """How a MAC's message is filled up (ISO/IEC 9797-1); AES has CMAC instead."""

    ZEROS = "method 1"
    METHOD_2 = "method 2"


class Arpc(StrEnum):
    """How an issuer's answer is authenticated (Book 2, 8.2)."""

    ONE_MASTER = "method 1 with the master key"
    ONE_SESSION = "method 1"
    TWO = "method 2"


class Hiding(StrEnum):
    """How a script's secret data are enciphered (Book 2, 9.3)."""

    LENGTH_ECB = "length before, padding method 2, ECB"
    CBC_FITTING = "padding method 2 where it is no whole block, CBC"
    CBC = "padding method 2, CBC"


class PinForm(StrEnum):
    """How a new PIN stands in a script."""

    VIS = "VIS"
    VIS_OR_2 = "VIS with the current PIN, format 2 without"
    FORMAT_2 = "format 2"


@dataclass(frozen=True, slots=True)
class Scripting:
    """What a version does with issuer scripts.

    :param covers_transaction: whether the MAC covers ATC and cryptogram between header and data.
    :param counted: whether the session keys of each further command differ (M/Chip).
    """

    session: Session
    hiding: Hiding
    pin: PinForm
    covers_transaction: bool = True
    counted: bool = False


@dataclass(frozen=True, slots=True)
class CryptogramVersion:
    """One cryptogram version.

    :param number: as the card says it; for CCD the common core identifier.
    :param option: how the card's master keys are derived (A1.4); an issuer may have agreed on another one.
    :param arpc: and ``scripting``: None where there is no online answer (contactless).
    """

    family: Family
    number: int
    option: Scheme
    session: Session
    tail: Tail
    padding: Padding
    arpc: Arpc | None
    scripting: Scripting | None

    @property
    def name(self) -> str:
        """``vsdc 12``: the number in hexadecimal."""
        return f"{self.family} {self.number:02X}"


_VSDC = Scripting(Session.VIS, Hiding.LENGTH_ECB, PinForm.VIS)
_VSDC_22 = Scripting(Session.COMMON, Hiding.LENGTH_ECB, PinForm.VIS_OR_2)
_MCHIP = Scripting(Session.COMMON, Hiding.CBC_FITTING, PinForm.FORMAT_2, counted=True)
_INTERAC = Scripting(Session.COMMON, Hiding.CBC_FITTING, PinForm.FORMAT_2, covers_transaction=False)
_CCD = Scripting(Session.COMMON, Hiding.CBC, PinForm.FORMAT_2)
_A, _B, _C = Scheme.EMV_A, Scheme.EMV_B, Scheme.EMV_C
_COMMON, _SKD, _MASTER = Session.COMMON, Session.SKD, Session.MASTER
_M2, _ZEROS = Padding.METHOD_2, Padding.ZEROS
_VERSIONS = (
    CryptogramVersion(Family.VSDC, 0x0A, _A, _MASTER, Tail.CVR, _ZEROS, Arpc.ONE_MASTER, _VSDC),
    CryptogramVersion(Family.VSDC, 0x11, _A, _MASTER, Tail.FIFTH, _ZEROS, None, None),
    CryptogramVersion(Family.VSDC, 0x12, _B, _COMMON, Tail.WHOLE, _M2, Arpc.TWO, _VSDC),
    CryptogramVersion(Family.VSDC, 0x22, _B, _COMMON, Tail.WHOLE, _M2, Arpc.TWO, _VSDC_22),
    CryptogramVersion(Family.MCHIP, 0x10, _A, _SKD, Tail.CVR, _M2, Arpc.ONE_MASTER, _MCHIP),
    CryptogramVersion(Family.MCHIP, 0x11, _A, _SKD, Tail.CVR_COUNTERS, _M2, Arpc.ONE_MASTER, _MCHIP),
    CryptogramVersion(Family.MCHIP, 0x12, _A, Session.TREE, Tail.CVR, _M2, Arpc.ONE_SESSION, _MCHIP),
    CryptogramVersion(Family.MCHIP, 0x13, _A, Session.TREE, Tail.CVR_COUNTERS, _M2, Arpc.ONE_SESSION, _MCHIP),
    CryptogramVersion(Family.MCHIP, 0x14, _A, _COMMON, Tail.CVR, _M2, Arpc.ONE_SESSION, _MCHIP),
    CryptogramVersion(Family.MCHIP, 0x15, _A, _COMMON, Tail.CVR_COUNTERS, _M2, Arpc.ONE_SESSION, _MCHIP),
    CryptogramVersion(Family.INTERAC, 0x85, _A, _SKD, Tail.WHOLE, _M2, Arpc.ONE_SESSION, _INTERAC),
    CryptogramVersion(Family.CCD, 0xA5, _A, _COMMON, Tail.WHOLE, _M2, Arpc.TWO, _CCD),
    CryptogramVersion(Family.CCD, 0xA6, _C, _COMMON, Tail.WHOLE, _M2, Arpc.TWO, _CCD),
)
VERSIONS = {(version.family, version.number): version for version in _VERSIONS}


def find_version(family: str, number: int, option: str = "") -> CryptogramVersion:
    """Return a cryptogram version.

    :param family: ``vsdc``, ``mchip``, ``interac`` or ``ccd``.  :param number: as the card says it, 0 to 255.
    :param option: ``a``, ``b`` or ``c`` where the issuer agreed on another than the version has.
    :raises EncodingError: where there is none.

    >>> find_version("vsdc", 0x12).session.value
    'EMV common'
    """
    if family not in list(Family) or (Family(family), number) not in VERSIONS:
        known = ", ".join(version.name for version in _VERSIONS)
        raise EncodingError(f"cryptogram version {family} {number:02X}: expected one of {known}")
    version = VERSIONS[Family(family), number]
    if not option:
        return version
    options = {scheme.value[-1]: scheme for scheme in (_A, _B, _C)}
    if option not in options:
        raise EncodingError(f"cryptogram version {version.name}: option {option!r}, expected a, b or c")
    return replace(version, option=options[option])


@dataclass(frozen=True, slots=True)
class IssuerData:
    """Issuer application data (tag 9F10), as far as a cryptogram needs them.

    :param key_index: derivation key index: which of the issuer's master keys.
    :param cvr: card verification results.  :param counters: 8 bytes, empty where the format has none.
    """

    version: CryptogramVersion
    key_index: int
    cvr: bytes
    counters: bytes


def read_issuer_data(data: bytes) -> IssuerData:
    """Tell the format of issuer application data, and read them.

    :param data: value of 9F10.  :raises EncodingError: on a format that is not known, or a version that is not.
    Book 3, C9 (CCD); others as cards have them (unverified)
    """
    size = len(data)
    if size == 32 and data[0] == 0x0F and data[1] in (0xA5, 0xA6) and data[16] == 0x0F:
        return IssuerData(find_version(Family.CCD, data[1]), data[2], data[3:8], data[8:16])
    if size >= 18 and data[1] & 0xF0 == 0x10 and not data[1] & 0x08:
        return IssuerData(find_version(Family.MCHIP, data[1]), data[0], data[2:8], data[10:18])
    if size >= 7 and data[0] == 0x06 and data[3] == 0x03:
        return IssuerData(find_version(Family.VSDC, data[2]), data[1], data[3:7], b"")
    if size == 32 and data[0] == 0x1F and not data[8] & 0xF0:
        return IssuerData(find_version(Family.VSDC, data[1]), data[2], data[3:8], b"")
    raise EncodingError(f"issuer application data 9F10 of {size} bytes: format of no cryptogram version known here")


def cryptogram_data(version: CryptogramVersion, values: Mapping[bytes, bytes]) -> bytes:
    """Return what an application cryptogram covers, unpadded.

    :param values: by tag, as sent: those of the terminal, AIP (82), ATC (9F36), issuer application data (9F10).
    :raises EncodingError: where one is missing, or the issuer application data are of another format.
    Book 2, 8.1.1
    """
    tags = _QVSDC_TAGS if version.tail is Tail.FIFTH else _TERMINAL_TAGS + _CARD_TAGS
    missing = [tag.hex().upper() for tag in (*tags, IAD_TAG) if tag not in values]
    if missing:
        raise EncodingError(f"cryptogram {version.name}: {', '.join(missing)} missing")
    return b"".join(values[tag] for tag in tags) + _tail(version, values[IAD_TAG])


def _tail(version: CryptogramVersion, data: bytes) -> bytes:
    if version.tail is Tail.WHOLE:
        return data
    if version.tail is Tail.FIFTH:
        if len(data) < 5:
            raise EncodingError(f"cryptogram {version.name}: 9F10 of {len(data)} bytes, expected 5 or more")
        return data[4:5]
    read = read_issuer_data(data)
    if read.version.family is not version.family:
        raise EncodingError(f"cryptogram {version.name}: 9F10 is of {read.version.name}")
    return read.cvr + read.counters if version.tail is Tail.CVR_COUNTERS else read.cvr
