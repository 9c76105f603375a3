"""The handler protocol, line by line (vectors handler-* of production-flows.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardkit.production.station.handler import bin_of
from cardkit.production.station.messages import MOST_BYTES, Result
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.turns import Alarm, Effect, Place, Start, Turn

FLOWS = json.loads((Path(__file__).parents[2] / "vectors" / "production-flows.json").read_text(encoding="utf-8"))
VECTORS = {case["name"]: case for case in FLOWS if case["name"].startswith("handler-")}
NOW = 100.0
BINS = {"GOOD": 1, "REJECT": 2, "HOLD": 3}
PROFILE = "00" * 32
OUTSIDE = {"handler-unknown-bin-goes-to-reject", "handler-too-long-line"}


class Play:
    """One vector against a station with two couplers; what it says must be what the vector says."""

    def __init__(self) -> None:
        self.station = StationProtocol([1, 2])
        self.station.connected(NOW)
        self.said: list[dict[str, Any]] = []
        self.effects: list[Effect] = []
        self.number = 0
        self.closed = False

    def take(self, turn: Turn) -> None:
        self.said += [json.loads(line) for line in turn.lines]
        self.effects += turn.effects
        self.closed |= turn.close

    def line(self, way: str, what: Any) -> None:
        if way == ">":
            data = what if isinstance(what, str) else json.dumps(what)
            self.take(self.station.received(data.encode(), NOW))
        elif way == "x":
            self.station.lost()
        elif way == "<":
            self.expect(what)

    def expect(self, what: dict[str, Any]) -> None:
        if not self.said and self.number + 1 < what["seq"]:  # a FEED the vector leaves out
            self.take(self.station.feed(NOW, count=1))
            self.number = self.said.pop(0)["seq"]
        if not self.said:
            self.take(self.drive(what))
        assert self.said.pop(0) == what
        self.number = what["seq"]

    def drive(self, what: dict[str, Any]) -> Turn:
        match what:
            case {"type": "JOB", "batch": batch, "profile_sha256": profile, "bins": bins}:
                return self.station.job(batch, profile, bins, NOW)
            case {"type": "FEED", "count": count}:
                return self.station.feed(NOW, count=count)
            case {"type": "RESULT"}:
                values = {key: value for key, value in what.items() if key not in ("seq", "re", "type")}
                return self.station.result(Result(**values), NOW)
            case {"type": "STOP", "why": why}:
                return self.station.stop(why, NOW)
        raise AssertionError(what)

    @property
    def alarms(self) -> list[Alarm]:
        return [effect for effect in self.effects if isinstance(effect, Alarm)]

    @property
    def starts(self) -> int:
        return sum(isinstance(effect, Start) for effect in self.effects)


def played(name: str) -> Play:
    play = Play()
    for way, what in VECTORS[name]["in"]["lines"]:
        play.line(way, what)
    return play


def test_there_are_thirteen() -> None:
    assert len(VECTORS) == 13


@pytest.mark.parametrize("name", sorted(VECTORS.keys() - OUTSIDE))
def test_vector(name: str) -> None:
    play, out = played(name), VECTORS[name]["out"]
    for key, found in {
        "attempts": play.starts,
        "alarm": play.alarms[0].code if play.alarms else None,
        "close": play.closed,
    }.items():
        assert key not in out or out[key] == found
    if "reply" in out:
        reply = play.said.pop()
        assert {key: reply[key] for key in out["reply"]} == out["reply"]
    if out.get("stop") == "station":
        assert play.said.pop() == {"seq": play.number + 1, "type": "STOP", "why": out["alarm"]}
        assert play.station.stopped == out["alarm"]
    assert play.said == []


def test_a_card_ejected_while_it_is_worked_on_is_in_doubt() -> None:
    assert VECTORS["handler-good-bin-without-verdict"]["out"]["record"] == "IN_DOUBT"
    assert [alarm.in_work for alarm in played("handler-good-bin-without-verdict").alarms] == [True]
    assert [alarm.in_work for alarm in played("handler-wrong-bin").alarms] == [False]


def test_after_the_link_is_lost_the_result_waits_for_the_session() -> None:
    play = played("handler-link-lost-after-bind")
    assert play.station.feed(NOW, slots=[2]).lines == []
    assert play.station.result(Result(slot=1, verdict="GOOD", bin="GOOD", ms=5), NOW).lines == []
    play.station.connected(NOW)
    hello = VECTORS["handler-link-lost-after-bind"]["in"]["lines"][0][1]
    again = [json.loads(line) for line in play.station.received(json.dumps(hello).encode(), NOW).lines]
    assert [line["type"] for line in again] == ["WELCOME", "JOB", "RESULT", "FEED"]
    assert again[0] == {"seq": 1, "re": 1, "type": "WELCOME", "protocol": 1, "session": "h-1", "resume_from": 2}
    assert [line["seq"] for line in again] == [1, 2, 3, 4]
    assert again[2] == {"seq": 3, "re": 2, "type": "RESULT", "slot": 1, "verdict": "GOOD", "bin": "GOOD", "ms": 5}


def test_an_unknown_bin_or_verdict_goes_to_reject() -> None:
    vector = VECTORS["handler-unknown-bin-goes-to-reject"]
    told = {key: value for key, value in vector["in"]["lines"][0][1].items() if key != "type"}
    assert bin_of(Result(**told), BINS) == vector["out"]["handler_uses_bin"]
    assert bin_of(Result(slot=1, verdict="SAMPLE", bin="GOOD", ms=1), BINS) == "REJECT"
    assert bin_of(Result(slot=1, verdict="GOOD", bin="GOOD", ms=1), BINS) == "GOOD"


def test_a_line_that_is_too_long_closes_the_link() -> None:
    play = Play()
    out = VECTORS["handler-too-long-line"]["out"]
    play.take(play.station.received(b"x" * (MOST_BYTES + 1), NOW))
    assert [(line["type"], line["code"], line["expected"]) for line in play.said] == [
        (out["reply"]["type"], out["reply"]["code"], MOST_BYTES)
    ]
    assert play.closed is out["close"]


def test_the_slot_of_a_card_that_was_ejected_is_empty_again() -> None:
    assert played("handler-one-good-card").station.place(1) is Place.EMPTY
    assert played("handler-one-good-card").station.unsettled == []
    assert played("handler-go-on-a-busy-slot").station.unsettled == [1]
