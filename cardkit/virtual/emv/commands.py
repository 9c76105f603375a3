"""How an application finds what a command is for: class, instruction, parameters, in this order of refusals.

6E00 class, 6D00 instruction, 6A86 P1 P2, 6700 length, then state, security and data as the command says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand

Where = TypeVar("Where")


@dataclass(frozen=True, slots=True)
class Operation(Generic[Where]):
    """One instruction.

    :ivar proprietary: CLA b8.  :ivar secured: CLA b3, with a MAC of the application's own.
    :ivar p1p2: the only value allowed; None when the handler looks itself.
    """

    handler: Callable[[Where, PlainCommand], Answer]
    proprietary: bool = False
    secured: bool = False
    p1p2: int | None = 0

    def fits(self, command: PlainCommand) -> bool:
        """Is the class the right one?"""
        return (self.proprietary, self.secured) == (command.proprietary, command.secured)


def find(operations: Mapping[int, Operation[Where]], command: PlainCommand) -> Operation[Where]:
    """The operation of a command.

    :raises StatusWordError: 6D00, 6E00, 6A86.
    """
    found = operations.get(command.ins)
    if found is None:
        raise StatusWordError(sw.NO_INSTRUCTION)
    if not found.fits(command):
        raise StatusWordError(sw.NO_CLASS)
    if found.p1p2 is not None and command.tag != found.p1p2:
        raise StatusWordError(sw.WRONG_P1P2)
    return found
