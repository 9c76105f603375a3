"""Which chip lies in the reader, and how far it has got."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from cardkit.channel import Channel
from cardkit.crypto import marker as marking
from cardkit.desired import Unmarked
from cardkit.errors import CardError
from cardkit.perso.planner import compiled
from cardkit.profile import Profile


class Card(Protocol):
    """A powered card, as :func:`cardkit.target.open_card` gives it."""

    @property
    def channel(self) -> Channel:
        """The basic logical channel."""
        ...

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        ...

    def reset(self, *, cold: bool = True) -> bytes:
        """Reset the card and return its ATR."""
        ...

    def close(self) -> None:
        """Power the card off."""
        ...


class MarkerState(StrEnum):
    """How far a chip has got; FINAL: the marker's home is gone; BEGUN: it has none, and is no longer as delivered."""

    BLANK = "blank"
    STARTED = "started"
    DATA = "data"
    VERIFIED = "verified"
    BEGUN = "begun"
    FINAL = "final"
    FOREIGN = "foreign"


_STATES: dict[int, MarkerState] = {
    marking.MarkerState.STARTED: MarkerState.STARTED,
    marking.MarkerState.DATA_DONE: MarkerState.DATA,
    marking.MarkerState.VERIFIED: MarkerState.VERIFIED,
}


@dataclass(frozen=True, slots=True)
class Presented:
    """The chip in the reader.

    :param chip_id: its own number, hexadecimal digits.
    :param marker: 18 bytes; None where its home is gone or never was.
    """

    chip_id: str
    marker: bytes | None
    state: MarkerState

    def belongs_to(self, tag: bytes) -> bool:
        """Whether the marker has this tag (16 bytes): the chip is bound to that record."""
        return self.marker is not None and hmac.compare_digest(self.marker[2:], tag)


def read_marker(chip_id: str, marker: bytes | Unmarked | None) -> Presented:
    """Judge a marker as read."""
    if marker is None:
        return Presented(chip_id, None, MarkerState.FINAL)
    if isinstance(marker, Unmarked):
        return Presented(chip_id, None, MarkerState(marker.value))
    if marker == b"\xff" * marking.SIZE_BYTES:
        return Presented(chip_id, marker, MarkerState.BLANK)
    known = len(marker) == marking.SIZE_BYTES and marker[0] == marking.VERSION
    state = _STATES.get(marker[1], MarkerState.FOREIGN) if known else MarkerState.FOREIGN
    return Presented(chip_id, marker, state)


def identify(profile: Profile, card: Card) -> Presented:
    """Read chip id and marker of a freshly powered card; changes nothing.

    :raises CardError: when the card is not the profile's chip.
    """
    if not profile.chip.matches(card.atr):
        chip = profile.chip
        expected = f"chip {chip.name} ({chip.atr}, mask {chip.atr_mask})"
        raise CardError(f"ATR {card.atr.hex().upper()}, expected {expected}")
    blueprint = compiled(profile)
    session = blueprint.session({}, card.channel, {})
    session.run(blueprint.identify, strict=False)
    return read_marker(*session.identity())


class Identity(NamedTuple):
    """The number people know a card by, as a business key of its record: ``iccid``, digits."""

    kind: str
    value: str


def read_identity(profile: Profile, card: Card) -> Identity:
    """Return the number of a freshly powered card, to find its record in an order.

    :raises CardError: when the card does not give it.
    """
    blueprint = compiled(profile)
    session = blueprint.session({}, card.channel, {})
    return Identity(blueprint.number_kind, session.number())
