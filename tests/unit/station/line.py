"""Station and simulated handler on a line without sockets: each message may be lost, doubled, or cut the link."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

from cardkit.production.station.handler import HandlerProtocol
from cardkit.production.station.mechanics import BINS, Machine, Trouble
from cardkit.production.station.messages import Result
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.turns import Alarm, Began, Start, Turn

STEP_S = 1.0
MOST_STEPS = 5_000


class Line:
    """Runs both sides until the machine is done.

    :param records: how many cards the station has work for.  :param slots: of the machine.
    :param faults: what happens to each message in turn: ``ok``, ``lose``, ``repeat`` or ``cut``; then all are well.
    """

    def __init__(self, records: int, slots: int, faults: Iterator[str], *, trouble: Trouble | None = None) -> None:
        numbers = list(range(1, slots + 1))
        self.station = StationProtocol(numbers)
        self.handler = HandlerProtocol("h-1", "m1", numbers)
        self.machine = Machine(records, trouble)
        self.records = records
        self.starts: Counter[int] = Counter()
        self.alarms: list[Alarm] = []
        self.delivered = 0
        self._faults = faults
        self._idle = deque(numbers)
        self._working: deque[int] = deque()
        self._up: deque[bytes] = deque()
        self._down: deque[bytes] = deque()
        self._now = 0.0
        self._open = False

    def run(self) -> None:
        for _ in range(MOST_STEPS):
            if self.machine.finished and self.handler.settled and not self.station.unsettled:
                return
            self._step()
        raise AssertionError("the line did not come to rest")

    def _step(self) -> None:
        if not self._open:
            self._connect()
        elif self._up:
            self._deliver(self._up, self._to_station)
        elif self._down:
            self._deliver(self._down, self._to_handler)
        elif self._working:
            slot = self._working.popleft()
            result = Result(slot=slot, verdict="GOOD", bin="GOOD", ms=1)
            self._take(self.station.result(result, self._now))
            self._idle.append(slot)
            self._feed()
        else:
            self._wait()

    def _connect(self) -> None:
        self._open = True
        self.station.connected(self._now)
        self._up.append(self.handler.connected(self._now))

    def _deliver(self, queue: deque[bytes], to: object) -> None:
        assert callable(to)
        line, fault = queue.popleft(), next(self._faults, "ok")
        self.delivered += 1
        if fault == "cut":
            self._cut()
        elif fault != "lose":
            for _ in range(2 if fault == "repeat" else 1):
                to(line)

    def _cut(self) -> None:
        self._open = False
        self._up.clear()
        self._down.clear()
        self.station.lost()
        self.handler.lost()

    def _to_station(self, line: bytes) -> None:
        self._take(self.station.received(line, self._now))

    def _to_handler(self, line: bytes) -> None:
        heard = self.handler.received(line, self._now)
        self._up.extend(heard.lines)
        for news in heard.news:
            for message in self.machine.told(news):
                self._up.extend(self.handler.say(message))
        assert not heard.close

    def _take(self, turn: Turn) -> None:
        if turn.close:
            self._down.clear()
            self._cut()
        self._down.extend(turn.lines)
        for effect in turn.effects:
            if isinstance(effect, Began):
                self._take(self.station.job("B-1", "00" * 32, BINS, self._now))
                self._feed()
            elif isinstance(effect, Start):
                self.starts[effect.slot] += 1
                self._working.append(effect.slot)
            elif isinstance(effect, Alarm):
                self.alarms.append(effect)

    def _feed(self) -> None:
        while self._idle and self.records:
            self.records -= 1
            self._take(self.station.feed(self._now, slots=[self._idle.popleft()]))

    def _wait(self) -> None:
        self._now += STEP_S
        heard = self.handler.tick(self._now)
        self._up.extend(heard.lines)
        if heard.close:
            self._cut()
            return
        self._take(self.station.tick(self._now))
