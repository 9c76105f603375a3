"""What was found on the cards of a sample, and what that says of the lot. production.md 13

A sample is accepted when every card of it was looked at and no more than Ac are bad, and refused as soon as more are.
A refused lot is held; it closes when each of its good cards was looked at. A bad card, and one that its check
destroyed, must be recalled: neither counts as good.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from cardkit.errors import EncodingError, IllegalStepError
from cardkit.production.people.roles import Step
from cardkit.production.sampling.curve import honest_sentence
from cardkit.production.sampling.plan import Plan, Severity
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, RecordState, attempt, batch, record, sample, sample_card
from cardkit.production.store.store import Batch, Store

OPEN, ACCEPTED, REFUSED = "OPEN", "ACCEPTED", "REFUSED"
GOOD, BAD = "GOOD", "BAD"
_FINDING = re.compile(r"[A-Z][A-Z0-9_.-]{1,39}")


@dataclass(frozen=True, slots=True)
class Looked:
    """A card of a sample that was looked at.

    :param finding: code of what is bad about it, None for a good card.  :param spent: the check destroyed it.
    """

    row: int
    finding: str | None = None
    spent: bool = False

    def __post_init__(self) -> None:
        if self.finding is not None and not _FINDING.fullmatch(self.finding):
            raise EncodingError(
                f"row {self.row}: a finding is a code, such as DATA_READBACK or a rule's ID, got {self.finding!r}"
            )

    @property
    def verdict(self) -> str:
        """GOOD or BAD."""
        return GOOD if self.finding is None else BAD


@dataclass(frozen=True, slots=True)
class LotVerdict:
    """Where a sample stands.

    :param state: OPEN while cards wait to be looked at, ACCEPTED or REFUSED.
    :param judged, bad, spent: of its `n` cards.  :param findings: how many bad cards have each.
    """

    id: int
    state: str
    plan: Plan
    seed: bytes
    judged: int
    bad: int
    spent: int
    findings: Mapping[str, int]

    @property
    def says(self) -> str:
        """How it stands and what that proves, in words."""
        plan = self.plan
        what = "every card" if plan.whole else f"AQL {plan.aql} % level {plan.level}"
        found = f"{self.state}: {self.judged} of {plan.n} looked at, {self.bad} bad, Ac {plan.ac}, {what}"
        return f"{found}; {honest_sentence(plan)}"


def enter_verdicts(store: Store, name: str, looked: Sequence[Looked]) -> list[LotVerdict]:
    """Enter what was found on cards of the samples of a batch, and judge the lot.

    :returns: all samples of the batch as they stand then.
    :raises IllegalStepError: for a row that no open sample of the batch waits for, or named twice.
    """
    by = store.presence.require(Step.JUDGE, (store.operator,))
    lot = store.batch(name)
    with store.writing() as connection:
        waiting = _waiting(connection, lot)
        named = Counter(card.row for card in looked)
        if strange := [row for row, times in named.items() if times > 1 or row not in waiting]:
            raise IllegalStepError(
                f"batch {name}: row {strange[0]} is in no open sample, was judged already, or is named twice"
            )
        for card in looked:
            _enter(store, connection, waiting[card.row], card)
        store.audit(connection, OFFICE, Event("SAMPLE_CARDS", store.operator, _said(name, by, looked)))
        for found in _verdicts(connection, lot):
            _judge(store, connection, lot, found, by)
        return _verdicts(connection, lot)


def _waiting(connection: Connection, lot: Batch) -> dict[int, list[tuple[int, int]]]:
    """Return the cards that open samples wait for: by row, sample and attempt."""
    open_ = (
        select(sample_card.c.row_no, sample_card.c.sample_id, sample_card.c.attempt_id)
        .join(sample, sample.c.id == sample_card.c.sample_id)
        .where(sample.c.batch_id == lot.id, sample.c.state == OPEN, sample_card.c.verdict.is_(None))
        .with_for_update(of=sample)
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for row in connection.execute(open_):
        found.setdefault(row.row_no, []).append((row.sample_id, row.attempt_id))
    return found


def _enter(store: Store, connection: Connection, places: Iterable[tuple[int, int]], card: Looked) -> None:
    values = {"verdict": card.verdict, "finding": card.finding, "spent": card.spent, "judged_by": store.operator}
    for number, of_attempt in places:
        this = (sample_card.c.sample_id == number) & (sample_card.c.attempt_id == of_attempt)
        connection.execute(update(sample_card).where(this).values(values | {"judged_at": store.clocks.wall()}))


def _said(name: str, by: list[str], looked: Sequence[Looked]) -> dict[str, Any]:
    return {
        "batch": name,
        "by": by,
        "good": [card.row for card in looked if card.verdict == GOOD],
        "bad": {str(card.row): card.finding for card in looked if card.verdict == BAD},
        "spent": [card.row for card in looked if card.spent],
    }


def _judge(store: Store, connection: Connection, lot: Batch, found: LotVerdict, by: list[str]) -> None:
    """Say what an open sample says of its lot as soon as it does; hold a batch that is refused."""
    plan = found.plan
    refused = found.bad > plan.ac and not plan.whole
    if found.state != OPEN or not (refused or found.judged == plan.n):
        return
    state = REFUSED if refused else ACCEPTED
    connection.execute(update(sample).where(sample.c.id == found.id).values(state=state))
    data = {"batch": lot.name, "by": by, "seed": found.seed.hex(), "n": plan.n, "ac": plan.ac, "bad": found.bad}
    store.audit(connection, OFFICE, Event("SAMPLE_VERDICT", store.operator, data | {"verdict": state}))
    if refused:
        why = f"a sample refused it: {found.bad} bad cards of {found.judged}, Ac {plan.ac}"
        holding = update(batch).where(batch.c.id == lot.id, batch.c.state == BatchState.OPEN)
        if connection.execute(holding.values(state=BatchState.HELD, why=why)).rowcount:
            store.audit(connection, OFFICE, Event("HOLD", store.operator, {"batch": lot.name, "by": by, "why": why}))


def lot_verdicts(store: Store, lot: Batch) -> list[LotVerdict]:
    """Return the samples of a batch as they stand, oldest first."""
    with store.reading() as connection:
        return _verdicts(connection, lot)


def _verdicts(connection: Connection, lot: Batch) -> list[LotVerdict]:
    rows = connection.execute(select(sample).where(sample.c.batch_id == lot.id).order_by(sample.c.id)).all()
    return [_verdict(connection, row) for row in rows]


def _verdict(connection: Connection, row: Any) -> LotVerdict:
    mine = sample_card.c.sample_id == row.id
    kinds = select(sample_card.c.verdict, sample_card.c.finding, sample_card.c.spent, func.count().label("number"))
    grouped = kinds.where(mine, sample_card.c.verdict.is_not(None)).group_by(*list(kinds.selected_columns)[:3])
    judged = bad = spent = 0
    findings: dict[str, int] = {}
    for one in connection.execute(grouped.order_by(sample_card.c.finding)):
        judged += one.number
        bad += one.number * (one.verdict == BAD)
        spent += one.number * one.spent
        if one.finding is not None:
            findings[one.finding] = findings.get(one.finding, 0) + one.number
    plan = Plan(row.lot, row.level, row.aql, Severity(row.severity), "-", "-", row.n, row.ac, row.whole)
    return LotVerdict(row.id, row.state, plan, row.seed, judged, bad, spent, findings)


def spent_cards(store: Store, lot: Batch) -> int:
    """Return how many cards of a batch the checks of samples destroyed."""
    spent = (
        select(func.count(sample_card.c.attempt_id.distinct()))
        .join(sample, sample.c.id == sample_card.c.sample_id)
        .where(sample.c.batch_id == lot.id, sample_card.c.spent)
    )
    with store.reading() as connection:
        return int(connection.scalar(spent) or 0)


def against_closing(store: Store, lot: Batch) -> tuple[str, ...]:
    """Return what samples say against closing a batch: SAMPLE_OPEN, SAMPLE_REFUSED, SAMPLE_BAD; nothing if all is well.

    A refused lot closes when each of its good cards was looked at; those found bad do not count as good.
    """
    states = {found.state for found in lot_verdicts(store, lot)}
    good = (attempt.c.record_id == record.c.id) & (record.c.batch_id == lot.id) & (attempt.c.state == RecordState.GOOD)
    seen = select(sample_card.c.attempt_id).where(sample_card.c.verdict.is_not(None))
    unseen = select(func.count(attempt.c.id)).where(good, attempt.c.id.not_in(seen))
    wrong = (sample_card.c.attempt_id == attempt.c.id) & ((sample_card.c.verdict == BAD) | sample_card.c.spent)
    with store.reading() as connection:
        left = connection.scalar(unseen) if REFUSED in states else 0
        bad = connection.scalar(select(func.count(attempt.c.id)).where(good, wrong))
    tests = {"SAMPLE_OPEN": OPEN in states, "SAMPLE_REFUSED": bool(left), "SAMPLE_BAD": bool(bad)}
    return tuple(name for name, failed in tests.items() if failed)


def sample_marks(store: Store, lot: Batch) -> dict[int, str]:
    """Return what each card is that a sample holds: by number of the attempt, DRAWN, GOOD, BAD or SPENT."""
    cards = (
        select(sample_card.c.attempt_id, sample_card.c.verdict, sample_card.c.spent)
        .join(sample, sample.c.id == sample_card.c.sample_id)
        .where(sample.c.batch_id == lot.id)
        .order_by(sample.c.id)
    )
    with store.reading() as connection:
        rows = connection.execute(cards).all()
    return {row.attempt_id: "SPENT" if row.spent else row.verdict or "DRAWN" for row in rows}
