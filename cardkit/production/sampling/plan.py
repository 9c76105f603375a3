"""How many cards a sample has, and how many bad ones it may have. ISO 2859-1 tables 1, 2-A, 2-B and clause 9.3

The tables are those of the specification sheet, from memory and recomputed (tightened: unverified). Reduced inspection
is left out: it needs a history and a consent that no store keeps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cardkit.errors import EncodingError

LETTERS = "ABCDEFGHJKLMNPQR"
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000)
AQLS = (
    "0.01", "0.015", "0.025", "0.04", "0.065", "0.1", "0.15", "0.25", "0.4", "0.65", "1.0", "1.5", "2.5", "4.0",
    "6.5", "10",
)  # fmt: skip
"""Acceptance quality limits in per cent."""

# Table 1: the letter of each lot size from one limit to the next, by inspection level.
_LOTS_TO = (8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000)
LEVELS: Mapping[str, str] = {
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}


class Severity(StrEnum):
    """How hard lots are judged; STOP: not before the process was mended."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    STOP = "stop"


# Tables 2-A and 2-B are diagonal: a letter further and an AQL further to the left is the same entry. The number of the
# diagonal with acceptance number 0; an arrow up and one down follow it, then these numbers, then arrows up.
_DIAGONALS = {
    Severity.NORMAL: (14, (1, 2, 3, 5, 7, 10, 14, 21)),
    Severity.TIGHTENED: (15, (1, 2, 3, 5, 8, 12, 18)),
}
UP, DOWN = -1, 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A single sampling plan.

    :param first_letter: that of the lot size; an arrow may lead from it to `letter`, whose size is used, too.
    :param ac: so many bad cards are accepted.  :param whole: the sample would be the lot: every card is inspected.
    """

    lot: int
    level: str
    aql: str
    severity: Severity
    first_letter: str
    letter: str
    n: int
    ac: int
    whole: bool

    @property
    def re(self) -> int:
        """So many bad cards refuse the lot."""
        return self.ac + 1


def plan_of(lot: int, level: str, aql: str, severity: Severity = Severity.NORMAL) -> Plan:
    """Return the plan of a lot.

    :param lot: cards, 1 or more.  :param level: a key of :data:`LEVELS`.  :param aql: of :data:`AQLS`.
    :raises EncodingError: for a lot of no cards, or where inspection has stopped.

    >>> plan = plan_of(5000, "II", "0.65")
    >>> plan.letter, plan.n, plan.ac, plan.re
    ('L', 200, 3, 4)
    """
    if lot < 1:
        raise EncodingError("sample: the lot has no card")
    if severity is Severity.STOP:
        raise EncodingError("sample: inspection has stopped, five lots were refused while it was tightened")
    first = at = LETTERS.index(LEVELS[level][bisect_left(_LOTS_TO, lot)])
    while (arrow := _entry(at, AQLS.index(aql), severity))[0]:
        at += arrow[0]
    n = SIZES[at]
    return Plan(lot, level, aql, severity, LETTERS[first], LETTERS[at], n, arrow[1], n >= lot)


def whole_lot(lot: int) -> Plan:
    """Return the plan that looks at every card, whatever tables say: what a refused lot needs.

    :param lot: cards, 1 or more.  :raises EncodingError: for none.
    """
    if lot < 1:
        raise EncodingError("sample: the lot has no card that was not looked at")
    return Plan(lot, "-", "-", Severity.NORMAL, "-", "-", lot, 0, whole=True)


def _entry(letter: int, aql: int, severity: Severity) -> tuple[int, int]:
    """Return an entry of table 2: an arrow, 0 where there is none, and the acceptance number."""
    zero, numbers = _DIAGONALS[severity]
    beyond = letter + aql - zero
    if beyond == 0:
        return 0, 0
    if 3 <= beyond < 3 + len(numbers):
        return 0, numbers[beyond - 3]
    down = beyond < 0 or beyond == 2
    if letter in (0, len(LETTERS) - 1):  # nothing is above the first letter or below the last
        down = letter == 0
    return (DOWN if down else UP), 0


def severity_after(lots: Iterable[str]) -> Severity:
    """Return how the next lot is judged (clause 9.3, without reduced inspection).

    :param lots: results of original inspections since normal inspection began, oldest first: A accepted, R not.
    :raises EncodingError: on another letter.

    >>> severity_after("AARAR").value
    'tightened'
    """
    severity = Severity.NORMAL
    since = ""
    for result in lots:
        if result not in ("A", "R"):
            raise EncodingError(f"lots before: expected A or R for each, got {result!r}")
        since += result
        after = _switched(severity, since)
        if after is not severity:
            severity, since = after, ""
    return severity


def _switched(severity: Severity, since: str) -> Severity:
    """Say how the next lot is judged, by the lots since the last switch."""
    if severity is Severity.NORMAL and since[-5:].count("R") >= 2:
        return Severity.TIGHTENED
    if severity is Severity.TIGHTENED and since.count("R") >= 5:
        return Severity.STOP
    if severity is Severity.TIGHTENED and since.endswith("AAAAA"):
        return Severity.NORMAL
    return severity
