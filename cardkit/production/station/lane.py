"""One side's numbers in one session: what it said and may have to say again, and what it heard. production.md 16"""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum, auto

from cardkit.production.station.messages import Fault, Heartbeat, Message, line_of

MOST_UNACKNOWLEDGED = 1024
"""Lines kept for a side that acknowledges nothing; a heartbeat, every 2 s, acknowledges all it heard."""


class Hearing(Enum):
    """What a number means: the next message, one that was processed before, or one that came too early."""

    NEW = auto()
    AGAIN = auto()
    EARLY = auto()


class Lane:
    """The numbers of one side.

    :ivar said: number of its last message.  :ivar heard: number of the other side's last message it processed.
    """

    def __init__(self) -> None:
        self.said = 0
        self.heard = 0
        self._last = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._answers: OrderedDict[int, bytes] = OrderedDict()

    def say(self, message: Message) -> bytes:
        """Give a message its number, keep it, and return its line."""
        self.said += 1
        line = line_of(message, self.said)
        if not isinstance(message, Heartbeat):
            self._last = self.said
        self._kept.append((self.said, line))
        if message.re is not None:
            self._answers[message.re] = line
            if len(self._answers) > MOST_UNACKNOWLEDGED:
                self._answers.popitem(last=False)
        return line

    def hear(self, seq: int) -> Hearing:
        """Take the number of a message; a new one counts as processed."""
        if seq <= self.heard:
            return Hearing.AGAIN
        if seq > self.heard + 1:
            return Hearing.EARLY
        self.heard = seq
        return Hearing.NEW

    def acknowledge(self, upto: int) -> bool:
        """Forget what the other side has heard; False when it claims more than was said."""
        if upto > self.said:
            return False
        while self._kept and self._kept[0][0] <= upto:
            self._kept.popleft()
        return True

    def unacknowledged(self, after: int = 0) -> list[bytes]:
        """Return the lines to say again, in order.

        :param after: only those with a higher number.
        """
        return [line for number, line in self._kept if number > after]

    def asked_again(self, said: Message) -> list[bytes]:
        """Return the lines that a SEQ_GAP asks for, also one that came too early itself: both sides may miss some."""
        match said:
            case Fault(code="SEQ_GAP", expected=int(expected)) if said.seq > self.heard:
                return self.unacknowledged(after=expected - 1)
        return []

    def answer(self, seq: int) -> bytes | None:
        """Return the stored answer to a message that was processed; None where there is none (yet)."""
        return self._answers.get(seq)

    @property
    def settled(self) -> bool:
        """Whether the other side has heard everything but, maybe, heartbeats."""
        return not self._kept or self._kept[0][0] > self._last

    @property
    def full(self) -> bool:
        """Whether too much waits for the other side to say that it heard it."""
        return len(self._kept) >= MOST_UNACKNOWLEDGED
