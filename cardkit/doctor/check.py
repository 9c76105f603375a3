"""What a check says: a verdict, what was seen, and one line that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended, the better first."""

    NOT_APPLICABLE = "not applicable"
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_SEVERITY = list(Verdict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found.

    :param evidence: words and figures.  :param remedy: one line, empty where there is nothing to mend.
    """

    verdict: Verdict
    evidence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report; ``id`` never changes its meaning."""

    id: str
    verdict: Verdict
    evidence: str
    remedy: str


def ok(evidence: str) -> Seen:
    """All is well."""
    return Seen(Verdict.OK, evidence)


def warn(evidence: str, remedy: str) -> Seen:
    """It works, and should be better."""
    return Seen(Verdict.WARN, evidence, remedy)


def fail(evidence: str, remedy: str) -> Seen:
    """This station cannot drive cards like this."""
    return Seen(Verdict.FAIL, evidence, remedy)


def not_applicable(evidence: str) -> Seen:
    """There is nothing to look at here."""
    return Seen(Verdict.NOT_APPLICABLE, evidence)


def together(*looks: Seen) -> Seen:
    """Make one of several looks: the worst verdict; only troubles are told where there are any."""
    troubles = [seen for seen in looks if seen.verdict in (Verdict.WARN, Verdict.FAIL)]
    told = troubles or looks
    return Seen(
        max((seen.verdict for seen in told), key=_SEVERITY.index),
        "; ".join(seen.evidence for seen in told),
        "; ".join(dict.fromkeys(seen.remedy for seen in told if seen.remedy)),
    )
