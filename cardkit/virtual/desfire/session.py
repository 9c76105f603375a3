"""Secure messaging as commands see it: what every session can do, and what stands for none (sheet 3.8)."""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from . import statuses
from .statuses import RefusedError

MACED_COMMANDS = frozenset({0x3D, 0x3B, 0xDB, 0x0C, 0xDC, 0x1C})  # whose MAC is sent in D40 and EV1, too


class Mode(IntEnum):
    """How a command and its answer travel; the values of the communication settings of files."""

    PLAIN = 0
    MAC = 1
    FULL = 3


Size = Callable[[bytes], int]  # deciphered blocks -> bytes of payload in them


@dataclass(frozen=True, slots=True)
class Message:
    """A command as it came, whole.

    :ivar header: what stays clear.  :ivar body: the rest, protected as the mode says.
    """

    opcode: int
    header: bytes
    body: bytes
    mode: Mode


class Session(ABC):
    """What protects commands and answers.

    :ivar key_no: key that opened it; None without a session.
    :ivar fragile: every error ends it, as from EV1 on; else only AE and 1E do.
    :ivar modern: EV2 or LRP.
    """

    key_no: int | None = None
    fragile: ClassVar[bool] = True
    modern: ClassVar[bool] = False

    @abstractmethod
    def secured(self, opcode: int, mode: Mode, size: int) -> int:
        """Bytes that `size` bytes of payload have on the wire."""

    @abstractmethod
    def unwrap(self, message: Message, size: Size, trailer: int = 0) -> bytes:
        """The plain payload.

        :param trailer: bytes of a checksum of its own behind the payload, which come with it.
        :raises RefusedError: 1E, 7E.
        """

    @abstractmethod
    def wrap(self, opcode: int, data: bytes, mode: Mode, *, to_end: bool) -> bytes:
        """The answer on the wire; its status counts as 00.

        :param to_end: the reader did not say how much it wants.
        """

    @abstractmethod
    def checksum(self, data: bytes) -> bytes:
        """What ChangeKey has behind the payload for a key that is not the one in use."""


class NoSession(Session):
    """Nobody is authenticated: everything in clear."""

    fragile = False

    def secured(self, opcode: int, mode: Mode, size: int) -> int:
        """As it is."""
        del opcode, mode
        return size

    def unwrap(self, message: Message, size: Size, trailer: int = 0) -> bytes:
        """As it is."""
        del size, trailer
        return message.body

    def wrap(self, opcode: int, data: bytes, mode: Mode, *, to_end: bool) -> bytes:
        """As it is."""
        del opcode, mode, to_end
        return data

    def checksum(self, data: bytes) -> bytes:
        """None."""
        del data
        return b""


def cut(plain: bytes, size: Size, checksums: int) -> int:
    """Length of the payload in deciphered blocks.

    :raises RefusedError: 1E when it does not fit; the rest must be padding, with at most one 80.
    """
    length = size(plain)
    end = length + checksums
    if end > len(plain) or plain[end:].strip(b"\x00") not in (b"", b"\x80"):
        raise RefusedError(statuses.INTEGRITY)
    return length


def check(expected: bytes, got: bytes) -> None:
    """Compare a checksum or MAC.

    :raises RefusedError: 1E.
    """
    if not hmac.compare_digest(expected, got):
        raise RefusedError(statuses.INTEGRITY)


def split(body: bytes, mac: int) -> tuple[bytes, bytes]:
    """A body and the MAC behind it.

    :raises RefusedError: 7E when it is shorter than that.
    """
    if len(body) < mac:
        raise RefusedError(statuses.LENGTH)
    return body[: len(body) - mac], body[len(body) - mac :]
