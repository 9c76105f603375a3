"""Journal and store together: what waits at the same time is settled together, each judged alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.production.books import PROCEED, Books, Post, Settled, Verdict
from cardkit.production.couplers.messages import Bind, Ended, Intent
from cardkit.production.journal import Journal, read_journal
from cardkit.production.store import Card, start_session
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.schema import record
from cardkit.production.store.station import Claim
from cardkit.production.store.steps import Steps
from tests.unit.production.conftest import BATCH, open_batch

RECORDS = 5


class Desk:
    """Books over a store of five leased records, with a gate before each flush of the journal."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = open_batch(folder / "a.db", RECORDS)
        self.lot = self.store.batch(BATCH)
        self.session, _ = start_session(self.store, "s1")
        self.claims = self.session.claim(BATCH, RECORDS, 60)
        self.path = folder / "a.journal"
        self.journal = Journal(self.path, {"session": self.session.id})
        self.books = Books(self.session, self.journal, self.lot, self.store.vault.batch(BATCH))
        self.flushing, self.gate = threading.Event(), threading.Event()
        self.flushes, self.commits = 0, 0
        self.interrupted = 0
        sync, commit = Journal.sync, Steps.commit

        def gated(journal: Journal) -> None:
            self.flushes += 1
            self.flushing.set()
            assert self.gate.wait(10)
            if self.flushes == self.interrupted:
                raise KeyboardInterrupt
            sync(journal)

        def counted(steps: Steps) -> None:
            self.commits += 1
            commit(steps)

        monkeypatch.setattr(Journal, "sync", gated)
        monkeypatch.setattr(Steps, "commit", counted)

    def bind(self, row: int, chip: str) -> Post:
        return Post(row, self.claims[row - 1], Bind(chip))

    def states(self) -> list[str]:
        with self.store.reading() as connection:
            return [row.state for row in connection.execute(record.select().order_by(record.c.id))]

    def settle_at_once(self, *posts: Post) -> list[Settled | None]:
        """Settle each post in a thread of its own; the others wait while the first one flushes."""
        answers: list[Settled | None] = [None] * len(posts)

        def settle(number: int) -> None:
            with contextlib.suppress(KeyboardInterrupt):
                (answers[number],) = self.books.settle([posts[number]])

        threads = [threading.Thread(target=settle, args=(number,), daemon=True) for number in range(len(posts))]
        threads[0].start()
        assert self.flushing.wait(10)
        for waiting, thread in enumerate(threads[1:], 1):
            thread.start()
            while len(self.books._waiting) < waiting:
                pass
        self.gate.set()
        for thread in threads:
            thread.join(10)
        return answers


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.journal.close()
    made.store.close()


def test_couplers_that_wait_share_a_flush_and_a_transaction(desk: Desk) -> None:
    answers = desk.settle_at_once(*(desk.bind(row, f"c{row}") for row in range(1, 6)))
    assert answers == [PROCEED] * 5
    assert desk.states() == ["BOUND"] * 5
    assert (desk.flushes, desk.commits) == (2, 2)
    chips = {entry["chip"] for entry in read_journal(desk.path).entries if entry["event"] == "bind"}
    assert chips == {f"c{row}" for row in range(1, 6)}


def test_one_that_is_refused_spoils_no_other(desk: Desk) -> None:
    fenced = Post(3, Claim(3, 3, token=7), Bind("c3"))
    answers = desk.settle_at_once(desk.bind(1, "c1"), desk.bind(2, "c1"), fenced, desk.bind(4, "c4"))
    assert [answer.code if answer else None for answer in answers] == [None, "CHIP_USED", "FENCED", None]
    assert desk.states() == ["BOUND", "LEASED", "LEASED", "BOUND", "LEASED"]


def test_a_bind_an_intent_and_an_end_may_share(desk: Desk) -> None:
    desk.gate.set()
    desk.books.settle([desk.bind(1, "c1"), desk.bind(2, "c2")])
    desk.gate.clear()
    desk.flushing.clear()
    ended = Ended(good=True, bound=True, chip="c1", evidence_sha256=b"e" * 32)
    intent = Post(2, desk.claims[1], Intent("check", "order:pin1", 3))
    answers = desk.settle_at_once(desk.bind(3, "c3"), Post(1, desk.claims[0], ended), intent, desk.bind(4, "c4"))
    assert answers == [PROCEED, Settled(verdict=Verdict.GOOD), PROCEED, PROCEED]
    assert desk.states() == ["GOOD", "BOUND", "BOUND", "BOUND", "LEASED"]
    assert check_records(desk.store, desk.lot) == []
    assert check_audit(desk.store) == []


def test_an_interrupted_thread_leaves_the_others_to_lead_themselves(desk: Desk) -> None:
    desk.interrupted = 2
    answers = desk.settle_at_once(*(desk.bind(row, f"c{row}") for row in range(1, 5)))
    assert answers.count(None) == 1
    assert answers.count(PROCEED) == 3
    assert sorted(desk.states()) == ["BOUND", "BOUND", "BOUND", "LEASED", "LEASED"]


def test_a_session_may_step_outside_a_group_too(desk: Desk) -> None:
    desk.gate.set()
    card = Card(1, desk.claims[0].token, "c1")
    with desk.session.together():
        desk.session.bind(desk.lot, card)
        desk.session.commit(desk.lot, card, b"e" * 32)
    desk.session.release(2, desk.claims[1].token)
    assert desk.states()[:2] == ["GOOD", "READY"]
    assert desk.commits == 2
