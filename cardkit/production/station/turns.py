"""What follows from a turn of the handler protocol: lines to send, and what to do with cards. production.md 16"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cardkit.production.station.messages import Result


class Place(StrEnum):
    """Where a slot is in its round."""

    EMPTY = "EMPTY"
    ARRIVED = "ARRIVED"
    BUSY = "BUSY"
    DONE = "DONE"


@dataclass(slots=True)
class Slot:
    """A slot and the card in it.

    :ivar go: number of the message that started it.  :ivar told: the result it was told.
    """

    place: Place = Place.EMPTY
    go: int = 0
    told: Result | None = None


# What a turn asks of whoever drives the couplers.


@dataclass(frozen=True, slots=True)
class Began:
    """The handler opened a session: it must be told the job, and what to feed."""

    machine: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A card comes to this slot."""

    slot: int
    card_ref: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """The card in this slot may be powered up."""

    slot: int


@dataclass(frozen=True, slots=True)
class Left:
    """The card of this slot is where it was told to be, or was taken out blank."""

    slot: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """The station must stop: nobody knows where a card is, or it is where it must not be.

    :param slot: 0 where it is of none.  :param in_work: whether it left the slot while it was worked on.
    """

    code: str
    slot: int
    why: str
    in_work: bool = False


@dataclass(frozen=True, slots=True)
class HandlerStopped:
    """The handler stops feeding."""

    why: str


Effect = Began | Coming | Start | Left | Alarm | HandlerStopped


@dataclass(slots=True)
class Turn:
    """What follows from something that happened.

    :ivar lines: to be sent, in order.  :ivar close: then the link is closed.
    """

    lines: list[bytes] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    close: bool = False
