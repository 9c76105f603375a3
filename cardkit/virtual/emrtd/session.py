"""What the chip remembers of a reader until the next reset, and the commands it works on."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import ber, wire
from .document import MF, Condition, Ef
from .messaging import SecureMessaging

if TYPE_CHECKING:
    from .chip_auth import Agreement
    from .pace import Pace
    from .terminal_auth import Chain

Answer = tuple[bytes, bytes]  # data, status word

_SECURED: Final = 0x0C
FULL_SHORT: Final = 256


class Access(Enum):
    """How the session came to be."""

    NONE = 0
    BAC = 1
    PACE = 2


@dataclass(frozen=True, slots=True)
class Command:
    """A command as its handler sees it.

    :ivar ne: bytes expected, 0 without Le.  :ivar chained: CLA b5.
    :ivar secured: it came under secure messaging.  :ivar room: most bytes its answer may have.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    chained: bool = False
    secured: bool = False
    room: int = FULL_SHORT

    @property
    def parameters(self) -> int:
        """P1 P2."""
        return self.p1 << 8 | self.p2

    def require(self, *parameters: int) -> None:
        """Refuse other values of P1 P2.

        :raises StatusWordError: 6A86.
        """
        if self.parameters not in parameters:
            raise StatusWordError(sw.WRONG_P1P2)


def parse(command: bytes) -> tuple[wire.Apdu, bool]:
    """A C-APDU, and whether it is protected as ICAO says.

    :raises StatusWordError: 6700; 6E00; 6881 another logical channel; 6882 a class with half of the protection bits.
    """
    secured = bool(command) and command[0] & 0x6C == _SECURED
    plain = bytes((command[0] & ~_SECURED,)) + command[1:] if secured else command
    apdu = wire.parse(plain, protocol=1, extended=True)
    if apdu.channel:
        raise StatusWordError(sw.NO_CHANNEL)
    return apdu, secured


def template(data: bytes, tag: int) -> dict[int, bytes]:
    """The objects inside one template, which is all there is.

    :raises StatusWordError: 6A80.
    """
    outer = ber.parse(data)
    if [found for found, _ in outer] != [tag]:
        raise StatusWordError(sw.WRONG_DATA)
    return ber.unique(outer[0][1])


@dataclass(slots=True)
class Session:
    """The volatile half of the chip.

    :ivar df: FID of the current directory.  :ivar ef: the current file.
    :ivar messaging: keys in force.  :ivar next: keys that are in force from the next command on.
    :ivar password: key reference of the PACE password.
    :ivar challenge: what GET CHALLENGE answered last; empty once used.
    :ivar chip_identifier: ID_PICC of terminal authentication.
    :ivar ephemeral: Comp() of the terminal's key of chip authentication; empty before it.
    :ivar rights: effective authorization of terminal authentication.
    """

    df: int = MF
    ef: Ef | None = None
    access: Access = Access.NONE
    messaging: SecureMessaging | None = None
    next: SecureMessaging | None = None
    password: int = 0
    challenge: bytes = b""
    pace: "Pace | None" = None
    agreement: "Agreement | None" = None
    chip_identifier: bytes = b""
    ephemeral: bytes = b""
    chat: dict[int, bytes] = field(default_factory=dict)
    chain: "Chain | None" = None
    rights: int = 0

    def take_challenge(self) -> bytes:
        """The challenge, which is good for once.

        :raises StatusWordError: 6985 when none was asked for.
        """
        found, self.challenge = self.challenge, b""
        if not found:
            raise StatusWordError(sw.CONDITIONS)
        return found

    def require_session(self) -> None:
        """Refuse strangers.

        :raises StatusWordError: 6982.
        """
        if self.access is Access.NONE:
            raise StatusWordError(sw.SECURITY_STATUS)

    def may_read(self, condition: Condition) -> bool:
        """Is a read condition met?"""
        if condition is Condition.ALWAYS:
            return True
        if condition is Condition.SESSION:
            return self.access is not Access.NONE
        if condition is Condition.PACE:
            return self.access is Access.PACE
        return condition is not Condition.NEVER and bool(self.rights & condition & 0x03)
