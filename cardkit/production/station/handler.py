"""The handler's side of its protocol, for the simulated handler and for adapters. production.md 16"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cardkit.production.station import messages
from cardkit.production.station.lane import Hearing, Lane
from cardkit.production.station.messages import (
    PROTOCOL,
    Fault,
    FromStation,
    Heartbeat,
    Hello,
    Message,
    Refusal,
    Result,
    Stop,
    Welcome,
)
from cardkit.production.station.protocol import GOOD, HEARTBEAT_S, HOLD, IN_DOUBT, REJECT, RETRY, SILENCE_S

VERDICTS = frozenset({GOOD, RETRY, REJECT, HOLD, IN_DOUBT})


@dataclass(slots=True)
class Heard:
    """What follows from something that happened.

    :ivar lines: to be sent, in order.  :ivar news: what the station says, each once and in order.
    :ivar close: then the link is closed.
    """

    lines: list[bytes] = field(default_factory=list)
    news: list[FromStation] = field(default_factory=list)
    close: bool = False


class HandlerProtocol:
    """What a handler says to its station, without sockets or clock. One thread at a time may use it.

    :param session: a name nobody used before; another one means other cards.
    :ivar linked: whether the station has said WELCOME on this link.
    :ivar forgotten: whether the station does not know this session any more: it was started again meanwhile.
    """

    def __init__(
        self,
        session: str,
        machine: str,
        couplers: Iterable[int],
        *,
        heartbeat_s: float = HEARTBEAT_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._lane = Lane()
        self._hello = Hello(protocol=PROTOCOL, session=session, machine=machine, couplers=list(couplers))
        self._lane.say(self._hello)
        self._heartbeat_s = heartbeat_s
        self._silence_s = silence_s
        self._heard_at = self._said_at = 0.0
        self._acknowledged = 0
        self.linked = False
        self.forgotten = False

    @property
    def settled(self) -> bool:
        """Whether the station has heard everything."""
        return self._lane.settled

    def connected(self, now: float) -> bytes:
        """Return the first line of a new link."""
        self._heard_at = self._said_at = now
        self.linked = False
        return messages.line_of(self._hello, 1)

    def lost(self) -> None:
        """The link is gone; what is said now is said again on the next one."""
        self.linked = False

    def say(self, message: Message) -> list[bytes]:
        """Number a message; the lines to send, none while there is no link."""
        line = self._lane.say(message)
        return [line] if self.linked else []

    def received(self, line: bytes, now: float) -> Heard:
        """Take one line of the station's."""
        self._heard_at = now
        said, heard = messages.from_station(line), Heard()
        if isinstance(said, Refusal):
            heard.close = True
        elif isinstance(said, Welcome):
            if not self.linked:
                self._welcome(said, heard)
        elif not self.linked:
            heard.news += [said] if isinstance(said, Fault) else []  # why there will be no session
        else:
            self._numbered(said, heard)
        return heard

    def tick(self, now: float) -> Heard:
        """Look at the time: say a heartbeat, or give up a link that is silent."""
        heard = Heard(close=now - self._heard_at >= self._silence_s)
        if self.linked and not heard.close and now - self._said_at >= self._heartbeat_s:
            self._said_at = now
            heard.lines = self._heartbeat()
        return heard

    def _heartbeat(self) -> list[bytes]:
        return self.say(Heartbeat(ack=self._lane.heard, state="RUNNING"))

    def _welcome(self, said: Welcome, heard: Heard) -> None:
        self.forgotten = max(said.resume_from, 1) < self._acknowledged
        self.linked = not self.forgotten
        self._lane.hear(1)
        self._acknowledge(max(said.resume_from, 1))
        if self.linked:
            heard.lines += self._lane.unacknowledged()
        heard.close = self.forgotten
        heard.news.append(said)

    def _numbered(self, said: FromStation, heard: Heard) -> None:
        heard.lines += self._lane.asked_again(said)
        hearing = self._lane.hear(said.seq)
        if hearing is Hearing.EARLY:
            heard.lines += self.say(Fault(code="SEQ_GAP", expected=self._lane.heard + 1))
        if hearing is not Hearing.NEW:
            return
        self._acknowledge(said.ack if isinstance(said, Heartbeat) else said.re or 0)
        if isinstance(said, Stop):
            heard.lines += self._heartbeat()
        heard.news.append(said)

    def _acknowledge(self, upto: int) -> None:
        if self._lane.acknowledge(upto):
            self._acknowledged = max(self._acknowledged, upto)


def bin_of(result: Result, bins: Mapping[str, int]) -> str:
    """Return where a card goes: a bin or verdict that the handler does not know means the REJECT bin.

    >>> bin_of(Result(slot=1, verdict="RETRY", bin="A7", ms=1), {"GOOD": 1, "REJECT": 2})
    'REJECT'
    """
    return result.bin if result.bin in bins and result.verdict in VERDICTS else REJECT
