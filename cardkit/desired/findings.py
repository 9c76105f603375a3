"""What a card showed, and what the rules say about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NOT_CHECKED = "not checked"
ATR_FITS = "ATR fits"
"""Name of a note the run makes after each reset: whether the ATR is that of the profile's chip."""

DIFFERS = "differs from the golden card"
"""Name of a note whoever has a golden card's dump makes: a frozenset of the places in which this card differs."""
REPEATED = "had by another card"
"""Name of a note the run makes where somebody remembers cards: a frozenset of kinds, as :class:`Distinct` has them."""
LOOKED = "all that was found on the card"
"""Name of a note whoever has dumped the card makes: the document."""
NOT_ALIKE = ("as on the golden card", "another value")


class Severity(StrEnum):
    """How bad a finding is: stop the line, error, warning, information."""

    STOP = "S"
    ERROR = "E"
    WARNING = "W"
    INFO = "I"


class Secrecy(StrEnum):
    """Who may see a file's contents: anybody, people who may see a holder's data, nobody."""

    PUBLIC = "public"
    PERSONAL = "personal"
    SECRET = "secret"  # noqa: S105  (a word, not a password)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has to say about one card.

    :param where: the state or file it is about.  :param expected, actual: for people; secrets never, lengths at most.
    :param decoded: the difference in the field's terms, "" where there is nothing to decode.
    :param secrecy: of what ``expected``, ``actual`` and ``decoded`` may quote; reports mask all but the public.
    """

    rule: str
    severity: Severity
    clause: str
    where: str
    expected: str
    actual: str
    decoded: str = ""
    secrecy: Secrecy = Secrecy.SECRET

    @property
    def not_checked(self) -> bool:
        """Whether the rule could not be applied."""
        return self.actual.startswith(NOT_CHECKED)

    @property
    def bad(self) -> bool:
        """Whether a card with this finding must not leave."""
        return self.severity in (Severity.STOP, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Rule:
    """A verification rule: what must hold, and where the standard says so.

    :param security_code: reject code of a card that breaks it, where that stops the whole batch; "" elsewhere.
    :param meaning: what a card that breaks it does to its holder, "" where nobody has written it down.
    :param delivered: it says that what the card was delivered with opens nothing any more.
    """

    id: str
    severity: Severity
    clause: str
    text: str
    security_code: str = ""
    meaning: str = ""
    delivered: bool = False

    def finding(
        self, where: str, expected: str, actual: str, *, decoded: str = "", secrecy: Secrecy = Secrecy.SECRET
    ) -> Finding:
        """Return what this rule has to say about one card; "not checked" is a warning, however grave the rule."""
        severity = Severity.WARNING if actual.startswith(NOT_CHECKED) else self.severity
        return Finding(self.id, severity, self.clause, where, expected, actual, decoded, secrecy)


MARKER_STANDS = Rule(
    "PERSO-001", Severity.ERROR, "plant", "the plant's marker names this record until the card is sealed"
)
MARKER_GONE = Rule("PERSO-002", Severity.ERROR, "plant", "a finished card carries no marker of the plant")
ALIKE = Rule("PERSO-004", Severity.INFO, "house rule", "the card differs from the golden one only where it may")


@dataclass(frozen=True, slots=True)
class Observations:
    """What a card showed during one check.

    :param bodies: contents by state or file name.  :param words: status words of what could not be read or proven.
    :param notes: other results by name: counters, proofs, SQN.
    """

    bodies: dict[str, bytes] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
