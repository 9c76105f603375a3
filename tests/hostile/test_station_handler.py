"""Sixty cards behind a handler that goes wrong once: no duplicate, nothing lost, in doubt only what must be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.production import Store, batch_status, check_batch, close_batch, import_batch, open_store, results
from cardkit.production.reconcile import CardCounts
from cardkit.production.sim.order import SimOrder
from cardkit.production.station.mechanics import OF_CARDS, Kind, Trouble
from cardkit.profile import load_profile, read_order
from tests.unit.station.working import Worked, work

CARDS, COUPLERS = 60, 4
ENDS = ("END", None)  # a handler whose feeder is empty may be gone before it is told
OF_LINE = [(kind, 57) for kind in Kind if kind not in OF_CARDS]
# HELLO, and of each card ARRIVED, GO, EJECTED; heartbeats come besides.
SHORT_RUN = 7


@pytest.fixture(autouse=True)
def no_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried before a shift has tests of its own."""
    monkeypatch.setattr("cardkit.production.station.shift.self_test", lambda *parts: iter(()))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'store.db'}", operator="ana", create=True) as opened:
        yield opened


def imported(store: Store, folder: Path, cards: int = CARDS) -> Store:
    path = folder / "b1.csv"
    SimOrder(cards, 1).write(path)
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    import_batch(store, profile, read_order(profile, path, keystore), keystore, path)
    return store


def sound(store: Store, cards: int = CARDS) -> Counter[str]:
    """No chip and no record twice, and every record is where the books say; counts by state."""
    counts = Counter({state: count for state, count in batch_status(store, "b1").counts.items() if count})
    assert counts.total() == cards
    assert not counts.keys() & {"LEASED", "BOUND"}
    made = list(results(store, "b1"))
    assert len({card.record_no for card in made}) == len({card.chip_ref for card in made}) == len(made)
    assert check_batch(store) == []
    return counts


@pytest.mark.parametrize(("kind", "at"), OF_LINE)
def test_a_fault_of_the_line_changes_nothing(store: Store, tmp_path: Path, kind: Kind, at: int) -> None:
    worked = work(imported(store, tmp_path), CARDS, Trouble(kind, at), COUPLERS)
    assert sound(store) == {"GOOD": CARDS}
    assert worked.handler.bins == {"GOOD": CARDS}
    assert worked.handler.stopped in ENDS
    assert worked.served.uncleared == {}
    closing = close_batch(store, "b1", CardCounts(issued=CARDS, good=CARDS))
    assert (closing.difference, closing.why) == (0, ())


@pytest.mark.parametrize(
    ("kind", "stop", "most_doubts"),
    [
        (Kind.WRONG_BIN, "WRONG_BIN", 0),
        (Kind.EARLY_EJECT, "EJECT_WITHOUT_RESULT", 1),
        (Kind.REMOVED, "EJECT_WITHOUT_RESULT", 1),
        (Kind.DOUBLE_FEED, "", 0),
    ],
)
def test_a_card_that_goes_astray_stops_the_station(
    store: Store, tmp_path: Path, kind: Kind, stop: str, most_doubts: int
) -> None:
    worked = work(imported(store, tmp_path), CARDS, Trouble(kind, 20), COUPLERS)
    counts = sound(store)
    assert worked.handler.stopped in ((stop,) if stop else ENDS)
    assert counts["IN_DOUBT"] <= most_doubts
    if kind is Kind.DOUBLE_FEED:
        assert (counts, worked.handler.refusals) == ({"GOOD": CARDS}, {"SLOT_BUSY": 2})
        return
    assert worked.served.shift.runs[0].stopped is not None
    assert worked.served.shift.runs[0].stopped.rule == stop.lower()
    assert counts["GOOD"] + counts["IN_DOUBT"] + counts["READY"] == CARDS
    again(store, counts)


def again(store: Store, counts: Counter[str]) -> None:
    """The next shift makes what was not made; what is in doubt stays so until somebody presents the card."""
    finished: Worked = work(store, CARDS, couplers=COUPLERS)
    assert finished.handler.fed == counts["READY"]
    assert sound(store) == {"GOOD": CARDS - counts["IN_DOUBT"]} | (
        {"IN_DOUBT": counts["IN_DOUBT"]} if counts["IN_DOUBT"] else {}
    )


def test_the_link_cut_at_every_message_of_a_short_run(store: Store, tmp_path: Path) -> None:
    """The session goes on after each cut, and what was said is said again."""
    imported(store, tmp_path, cards=2 * SHORT_RUN)
    for at in range(1, SHORT_RUN + 1):
        worked = work(store, 2, Trouble(Kind.CUT, at), couplers=1)
        assert worked.handler.bins == {"GOOD": 2}
        assert worked.handler.links >= 2, at  # more where the station had not noticed yet
    assert sound(store, 2 * SHORT_RUN) == {"GOOD": 2 * SHORT_RUN}


def test_an_alarm_stands_in_the_audit(store: Store, tmp_path: Path) -> None:
    work(imported(store, tmp_path, cards=6), 6, Trouble(Kind.WRONG_BIN, 1), couplers=1)
    alarms = [json.loads(link.event)["data"] for link in store.audit_events("S1") if link.kind == "HANDLER"]
    assert alarms == [{"code": "WRONG_BIN", "slot": 1, "in_work": False}]
