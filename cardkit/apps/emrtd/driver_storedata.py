"""The driver of applets: installed by GlobalPlatform, filled with data groupings by STORE DATA (GPCS 11.5, 11.11)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.driver import (
    ENCRYPTED,
    LIFE_CYCLE,
    LOCK,
    PLAIN,
    PRODUCTION,
    STORE_DATA,
    KeyObject,
    Transport,
    key_objects,
    look_at_files,
    look_at_objects,
    refused_commands,
    select_file,
)
from cardkit.apps.emrtd.lds import FILES, LDS1_AID
from cardkit.apps.emrtd.prepare.document import TravelDocument
from cardkit.apps.emrtd.schema import ChipBlock, EmrtdBlock
from cardkit.apps.gp.discovery import get_data, select
from cardkit.apps.gp.install import for_install
from cardkit.apps.gp.storedata import LAST, Structure
from cardkit.apps.gp.tags.privileges import Privilege, Privileges
from cardkit.crypto.mac import pad80
from cardkit.desired import Phase, Role, Step, Unmarked
from cardkit.encoding.dgi import DGI
from cardkit.secure.greeting import initialize_update

APPLICATION = "application"
_CPLC = 0x9F7F
_GROUP, _MF_FILES, _LOCK = 0x0100, {"EF.CardAccess": 0xA01C, "EF.CardSecurity": 0xA01D}, 0x9F01
_MF = 0x3F00
_NOT_FOUND = 0x6A82
_GREETED = 0x9000
"""``_GROUP`` and a file's own number make a grouping's identifier: 0101 DG1, 011D EF.SOD, 011E EF.COM."""


@dataclass(frozen=True, slots=True)
class StoreDataDriver:
    """Commands of one product on one chip."""

    block: EmrtdBlock
    chip: ChipBlock
    transport: Transport

    @property
    def identify(self) -> tuple[Step, ...]:
        """CPLC of the card; then whether the applet is there, and whether it still opens a session."""
        greeting = initialize_update(self.transport.keys.kvn, bytes(8))
        return (
            self._select_domain(Phase.FENCE),
            Step(Phase.FENCE, Role.READ, PRODUCTION, PLAIN, get_data(_CPLC), answer=45),
            Step(Phase.FENCE, Role.GONE, APPLICATION, PLAIN, select(LDS1_AID), nc=len(LDS1_AID)),
            Step(Phase.FENCE, Role.GONE, LIFE_CYCLE, PLAIN, greeting, nc=greeting.nc, answer=29),
        )

    @property
    def open(self) -> tuple[Step, ...]:
        """The applet opens sessions with its domain's keys."""
        return self._open(Phase.VERIFY)

    @property
    def lock(self) -> tuple[Step, ...]:
        """The grouping that ends personalization, in a session of its own: another may have had the card."""
        command = _store_data(0, last=True, data=DGI(_LOCK, b"\x01").build())
        return (*self._open(Phase.SEAL), self.transport.step(Phase.SEAL, Role.DELETE, LOCK, command))

    @property
    def refused(self) -> tuple[Step, ...]:
        """Every command of the factory, with data that would change nothing."""
        return refused_commands(
            self.transport.keys.kvn, {"STORE DATA": _store_data(0, last=True, data=DGI(0x8130, b"").build())}
        )

    def progress(self, bodies: Mapping[str, bytes], answers: Mapping[str, int]) -> Unmarked | None:  # noqa: ARG002
        """Blank without the applet; locked where it opens no session any more."""
        if answers.get(APPLICATION) == _NOT_FOUND:
            return Unmarked.BLANK
        return Unmarked.BEGUN if answers.get(LIFE_CYCLE) == _GREETED else None

    def key_objects(self, document: TravelDocument) -> Iterator[KeyObject]:
        """Yield keys, then passwords."""
        return key_objects(self.block, document)

    def made(self, document: TravelDocument) -> tuple[str, ...]:  # noqa: ARG002
        """Return the applet; files come with their contents."""
        return (APPLICATION,)

    def there(self, seen: Collection[str]) -> frozenset[str]:
        """Return the applet where a session with it was open."""
        return frozenset({APPLICATION} & set(seen))

    def make(self, document: TravelDocument, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands: the applet, then a run of STORE DATA for every file, key and password."""
        files = [(name, len(body)) for name, body in document.files.items() if name in names]
        steps = [step for name, size in files for step in self._grouping(name, _tag_of(name), size)]
        objects = self.key_objects(document)
        steps += [step for item in objects if item.name in names for step in self._object(item)]
        install = (
            (self._select_domain(Phase.WRITE), *self.transport.open(Phase.WRITE), self._install())
            if APPLICATION in names
            else ()
        )
        return (*install, *self._open(Phase.WRITE), *steps) if install or steps else ()

    def look(self, document: TravelDocument) -> tuple[Step, ...]:
        """Return reads of every file, and GET DATA for every key and password."""
        application = self.transport.step(Phase.VERIFY, Role.ENTER, APPLICATION, select_file(_MF))
        inside, outside = (look_at_files(self.transport, document, in_master_file=flag) for flag in (False, True))
        objects = look_at_objects(self.transport, self.key_objects(document))
        return (*inside, *objects, application, *outside)

    def _open(self, phase: Phase) -> tuple[Step, ...]:
        return (
            Step(phase, Role.SELECT, APPLICATION, PLAIN, select(LDS1_AID), nc=len(LDS1_AID)),
            *self.transport.open(phase),
        )

    def _select_domain(self, phase: Phase) -> Step:
        command = select(bytes.fromhex(self.chip.isd))
        return Step(phase, Role.SELECT, "issuer domain", PLAIN, command, nc=command.nc, answer=67)

    def _install(self) -> Step:
        module = bytes.fromhex(self.chip.load_file), bytes.fromhex(self.chip.module)
        install = for_install(module, LDS1_AID, Privileges.of((Privilege.CARD_RESET,)))
        return self.transport.step(Phase.WRITE, Role.CREATE, APPLICATION, install.command())

    def _grouping(self, name: str, tag: int, size: int) -> Iterator[Step]:
        """Yield STORE DATA of one file or object: one grouping, on over as many commands as it takes."""
        head = DGI(tag, bytes(size)).build()[:-size]
        offset, number = 0, 0
        while offset < size or not number:
            own = head if not offset else b""
            length = min(self.transport.chunk - len(own), size - offset)
            command = _store_data(number, last=offset + length == size, data=own)
            span = (offset, length)
            yield self.transport.step(Phase.WRITE, Role.WRITE, name, command, content=name, span=span)
            offset, number = offset + length, number + 1

    def _object(self, item: KeyObject) -> Iterator[Step]:
        if not item.secret:
            yield from self._grouping(item.name, item.identifier, item.size)
            return
        size = len(pad80(bytes(item.size), 16))
        head = DGI(item.identifier, bytes(size)).build()[:-size]
        command = _store_data(0, last=True, data=head, p1=ENCRYPTED)
        yield self.transport.step(Phase.WRITE, Role.CHANGE, item.name, command, content=item.name, span=(0, size))


def _tag_of(name: str) -> int:
    file = FILES[name]
    return _MF_FILES[name] if file.in_master_file else _GROUP | file.fid


def _store_data(number: int, *, last: bool, data: bytes = b"", p1: int = 0) -> CommandAPDU:
    return CommandAPDU(0x80, STORE_DATA, last * LAST | Structure.DGI | p1, number, data)
