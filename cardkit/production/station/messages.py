"""What station and handler say to each other: one JSON object a line. production.md 16

The handler owns motion, the station owns the chip. Unknown fields and types are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from msgspec.structs import replace

PROTOCOL = 1
MOST_BYTES = 65_536
"""Of a line, its line feed included."""

Seq = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
Heard = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Couplers = Annotated[list[int], msgspec.Meta(min_length=1, max_length=64)]
Bins = Annotated[dict[str, int], msgspec.Meta(max_length=64)]


class Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag=str.upper,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Base of all messages.

    :param seq: number in its direction, from 1, without gaps; 0 until it is said.  :param re: what it answers.
    """

    seq: Seq = 0
    re: Seq | None = None


class Hello(Message, frozen=True):
    """The handler begins a session, or comes back to it; always number 1.

    :param protocol: the highest it speaks.  :param session: another one means other cards: all slots are empty.
    :param couplers: the numbers of its slots.
    """

    protocol: Annotated[int, msgspec.Meta(ge=1)]
    session: Annotated[Text, msgspec.Meta(min_length=1)]
    machine: Text
    couplers: Couplers


class Welcome(Message, frozen=True):
    """The station agrees; always number 1.

    :param resume_from: the last number of the handler's that was processed, 0 in a new session.
    """

    protocol: int
    session: str
    resume_from: Heard


class Job(Message, frozen=True):
    """What is made now.

    :param profile_sha256: in hex.  :param bins: the handler's number of each bin, by the name that results use.
    """

    batch: str
    profile_sha256: str
    bins: Bins


class Feed(Message, frozen=True):
    """Cards may be moved in: so many, or to these slots."""

    count: Heard | None = None
    slots: Couplers | None = None


class Arrived(Message, frozen=True):
    """A card comes to a slot.

    :param card_ref: its printed number or its place in the carrier, where the handler knows one.
    """

    slot: int
    card_ref: Text | None = None


class Go(Message, frozen=True):
    """Contacts are closed, or the field is on: the station may power up."""

    slot: int


class Result(Message, frozen=True):
    """A card's work ended, and what was written is durable.

    :param verdict: GOOD, RETRY (seat it again, then GO), REJECT, HOLD or IN_DOUBT.  :param bin: where it belongs.
    :param chip_ref: keyed digest, where the chip was read.  :param ms: since GO.
    """

    slot: int
    verdict: str
    bin: str
    ms: int
    code: str | None = None
    chip_ref: str | None = None


class Ejected(Message, frozen=True):
    """A card left its slot.

    :param bin: where it really went.
    """

    slot: int
    bin: Text


class Removed(Message, frozen=True):
    """A card was taken out by hand."""

    slot: int


class Heartbeat(Message, frozen=True):
    """Still there.

    :param ack: the last number of the other side's that was processed.
    """

    ack: Heard
    state: Text


class Stop(Message, frozen=True):
    """Feed no more; cards in slots stay."""

    why: Text


class Fault(Message, frozen=True, tag="ERROR"):
    """A message was refused.

    :param code: SYNTAX, TOO_LONG (both close the link), SEQ_GAP, SLOT, SLOT_BUSY, FIELD or STATE.
    :param expected: the number or word that would have been right.
    """

    code: Text
    expected: int | Text | None = None


FromHandler = Hello | Arrived | Go | Ejected | Removed | Heartbeat | Stop | Fault
FromStation = Welcome | Job | Feed | Result | Heartbeat | Stop | Fault


class _Numbered(msgspec.Struct):
    seq: Seq
    type: str


Known = TypeVar("Known")

_NUMBERED = msgspec.json.Decoder(_Numbered)
_HANDLER: msgspec.json.Decoder[FromHandler] = msgspec.json.Decoder(FromHandler)
_STATION: msgspec.json.Decoder[FromStation] = msgspec.json.Decoder(FromStation)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is no message.

    :param code: SYNTAX or FIELD.  :param seq: its number, None where it has none.
    """

    code: str
    seq: int | None = None


def line_of(message: Message, seq: int) -> bytes:
    """Return the bytes of a message under its number, line feed included."""
    return _encode(replace(message, seq=seq)) + b"\n"


def from_handler(line: bytes) -> FromHandler | Refusal:
    """Read a line of the handler's."""
    return _read(_HANDLER, line)


def from_station(line: bytes) -> FromStation | Refusal:
    """Read a line of the station's."""
    return _read(_STATION, line)


def _read(decoder: msgspec.json.Decoder[Known], line: bytes) -> Known | Refusal:
    seq = None
    try:
        seq = _NUMBERED.decode(line).seq
        return decoder.decode(line)
    except msgspec.ValidationError:
        return Refusal("FIELD", seq)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return Refusal("SYNTAX")
