"""What to do with a card that turns up after a crash (the plant's decision table), as a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChipSeen(StrEnum):
    """Which chip was presented."""

    SAME = "same"
    OTHER = "other"
    UNREADABLE = "unreadable"


class MarkerSeen(StrEnum):
    """What its marker says."""

    ABSENT = "absent"
    MATCH = "match-started"
    REMOVED = "removed"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Decision:
    """The way on.

    :param state: state of the record afterwards, None where no record is concerned.  :param code: reject code or "".
    :param stop: ``batch`` where the line must halt, else "".
    """

    state: str | None
    action: str = ""
    code: str = ""
    stop: str = ""
    two_persons: bool = False


WAIT = Decision("IN_DOUBT", "ask for the card")
FOREIGN_HERE = Decision("REJECTED", code="MARKER_FOREIGN", stop="batch")
FOREIGN_ELSEWHERE = Decision(None, code="MARKER_FOREIGN", stop="batch")
NOT_THIS_CARD = Decision("IN_DOUBT", "not this card, return it to the operator")
KNOWN_CARD = Decision("IN_DOUBT", "bin the card as the store says")
UNREADABLE = Decision("IN_DOUBT", "scrap by printed number or carrier position, two persons")
CONTINUE = Decision("BOUND", "resume the plan from its first unmet state", two_persons=True)
START_OVER = Decision("BOUND", "resume from the start on this chip")
FINISHED = Decision("GOOD", two_persons=True)
FINISHED_BAD = Decision("REJECTED", code="DATA_READBACK", two_persons=True)
NOT_BLANK = Decision("IN_DOUBT", "no marker, yet not blank: two persons look", two_persons=True)


def decide(
    *,
    bound: bool,
    chip: ChipSeen | None,
    chip_known: bool = False,
    marker: MarkerSeen = MarkerSeen.ABSENT,
    verified: bool = False,
    blank: bool = False,
) -> Decision:
    """Decide about one record and the card presented for it.

    :param bound: the record has a live attempt.  :param chip: None when no card was presented.
    :param chip_known: the store knows the other chip.  :param marker: what the card's marker says.
    :param verified: full verification passed.  :param blank: key version and life cycle are still the blank's.
    """
    if chip is None:
        return WAIT
    if not bound:
        return FOREIGN_ELSEWHERE if marker is not MarkerSeen.ABSENT else Decision(None)
    if chip is ChipSeen.UNREADABLE:
        return UNREADABLE
    if chip is ChipSeen.OTHER:
        return _other_chip(chip_known=chip_known, marker=marker)
    return _same_chip(marker, verified=verified, blank=blank)


def _other_chip(*, chip_known: bool, marker: MarkerSeen) -> Decision:
    if chip_known:
        return KNOWN_CARD
    return FOREIGN_ELSEWHERE if marker in (MarkerSeen.FOREIGN, MarkerSeen.MATCH) else NOT_THIS_CARD


def _same_chip(marker: MarkerSeen, *, verified: bool, blank: bool) -> Decision:
    if marker is MarkerSeen.REMOVED:
        return FINISHED if verified else FINISHED_BAD
    if marker is MarkerSeen.MATCH:
        return CONTINUE
    if marker is MarkerSeen.FOREIGN:
        return FOREIGN_HERE
    return START_OVER if blank else NOT_BLANK
