"""Whatever the line does to messages, each card is started once and comes to its bin."""

from __future__ import annotations

import json
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.production.station.lane import MOST_UNACKNOWLEDGED
from cardkit.production.station.mechanics import Kind, Trouble
from cardkit.production.station.messages import Result
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.turns import Alarm, Began, HandlerStopped, Left, Place, Start, Turn
from tests.unit.station.line import Line

CARDS, SLOTS = 5, 2
FAULTS = st.lists(st.sampled_from(["ok", "ok", "ok", "lose", "repeat", "cut"]), max_size=60)


def messages_of_a_run() -> int:
    line = Line(CARDS, SLOTS, iter(()))
    line.run()
    return line.delivered


def in_order(line: Line) -> None:
    line.run()
    assert sum(line.starts.values()) == line.machine.fed == CARDS
    assert line.machine.bins == {"GOOD": CARDS}
    assert line.alarms == []
    assert line.station.stopped is None


@pytest.mark.parametrize("fault", ["lose", "repeat", "cut"])
def test_one_fault_at_each_message_changes_nothing(fault: str) -> None:
    length = messages_of_a_run()
    assert length > 4 * CARDS
    for at in range(length):
        in_order(Line(CARDS, SLOTS, iter(["ok"] * at + [fault])))


@settings(max_examples=80)
@given(FAULTS)
def test_many_faults_change_nothing(faults: list[str]) -> None:
    in_order(Line(CARDS, SLOTS, iter(faults)))


@pytest.mark.parametrize(
    ("kind", "alarm", "in_work"),
    [
        (Kind.WRONG_BIN, "WRONG_BIN", False),
        (Kind.EARLY_EJECT, "EJECT_WITHOUT_RESULT", True),
        (Kind.REMOVED, "EJECT_WITHOUT_RESULT", True),
    ],
)
def test_a_card_in_the_wrong_place_stops_the_station(kind: Kind, alarm: str, in_work: bool) -> None:
    line = Line(CARDS, SLOTS, iter(()), trouble=Trouble(kind, 1))
    line.run()
    assert [(found.code, found.in_work) for found in line.alarms] == [(alarm, in_work)]
    assert line.station.stopped == line.machine.stopped == alarm
    assert line.machine.fed < CARDS


def test_a_second_card_in_a_slot_is_an_error_and_no_second_start() -> None:
    line = Line(CARDS, SLOTS, iter(()), trouble=Trouble(Kind.DOUBLE_FEED, 2))
    in_order(line)


# What a handler may say at the wrong moment.


class Session:
    """A station with two couplers and a handler that has said HELLO."""

    def __init__(self) -> None:
        self.station = StationProtocol([1, 2])
        self.seq = 0
        self.effects: list[Any] = []
        self.station.connected(0.0)
        assert [line["type"] for line in self.hello()] == ["WELCOME"]

    def hello(self, session: str = "h-1") -> list[dict[str, Any]]:
        self.seq = 0
        return self.say(type="HELLO", protocol=7, session=session, machine="m", couplers=[1, 2])

    def say(self, **message: Any) -> list[dict[str, Any]]:
        self.seq += 1
        return self.turn(self.station.received(json.dumps({"seq": self.seq, **message}).encode(), 0.0))

    def turn(self, turn: Turn) -> list[dict[str, Any]]:
        self.effects += turn.effects
        self.closed = turn.close
        return [json.loads(line) for line in turn.lines]

    def code(self, **message: Any) -> str:
        (line,) = self.say(**message)
        assert line["type"] == "ERROR"
        code: str = line["code"]
        return code

    def result(self, slot: int, verdict: str, bin_name: str) -> list[dict[str, Any]]:
        return self.turn(self.station.result(Result(slot=slot, verdict=verdict, bin=bin_name, ms=1), 0.0))


def test_the_highest_common_protocol_is_spoken() -> None:
    station = StationProtocol([1])
    station.connected(0.0)
    hello = {"seq": 1, "type": "HELLO", "protocol": 9, "session": "s", "machine": "m", "couplers": [1]}
    (line,) = station.received(json.dumps(hello).encode(), 0.0).lines
    assert json.loads(line)["protocol"] == 1


def test_other_couplers_than_the_station_has_are_refused() -> None:
    station = StationProtocol([1, 2])
    station.connected(0.0)
    hello = {"seq": 1, "type": "HELLO", "protocol": 1, "session": "s", "machine": "m", "couplers": [1]}
    turn = station.received(json.dumps(hello).encode(), 0.0)
    assert [json.loads(line) for line in turn.lines] == [{"seq": 1, "type": "ERROR", "code": "SLOT", "expected": "1,2"}]
    assert (turn.close, station.linked) == (True, False)


def test_nothing_is_said_before_hello() -> None:
    station = StationProtocol([1])
    station.connected(0.0)
    turn = station.received(b'{"seq":1,"type":"GO","slot":1}', 0.0)
    assert [json.loads(line)["expected"] for line in turn.lines] == ["HELLO"]
    assert (turn.close, turn.effects) == (True, [])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "EJECTED", "slot": 1, "bin": "GOOD"}, "STATE"),
        ({"type": "REMOVED", "slot": 1}, "STATE"),
        ({"type": "ARRIVED", "slot": 0}, "SLOT"),
        ({"type": "GO", "slot": "1"}, "FIELD"),
        ({"type": "GO"}, "FIELD"),
        ({"type": "RESULT", "slot": 1, "verdict": "GOOD", "bin": "GOOD", "ms": 1}, "FIELD"),
        ({"type": "HEARTBEAT", "ack": 99, "state": "RUNNING"}, "FIELD"),
        ({"type": "GO", "slot": 1, "re": 99}, "FIELD"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_code(message: dict[str, Any], code: str) -> None:
    session = Session()
    assert session.code(**message) == code
    assert [effect for effect in session.effects if not isinstance(effect, Began)] == []
    assert session.say(type="ARRIVED", slot=1) == []  # the refused message had its number


def test_a_refused_message_said_again_gets_the_same_refusal() -> None:
    session = Session()
    (first,) = session.say(type="REMOVED", slot=1)
    session.seq -= 1
    assert session.say(type="REMOVED", slot=1) == [first]


def test_a_card_that_is_seated_again_is_started_again() -> None:
    session = Session()
    session.say(type="GO", slot=1)
    assert session.result(1, "RETRY", "REJECT")[0]["verdict"] == "RETRY"
    assert session.station.place(1) is Place.ARRIVED
    session.say(type="GO", slot=1)
    assert session.effects.count(Start(1)) == 2
    session.result(1, "GOOD", "GOOD")
    assert session.code(type="GO", slot=1) == "SLOT_BUSY"
    session.say(type="EJECTED", slot=1, bin="GOOD")
    assert session.effects[-1] == Left(1)


@pytest.mark.parametrize(("verdict", "bin_name", "ends"), [("HOLD", "HOLD", Left), ("GOOD", "GOOD", Alarm)])
def test_only_a_card_that_is_held_may_be_taken_by_hand(verdict: str, bin_name: str, ends: type) -> None:
    session = Session()
    session.say(type="GO", slot=2)
    session.result(2, verdict, bin_name)
    session.say(type="REMOVED", slot=2)
    assert isinstance(session.effects[-1], ends)
    assert session.station.place(2) is Place.EMPTY


def test_a_blank_card_may_leave_but_not_into_the_good_bin() -> None:
    session = Session()
    session.say(type="ARRIVED", slot=1)
    session.say(type="EJECTED", slot=1, bin="REJECT")
    assert session.effects[-1] == Left(1)
    session.say(type="ARRIVED", slot=1)
    assert [line["why"] for line in session.say(type="EJECTED", slot=1, bin="GOOD")] == ["EJECT_WITHOUT_RESULT"]


def test_a_new_session_means_new_cards_and_stops_where_old_ones_were() -> None:
    session = Session()
    session.say(type="ARRIVED", slot=1)
    assert [line["type"] for line in session.hello("h-2")] == ["WELCOME"]
    assert session.station.unsettled == []
    session.say(type="GO", slot=2)
    said = session.hello("h-3")
    assert [(line["seq"], line["type"]) for line in said] == [(1, "WELCOME"), (2, "STOP")]
    assert session.effects[-1] == Alarm(
        "SESSION_CHANGED", 2, "slot 2 held a card when the handler began another session", in_work=True
    )
    assert session.result(2, "GOOD", "GOOD") == []


def test_the_handlers_stop_ends_the_feeding() -> None:
    session = Session()
    session.say(type="STOP", why="feeder empty")
    assert session.effects[-1] == HandlerStopped("feeder empty")
    assert session.turn(session.station.feed(0.0, slots=[1])) == []


def test_heartbeats_come_every_two_seconds_and_six_of_silence_lose_the_link() -> None:
    session = Session()
    assert session.turn(session.station.tick(1.9)) == []
    assert session.turn(session.station.tick(2.0)) == [{"seq": 2, "type": "HEARTBEAT", "ack": 1, "state": "RUNNING"}]
    assert session.turn(session.station.tick(5.9))[0]["seq"] == 3
    assert session.turn(session.station.tick(6.0)) == []
    assert (session.closed, session.station.linked) == (True, False)


def test_a_handler_that_acknowledges_nothing_is_cut_off_and_memory_stays_bounded() -> None:
    session = Session()
    while not session.closed:
        assert session.code(type="REMOVED", slot=1) == "STATE"
    for _ in range(3):
        session.station.connected(0.0)
        session.hello()
        session.say(type="REMOVED", slot=1)
        assert session.closed
    assert len(session.station._lane.unacknowledged()) == MOST_UNACKNOWLEDGED


def test_what_was_acknowledged_is_not_said_again() -> None:
    session = Session()
    for _ in range(3):
        session.say(type="REMOVED", slot=1)
    session.say(type="HEARTBEAT", ack=3, state="RUNNING")
    session.station.lost()
    session.station.connected(0.0)
    assert [line["seq"] for line in session.hello()] == [1, 4]


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"{}", b"[" * 70_000, b'{"seq":2,"type":"GO","slot":1}'])))
def test_any_bytes_get_a_declared_answer(lines: list[bytes]) -> None:
    session = Session()
    for data in lines:
        turn = session.station.received(data, 0.0)
        assert {json.loads(line)["type"] for line in turn.lines} <= {"ERROR"}
        if turn.close:
            session.station.connected(0.0)
            session.hello()


def test_faults_run_out() -> None:
    """The line itself: with every message lost nothing comes to rest."""
    with pytest.raises(AssertionError, match="did not come to rest"):
        Line(1, 1, repeat("lose")).run()
