"""Drawing a sample: the same seed draws the same cards, and the audit keeps it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import IllegalStepError
from cardkit.production.sampling.draw import Inspection, chosen, draw_sample
from cardkit.production.sampling.plan import Severity
from cardkit.production.sampling.verdict import lot_verdicts
from cardkit.production.store import Store
from tests.unit.production.conftest import BATCH
from tests.unit.sampling.conftest import finish, made

INSPECTION = Inspection("II", "1.0", Severity.NORMAL)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = made(tmp_path / "store.db")
    yield store
    store.close()


def test_a_sample_is_of_good_cards_of_a_finished_batch(store: Store) -> None:
    with pytest.raises(IllegalStepError, match="drawing a sample needs it finished, 1 records are open"):
        draw_sample(store, BATCH, INSPECTION, bytes(16))
    finish(store)
    done = draw_sample(store, BATCH, INSPECTION, bytes(16))
    assert (done.plan.lot, done.plan.first_letter, done.plan.letter, done.plan.n, done.plan.ac) == (
        28, "D", "E", 13, 0,
    )  # fmt: skip
    assert (len(done.rows), len(set(done.rows)), set(done.rows) <= set(range(1, 30)) - {7}) == (13, 13, True)
    assert done.drawn_before == 0


def test_the_audit_keeps_what_draws_it_again(store: Store) -> None:
    finish(store)
    first = draw_sample(store, BATCH, INSPECTION, b"\x01" * 16)
    with store.reading() as connection:
        text = connection.exec_driver_sql("select event from audit where kind = 'SAMPLE'").scalar()
    kept = json.loads(str(text))["data"]
    assert (kept["n"], kept["ac"], kept["rows"]) == (13, 0, list(first.rows))
    again = draw_sample(store, BATCH, INSPECTION, bytes.fromhex(kept["seed"]))
    assert (again.rows, again.drawn_before) == (first.rows, 1)
    assert len(lot_verdicts(store, store.batch(BATCH))) == 1  # drawn again is not another sample
    assert draw_sample(store, BATCH, INSPECTION, b"\x02" * 16).rows != first.rows


def test_a_small_lot_is_looked_at_whole(store: Store) -> None:
    finish(store)
    done = draw_sample(store, BATCH, Inspection("II", "0.1", Severity.NORMAL), bytes(16))
    assert (done.plan.whole, len(done.rows)) == (True, 28)


def test_who_draws_needs_no_program_of_ours() -> None:
    seed = bytes(range(16))
    order = sorted(range(1, 101), key=lambda row: hashlib.sha256(seed + f":{row}".encode()).hexdigest())
    assert chosen(range(1, 101), 5, seed) == tuple(sorted(order[:5]))


@given(seed=st.binary(min_size=16, max_size=16), n=st.integers(0, 60))
def test_rows_do_not_depend_on_their_order(seed: bytes, n: int) -> None:
    assert chosen(range(50), n, seed) == chosen(reversed(range(50)), n, seed)
    assert len(chosen(range(50), n, seed)) == min(n, 50)


def test_every_row_is_drawn_as_often_as_any_other() -> None:
    drawn = [row for number in range(2000) for row in chosen(range(10), 3, number.to_bytes(16, "big"))]
    counts = [drawn.count(row) for row in range(10)]
    assert sum(counts) == 6000
    assert all(520 < count < 680 for count in counts)  # 600 each, four standard deviations of 20.5


def test_the_verb(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cardkit.cli.app import run

    finish(store)
    store.close()
    words = ["batch", "sample", BATCH, "--aql", "1.0", "--store", f"sqlite:///{tmp_path / 'store.db'}"]
    call: Callable[..., int] = lambda *more: run([*words, "--operator", "ana", *more])  # noqa: E731
    assert call("--seed", "00" * 16) == 0
    shown = capsys.readouterr()
    assert "E, by an arrow from D" in shown.out
    assert "n 13, Ac 0, Re 1" in shown.out
    assert "a lot with 0.1 % bad cards is accepted 98.7 % of the time" in shown.err
    assert "verification of every card stays the default" in shown.err
    assert call("--json", "--seed", "00" * 16, "--lots-before", "RR") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["severity"], told["letter"], told["drawn_before"]) == ("tightened", "F", 1)
    assert (call("--seed", "00"), call("--seed", "zz" * 16), call("--level", "IV")) == (2, 2, 2)
    assert call("--lots-before", "AB") == 4
