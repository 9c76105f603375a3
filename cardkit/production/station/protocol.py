"""The station's side of the handler protocol, without sockets, threads or clock: both come in. production.md 16

A slot goes EMPTY -> ARRIVED -> BUSY (GO) -> DONE (RESULT) -> EMPTY (EJECTED). A card whose place nobody knows stops the
station: this side never guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from cardkit.production.station import messages
from cardkit.production.station.lane import Hearing, Lane
from cardkit.production.station.messages import (
    PROTOCOL,
    Arrived,
    Ejected,
    Fault,
    Feed,
    FromHandler,
    Go,
    Heartbeat,
    Hello,
    Job,
    Message,
    Refusal,
    Removed,
    Result,
    Stop,
    Welcome,
)
from cardkit.production.station.turns import Alarm, Began, Coming, HandlerStopped, Left, Place, Slot, Start, Turn

HEARTBEAT_S, SILENCE_S = 2.0, 6.0
GOOD, RETRY, REJECT, HOLD, IN_DOUBT = "GOOD", "RETRY", "REJECT", "HOLD", "IN_DOUBT"
BY_HAND = frozenset({HOLD, IN_DOUBT})
"""Verdicts whose cards people may take out of the slot."""


class StationProtocol:
    """What a station says to its handler. One thread at a time may use it.

    :param couplers: the numbers of its couplers; slot n belongs to coupler n.
    :ivar linked: whether a handler that has said HELLO is connected.  :ivar stopped: why it feeds no more.
    """

    def __init__(
        self, couplers: Iterable[int], *, heartbeat_s: float = HEARTBEAT_S, silence_s: float = SILENCE_S
    ) -> None:
        self._couplers = frozenset(couplers)
        self._heartbeat_s = heartbeat_s
        self._silence_s = silence_s
        self._lane = Lane()
        self._session: str | None = None
        self._slots = {number: Slot() for number in sorted(self._couplers)}
        self._due: list[Feed] = []
        self._heard_at = self._said_at = 0.0
        self._connected = False
        self._turn = Turn()
        self.linked = False
        self.stopped: str | None = None

    # What the line brings.

    def connected(self, now: float) -> None:
        """A handler connected; it must say HELLO.

        :param now: seconds of a clock that never goes back, as everywhere here.
        """
        self._connected, self.linked = True, False
        self._heard_at = self._said_at = now

    def lost(self) -> None:
        """The link is gone: nothing more is fed, cards in work are finished, what is said now is said again later."""
        self._connected = self.linked = False

    def received(self, line: bytes, now: float) -> Turn:
        """Take one line of the handler's, with or without its line feed."""
        self._heard_at = now
        said = messages.from_handler(line)
        if len(line) > messages.MOST_BYTES:
            self._reject("TOO_LONG", expected=messages.MOST_BYTES, close=True)
        elif isinstance(said, Refusal):
            self._refused(said)
        elif isinstance(said, Hello):
            self._hello(said)
        elif not self.linked:
            self._reject("STATE", expected="HELLO", close=True)
        elif self._lane.full and not isinstance(said, Heartbeat):
            self._reject("STATE", expected="HEARTBEAT", close=True)
        else:
            self._numbered(said)
        return self._done(now)

    def tick(self, now: float) -> Turn:
        """Look at the time: say a heartbeat, or give up a link that is silent."""
        due = self.linked and now - self._said_at >= self._heartbeat_s
        if self._connected and (now - self._heard_at >= self._silence_s or (due and self._lane.full)):
            self._turn.close = True
        elif due:
            self._say(Heartbeat(ack=self._lane.heard, state="STOPPED" if self.stopped else "RUNNING"))
        return self._done(now)

    # What the station has to say.

    def job(self, batch: str, profile_sha256: str, bins: Mapping[str, int], now: float) -> Turn:
        """Say what is made now."""
        self._say(Job(batch=batch, profile_sha256=profile_sha256, bins=dict(bins)))
        return self._done(now)

    def feed(self, now: float, *, count: int | None = None, slots: list[int] | None = None) -> Turn:
        """Let cards be moved in; while the link is lost that waits until the session goes on."""
        if self.stopped is None:
            self._due.append(Feed(count=count, slots=slots))
            self._feed_due()
        return self._done(now)

    def result(self, result: Result, now: float) -> Turn:
        """Say how the work on a card ended; nothing where its slot is not BUSY any more."""
        slot = self._slots[result.slot]
        if slot.place is Place.BUSY:
            slot.place = Place.ARRIVED if result.verdict == RETRY else Place.DONE
            slot.told = result
            self._say(replace(result, re=slot.go))
        return self._done(now)

    def stop(self, why: str, now: float) -> Turn:
        """Say that nothing more is fed; once."""
        self._stop(why)
        return self._done(now)

    def farewell(self, now: float) -> Turn:
        """Say what was heard, as the last of a link."""
        if self.linked and not self._lane.full:
            self._say(Heartbeat(ack=self._lane.heard, state="STOPPED"))
        return self._done(now)

    def place(self, slot: int) -> Place:
        """Return where a slot is in its round."""
        return self._slots[slot].place

    @property
    def settled(self) -> bool:
        """Whether no slot holds a card, and a handler that is still there has heard everything."""
        return not self.unsettled and (self._lane.settled or not self.linked)

    @property
    def unsettled(self) -> list[int]:
        """The slots that still hold a card, as far as the handler has said."""
        return [number for number, slot in self._slots.items() if slot.place is not Place.EMPTY]

    # Sessions.

    def _hello(self, hello: Hello) -> None:
        if hello.seq != 1:
            self._reject("SEQ_GAP", expected=1, close=True)
        elif frozenset(hello.couplers) != self._couplers:
            self._reject("SLOT", expected=",".join(map(str, sorted(self._couplers))), close=True)
        elif hello.session == self._session:
            self._resume(hello)
        else:
            self._begin(hello)

    def _begin(self, hello: Hello) -> None:
        left = [(number, slot.place) for number, slot in self._slots.items() if slot.place in (Place.BUSY, Place.DONE)]
        self._lane, self._session = Lane(), hello.session
        self._slots = {number: Slot() for number in sorted(self._couplers)}
        self._due.clear()
        self._lane.hear(1)
        self.linked = True
        self._say(_welcome(hello, 0))
        if self.stopped is not None:
            self._say(Stop(why=self.stopped))
        self._turn.effects.append(Began(hello.machine))
        for number, place in left:
            why = f"slot {number} held a card when the handler began another session"
            self._alarm("SESSION_CHANGED", number, why, in_work=place is Place.BUSY)

    def _resume(self, hello: Hello) -> None:
        self.linked = True
        self._turn.lines.append(messages.line_of(_welcome(hello, self._lane.heard), 1))
        self._turn.lines += self._lane.unacknowledged(after=1)
        self._feed_due()

    # Messages of a session.

    def _refused(self, refusal: Refusal) -> None:
        if refusal.code == "SYNTAX" or not self.linked or refusal.seq is None or self._lane.full:
            self._reject(refusal.code, close=refusal.code == "SYNTAX" or not self.linked or self._lane.full)
        elif self._is_next(refusal.seq):
            self._say(Fault(re=refusal.seq, code=refusal.code))

    def _numbered(self, said: FromHandler) -> None:
        self._turn.lines += self._lane.asked_again(said)
        if not self._is_next(said.seq):
            return
        acknowledged = said.ack if isinstance(said, Heartbeat) else said.re
        if acknowledged is not None and not self._lane.acknowledge(acknowledged):
            self._say(Fault(re=said.seq, code="FIELD", expected=self._lane.said))
        else:
            self._act(said)

    def _is_next(self, seq: int) -> bool:
        """Whether a message is the next one; one from before gets its stored answer, one too early is refused."""
        hearing = self._lane.hear(seq)
        if hearing is Hearing.AGAIN:
            answer = self._lane.answer(seq)
            self._turn.lines += [answer] if answer else []
        elif hearing is Hearing.EARLY:
            self._say(Fault(code="SEQ_GAP", expected=self._lane.heard + 1))
        return hearing is Hearing.NEW

    def _act(self, said: FromHandler) -> None:
        match said:
            case Arrived() | Go() | Ejected() | Removed() if said.slot not in self._couplers:
                self._say(Fault(re=said.seq, code="SLOT"))
            case Arrived():
                self._arrived(said)
            case Go():
                self._go(said)
            case Ejected() | Removed():
                self._left(said)
            case Stop(why=why):
                self.stopped = self.stopped or f"HANDLER: {why}"
                self._turn.effects.append(HandlerStopped(why))
            case _:
                pass

    def _arrived(self, said: Arrived) -> None:
        slot = self._slots[said.slot]
        if slot.place is not Place.EMPTY:
            self._say(Fault(re=said.seq, code="SLOT_BUSY"))
            return
        slot.place = Place.ARRIVED
        self._turn.effects.append(Coming(said.slot, said.card_ref))

    def _go(self, said: Go) -> None:
        slot = self._slots[said.slot]
        if slot.place in (Place.BUSY, Place.DONE):
            self._say(Fault(re=said.seq, code="SLOT_BUSY"))
            return
        slot.place, slot.go, slot.told = Place.BUSY, said.seq, None
        self._turn.effects.append(Start(said.slot))

    def _left(self, said: Ejected | Removed) -> None:
        slot = self._slots[said.slot]
        place, told = slot.place, slot.told
        if place is Place.EMPTY:
            self._say(Fault(re=said.seq, code="STATE"))
            return
        self._slots[said.slot] = Slot()
        gone = f"into {said.bin}" if isinstance(said, Ejected) else "by hand"
        if place is Place.BUSY:
            why = f"the card of slot {said.slot} left {gone} while it was worked on"
            self._alarm("EJECT_WITHOUT_RESULT", said.slot, why, in_work=True)
        elif place is Place.ARRIVED and isinstance(said, Ejected) and said.bin == GOOD:
            self._alarm("EJECT_WITHOUT_RESULT", said.slot, f"a card of slot {said.slot} that was not made left {gone}")
        elif place is Place.DONE and told is not None and not _as_told(said, told):
            why = f"the card of slot {said.slot} was to go into {told.bin} and left {gone}"
            self._alarm("WRONG_BIN", said.slot, why)
        else:
            self._turn.effects.append(Left(said.slot))

    # Small steps.

    def _alarm(self, code: str, slot: int, why: str, *, in_work: bool = False) -> None:
        self._turn.effects.append(Alarm(code, slot, why, in_work))
        self._stop(code)

    def _stop(self, why: str) -> None:
        if self.stopped is None:
            self.stopped = why
            self._due.clear()
            self._say(Stop(why=why))

    def _feed_due(self) -> None:
        if self.linked and self.stopped is None:
            for feed in self._due:
                self._say(feed)
            self._due.clear()

    def _say(self, message: Message) -> None:
        """Say something in this session; while the link is lost it is only kept."""
        if self._session is None:
            return
        line = self._lane.say(message)
        if self.linked:
            self._turn.lines.append(line)

    def _reject(self, code: str, *, expected: int | str | None = None, close: bool = False) -> None:
        """Refuse a line that has no number here; outside a session the answer has number 1 and is not kept."""
        fault = Fault(code=code, expected=expected)
        if self.linked and not self._lane.full:
            self._say(fault)
        else:
            self._turn.lines.append(messages.line_of(fault, 1))
        self._turn.close = close

    def _done(self, now: float) -> Turn:
        done, self._turn = self._turn, Turn()
        if done.lines:
            self._said_at = now
        if done.close:
            self.lost()
        return done


def _welcome(hello: Hello, resume_from: int) -> Welcome:
    return Welcome(re=1, protocol=min(hello.protocol, PROTOCOL), session=hello.session, resume_from=resume_from)


def _as_told(said: Ejected | Removed, told: Result) -> bool:
    return said.bin == told.bin if isinstance(said, Ejected) else told.verdict in BY_HAND
