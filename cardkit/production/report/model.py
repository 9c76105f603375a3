"""What a report is made of: plain values, already masked by the caller, that no renderer needs to look behind.

Values of fields classed ``secret`` never come here; those classed ``personal`` come masked (security.md 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cardkit.desired import NOT_CHECKED, Finding, Severity
from cardkit.production.action import next_action


class Verdict(StrEnum):
    """What became of a card. Only GOOD is good: NOT_PROVEN means that something was not checked."""

    GOOD = "GOOD"
    REJECTED = "REJECTED"
    IN_DOUBT = "IN_DOUBT"
    NOT_PROVEN = "NOT_PROVEN"
    SCRAPPED = "SCRAPPED"
    LOST = "LOST"


class Kind(StrEnum):
    """TEST batches are watermarked, LIVE batches are not; a batch is never both."""

    TEST = "TEST"
    LIVE = "LIVE"


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def weight(finding: Finding) -> str:
    """How much a finding weighs, in words: ``stop``, ``error``, ``warning``, ``info`` or ``not checked``."""
    return NOT_CHECKED if finding.not_checked else finding.severity.name.lower()


@dataclass(frozen=True, slots=True)
class CardResult:
    """One card of the batch.

    :param row: row of the order, from 1.
    :param chip: short form of the chip's keyed digest; empty if no chip was bound.
    :param identity: what a person may see of the card: the ICCID in full, an IMSI masked.
    :param code: reject or doubt code of production.md 12, empty for a good card.
    :param reject_class: class of that code: ``contact``, ``key``, ``data`` ...
    :param findings: in the order of the check.
    :param apdus: commands sent.  :param apply_ms, verify_ms: milliseconds.  None where nobody measured.
    :param coupler: name of the coupler that held the card.
    :param sample: what a sample says of the card: DRAWN, GOOD, BAD or SPENT; empty where it is in none.
    """

    row: int
    chip: str
    identity: str
    verdict: Verdict
    code: str = ""
    reject_class: str = ""
    findings: tuple[Finding, ...] = ()
    apdus: int | None = None
    apply_ms: int | None = None
    verify_ms: int | None = None
    coupler: str = ""
    sample: str = ""

    @property
    def milliseconds(self) -> int | None:
        """Card time, apply and verify together; None where neither was measured."""
        if self.apply_ms is None and self.verify_ms is None:
            return None
        return (self.apply_ms or 0) + (self.verify_ms or 0)

    @property
    def action(self) -> str:
        """What the operator does next with the card, one sentence."""
        return next_action(self.verdict.value, self.code, self.reject_class)

    @property
    def worst_first(self) -> list[Finding]:
        """The findings by severity, what was not checked last, else in the order of the check."""
        return sorted(self.findings, key=lambda finding: (finding.not_checked, _RANK[finding.severity]))


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch, or one card, as a report shows it.

    :param profile_sha256: content hash of the profile, 64 hex digits.
    :param started, ended: aware times.
    :param cards: read once, so it may be a cursor over millions of rows; shown in the order given.
    :param totals: the store's own counts (``imported``, ``quarantined``, ``good`` ...) for the reconciliation table.
    :param equations: how those, and the cards counted by hand, balance: ``3 issued = 2 good + 1 lost, difference 0``.
    :param samples: how the samples of the batch stand and what that proves, a sentence each.
    :param keys: where its keys were and what was not done inside a token, a sentence each (K9).
    """

    batch: str
    profile: str
    profile_version: str
    profile_sha256: str
    kind: Kind
    station: str
    operator: str
    software: str
    started: datetime
    ended: datetime
    cards: Iterable[CardResult]
    totals: Mapping[str, int] = field(default_factory=dict)
    equations: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
