"""A coupler behind a handler: it starts with GO, contacts get a second chance, and a card that left is in doubt."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf
from typing import Any, NoReturn

import pytest

from cardkit.errors import Executed, NoCardError
from cardkit.production.couplers import messages
from cardkit.production.couplers.bench import BenchSpec, PersoBench
from cardkit.production.couplers.loop import serve
from cardkit.production.couplers.messages import Answer, Ended, Lost, Order, Question
from cardkit.production.events import BatchDone, BatchStarted, CardDone, WorkerRestarted
from cardkit.production.station.floor import Order as Job
from cardkit.production.station.floor import ShopFloor, Step
from cardkit.production.station.handled import HandledCoupler
from cardkit.production.station.mechanics import BINS
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.serving import CARD_S
from cardkit.production.station.turns import Alarm, Turn
from cardkit.production.stop import Stop
from cardkit.profile import load_profile
from cardkit.target import parse_one

TAKE = messages.Take(b"work")
MUTE = Lost("MUTE", "contact", "no answer", bound=False)
MADE = Ended(good=True, bound=True, chip="C1", evidence_sha256=b"e" * 32)


class Inner:
    """The coupler itself, as far as its place sees it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.overdue = None

    def start(self) -> None:
        self.orders.clear()

    def send(self, order: Order) -> None:
        self.orders.append(order)

    def kill(self) -> None:
        self.orders.append(messages.Finish())

    def join(self, timeout_s: float) -> bool:
        return timeout_s >= 0


class Bench:
    """One coupler, its supervisor and its handler, played by a test."""

    def __init__(self) -> None:
        self.inner = Inner()
        self.put_up: list[Answer] = []
        self.alarms: list[Alarm] = []
        self.said: list[dict[str, Any]] = []
        self.protocol = StationProtocol([1])
        self.seq = 0
        self.floor = ShopFloor(["r"], BINS, self.post, lambda batch: Job(batch, "00" * 32), self.alarms.append)
        self.coupler = self.floor.handling(lambda number, exchange, taken: self.inner)(1, self, 0)
        assert isinstance(self.coupler, HandledCoupler)
        self.protocol.connected(0.0)
        self.handler(type="HELLO", protocol=1, session="s", machine="m", couplers=[1])
        self.floor.told(BatchStarted("B-1", 1, 1, 0, 0, 0, ("r",)))

    def post(self, step: Step) -> None:
        self.apply(step(self.protocol, 0.0))

    def apply(self, turn: Turn) -> None:
        self.said += [messages_of(line) for line in turn.lines]
        for effect in turn.effects:
            self.floor.act(effect, 0.0)

    def handler(self, **message: Any) -> None:
        self.seq += 1
        self.apply(self.protocol.received(encoded({"seq": self.seq, **message}), 0.0))

    def put(self, coupler: int, answer: Answer) -> None:
        assert coupler == 1
        self.put_up.append(answer)

    def ask(self, coupler: int, question: Question) -> str | None:
        return None

    def results(self) -> list[tuple[str, str, str | None]]:
        return [(line["verdict"], line["bin"], line.get("code")) for line in self.said if line["type"] == "RESULT"]

    def done(self, verdict: str, code: str | None = None) -> None:
        self.floor.told(CardDone("r", 1, "ref", verdict, code))


def messages_of(line: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line)
    return told


def encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_record_waits_for_its_card(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    assert bench.said[-1]["type"] == "FEED"
    assert bench.said[-1]["slots"] == [1]
    assert bench.inner.orders == []
    bench.handler(type="ARRIVED", slot=1)
    assert bench.inner.orders == []
    bench.handler(type="GO", slot=1)
    assert bench.inner.orders == [TAKE]
    assert bench.results() == []
    bench.coupler.put(1, MADE)
    assert (bench.put_up, bench.results()) == ([MADE], [])
    bench.done("GOOD")
    assert bench.results() == [("GOOD", "GOOD", None)]


def test_a_card_without_a_record_is_held(bench: Bench) -> None:
    bench.handler(type="GO", slot=1)
    assert bench.results() == [("HOLD", "HOLD", "NO_RECORD")]
    assert bench.inner.orders == []


def test_contacts_that_fail_are_tried_once_more_and_the_record_stays(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    bench.coupler.put(1, MUTE)
    assert (bench.results(), bench.put_up) == ([("RETRY", "REJECT", "MUTE")], [])
    bench.handler(type="GO", slot=1)
    assert bench.inner.orders == [TAKE, TAKE]
    bench.coupler.put(1, MUTE)
    assert bench.put_up == [MUTE]
    bench.done("BLANK_REJECT", "MUTE")
    assert bench.results()[-1] == ("REJECT", "REJECT", "MUTE")


def test_a_card_that_leaves_instead_of_a_second_try_is_a_blank_reject(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    bench.coupler.put(1, MUTE)
    bench.handler(type="EJECTED", slot=1, bin="REJECT")
    assert bench.put_up == [MUTE]
    bench.handler(type="GO", slot=1)
    assert bench.inner.orders == [TAKE]


@pytest.mark.parametrize(
    "lost", [Lost("REMOVED", "contact", "gone", bound=True, chip="C1"), Lost("CPLC", "card type", "x", bound=False)]
)
def test_nothing_else_is_tried_again(bench: Bench, lost: Lost) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    bench.coupler.put(1, lost)
    assert bench.put_up == [lost]


def test_a_card_that_left_while_it_was_worked_on_is_in_doubt_and_stops_the_station(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    assert bench.coupler.ask(1, messages.Bind("C1")) is None
    bench.handler(type="EJECTED", slot=1, bin="GOOD")
    assert [alarm.code for alarm in bench.alarms] == ["EJECT_WITHOUT_RESULT"]
    assert bench.coupler.ask(1, messages.Intent("ADM1", "k", 3)) is not None
    bench.coupler.put(1, MADE)
    halt, lost = bench.put_up
    assert isinstance(halt, messages.Halt)
    assert halt.rule == "eject_without_result"
    assert isinstance(lost, Lost)
    assert (lost.code, lost.bound, lost.chip) == ("EJECT_WITHOUT_RESULT", True, "C1")
    bench.done("IN_DOUBT", "EJECT_WITHOUT_RESULT")
    assert bench.results() == []


def test_the_end_of_the_work_gives_the_record_back(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.coupler.send(messages.Finish())
    assert bench.put_up == [messages.Empty()]
    assert bench.inner.orders == [messages.Finish()]
    bench.handler(type="GO", slot=1)
    assert bench.results() == [("HOLD", "HOLD", "NO_RECORD")]


def test_a_coupler_that_ends_leaves_its_card_untouched(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    bench.floor.told(WorkerRestarted("r", "its process ended"))
    assert bench.results() == [("HOLD", "HOLD", "UNTOUCHED")]


def test_a_store_that_is_away_means_hold_and_stop(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.handler(type="GO", slot=1)
    bench.done("IN_DOUBT", "STORE")
    bench.floor.told(BatchDone("B-1", {}, 0, 0, 1, 0, 1.0, Stop("station", "store", "gone")))
    assert bench.results() == [("HOLD", "HOLD", "STORE")]
    assert (bench.said[-1]["type"], bench.said[-1]["why"]) == ("STOP", "STORE")


def test_a_handler_that_begins_anew_hears_job_and_feed_again(bench: Bench) -> None:
    bench.coupler.send(TAKE)
    bench.seq = 0
    bench.said.clear()
    bench.handler(type="HELLO", protocol=1, session="t", machine="m", couplers=[1])
    assert [line["type"] for line in bench.said] == ["WELCOME", "JOB", "FEED"]


def test_the_handlers_stop_stops_the_station(bench: Bench) -> None:
    bench.handler(type="STOP", why="jam")
    assert bench.put_up == [messages.Halt("handler", "the handler stopped: jam")]


def test_a_reader_that_stays_empty_is_said_to_the_handler_twice_and_the_record_stays(bench: Bench) -> None:
    """GO, and no card: its slot gets an answer all the same."""
    empty = Lost("NO_CARD", "contact", "no new card within 10 s", bound=False)
    bench.coupler.send(TAKE)
    for _ in range(2):
        bench.handler(type="GO", slot=1)
        bench.coupler.put(1, empty)
    assert bench.put_up == [empty]
    bench.done("BLANK_REJECT", "NO_CARD")
    assert bench.results() == [("RETRY", "REJECT", "NO_CARD"), ("REJECT", "REJECT", "NO_CARD")]


class Reader:
    """A real reader that stays empty; it says how long it was waited at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited: list[float] = []
        monkeypatch.setattr("cardkit.target.find_reader", str)
        monkeypatch.setattr("cardkit.target.wait_for_card", self._wait)

    def _wait(self, reader: str, *, after: int | None, timeout_s: float, cancelled: Callable[[], bool]) -> NoReturn:
        self.waited.append(timeout_s)
        raise NoCardError(f"{reader}: no new card within {timeout_s:g} s", reader=reader, executed=Executed.NO)


def bench_at_a_reader(card_s: float | None) -> PersoBench:
    profile = load_profile("sim/usim-test")
    return PersoBench(BenchSpec(str(profile.path), profile.sha256, parse_one("pcsc:0"), card_s=card_s))


def test_after_go_a_card_is_waited_for_within_the_declared_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    link = Told([TAKE, messages.Finish()])
    serve(link, bench_at_a_reader(CARD_S))
    assert reader.waited == [CARD_S]
    assert [answer for answer in link.said if isinstance(answer, Lost)] == [
        Lost("NO_CARD", "contact", f"0: no new card within {CARD_S:g} s", bound=False)
    ]


def test_without_a_handler_a_card_is_waited_for_until_it_comes_or_the_station_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(monkeypatch)
    asked = iter([False, False, True])
    assert not bench_at_a_reader(None).place(lambda: next(asked))
    assert reader.waited == [inf, inf]


class Told:
    """A coupler's link whose orders are known, and what was answered on it."""

    ending = False

    def __init__(self, orders: list[Order]) -> None:
        self._orders = iter(orders)
        self.said: list[Answer] = []

    def order(self) -> Order:
        return next(self._orders)

    def answer(self, message: Answer) -> None:
        self.said.append(message)

    def ask(self, question: Question) -> str | None:
        raise AssertionError(question)
