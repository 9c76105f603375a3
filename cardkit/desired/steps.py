"""The exact commands a blank card gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.apdu import CommandAPDU
from cardkit.desired.states import Access, Phase

ShapeOfCommand = tuple[int, int, int, int, int, int]
"""CLA, INS, P1, P2, bytes sent, bytes expected."""


class Part(StrEnum):
    """One unbroken stretch of commands; the card is reset before CHECK and before STRANGER."""

    FENCE = "fence"
    WRITE = "write"
    CHECK = "check"
    SEAL = "seal"
    STRANGER = "stranger"


class Role(StrEnum):
    """What a command is for; tells the session how to treat its answer."""

    ENTER = "enter a directory"
    SELECT = "select a file"
    READ = "read"
    GONE = "show it is gone"
    CREATE = "create"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    WRITE = "write"
    QUERY = "query"
    PRESENT = "present"
    CHANGE = "change"
    DELETE = "delete"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Step:
    """One planned command.

    :param serves: the state, access or proof it is sent for.  :param place: the directory it is sent in.
    :param command: the command; its data field is empty where ``content`` names what fills it.
    :param access: what it asks for, presents or changes.
    :param content: name in the plan's contents, or of a value the session makes (an AUTN); "" if complete.
    :param nc: bytes of the data field.  :param answer: bytes the card answers before the status word.
    :param sw: the status words that are right.  :param nvm: bytes the card writes to its memory.
    """

    phase: Phase
    role: Role
    serves: str
    place: str
    command: CommandAPDU
    content: str = ""
    access: Access | None = None
    span: tuple[int, int] | None = None
    nc: int = 0
    answer: int = 0
    sw: tuple[int, ...] = (0x9000,)
    nvm: int = 0
    reversible: bool = True

    @property
    def shape(self) -> ShapeOfCommand:
        """Header, bytes sent and bytes expected."""
        command = self.command
        return command.cla, command.ins, command.p1, command.p2, self.nc, command.ne

    @property
    def bytes_in(self) -> int:
        """Bytes of the command APDU in its short form (ISO/IEC 7816-3 12.1.3)."""
        return 4 + (1 + self.nc if self.nc else 0) + (1 if self.command.ne else 0)

    @property
    def bytes_out(self) -> int:
        """Bytes of the expected response APDU."""
        return self.answer + 2
