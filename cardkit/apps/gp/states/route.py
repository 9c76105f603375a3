"""Writing down commands in order: which security domain they are for, under which key set, how long they get."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.agreement import get_certificates
from cardkit.apps.gp.discovery import CLA, OK, get_data, select
from cardkit.apps.gp.states.certifying import PROVING
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.product import Product
from cardkit.desired import Phase, Role, Step
from cardkit.secure.greeting import initialize_update
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP01, SCP02, Parameters

PLAIN, SECURED = "plain", "session"
"""Places of steps: outside and inside a secure session."""

INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE = 0x50, 0x82
GREETING_BYTES = 28


@dataclass(frozen=True, slots=True)
class Room:
    """What protection costs: lengths of protected commands and answers.

    :param max_data: longest data field the card takes.
    """

    parameters: Parameters
    level: SecurityLevel
    max_data: int

    @property
    def plain_bytes(self) -> int:
        """The most plain bytes of a command (GPCS 11.1.5)."""
        room = self.max_data - self.parameters.mac_size
        block = self.parameters.block_size
        return room // block * block - 1 if self.level & SecurityLevel.C_DEC else room

    def command(self, nc: int) -> int:
        """Return the length of a protected data field."""
        return self._padded(nc, SecurityLevel.C_DEC) + self.parameters.mac_size

    def answer(self, size: int) -> int:
        """Return the length of a protected answer."""
        if not self.level & SecurityLevel.R_MAC:
            return size
        return self._padded(size, SecurityLevel.R_ENC) + self.parameters.mac_size

    def _padded(self, size: int, encrypted: SecurityLevel) -> int:
        if not size or not self.level & encrypted:
            return size
        block = self.parameters.block_size
        if self.parameters.scp == SCP01:
            return -(-(size + 1) // block) * block
        return size // block * block + block


def greeting_bytes(parameters: Parameters) -> int:
    """Return the length of the answer to INITIALIZE UPDATE (GPCS D.4.1, E.5.1; Amd D 7.1.1)."""
    if parameters.scp in (SCP01, SCP02):
        return GREETING_BYTES
    return 13 + 2 * parameters.challenge_size + parameters.sequence_size


class Route:
    """Steps in order. A security domain is selected, and a session opened, when the next command asks for it."""

    def __init__(self, product: Product, phase: Phase) -> None:
        self.product = product
        self.phase = phase
        self.room = Room(product.parameters, product.level, product.chip.max_data)
        self._steps: list[Step] = []
        self._home: tuple[bytes, KeySet | None] | None = None

    def take(self) -> tuple[Step, ...]:
        """Return the steps so far, and begin anew where they end."""
        steps, self._steps = tuple(self._steps), []
        return steps

    def reset(self) -> None:
        """The card is reset here: nothing is selected."""
        self._home = None

    def select(self, aid: bytes, serves: str) -> None:
        """Select a security domain; a session ends."""
        self._home = aid, None
        self._add(Role.ENTER, PLAIN, serves, select(aid), len(aid))

    def enter(self, keys: KeySet, application: bytes = b"") -> None:
        """Be in a session with the key set's domain, or with an application of it: open one unless it is open."""
        aid = application or keys.domain or self.product.isd
        if self._home == (aid, keys):
            return
        if self._home != (aid, None):
            self.select(aid, keys.name)
        self.greet(keys)
        self.authenticate(keys)

    def greet(self, keys: KeySet) -> None:
        """Send INITIALIZE UPDATE: the domain is selected, nothing is presented yet."""
        parameters = self.product.parameters
        size = parameters.challenge_size
        command = initialize_update(keys.kvn, bytes(size), le=not self.product.chip.quirks.iu_no_le)
        self._add(Role.QUERY, PLAIN, keys.name, command, size, keys=keys, answer=greeting_bytes(parameters))

    def authenticate(self, keys: KeySet) -> None:
        """Send EXTERNAL AUTHENTICATE, once."""
        parameters = self.product.parameters
        command = CommandAPDU(CLA | 0x04, EXTERNAL_AUTHENTICATE, self.product.level, 0x00)
        size = parameters.cryptogram_size + parameters.mac_size
        self._add(Role.PRESENT, PLAIN, keys.name, command, size, keys=keys)
        self._home = self._home[0] if self._home is not None else keys.domain or self.product.isd, keys

    def read(self, tag: int, serves: str, *, cla: int = CLA, secured: bool = False) -> None:
        """Read a data object of the selected domain."""
        size = self.room.command(0) if secured else 0
        self._add(Role.READ, SECURED if secured else PLAIN, serves, get_data(tag, cla=cla), size)

    def prove(self, kvn: int, serves: str) -> None:
        """Read the certificates of the key for SCP11b, and agree with it on a session that is closed at once."""
        certificates = get_certificates(kvn, PROVING.kid)
        self._add(Role.READ, PLAIN, serves, certificates, certificates.nc)
        self._add(Role.PROVE, PLAIN, serves, CommandAPDU(CLA, PROVING.ins, kvn, PROVING.kid), 0)

    def list(self, command: CommandAPDU, serves: str) -> None:
        """Read the registry; further pages are asked for as the card says."""
        self._add(Role.READ, SECURED, serves, command, self.room.command(command.nc))

    def ask(self, command: CommandAPDU, serves: str) -> None:
        """Send a command whose status word is the answer."""
        self._add(Role.GONE, PLAIN, serves, command, command.nc)

    def send(  # noqa: PLR0913  (all but three are named, and have defaults)
        self,
        command: CommandAPDU,
        role: Role,
        serves: str,
        *,
        content: str = "",
        size: int | None = None,
        span: tuple[int, int] | None = None,
        answer: int = 0,
        nvm: int = 0,
        keys: KeySet | None = None,
    ) -> None:
        """Send a command in the session.

        :param content: what fills its data field, "" where it is complete; ``size`` is its length then.
        :param span: which of the commands of one content it is, from 0, and how many there are.
        :param nvm: bytes the card stores.  :param keys: a set it changes.
        """
        nc = command.nc if size is None else size
        self._add(
            role,
            SECURED,
            serves,
            command,
            self.room.command(nc),
            keys=keys,
            answer=self.room.answer(answer),
            content=content,
            span=span,
            nvm=nvm,
        )

    def _add(  # noqa: PLR0913  (as above)
        self,
        role: Role,
        place: str,
        serves: str,
        command: CommandAPDU,
        nc: int,
        *,
        keys: KeySet | None = None,
        answer: int = 0,
        content: str = "",
        span: tuple[int, int] | None = None,
        nvm: int = 0,
    ) -> None:
        self._steps.append(
            Step(
                phase=self.phase,
                role=role,
                serves=serves,
                place=place,
                command=command,
                content=content,
                access=keys.access if keys is not None else None,
                span=span,
                nc=nc,
                answer=answer,
                sw=(OK,),
                nvm=nvm,
                reversible=role in (Role.ENTER, Role.QUERY, Role.READ, Role.GONE, Role.PRESENT),
            )
        )
