"""K and OPc by GlobalPlatform STORE DATA: what goes to each application, and the commands that bring it.

A chip model says which data groupings an application reads (GPCS 11.11). All of them are in one run; its last command
closes it, and what is closed takes nothing any more. Keys are ciphered under the DEK, whatever protects the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.discovery import CLA, select
from cardkit.apps.gp.install import for_personalization
from cardkit.apps.gp.states.keysets import KeySet, aid_of, hex_of
from cardkit.apps.gp.states.route import EXTERNAL_AUTHENTICATE, Room, greeting_bytes
from cardkit.apps.gp.storedata import Grouping, ciphered, pack, store_commands
from cardkit.apps.uicc.schema import AuthBlock, Grouped, StoreDataModel
from cardkit.apps.uicc.states.authentication import WITH_OPC, constants_file, options_of
from cardkit.apps.uicc.states.contents import sqn_policy_file, sqn_start
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.desired import Phase, Role, Step
from cardkit.errors import KeyStoreError, ProfileError
from cardkit.secure.greeting import initialize_update
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters, decode_parameters

DOMAIN = "security domain"
"""Place of the steps that this module plans."""

CONFIRMATION = 1
CLOSED = 0x6985
"""INSTALL [for personalization] of an application that was personalized: nothing more goes there."""

KEY_BYTES, MAX_DATA = 16, 255
SELECTED_BYTES = 32

Encrypt = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Application:
    """What one application gets.

    :param name: of its state.  :param aid: 5 to 16 bytes.  :param algorithm: as in the profile.
    """

    name: str
    aid: bytes
    algorithm: str

    @property
    def has_opc(self) -> bool:
        """Whether its algorithm has an OPc."""
        return self.algorithm in WITH_OPC


@dataclass(frozen=True, slots=True)
class Store:
    """The security domain of one chip, and the issuer's way into it.

    :param auth: what all its applications have in common.
    """

    model: StoreDataModel
    auth: AuthBlock
    domain: bytes
    keys: KeySet
    parameters: Parameters
    level: SecurityLevel

    @classmethod
    def of(cls, model: StoreDataModel, auth: AuthBlock) -> Store:
        """Join a chip's table with the issuer's keys.  :raises ProfileError: naming the entry that is wrong."""
        parameters, level = decode_parameters(model.scp, model.i), SecurityLevel(model.level)
        if level not in parameters.levels or not level & SecurityLevel.C_DEC:
            raise ProfileError(f"chip.uicc.store_data.level: {parameters}: got {level:02X}, expected one with C-DEC")
        if not auth.issuer:
            raise ProfileError("uicc.auth.issuer is missing: this chip takes K and OPc through its security domain")
        try:
            spec = parse_key_set(auth.issuer)
        except KeyStoreError as error:
            raise ProfileError(f"uicc.auth.issuer: {error}") from None
        domain = aid_of(model.domain, "chip.uicc.store_data.domain")
        store = cls(model, auth, domain, KeySet(spec, model.key_algorithm), parameters, level)
        for name in Grouped:
            store.tag(name)
        return store

    def tag(self, name: Grouped) -> int:
        """Return the identifier of a data grouping.  :raises ProfileError: where the chip's table has none."""
        where = f"chip.uicc.store_data.groupings.{name}"
        tag = hex_of(self.model.groupings.get(name, ""), where)
        if len(tag) != 2:
            raise ProfileError(f"{where}: got {len(tag)} bytes, expected 2")
        return int.from_bytes(tag, "big")

    @property
    def room(self) -> Room:
        """What protection costs."""
        return Room(self.parameters, self.level, MAX_DATA)

    def commands(self, algorithm: str, k: bytes, opc: bytes | None, encrypt: Encrypt) -> list[CommandAPDU]:
        """Return the STORE DATA commands of one application.

        :param k, opc: 16 bytes each; OPc None where the algorithm has none.  :param encrypt: of the session's DEK.
        """
        clear = [(Grouped.ALGORITHM, bytes((self.model.codes[algorithm], options_of(self.auth, algorithm))))]
        clear.append((Grouped.SQN, sqn_policy_file(self.auth) + sqn_start(self.auth)))
        if self.auth.milenage is not None:
            clear.append((Grouped.CONSTANTS, constants_file(self.auth)))
        secret = [(Grouped.K, k), *([(Grouped.OPC, opc)] if opc is not None else [])]
        groupings = [Grouping(self.tag(name), value) for name, value in clear]
        groupings += [Grouping(self.tag(name), value, secret=True) for name, value in secret]
        return store_commands(pack(ciphered(groupings, encrypt), self.room.plain_bytes, mixed=True))

    def steps(self, applications: Iterable[Application], phase: Phase, *, again: bool) -> list[Step]:
        """Plan one session that personalizes applications.

        :param again: on a card that was begun: an application that is closed already is passed over.
        """
        steps = self._opening(phase)
        for application in applications:
            steps += self._personalization(application, phase, again=again)
        return steps

    def _opening(self, phase: Phase) -> list[Step]:
        name, size = self.keys.name, self.parameters.challenge_size
        greeting = initialize_update(self.keys.kvn, bytes(size))
        calling = CommandAPDU(CLA | 0x04, EXTERNAL_AUTHENTICATE, self.level, 0x00)
        proof = self.parameters.cryptogram_size + self.parameters.mac_size
        domain, answer = select(self.domain), greeting_bytes(self.parameters)
        return [
            Step(phase, Role.ENTER, name, DOMAIN, domain, nc=domain.nc, answer=SELECTED_BYTES),
            Step(phase, Role.QUERY, name, DOMAIN, greeting, access=self.keys.access, nc=size, answer=answer),
            Step(phase, Role.PRESENT, name, DOMAIN, calling, access=self.keys.access, nc=proof),
        ]

    def _personalization(self, application: Application, phase: Phase, *, again: bool) -> list[Step]:
        room, name = self.room, application.name
        install = for_personalization(application.aid).command()
        right = (0x9000, CLOSED) if again else (0x9000,)
        answer = room.answer(CONFIRMATION)
        steps = [Step(phase, Role.WRITE, name, DOMAIN, install, nc=room.command(install.nc), answer=answer, sw=right)]
        opc = bytes(KEY_BYTES) if application.has_opc else None
        planned = self.commands(application.algorithm, bytes(KEY_BYTES), opc, lambda value: value)
        for number, whole in enumerate(planned):
            step = Step(
                phase,
                Role.WRITE,
                name,
                DOMAIN,
                CommandAPDU(whole.cla, whole.ins, whole.p1, whole.p2),
                content=name,
                span=(number, len(planned)),
                nc=room.command(whole.nc),
                answer=room.answer(0),
                nvm=whole.nc,
                reversible=False,
            )
            steps.append(step)
        return steps
