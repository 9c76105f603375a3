"""What supervisor and coupler say to each other, as values and as bytes.

The supervisor orders, the coupler answers. While a card is worked on the coupler asks before each step that must be
durable first, and goes on only when told to.
"""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages."""


# Orders.


class Take(Message, frozen=True, tag=True):
    """Take the next fresh card and personalize it.

    :param work: packed :class:`Work`, in a process's pipe inside an envelope.
    """

    work: bytes


class Look(Message, frozen=True, tag=True):
    """Take the next card and say which it is; nothing is written."""


class Resume(Message, frozen=True, tag=True):
    """Finish the card that was looked at."""

    work: bytes


class Prove(Message, frozen=True, tag=True):
    """Verify the card that was looked at, without writing."""

    work: bytes


class Return(Message, frozen=True, tag=True):
    """Give the card that was looked at back as it is."""


class Finish(Message, frozen=True, tag=True):
    """No more cards: end."""


class Proceed(Message, frozen=True, tag=True):
    """What you asked for is durable: go on."""


class Refuse(Message, frozen=True, tag=True):
    """Stop before the next command."""

    why: str


# Answers.


class Ready(Message, frozen=True, tag=True):
    """The coupler waits for an order."""


class Bind(Message, frozen=True, tag=True):
    """The next command changes this chip.

    :param key_ref, tries: the secrets presented before it is sealed, as in an intent.
    :param keys: digests of the keys that are this card's alone, by role.
    """

    chip: str
    key_ref: str = ""
    tries: int = -1
    keys: dict[str, bytes] = {}


class Keys(Message, frozen=True, tag=True):
    """The card told what more of its own keys are made of; they are about to be put on it.

    :param keys: their digests, by role.
    """

    chip: str
    keys: dict[str, bytes]


class Intent(Message, frozen=True, tag=True):
    """A secret is about to be presented or changed, or a life-cycle step taken."""

    step: str
    key_ref: str
    tries: int


class Unknown(Message, frozen=True, tag=True):
    """Nobody knows whether the card ran a command."""

    step: str
    error: str


class Seen(Message, frozen=True, tag=True):
    """Which card lies there.

    :param state: of its marker (blank, started, data, verified, final, foreign).
    :param tag: the marker's 16 bytes, None where it has none.
    """

    chip: str
    state: str
    tag: bytes | None


class Times(msgspec.Struct, frozen=True):
    """Where the time of one card went, in milliseconds.

    :param whole: from the record to the verdict.  :param card: of it, what card and line took.
    :param planned: what the plan says these take; None where it cannot tell.
    """

    whole: float
    card: float
    planned: float | None


class Ended(Message, frozen=True, tag=True):
    """A card came to its end.

    :param bound: something may have been written.  :param findings: JSON list.  :param facts: JSON object.
    :param code, reject_class: why it is not good, by production.md 12.  :param security: the batch must stop.
    :param times: where the card's time went, of a card that was worked on.
    :param uses: what the keys were used for since the card before, operations by reference.
    """

    good: bool
    bound: bool
    chip: str | None
    code: str | None = None
    reject_class: str | None = None
    text: str = ""
    security: bool = False
    evidence_sha256: bytes | None = None
    findings: bytes = b"[]"
    facts: bytes = b"{}"
    apply_ms: int | None = None
    verify_ms: int | None = None
    times: Times | None = None
    uses: dict[str, int] = {}


class Lost(Message, frozen=True, tag=True):
    """The link to the card broke, or the coupler's own program did.

    :param chip: its identity where it was read.  :param bound: something may have been written.
    """

    code: str
    reject_class: str
    text: str
    bound: bool
    chip: str | None = None


class Empty(Message, frozen=True, tag=True):
    """There will be no more cards."""


class Broken(Message, frozen=True, tag=True):
    """The reader, not a card, failed: this coupler cannot go on."""

    text: str


class Gone(Message, frozen=True, tag=True):
    """The coupler's process ended. Said by its pipe, not by itself."""

    why: str


class Halt(Message, frozen=True, tag=True):
    """The station must stop, by a rule that is not of the cards: said beside a coupler, by what moves its cards."""

    rule: str
    why: str


Question = Bind | Keys | Intent | Unknown
Order = Take | Look | Resume | Prove | Return | Finish | Proceed | Refuse
Answer = Ready | Seen | Ended | Lost | Empty | Broken | Gone | Halt


class Work(msgspec.Struct, frozen=True, array_like=True):
    """What a coupler needs to make one card.

    :param record: canonical record, secrets in clear.  :param prepared: canonical prepared values, None where none.
    :param tag: the 16 bytes its marker must carry.
    :param digests: the 32 bytes of the key that makes digests of the card's own keys; None where nobody keeps them.
    """

    record: bytes
    prepared: bytes | None
    tag: bytes
    digests: bytes | None = None

    def __repr__(self) -> str:
        return "<Work>"


_ORDERS: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_ANSWERS: msgspec.msgpack.Decoder[Answer | Question] = msgspec.msgpack.Decoder(Answer | Question)
_WORKS = msgspec.msgpack.Decoder(Work)

encode = msgspec.msgpack.encode


def decode_order(data: bytes) -> Order:
    """Return the order in some bytes."""
    return _ORDERS.decode(data)


def decode_answer(data: bytes) -> Answer | Question:
    """Return the answer or question in some bytes."""
    return _ANSWERS.decode(data)


def decode_work(data: bytes) -> Work:
    """Return the packed work on one card."""
    return _WORKS.decode(data)
