"""What was found on a sample decides over its lot, and a refused lot closes only after every card was looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from cardkit.errors import ChipUsedError, EncodingError, IllegalStepError, StoreError
from cardkit.production.batch import batch_status, close_batch
from cardkit.production.reconcile import CardCounts
from cardkit.production.report.source import batch_report
from cardkit.production.sampling.draw import Inspection, Sample, draw_sample
from cardkit.production.sampling.plan import Severity
from cardkit.production.sampling.verdict import Looked, against_closing, enter_verdicts, lot_verdicts
from cardkit.production.store import Card, Office, Store, Work, start_session
from tests.unit.production.conftest import BATCH
from tests.unit.production.founding import REPLACED

Finished = Callable[..., Store]
DIALECTS = ("sqlite", "postgresql")


def drawn(store: Store, aql: str = "1.0", seed: bytes = bytes(16)) -> Sample:
    return draw_sample(store, BATCH, Inspection("II", aql, Severity.NORMAL), seed)


def events(store: Store, kind: str) -> list[dict[str, Any]]:
    with store.reading() as connection:
        rows = connection.exec_driver_sql(f"select event from audit where kind = '{kind}' order by seq").scalars()
        return [json.loads(text)["data"] for text in rows]


def against(store: Store) -> tuple[str, ...]:
    return against_closing(store, store.batch(BATCH))


def recall(store: Store, row: int, code: str) -> None:
    desk = Office(store, store.batch(BATCH), ("ana", "bek"))
    desk.recall(row, code)
    desk.scrap(row, f"D-{row}")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_lot_is_accepted_when_its_whole_sample_is_good(finished: Finished, dialect: str) -> None:
    with finished(dialect) as store:
        assert against(store) == ()
        rows = drawn(store).rows
        assert against(store) == ("SAMPLE_OPEN",)
        assert "SAMPLE_OPEN" in close_batch(store, BATCH).why
        (half,) = enter_verdicts(store, BATCH, [Looked(row) for row in rows[:6]])
        assert (half.state, half.judged, half.bad, against(store)) == ("OPEN", 6, 0, ("SAMPLE_OPEN",))
        (whole,) = enter_verdicts(store, BATCH, [Looked(row) for row in rows[6:]])
        assert (whole.state, whole.judged, against(store)) == ("ACCEPTED", 13, ())
        assert events(store, "SAMPLE_CARDS")[0]["good"] == list(rows[:6])
        verdict = {"batch": BATCH, "by": ["ana"], "seed": "00" * 16, "n": 13, "ac": 0, "bad": 0, "verdict": "ACCEPTED"}
        assert events(store, "SAMPLE_VERDICT") == [verdict]
        (shown,) = batch_status(store, BATCH).samples
        assert shown.says == (
            "ACCEPTED: 13 of 13 looked at, 0 bad, Ac 0, AQL 1.0 % level II; "
            "with this plan a lot with 0.1 % bad cards is accepted 98.7 % of the time"
        )
        assert close_batch(store, BATCH).closable


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refused_lot_closes_only_after_every_card_was_looked_at(finished: Finished, dialect: str) -> None:
    with finished(dialect) as store:
        first = drawn(store)
        bad = first.rows[3]
        (found,) = enter_verdicts(store, BATCH, [Looked(bad, "PRINT")])
        assert (found.state, found.bad, dict(found.findings)) == ("REFUSED", 1, {"PRINT": 1})
        assert (store.batch(BATCH).state, events(store, "HOLD")[0]["why"]) == (
            "HELD", "a sample refused it: 1 bad cards of 1, Ac 0",
        )  # fmt: skip
        assert against(store) == ("SAMPLE_REFUSED", "SAMPLE_BAD")
        recall(store, bad, "PRINT")
        assert against(store) == ("SAMPLE_REFUSED",)

        again = drawn(store, "10", b"\1" * 16)  # a kinder plan does not undo the verdict
        enter_verdicts(store, BATCH, [Looked(row) for row in again.rows])
        assert against(store) == ("SAMPLE_REFUSED",)

        rest = draw_sample(store, BATCH, None, b"\2" * 16)
        assert set(rest.rows) == set(range(1, 30)) - {7, bad} - set(again.rows)
        assert against(store) == ("SAMPLE_OPEN", "SAMPLE_REFUSED")
        other = rest.rows[0]
        enter_verdicts(store, BATCH, [Looked(row, "PRINT" if row == other else None) for row in rest.rows])
        assert lot_verdicts(store, store.batch(BATCH))[-1].state == "ACCEPTED"
        assert against(store) == ("SAMPLE_BAD",)
        recall(store, other, "PRINT")
        assert (against(store), close_batch(store, BATCH).closable) == ((), True)


def test_a_card_that_is_made_again_was_not_looked_at(finished: Finished) -> None:
    with finished() as store:
        bad = drawn(store).rows[0]
        enter_verdicts(store, BATCH, [Looked(bad, "PRINT")])
        recall(store, bad, "PRINT")
        rest = draw_sample(store, BATCH, None, b"\2" * 16)
        enter_verdicts(store, BATCH, [Looked(row) for row in rest.rows])
        assert against(store) == ()
        desk = Office(store, store.batch(BATCH), ("ana", "bek"))
        desk.remake(bad)
        desk.unhold("looked at whole")
        session, _ = start_session(store, "s1")
        (claim,) = session.claim(BATCH, 1, 60.0)
        card = Card(claim.record_id, claim.token, "another chip")
        session.bind(store.batch(BATCH), card)
        session.commit(store.batch(BATCH), card, b"e" * 32, Work(facts=REPLACED))
        assert against(store) == ("SAMPLE_REFUSED",)


@pytest.mark.requirement("P12")
def test_a_card_that_its_check_destroyed_is_no_good_card(finished: Finished) -> None:
    with finished() as store:
        rows = drawn(store).rows
        enter_verdicts(store, BATCH, [Looked(row, spent=row == rows[0]) for row in rows])
        assert against(store) == ("SAMPLE_BAD",)
        flags = {card.row: card.sample for card in batch_report(store, BATCH).cards}
        assert ({flags[row] for row in rows[1:]}, flags[rows[0]], flags[7]) == ({"GOOD"}, "SPENT", "")
        recall(store, rows[0], "SAMPLE")
        by_hand = CardCounts(issued=29, good=27, rejected_personalized=1, samples=1)
        short = close_batch(store, BATCH, CardCounts(issued=29, good=27, rejected_personalized=2))
        assert short.why == ("SAMPLES_DIFFER",)
        assert close_batch(store, BATCH, by_hand).closable


@pytest.mark.requirement("P12")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sample_cannot_be_committed_for_another_record(finished: Finished, dialect: str) -> None:
    with finished(dialect) as store:
        rows = drawn(store).rows
        enter_verdicts(store, BATCH, [Looked(rows[0], spent=True)])
        recall(store, rows[0], "SAMPLE")
        Office(store, store.batch(BATCH), ("ana", "bek")).remake(rows[0])
        session, _ = start_session(store, "s1")
        (claim,) = session.claim(BATCH, 1, 60.0)
        spent = Card(claim.record_id, claim.token, f"chip {rows[0]}")
        with pytest.raises(ChipUsedError):
            session.bind(store.batch(BATCH), spent)
        with pytest.raises(StoreError):
            session.commit(store.batch(BATCH), spent, b"e" * 32, Work(facts=REPLACED))
        assert store.batch(BATCH).state == "OPEN"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "statement",
    [
        "update sample_card set verdict = 'GOOD', finding = null where verdict = 'BAD'",
        "update sample set state = 'ACCEPTED'",
        "delete from sample_card",
        "delete from sample",
    ],
)
def test_the_database_lets_no_verdict_be_taken_back(finished: Finished, dialect: str, statement: str) -> None:
    with finished(dialect) as store:
        enter_verdicts(store, BATCH, [Looked(drawn(store).rows[0], "PRINT")])
        with pytest.raises((DatabaseError, StoreError)), store.writing() as connection:
            connection.exec_driver_sql(statement)
        (found,) = lot_verdicts(store, store.batch(BATCH))
        assert (found.state, found.bad) == ("REFUSED", 1)


def test_only_rows_of_an_open_sample_are_judged_and_once(finished: Finished) -> None:
    with finished() as store:
        rows = drawn(store).rows
        others = sorted(set(range(1, 31)) - set(rows))
        for wrong in ([Looked(others[0])], [Looked(rows[0]), Looked(rows[0], "PRINT")], [Looked(999)]):
            with pytest.raises(IllegalStepError, match=f"row {wrong[-1].row} is in no open sample"):
                enter_verdicts(store, BATCH, wrong)
        enter_verdicts(store, BATCH, [Looked(rows[0])])
        with pytest.raises(IllegalStepError, match="judged already"):
            enter_verdicts(store, BATCH, [Looked(rows[0], "PRINT")])
        assert [found.judged for found in lot_verdicts(store, store.batch(BATCH))] == [1]


@pytest.mark.parametrize("finding", ["", "lower", "X", "A" * 41, "8999901234567890123", "PRINT\n", "A B"])
def test_a_finding_is_a_code_and_no_data(finding: str) -> None:
    with pytest.raises(EncodingError, match="a finding is a code"):
        Looked(1, finding)


def test_the_verbs(finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cardkit.cli.app import run

    with finished() as store:
        rows = drawn(store).rows
    tail = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--operator", "ana"]
    call: Callable[..., int] = lambda verb, *more: run(["batch", verb, BATCH, *more, *tail])  # noqa: E731
    assert call("verdict", "--good", f"{rows[0]},{rows[1]}") == 0
    assert "OPEN: 2 of 13 looked at" in capsys.readouterr().out
    results = tmp_path / "results.csv"
    results.write_text(f"row,verdict,finding,spent\n{rows[2]},GOOD,,\n{rows[3]},BAD,DATA_READBACK,yes\n")
    assert call("verdict", "--results", str(results), "--json") == 1
    talk = capsys.readouterr()
    (told,) = json.loads(talk.out)
    assert (told["state"], told["judged"], told["spent"], told["findings"]) == ("REFUSED", 4, 1, {"DATA_READBACK": 1})
    assert "it closes when every card was looked at" in talk.err
    assert call("close") == 1
    assert "stays open: SAMPLE_REFUSED: a sample refused the lot" in capsys.readouterr().err
    assert call("status") == 0
    assert "REFUSED: 4 of 13 looked at, 1 bad, Ac 0" in capsys.readouterr().out
    assert call("sample", "--whole", "--json") == 0
    assert json.loads(capsys.readouterr().out)["n"] == 25
    assert (call("sample"), call("sample", "--whole", "--aql", "1.0")) == (2, 2)
    wrong = (["--good", "x"], ["--bad", "3"], ["--bad", "x=Y"], ["--good", "3", "--spent", "4"], [])
    assert [call("verdict", *words) for words in wrong] == [2] * 5
    for text in ("a,b\n", "row,verdict,finding,spent\n3,FINE,,\n", "row,verdict,finding,spent\n3,BAD,,\n"):
        results.write_text(text)
        assert call("verdict", "--results", str(results)) == 4


def test_a_station_tells_of_samples_and_changes_none(finished: Finished) -> None:
    """A run ends with a report, and by then its station has given up every right it does not need."""
    with finished("postgresql") as store:
        rows = drawn(store).rows
        store.narrow()
        marks = {card.row: card.sample for card in batch_report(store, BATCH).cards}
        assert {row for row, mark in marks.items() if mark == "DRAWN"} == set(rows)
        with pytest.raises(StoreError, match="permission denied"):
            enter_verdicts(store, BATCH, [Looked(rows[0])])
