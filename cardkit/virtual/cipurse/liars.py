"""What lies have in common: who changes secured responses, and who changes what they secure."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import statuswords as sw
from ..errors import ImageError
from ..faultbase import Fault
from ..maker import AnyCard
from . import crypto
from .chip import CipurseChip, Operation
from .messaging import Command, Session

Instruction = tuple[int, int]  # CLA b8, INS


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is about to be secured.

    :ivar frame_key: it would be secured with.  :ivar honest: what it would be.
    """

    frame_key: bytes
    data: bytes
    status: bytes
    level: int
    honest: bytes

    def enciphered(self, padded: bytes) -> bytes:
        """A cryptogram of other whole blocks."""
        return crypto.encipher(self.frame_key, padded)[0] + self.status


@dataclass(slots=True, repr=False)
class LyingSession(Session):
    """A session whose responses are changed on their way.

    :ivar lie: who changes them.
    """

    lie: "ResponseLie | None" = None

    def wrap(self, data: bytes, status: bytes, level: int) -> bytes:
        """The response, changed."""
        before = self.frame_key
        honest = Session.wrap(self, data, status, level)
        told = self.lie.told(Response(before, data, status, level, honest)) if self.lie is not None else None
        if told is not None and len(told) == len(sw.CONDITIONS) and told != sw.OK:
            self.frame_key = before
        return honest if told is None else told


class CipurseLie(Fault):
    """What all of them share: the chip underneath.

    :raises ImageError: when the card underneath is none.
    """

    lasting = True

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        chip = self.chip
        if not isinstance(chip, CipurseChip):
            raise ImageError(f"fault {type(self).__name__}: expected a CIPURSE card, got image {self.image.name}")
        self.transit = chip
        self.kept = b""


Tell = Callable[["ResponseLie", Response], bytes | None]


class ResponseLie(CipurseLie):
    """Changes secured responses."""

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1, tell: Tell) -> None:
        super().__init__(card, seed, at=at)
        self._tell = tell

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU to its R-APDU, the session made a lying one."""
        honest = self.transit.session
        if honest is not None and not isinstance(honest, LyingSession):
            self.transit.session = LyingSession(honest.number, honest.frame_key, lie=self)
        return super().transmit(command)

    def told(self, response: Response) -> bytes | None:
        """What a response becomes; None: it stays honest."""
        told = self._tell(self, response) if response.status == sw.OK else None
        return told if told is not None and self._due() else None


class OneError(ResponseLie):
    """The n-th command is done, and answered with a bare error."""

    lasting = False


Change = Callable[["WorkLie", Command, bytes], bytes]


class WorkLie(CipurseLie):
    """Changes the data of some instructions before they are secured, if they are.

    :param change: makes other data of the honest ones.
    """

    def __init__(
        self,
        card: "AnyCard | Fault",
        seed: int = 0,
        *,
        at: int | None = 1,
        instructions: tuple[Instruction, ...],
        change: Change,
    ) -> None:
        super().__init__(card, seed, at=at)
        changed = {key: self._lying(self.transit.operations[key], change) for key in instructions}
        self.transit.operations = {**self.transit.operations, **changed}

    def _lying(self, honest: Operation, change: Change) -> Operation:
        def work(chip: CipurseChip, command: Command) -> bytes:
            data = honest.work(chip, command)
            told = change(self, command, data)
            return told if told != data and self._due() else data

        return honest._replace(work=work)
