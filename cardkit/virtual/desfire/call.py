"""One command on its way through the card, and what the table of commands says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from . import statuses
from .model import File
from .session import Mode
from .state import State
from .statuses import RefusedError

FRAME: Final = 59  # data bytes of an answer in one frame

Answer = bytes | list[bytes]  # a list: one frame each


class Level(Enum):
    """Where a command works."""

    ANY = 0
    PICC = 1
    APPLICATION = 2


@dataclass(slots=True)
class Call:
    """One command.

    :ivar opcode: as sent.  :ivar data: what follows: as it came at first, then plain.
    :ivar mode: how it travels, once its rights are known.  :ivar file: the file it is about.
    :ivar size: plain bytes of the payload, where that is known from the first frame on.
    :ivar to_end: a read without a length.
    """

    opcode: int
    data: bytes
    mode: Mode = Mode.PLAIN
    file: File | None = None
    size: int | None = None
    to_end: bool = False

    def number(self, at: int) -> int:
        """Three bytes, little endian."""
        return int.from_bytes(self.data[at : at + 3], "little")

    @property
    def the_file(self) -> File:
        """The file that the rights were checked for.

        :raises RefusedError: F0.
        """
        if self.file is None:
            raise RefusedError(statuses.NO_FILE)
        return self.file


Access = Callable[[State, Call], Mode]
Worker = Callable[[State, Call], Answer]
Payload = Callable[[State, Call], int]


def no_trailer(state: State, call: Call) -> int:
    """Nothing behind the payload."""
    del state, call
    return 0


def all_of(header: bytes, plain: bytes) -> int:
    """Everything is payload."""
    del header
    return len(plain)


@dataclass(frozen=True, slots=True)
class Spec:
    """One line of the table of commands.

    :ivar access: checks objects and rights, and says how the command travels.
    :ivar header: bytes that stay clear when the rest is enciphered; 0 also where nothing ever is.
    :ivar lengths: plain bytes behind the opcode.  :ivar least: bytes that the first frame must have.
    :ivar payload: plain bytes behind the header, where they are known beforehand.
    :ivar chained: more frames may bring it.
    :ivar trailer: bytes of a checksum of its own behind the payload.
    :ivar measure: header, deciphered blocks -> bytes of payload in them, where `payload` is not known.
    :ivar since: generation of the card, 0 for D40, 1 for EV1 and so on.
    :ivar frame: most data bytes of one frame of the answer.  :ivar outside: no session has to do with it, but EV2.
    """

    worker: Worker
    access: Access
    lengths: range
    header: int = 0
    least: int = 0
    level: Level = Level.ANY
    payload: Payload | None = None
    trailer: Payload = no_trailer
    measure: Callable[[bytes, bytes], int] = all_of
    chained: bool = False
    since: int = 0
    status: int = statuses.OK
    frame: int = FRAME
    outside: bool = False
