"""The card's side of a virtual reader: vsmartcard's vpcd protocol over TCP.

Messages both ways are `length 2 || bytes`. From the reader: 00 power off, 01 power on, 02 reset, 04 get ATR, all else a
command APDU. Exactly one answer to 04 and to each APDU, none to 00, 01 and 02: the reader takes whatever comes next for
the answer. TCP_QUICKACK is re-armed around each recv and an answer is one write: vpcd 3.3 sends length and body apart
with Nagle on, and waits up to 50 ms for a delayed ACK in between.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final, Protocol

from .errors import LinkError, SlotOccupiedError
from .maker import AnyCard
from .statuswords import INTERNAL

POWER_OFF: Final = b"\x00"
POWER_ON: Final = b"\x01"
RESET: Final = b"\x02"
GET_ATR: Final = b"\x04"

_CONNECT_TIMEOUT_S: Final = 2.0
_RETRY_S: Final = 0.01
_FIRST_MESSAGE_S: Final = 1.0  # vpcd polls for a card every 0.4 s
_LONGEST: Final = 65_535
_CHUNK: Final = 8192
_HEADER: Final = 5  # CLA INS P1 P2 P3

_logger = logging.getLogger(__name__)


class Card(Protocol):
    """The seam every virtual card and every fault around one offers."""

    def atr(self) -> bytes:
        """Answer to reset."""

    def power(self, cold: bool) -> None:
        """Cold or warm reset."""

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU to its R-APDU; empty: card gone; TimeoutError: mute."""


class WithoutPPS:
    """A card that speaks one protocol from its first command on, in a reader that cannot tell it which was agreed on.

    vpcd carries no protocol selection (PPS). A card that offers T=0 first and speaks T=1 unasked would break ISO/IEC
    7816-3 6.3.1, and a program that takes the offer of T=0 fails at its first command: so TD1 names T=1, as T=1 alone.
    """

    def __init__(self, card: AnyCard) -> None:
        self._card = card
        self.power = card.power
        self.transmit = self._transmit_tpdu if card.protocol == 0 else card.transmit

    def atr(self) -> bytes:
        """The card's ATR; of one that offers both protocols and speaks T=1, TD1 and TCK differ in their lowest bit."""
        card = self._card
        atr = bytearray(card.atr())
        if card.protocol == 1 and 0 in card.image.protocols:
            atr[1 + (atr[1] >> 4).bit_count()] ^= 0x01  # TD1 is the last of the bytes that T0 announces
            atr[-1] ^= 0x01
        return bytes(atr)

    def _transmit_tpdu(self, command: bytes) -> bytes:
        """What readers do for cards with T=0: a command that sends and expects data goes without its Le.

        ISO/IEC 7816-3 12.2.1; the card answers 61XX, which the program takes from there.
        """
        has_le = len(command) > _HEADER and len(command) == _HEADER + command[4] + 1
        return self._card.transmit(command[:-1] if has_le else command)


def serve(card: Card, host: str, port: int, *, stop: threading.Event | None = None) -> None:
    """Insert the card into the virtual reader at host:port and serve it until the reader goes away.

    Blocks. Refused connections are repeated for two seconds. Returns when the reader closes the link, when the card
    answers that it is gone, or when `stop` is set; the connection is then shut down, which removes the card.

    :raises LinkError: no reader is listening, the link broke, or an answer is over 65,535 bytes.
    :raises SlotOccupiedError: the reader accepted the connection but sent nothing for a second: it holds another card.
    """
    link = _connect(host, port, stop)
    if link is None:
        return
    with contextlib.closing(link), _stopping(link, stop):
        try:
            _serve(card, link, f"{host}:{port}", stop)
        finally:
            _shut_down(link)


def _connect(host: str, port: int, stop: threading.Event | None) -> socket.socket | None:
    deadline = time.monotonic() + _CONNECT_TIMEOUT_S
    while stop is None or not stop.is_set():
        try:
            link = socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise LinkError(f"virtual reader {host}:{port}: cannot connect within 2 s: {error}") from error
            time.sleep(_RETRY_S)
            continue
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link
    return None


@contextlib.contextmanager
def _stopping(link: socket.socket, stop: threading.Event | None) -> Iterator[None]:
    """Shut the link down as soon as `stop` is set: that wakes the blocked recv."""
    if stop is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            if done.is_set():
                return
        _shut_down(link)

    watcher = threading.Thread(target=watch, name="vpcd-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _shut_down(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def _serve(card: Card, link: socket.socket, where: str, stop: threading.Event | None) -> None:
    messages = _messages(link)
    link.settimeout(_FIRST_MESSAGE_S)
    try:
        message = next(messages, None)
        link.settimeout(None)
        while message is not None:
            answer = _answer(card, message)
            if answer is not None:
                if not answer:
                    return
                _send(link, answer, where)
            message = next(messages, None)
    except TimeoutError:
        raise SlotOccupiedError(f"virtual reader {where}: silent for 1 s, its slot holds another card") from None
    except OSError as error:
        if stop is None or not stop.is_set():
            raise LinkError(f"virtual reader {where}: link broke: {error}") from error


def _send(link: socket.socket, answer: bytes, where: str) -> None:
    if len(answer) > _LONGEST:
        raise LinkError(f"virtual reader {where}: answer of {len(answer)} bytes, at most {_LONGEST} fit")
    link.sendall(len(answer).to_bytes(2, "big") + answer)


def _answer(card: Card, message: bytes) -> bytes | None:
    """The one answer to a message; None for those that have none, empty when the card is gone."""
    if len(message) == 1:
        if message == GET_ATR:
            return card.atr()
        if message in (POWER_ON, RESET):
            card.power(cold=message == POWER_ON)
            return None
        if message == POWER_OFF:
            return None
    try:
        return card.transmit(message)
    except TimeoutError:
        return None  # a mute card never answers; the reader waits until somebody cuts the link
    except Exception:
        _logger.exception("virtual card failed on a command of %d bytes", len(message))
        return INTERNAL


def _messages(link: socket.socket) -> Iterator[bytes]:
    """The reader's messages; ends when the link closes between two of them.

    :raises LinkError: when it closes inside one.
    """
    option = getattr(socket, "TCP_QUICKACK", None)  # Linux only
    buffer = b""
    while True:
        if len(buffer) >= 2:
            end = 2 + (buffer[0] << 8 | buffer[1])
            if len(buffer) >= end:
                yield buffer[2:end]
                buffer = buffer[end:]
                continue
        if option is not None:
            link.setsockopt(socket.IPPROTO_TCP, option, 1)
        received = link.recv(_CHUNK)
        if not received:
            if buffer:
                raise LinkError(f"virtual reader closed the link inside a message, {len(buffer)} bytes in")
            return
        buffer += received
