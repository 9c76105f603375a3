"""A shift: the self-test finds what is wrong, open batches are made in turn, the sheet adds up."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.crypto import Secret
from cardkit.crypto.keysource import KeySource
from cardkit.errors import NoReaderError, StoreError
from cardkit.production import RunOptions, StopParameters, Store, batch_status, check_batch
from cardkit.production.couplers.messages import Times
from cardkit.production.events import BatchDone, CardDone, CouplerStopped, WorkerRestarted
from cardkit.production.station.figures import Figures
from cardkit.production.station.selftest import Trial, self_test
from cardkit.production.station.sheet import sheet, sheet_lines
from cardkit.production.station.shift import INTERRUPT, run_shift
from cardkit.production.stop import Stop
from cardkit.target import parse

NewBatch = Callable[..., Store]
S1 = RunOptions(station="S1")


def failures(store: Store, *readers: str, keys: KeySource | None = None) -> dict[str, str]:
    targets = [target for reader in readers for target in parse(reader)]
    return {trial.name: trial.seen for trial in self_test(store, "S1", targets, keys) if not trial.passed}


def test_every_open_batch_is_made_and_the_sheet_says_so(new_batch: NewBatch) -> None:
    new_batch(3)
    store = new_batch(2)
    told: list[Any] = []
    shift = run_shift(store, ["virtual:usim*2"], reporter=told.append, options=S1)
    assert [(run.batch, run.good) for run in shift.runs] == [("b1", 3), ("b2", 2)]
    assert [event.name for event in told if isinstance(event, Trial)] == ["readers", "card", "clock", "disk", "audit"]
    values = sheet(shift)
    assert values["cards"] == {"GOOD": 5, "REJECTED": 0, "BLANK_REJECT": 0, "IN_DOUBT": 0}
    assert values["oee"]["quality"] == 1.0
    assert 0 < values["oee"]["availability"] <= 1
    assert 0 < values["software_share"] < 1
    assert dict(sheet_lines(shift))["batch"] == "b2: 2 GOOD"
    assert check_batch(store) == []
    with store.reading() as connection:
        head = connection.execute(text("select seq, hash from audit_head where chain = 'S1'")).one()
    assert values["checkpoint"] == {"seq": head.seq, "hash": head.hash.hex()}
    assert run_shift(store, ["virtual:usim"], reporter=told.append, options=S1).runs == ()


def test_a_batch_that_is_named_is_the_only_one(new_batch: NewBatch) -> None:
    new_batch(1)
    store = new_batch(1)
    shift = run_shift(store, ["virtual:usim"], "b2", reporter=lambda event: None, options=S1)
    assert [run.batch for run in shift.runs] == ["b2"]
    assert batch_status(store, "b1").counts["READY"] == 1


def test_a_stop_of_the_station_ends_the_shift(new_batch: NewBatch) -> None:
    """No GlobalPlatform card is a test USIM: every one is refused blank, which stops coupler and station."""
    new_batch(2)
    store = new_batch(2)
    rules = StopParameters(coupler_consecutive=9, station_consecutive=2)
    options = RunOptions(station="S1", rules=rules)
    shift = run_shift(store, ["virtual:gp-scp02"], reporter=lambda event: None, options=options)
    assert [run.stopped and run.stopped.rule for run in shift.runs] == ["station_consecutive"]
    assert sheet(shift)["rejects"] == [{"class": "card type", "code": "CARD_TYPE", "cards": 2}]
    assert sheet(shift)["oee"]["quality"] == 0.0
    assert ("stopped", "station: 2 rejects in a row") in list(sheet_lines(shift))


def test_a_shift_that_is_interrupted_has_its_sheet(new_batch: NewBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's Ctrl-C is how a shift ends before its orders do."""
    monkeypatch.setattr("cardkit.production.station.shift.self_test", lambda *parts: iter(()))
    new_batch(1)
    store = new_batch(9)
    told: list[Any] = []

    def interrupting(event: Any) -> None:
        told.append(event)
        if isinstance(event, CardDone) and sum(isinstance(each, CardDone) for each in told) == 3:
            signal.raise_signal(signal.SIGINT)

    shift = run_shift(store, ["virtual:usim"], reporter=interrupting, options=S1)
    first, second = shift.runs
    assert (first.good, first.stopped) == (1, None)
    assert second.stopped == Stop("station", INTERRUPT, "interrupted by the operator")
    assert second.good == batch_status(store, "b2").counts["GOOD"] == second.counts["GOOD"] >= 2
    assert second.counts["READY"] == 9 - second.good
    assert told[-1] == second
    assert sheet(shift)["cards"]["GOOD"] == 1 + second.good
    assert ("stopped", "station: interrupted by the operator") in list(sheet_lines(shift))
    assert shift.sealed is not None
    assert check_batch(store) == []


def test_a_batch_nobody_knows_is_told_before_anything_is_tried(new_batch: NewBatch) -> None:
    told: list[Any] = []
    with pytest.raises(StoreError, match="no batch 'nope'"):
        run_shift(new_batch(1), ["virtual:usim"], "nope", reporter=told.append, options=S1)
    assert told == []


@pytest.mark.parametrize(("readers", "said"), [("virtual:usim", "1 reader,"), ("virtual:usim*2", "2 readers,")])
def test_readers_are_counted_in_words(new_batch: NewBatch, readers: str, said: str) -> None:
    trial = next(self_test(new_batch(1), "S1", parse(readers), None))
    assert trial.seen.startswith(said)


def test_too_many_couplers_are_refused(new_batch: NewBatch) -> None:
    with pytest.raises(StoreError, match="65 couplers, expected 64"):
        run_shift(new_batch(1), ["virtual:usim*65"], reporter=lambda event: None)


def test_a_reader_that_is_not_there_is_found_before_a_card(new_batch: NewBatch) -> None:
    store = new_batch(1)
    assert set(failures(store, "pcsc:no such reader")) == {"readers"}
    assert set(failures(store, "virtual:no such image")) == {"readers"}
    with pytest.raises(NoReaderError, match="self-test: readers"):
        run_shift(store, ["pcsc:no such reader"], reporter=lambda event: None, options=S1)
    assert batch_status(store, "b1").counts["READY"] == 1


def test_a_clock_that_went_back_is_found(new_batch: NewBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_batch(1)
    assert failures(store, "virtual:usim") == {}
    before = store.clocks.wall() - timedelta(hours=1)
    monkeypatch.setattr(type(store.clocks), "wall", lambda clocks: before)
    assert set(failures(store, "virtual:usim")) == {"clock"}


def test_an_audit_that_was_cut_is_found(new_batch: NewBatch) -> None:
    store = new_batch(1)
    run_shift(store, ["virtual:usim"], reporter=lambda event: None, options=S1)
    with store.writing() as connection:
        connection.execute(text("update audit_head set seq = seq - 1 where chain = 'S1'"))
    assert set(failures(store, "virtual:usim")) == {"audit"}


def test_keys_that_do_not_open_are_found(new_batch: NewBatch, tmp_path: Path) -> None:
    source = KeySource(f"file:{tmp_path / 'keys.ckk'}", (Secret(b"passphrase", "passphrase"),))
    assert set(failures(new_batch(1), "virtual:usim", keys=source)) == {"keys"}


def test_figures_by_hand() -> None:
    """Four couplers ran 50 of 100 seconds: 90 good, 6 rejected, 4 blank; each card 1 s as planned, 2 s in all."""
    figures = Figures(couplers=4)
    verdicts = ["GOOD"] * 90 + ["REJECTED"] * 6 + ["BLANK_REJECT"] * 4
    for verdict in verdicts:
        code, kind = (None, None) if verdict == "GOOD" else ("MUTE", "contact")
        figures(CardDone("r", 1, "", verdict, code, kind, times=Times(2000.0, 1500.0, 1000.0)))
    figures(WorkerRestarted("r", "its process ended"))
    figures(CouplerStopped("r", "restarts", "too often"))
    figures(BatchDone("b", {}, 90, 6, 0, 4, 50.0, Stop("station", "yield", "too low")))
    oee = figures.effectiveness(100.0)
    assert (oee.availability, oee.performance, oee.quality) == (0.5, 0.5, 0.9)
    assert oee.overall == pytest.approx(0.225)
    assert (figures.uph, figures.software_share) == (6480.0, 0.25)
    assert figures.codes == {("contact", "MUTE"): 10}
    assert (figures.restarts, len(figures.stopped_couplers), len(figures.stops)) == (1, 1, 1)


def test_a_shift_without_cards_has_no_figures() -> None:
    oee = Figures(couplers=1).effectiveness(10.0)
    assert (oee.performance, oee.quality, oee.overall) == (None, None, None)
