"""Card verification results: what the card tells the issuer of this transaction and the last (EMV Book 3, C9).

The facts are one record; each family of Issuer Application Data has its own bits for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .data import LARGEST_AMOUNT
from .versions import Family, Version

_COUNTERS_END: Final = b"\xff"


class Cryptogram(IntEnum):
    """Type of an application cryptogram: b2 b1 as CID b8 b7 and the CVR have them."""

    AAC = 0
    TC = 1
    ARQC = 2


NOT_REQUESTED: Final = 2  # of the second cryptogram


class Issuer(IntEnum):
    """What became of issuer authentication in this transaction."""

    NOT_PERFORMED = 0
    FAILED = 1
    SUCCESSFUL = 2


@dataclass(frozen=True, slots=True)
class Passed:
    """Limits this transaction would pass."""

    lower_count: bool = False
    upper_count: bool = False
    lower_amount: bool = False
    upper_amount: bool = False

    @property
    def lower(self) -> bool:
        """Either lower limit?"""
        return self.lower_count or self.lower_amount

    @property
    def upper(self) -> bool:
        """Either upper limit?"""
        return self.upper_count or self.upper_amount


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a CVR may tell.

    :ivar first: type of the first cryptogram.  :ivar second: of the second, NOT_REQUESTED with the first.
    :ivar cda: this cryptogram is signed.  :ivar dda: INTERNAL AUTHENTICATE or fDDA signed.
    :ivar tries: PIN tries left.  :ivar pin: offline PIN was verified in this transaction: True or False; None not.
    :ivar incomplete: the last online transaction ended before its second cryptogram.
    :ivar failed_before: issuer authentication failed in the last transaction.
    :ivar scripts: script commands done, 0 to 15, and whether one failed.
    :ivar domestic: terminal in the card's country; None when the card does not know its own.
    :ivar count: consecutive offline transactions.  :ivar amount: their sum.
    """

    first: int
    second: int = NOT_REQUESTED
    issuer: Issuer = Issuer.NOT_PERFORMED
    cda: bool = False
    dda: bool = False
    tries: int = 0
    pin: bool | None = None
    enciphered: bool = False
    pin_blocked: bool = False
    incomplete: bool = False
    new_card: bool = False
    online_next: bool = False
    failed_before: bool = False
    unable: bool = False
    scripts: int = 0
    script_failed: bool = False
    domestic: bool | None = None
    passed: Passed = Passed()
    count: int = 0
    amount: int = 0

    @property
    def types(self) -> int:
        """Second and first cryptogram, b8 to b5."""
        return self.second << 6 | self.first << 4

    @property
    def is_second(self) -> bool:
        """Is it the second cryptogram's?"""
        return self.second != NOT_REQUESTED


def _bits(*lines: tuple[int, object]) -> int:
    return sum(bit for bit, condition in lines if condition)


def _limits(passed: Passed) -> int:
    return _bits((0x80, passed.lower_count), (0x40, passed.upper_count), (0x20, passed.lower_amount)) | _bits(
        (0x10, passed.upper_amount)
    )


def _vsdc(facts: Facts) -> bytes:
    failed = facts.issuer is Issuer.FAILED
    skipped = facts.is_second and facts.issuer is Issuer.NOT_PERFORMED and not facts.unable
    return bytes(
        (
            0x03,
            facts.types
            | _bits((0x08, failed), (0x04, facts.pin is not None), (0x02, facts.pin is False), (0x01, facts.unable)),
            _bits((0x80, facts.incomplete), (0x40, facts.pin_blocked), (0x20, facts.passed.lower or facts.passed.upper))
            | _bits((0x10, facts.new_card), (0x08, facts.failed_before), (0x04, skipped)),
            min(facts.scripts, 15) << 4 | _bits((0x08, facts.script_failed), (0x02, facts.dda)),
        )
    )


def _vsdc_long(facts: Facts) -> bytes:
    """Five bytes without a length: those of the short form, then one that is RFU (unverified)."""
    return _vsdc(facts)[1:] + bytes(2)


def _mchip(facts: Facts) -> bytes:
    signed = facts.cda
    return bytes(
        (
            facts.types | _bits((0x04, facts.pin is not None), (0x02, facts.enciphered), (0x01, facts.pin)),
            _bits((0x80, facts.dda), (0x40, signed and not facts.is_second), (0x20, signed and facts.is_second))
            | _bits((0x10, facts.issuer is not Issuer.NOT_PERFORMED)),
            min(facts.scripts, 15) << 4 | min(facts.tries, 15),
            _bits((0x80, facts.incomplete), (0x40, facts.unable), (0x20, facts.pin is None), (0x10, facts.pin is False))
            | _bits((0x08, facts.pin_blocked), (0x04, facts.domestic is False), (0x02, facts.domestic)),
            _limits(facts.passed)
            | _bits((0x08, facts.online_next), (0x04, facts.issuer is Issuer.FAILED or facts.failed_before))
            | _bits((0x02, facts.scripts), (0x01, facts.script_failed)),
            0,
        )
    )


def _ccd(facts: Facts) -> bytes:
    return bytes(
        (
            facts.types
            | _bits((0x08, facts.cda), (0x04, facts.dda), (0x01, facts.issuer is Issuer.FAILED))
            | _bits((0x02, facts.is_second and facts.issuer is Issuer.NOT_PERFORMED)),
            min(facts.tries, 15) << 4
            | _bits((0x08, facts.pin is not None), (0x04, facts.pin is False), (0x02, facts.pin_blocked))
            | _bits((0x01, facts.incomplete)),
            _limits(facts.passed),
            min(facts.scripts, 15) << 4
            | _bits((0x08, facts.script_failed), (0x02, facts.online_next), (0x01, facts.unable)),
            0,
        )
    )


_ENCODERS: Final[Mapping[Family, Callable[[Facts], bytes]]] = {
    Family.VSDC: _vsdc,
    Family.VSDC_LONG: _vsdc_long,
    Family.MCHIP: _mchip,
    Family.CCD: _ccd,
}


def issuer_application_data(version: Version, template: bytes, facts: Facts, idn: bytes = b"") -> bytes:
    """Tag 9F10 as it leaves the card.

    :param template: as personalized.  :param idn: ICC dynamic number of this transaction, empty without one.
    """
    layout, parts = version.layout, bytearray(template)
    parts[layout.cvr] = _ENCODERS[version.family](facts)
    if layout.idn is not None and idn:
        parts[layout.idn] = idn[:2]
    if layout.counters is not None:
        amount = bytes.fromhex(f"{min(facts.amount, LARGEST_AMOUNT):012d}")
        parts[layout.counters] = amount + bytes((min(facts.count, 0xFF),)) + _COUNTERS_END
    return bytes(parts)
