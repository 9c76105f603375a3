"""Closing a batch: cards and records must come out at zero. production.md 8"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

OPEN_STATES = ("ready", "leased", "bound")


@dataclass(frozen=True, slots=True)
class CardCounts:
    """Cards of a batch, counted by hand and entered, not copied from the store.

    :param issued: taken from the vault; the others say where they went.
    """

    issued: int
    good: int
    rejected_personalized: int = 0
    rejected_blank: int = 0
    samples: int = 0
    test: int = 0
    setup: int = 0
    lost: int = 0
    in_doubt: int = 0
    returned: int = 0

    @property
    def difference(self) -> int:
        """Cards issued and not accounted for; negative when there are too many."""
        went: dict[str, int] = asdict(self)
        return 2 * self.issued - sum(went.values())

    @property
    def equation(self) -> str:
        """The equation with its numbers, parts that are zero left out.

        >>> CardCounts(issued=3, good=2, lost=1).equation
        '3 issued = 2 good + 1 lost, difference 0'
        """
        went: dict[str, int] = asdict(self)
        return _equation("issued", went)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the store knows when a batch is to be closed.

    :param records: number of records by state in lower case, and ``imported``.
    :param incidents: lost records with an incident number.  :param undisposed: quarantined rows nobody decided about.
    :param unsound: invariants or audit findings.  :param sampling: what samples say against closing, by their codes.
    :param delivered: good cards of which nobody proved that what they were delivered with opens them no more.
    :param spent: cards that the checks of samples destroyed; None where nobody knows.
    """

    records: Mapping[str, int]
    incidents: int = 0
    undisposed: int = 0
    unsound: int = 0
    delivered: int = 0
    sampling: tuple[str, ...] = ()
    spent: int | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """Whether a batch can be closed, and every reason against it."""

    difference: int
    closable: bool
    why: tuple[str, ...] = ()


def records_equation(records: Mapping[str, int]) -> str:
    """Return how the records of a batch balance, parts that are zero left out.

    :param records: as in :class:`Ledger`.

    >>> records_equation({"imported": 3, "good": 2, "in_doubt": 1, "lost": 0})
    '3 imported = 2 good + 1 in doubt, difference 0'
    """
    return _equation("imported", records)


def _equation(total: str, counts: Mapping[str, int]) -> str:
    went = {name: count for name, count in counts.items() if count and name != total}
    parts = " + ".join(f"{count} {name.replace('_', ' ')}" for name, count in went.items())
    return f"{counts[total]} {total} = {parts or '0'}, difference {counts[total] - sum(went.values())}"


def reconcile(cards: CardCounts, ledger: Ledger) -> Closing:
    """Compare cards with records.

    >>> reconcile(CardCounts(issued=2, good=2), Ledger({"imported": 2, "good": 2})).closable
    True
    """
    records = ledger.records
    accounted = sum(count for state, count in records.items() if state != "imported")
    tests = {
        "CARDS_DIFFER": cards.difference != 0,
        "RECORDS_DIFFER": accounted != records["imported"],
        "IN_DOUBT": records.get("in_doubt", 0) > 0 or cards.in_doubt > 0,
        "RECORDS_OPEN": any(records.get(state, 0) for state in OPEN_STATES),
        "GOOD_DIFFERS": cards.good != records.get("good", 0),
        "REJECTED_OPEN": records.get("rejected", 0) > 0,
        "LOST_WITHOUT_INCIDENT": records.get("lost", 0) > ledger.incidents,
        "QUARANTINE_OPEN": ledger.undisposed > 0,
        "UNSOUND": ledger.unsound > 0,
        "DELIVERED_KEYS": ledger.delivered > 0,
    }
    if ledger.spent is not None:
        tests["SAMPLES_DIFFER"] = cards.samples != ledger.spent
    why = (*(name for name, failed in tests.items() if failed), *ledger.sampling)
    return Closing(cards.difference, not why, why)
