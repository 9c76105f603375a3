"""Where a card is: one string for library, command line, tests and stations.

    pcsc:0  pcsc:NAME         a PC/SC reader by index, or by name or a part of it
    virtual:IMAGE             a fresh virtual chip of that image, in this process
    virtual:IMAGE*4           four readers, each fed with fresh chips
    virtual:IMAGE@DIR         chips that keep their memory in DIR, one file each; opened singly, it is the chip that
                              lies there already
    virtual:IMAGE#SERIAL@DIR  that chip
    replay:FILE               a recorded trace as a card
    meter:IMAGE               a virtual chip behind a meter

This is the one client module that knows virtual cards.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self, TextIO

from cardkit import virtual
from cardkit.atr import ATR
from cardkit.channel import Channel
from cardkit.errors import EncodingError, Executed, NoCardError, ProfileError
from cardkit.transport.base import Connection, TransmissionProtocol, Watched
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.meter import MeterConnection
from cardkit.transport.offers import offers
from cardkit.transport.pcsc import PcscConnection, find_reader
from cardkit.transport.presence import wait_for_card
from cardkit.transport.record import RecordingConnection
from cardkit.transport.redact import Redactor
from cardkit.transport.replay import ReplayConnection, load_trace
from cardkit.transport.wrapper import ConnectionWrapper

_FORMS = "pcsc:INDEX, pcsc:NAME, virtual:IMAGE, virtual:IMAGE*N, virtual:IMAGE@DIR, replay:FILE or meter:IMAGE"
_VIRTUAL = re.compile(
    r"(?P<image>[^*#@]+)(?:\*(?P<copies>\d{1,3}))?(?:#(?P<serial>(?:[0-9A-Fa-f]{2})+))?(?:@(?P<dir>.+))?"
)
_MOST_COPIES = 256


class Scheme(StrEnum):
    """Kinds of target."""

    PCSC = "pcsc"
    VIRTUAL = "virtual"
    REPLAY = "replay"
    METER = "meter"


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    :param name: reader index or name, image, or trace file.
    :param copy: which of the ``copies`` of ``*N``, from 0.
    :param directory: where virtual chips keep their memory.  :param serial: the one chip meant there.
    """

    scheme: Scheme
    name: str
    copy: int = 0
    copies: int = 1
    directory: Path | None = None
    serial: bytes | None = None

    def __str__(self) -> str:
        """Return the text that names this reader."""
        copy = f" [{self.copy}]" if self.copy else ""
        serial = f"#{self.serial.hex().upper()}" if self.serial else ""
        directory = f"@{self.directory}" if self.directory else ""
        return f"{self.scheme}:{self.name}{serial}{directory}{copy}"


def parse(text: str) -> list[Target]:
    """Read a target string: one target, or N for ``*N``.

    :raises EncodingError: when it has none of the forms.

    >>> [str(target) for target in parse("virtual:usim*2")]
    ['virtual:usim', 'virtual:usim [1]']
    """
    scheme, _, rest = text.partition(":")
    if scheme not in list(Scheme) or not rest:
        raise EncodingError(f"reader {text!r}: expected {_FORMS}")
    if scheme in (Scheme.PCSC, Scheme.REPLAY):
        return [Target(Scheme(scheme), rest)]
    match = _VIRTUAL.fullmatch(rest)
    copies = int(match["copies"] or 1) if match else 0
    if match is None or not 0 < copies <= _MOST_COPIES or (match["serial"] and copies > 1):
        raise EncodingError(f"reader {text!r}: expected {_FORMS}, N from 1 to {_MOST_COPIES}")
    directory = Path(match["dir"]) if match["dir"] else None
    serial = bytes.fromhex(match["serial"]) if match["serial"] else None
    return [Target(Scheme(scheme), match["image"], copy, copies, directory, serial) for copy in range(copies)]


def parse_one(text: str) -> Target:
    """Read a target string that names one reader.

    :raises EncodingError: when it names several, or none.
    """
    targets = parse(text)
    if len(targets) != 1:
        raise EncodingError(f"reader {text!r}: got {len(targets)} readers, expected one")
    return targets[0]


def open_connection(
    target: Target | str, *, seed: int | None = None, protocol: TransmissionProtocol | None = None
) -> Connection:
    """Connect to the card of a target.

    :param seed: makes a fresh virtual chip and its challenges repeatable.
    :param protocol: T=0 or T=1; by default what card and service choose.
    :raises TransportError: when there is no reader or card.  :raises ProfileError: on an unknown image.
    :raises EncodingError: on a malformed target or trace.
    """
    if isinstance(target, str):
        target = parse_one(target)
    if target.scheme is Scheme.PCSC:
        return PcscConnection(_reader_of(target), protocol=protocol)
    if target.scheme is Scheme.REPLAY:
        return ReplayConnection(load_trace(Path(target.name)))
    return _loop(target, _single_chip(target, seed, protocol))


class Card:
    """A connected card: use it as a context manager.

    :param connection: closed at the end.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.channel = _basic_channel(connection)

    @property
    def reader(self) -> str:
        """The reader's name."""
        return self.connection.reader

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self.connection.atr

    @property
    def protocol(self) -> TransmissionProtocol:
        """The protocol in use."""
        return self.connection.protocol

    def reset(self, *, cold: bool = True) -> bytes:
        """Reset the card and return its ATR; every security status and selection is gone then.

        :param cold: by power, else by the reset line.  :raises CardChangedError: when another card answers.
        """
        return self.connection.reset(cold=cold)

    def confirm_presence(self) -> None:
        """Ask the reader, if it counts card movements, whether the card has stayed in it.

        :raises CardChangedError: when it has moved: another card may lie there.
        """
        if offers(self.connection, Watched):
            self.connection.confirm_presence()

    def close(self) -> None:
        """Power the card off; idempotent."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_card(
    target: Target | str,
    *,
    seed: int | None = None,
    protocol: TransmissionProtocol | None = None,
    trace: TextIO | None = None,
    redactor: Redactor | None = None,
) -> Card:
    """Connect to the card of a target and give it a channel; parameters and errors as :func:`open_connection`.

    :param trace: where to write a trace.  :param redactor: what the trace shows; by default no data at all.

    >>> with open_card("virtual:usim", seed=1) as card:
    ...     card.atr.hex()[:4]
    '3b9f'
    """
    connection = open_connection(target, seed=seed, protocol=protocol)
    return Card(connection if trace is None else RecordingConnection(connection, trace, redactor))


class Feeder:
    """Gives one card after another.

    A virtual target feeds fresh chips, or those of its directory once more; a PC/SC target waits for the next card by
    its reader's event counter; a trace is one card.

    :param seed: makes the sequence of fresh chips repeatable.
    :param first: how many chips this sequence has given before: a restarted worker must not begin again.
    :param again: present the chips that lie in the target's directory, not fresh ones.
    :raises EncodingError: for ``again`` without a directory.
    """

    def __init__(
        self,
        target: Target | str,
        *,
        seed: int | None = None,
        protocol: TransmissionProtocol | None = None,
        first: int = 0,
        again: bool = False,
    ) -> None:
        self.target = parse_one(target) if isinstance(target, str) else target
        self._protocol = protocol
        self._counter: int | None = None
        self._cards = self._virtual_cards(seed, first, again=again)

    def next_connection(
        self, timeout_s: float = float("inf"), cancelled: Callable[[], bool] = lambda: False
    ) -> Connection:
        """Connect to the next card.

        :param timeout_s: how long to wait for a card in a PC/SC reader.  :param cancelled: asked every second.
        :raises NoCardError: when there is none in time, or no further chip.
        """
        if self.target.scheme is Scheme.PCSC:
            return self._next_inserted(timeout_s, cancelled)
        if self.target.scheme is Scheme.REPLAY and self._counter is None:
            self._counter = 1
            return open_connection(self.target)
        card = next(self._cards, None)
        if card is None:
            raise NoCardError(f"{self.target}: no further card", reader=str(self.target), executed=Executed.NO)
        return _loop(self.target, card)

    def _next_inserted(self, timeout_s: float, cancelled: Callable[[], bool]) -> Connection:
        reader = _reader_of(self.target)
        state = wait_for_card(reader, after=self._counter, timeout_s=timeout_s, cancelled=cancelled)
        self._counter = state.counter
        return PcscConnection(reader, protocol=self._protocol)

    def _virtual_cards(self, seed: int | None, first: int, *, again: bool) -> Iterator[virtual.AnyCard]:
        target = self.target
        if again and target.directory is None and target.scheme is not Scheme.PCSC:
            raise EncodingError(f"{target}: no chips to present again, expected virtual:{target.name}@DIR")
        if target.scheme in (Scheme.PCSC, Scheme.REPLAY):
            return iter(())
        if target.serial is not None:
            return iter([_single_chip(target, seed, self._protocol)])
        if again:
            return _stored_chips(target, self._protocol)
        return _fresh_chips(target, seed, first, self._protocol)


def _reader_of(target: Target) -> str:
    return find_reader(int(target.name) if target.name.isdecimal() else target.name)


def _loop(target: Target, card: virtual.AnyCard) -> Connection:
    loop = LoopbackConnection(card, reader=str(target), protocol=TransmissionProtocol(card.protocol))
    return MeterConnection(loop) if target.scheme is Scheme.METER else loop


def _single_chip(target: Target, seed: int | None, protocol: TransmissionProtocol | None) -> virtual.AnyCard:
    """The chip a virtual target means when it is opened once."""
    number = None if protocol is None else int(protocol)
    with _virtual_errors(target):
        if target.directory is None:
            return virtual.make_card(target.name, serial=target.serial, seed=seed, protocol=number)
        chips = virtual.ChipDirectory(target.directory, target.name, seed=seed, protocol=number)
        serials = (target.serial,) if target.serial else chips.serials()
        if len(serials) > 1:
            names = ", ".join(serial.hex().upper() for serial in serials[:3])
            raise EncodingError(
                f"{target}: {len(serials)} chips lie there ({names} ...), expected one: "
                f"name it as virtual:{target.name}#SERIAL@{target.directory}"
            )
        return chips.open(serials[0]) if serials else chips.fresh()


def _fresh_chips(
    target: Target, seed: int | None, first: int, protocol: TransmissionProtocol | None
) -> Iterator[virtual.AnyCard]:
    """Chips nobody has seen; with a seed, the same ones for the same target and copy."""
    with _virtual_errors(target):
        image = virtual.load_image(target.name)
        number = None if protocol is None else int(protocol)
        if target.directory is not None:
            chips = virtual.ChipDirectory(target.directory, image, seed=seed, protocol=number)
            while True:
                yield chips.fresh()
        for count in itertools.count(first):
            own_seed = None if seed is None else _seed_of(f"{seed}/{target.name}/{target.copy}/{count}")
            yield virtual.make_card(image, seed=own_seed, protocol=number)


def _stored_chips(target: Target, protocol: TransmissionProtocol | None) -> Iterator[virtual.AnyCard]:
    """The chips of a directory in the order of their serials; copies of one target share them out."""
    with _virtual_errors(target):
        assert target.directory is not None
        number = None if protocol is None else int(protocol)
        chips = virtual.ChipDirectory(target.directory, target.name, protocol=number)
        for serial in chips.serials()[target.copy :: target.copies]:
            yield chips.open(serial)


@contextmanager
def _virtual_errors(target: Target) -> Iterator[None]:
    try:
        yield
    except virtual.VirtualCardError as error:
        raise ProfileError(f"{target}: {error}") from error


def _seed_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _basic_channel(connection: Connection) -> Channel:
    """Give the connection a channel with the abilities that the card's historical bytes declare."""
    try:
        declared = ATR.parse(connection.atr).capabilities
    except EncodingError:
        declared = None
    if declared is None:
        return Channel(connection)
    extended = declared.extended_length and _reader_takes_extended(connection)
    return Channel(connection, extended=extended, chaining=declared.command_chaining)


def _reader_takes_extended(connection: Connection) -> bool:
    while isinstance(connection, ConnectionWrapper):
        connection = connection.inner
    return not isinstance(connection, PcscConnection) or connection.takes_extended()
