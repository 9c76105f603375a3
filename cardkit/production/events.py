"""What a run tells its reporter: small frozen values for progress bars, logs and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cardkit.production.couplers.messages import Times
from cardkit.production.stop import Stop


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """A run begins: the records of the batch by state, and the couplers that work."""

    batch: str
    total: int
    ready: int
    good: int
    rejected: int
    in_doubt: int
    couplers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JournalReplayed:
    """Journals of earlier sessions were read: binds brought back to the store, bytes of unfinished records cut off."""

    sessions: int
    binds: int
    torn_bytes: int


@dataclass(frozen=True, slots=True)
class CardStarted:
    """A chip is bound to a record: from now on it counts."""

    coupler: str
    record_no: int


@dataclass(frozen=True, slots=True)
class CardDone:
    """A card left a coupler.

    :param verdict: GOOD, REJECTED, IN_DOUBT, or BLANK_REJECT (out before it was bound, the record goes on).
    :param chip_ref: keyed digest, 16 hex digits, "" for a chip that could not be read.
    :param findings: how many.
    :param times: where its time went, of a card that was worked on to its end.
    """

    coupler: str
    record_no: int
    chip_ref: str
    verdict: str
    code: str | None = None
    reject_class: str | None = None
    apply_ms: int | None = None
    verify_ms: int | None = None
    findings: int = 0
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class CouplerStopped:
    """A coupler takes no more cards."""

    coupler: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class WorkerRestarted:
    """A coupler's process was ended or died, and a new one took its place."""

    coupler: str
    why: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """A run ended.

    :param counts: records by state, all of the batch.
    :param good, rejected, in_doubt, blank_rejects: cards of this run.  :param stopped: why it ended early.
    """

    batch: str
    counts: Mapping[str, int]
    good: int
    rejected: int
    in_doubt: int
    blank_rejects: int
    seconds: float
    stopped: Stop | None = None


Event = BatchStarted | JournalReplayed | CardStarted | CardDone | CouplerStopped | WorkerRestarted | BatchDone
Reporter = Callable[[Event], None]


def silent(event: Event) -> None:
    """Report nothing."""
    del event
