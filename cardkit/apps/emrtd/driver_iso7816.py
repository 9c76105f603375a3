"""The driver of native chips: CREATE FILE, UPDATE BINARY, PUT DATA under SCP03 (ISO/IEC 7816-4, -9)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.driver import (
    LIFE_CYCLE,
    LOCK,
    PLAIN,
    PRODUCTION,
    KeyObject,
    Transport,
    key_objects,
    look_at_files,
    look_at_objects,
    refused_commands,
    select_application,
    select_file,
)
from cardkit.apps.emrtd.lds import FILES, LDS1_AID, LdsFile
from cardkit.apps.emrtd.prepare.document import TravelDocument
from cardkit.apps.emrtd.schema import ChipBlock, EmrtdBlock
from cardkit.apps.iso7816.commands import Ins
from cardkit.desired import Phase, Role, Step, Unmarked
from cardkit.encoding import tlv

_GET_DATA, _PUT_DATA, _CREATE, _UPDATE_ODD = 0xCA, 0xDA, 0xE0, 0xD7
_MF = 0x3F00
_FCP, _DESCRIPTOR, _FID, _SIZE, _SFI, _NAME, _CONDITION = 0x62, 0x82, 0x83, 0x80, 0x88, 0x84, 0x8C
_TRANSPARENT, _DIRECTORY = b"\x01", b"\x38"
_READING = 0x01
_CREATION = bytes.fromhex("DF200101")
_BY_SFI, _MOST_OFFSET = 0x80, 0x7FFF
_OFFSET, _DATA = 0x54, 0x53
_ODD_HEADER_BYTES = 8

DIRECTORY = "directory of the application"


def created(name: str) -> str:
    """Return the name of the state that says a file is there, with its size and access."""
    return f"file {name}"


@dataclass(frozen=True, slots=True)
class Iso7816Driver:
    """Commands of one product on one chip."""

    block: EmrtdBlock
    chip: ChipBlock
    transport: Transport

    @property
    def identify(self) -> tuple[Step, ...]:
        """CPLC and life cycle byte, free until the lock."""
        objects = ((PRODUCTION, 0x9F7F, 45), (LIFE_CYCLE, 0xDF20, 4))
        return tuple(
            Step(Phase.FENCE, Role.READ, name, PLAIN, _data_object(_GET_DATA, tag, ne=256), answer=size)
            for name, tag, size in objects
        )

    @property
    def open(self) -> tuple[Step, ...]:
        """SCP03 with the transport key."""
        return self.transport.open(Phase.VERIFY)

    @property
    def lock(self) -> tuple[Step, ...]:
        """ACTIVATE FILE with the MF current: no way back."""
        return (
            *self.transport.open(Phase.SEAL),
            self.transport.step(Phase.SEAL, Role.SELECT, LOCK, select_file(_MF)),
            self.transport.step(Phase.SEAL, Role.DELETE, LOCK, CommandAPDU(0x00, Ins.ACTIVATE, 0x00, 0x00)),
        )

    @property
    def refused(self) -> tuple[Step, ...]:
        """Every command of the factory, with data that would change nothing."""
        activate = CommandAPDU(0x00, Ins.ACTIVATE, 0x00, 0x00, ne=256)
        return refused_commands(self.transport.keys.kvn, {"ACTIVATE FILE": activate})

    def progress(self, bodies: Mapping[str, bytes], answers: Mapping[str, int]) -> Unmarked | None:  # noqa: ARG002
        """Blank in creation state; a locked chip does not even tell its number."""
        return Unmarked.BLANK if bodies.get(LIFE_CYCLE) == _CREATION else Unmarked.BEGUN

    def key_objects(self, document: TravelDocument) -> Iterator[KeyObject]:
        """Yield keys, then passwords."""
        return key_objects(self.block, document)

    def made(self, document: TravelDocument) -> tuple[str, ...]:
        """Return the directory and every file."""
        return (DIRECTORY, *map(created, document.files))

    def there(self, seen: Collection[str]) -> frozenset[str]:
        """Return the files that could be read, and the directory where it could be selected."""
        return frozenset(
            created(name) if name in FILES else name for name in seen if name in FILES or name == DIRECTORY
        )

    def make(self, document: TravelDocument, names: Collection[str]) -> tuple[Step, ...]:
        """Return commands directory by directory: files, their contents; then keys and passwords."""
        steps = [*self._files(document, names, in_master_file=True)]
        inside = [*self._files(document, names, in_master_file=False)]
        if DIRECTORY in names:
            steps.append(self._send(Role.CREATE, DIRECTORY, _CREATE, self._directory()))
        elif inside:
            steps.append(self.transport.step(Phase.WRITE, Role.ENTER, DIRECTORY, select_application()))
        steps += inside
        objects = self.key_objects(document)
        steps += [step for item in objects if item.name in names for step in self._put(item)]
        return (*self.transport.open(Phase.WRITE), *steps) if steps else ()

    def look(self, document: TravelDocument) -> tuple[Step, ...]:
        """Return reads of every file, and GET DATA for every key and password."""
        application = self.transport.step(Phase.VERIFY, Role.ENTER, DIRECTORY, select_application())
        return (
            *look_at_files(self.transport, document, in_master_file=True),
            application,
            *look_at_files(self.transport, document, in_master_file=False),
            *look_at_objects(self.transport, self.key_objects(document)),
        )

    def _files(self, document: TravelDocument, names: Collection[str], *, in_master_file: bool) -> Iterator[Step]:
        files = _of(document, in_master_file=in_master_file)
        for name, body in files:
            if created(name) in names:
                yield self._send(Role.CREATE, created(name), _CREATE, self._parameters(FILES[name], len(body)))
        for name, body in files:
            if name in names:
                yield from self._update(name, len(body))

    def _update(self, name: str, size: int) -> Iterator[Step]:
        """Yield UPDATE BINARY of a whole file, the first by its SFI, which makes it current."""
        offset = 0
        while offset < size:
            if offset > _MOST_OFFSET:
                length = min(self.transport.chunk - _ODD_HEADER_BYTES, size - offset)
                place = tlv.build(_OFFSET, offset.to_bytes(2, "big"))
                head = place + tlv.build(_DATA, bytes(length))[:-length]
                command = CommandAPDU(0x00, _UPDATE_ODD, 0x00, 0x00, head)
            else:
                length = min(self.transport.chunk, size - offset)
                p1 = offset >> 8 if offset else _BY_SFI | FILES[name].sfi
                command = CommandAPDU(0x00, Ins.UPDATE_BINARY, p1, offset & 0xFF)
            yield self.transport.step(Phase.WRITE, Role.WRITE, name, command, content=name, span=(offset, length))
            offset += length

    def _put(self, item: KeyObject) -> Iterator[Step]:
        command = _data_object(_PUT_DATA, item.identifier)
        yield self.transport.step(Phase.WRITE, Role.WRITE, item.name, command, content=item.name, span=(0, item.size))

    def _send(self, role: Role, serves: str, ins: int, data: bytes) -> Step:
        return self.transport.step(Phase.WRITE, role, serves, CommandAPDU(0x00, ins, 0x00, 0x00, data))

    def _parameters(self, file: LdsFile, size: int) -> bytes:
        """Return the file control parameters of an elementary file. ISO/IEC 7816-4 7.4.3"""
        conditions = self.chip.conditions
        special = {"EF.CardSecurity": conditions.pace, "EF.DG3": conditions.fingers, "EF.DG4": conditions.irises}
        condition = special.get(file.name, conditions.always if file.in_master_file else conditions.session)
        objects = (
            (_DESCRIPTOR, _TRANSPARENT),
            (_FID, file.fid.to_bytes(2, "big")),
            (_SIZE, size.to_bytes(2, "big")),
            (_SFI, bytes((file.sfi << 3,))),
            (_CONDITION, bytes((_READING, condition))),
        )
        return tlv.build(_FCP, b"".join(tlv.build(tag, value) for tag, value in objects))

    def _directory(self) -> bytes:
        objects = ((_DESCRIPTOR, _DIRECTORY), (_FID, bytes.fromhex(self.chip.directory)), (_NAME, LDS1_AID))
        return tlv.build(_FCP, b"".join(tlv.build(tag, value) for tag, value in objects))


def _of(document: TravelDocument, *, in_master_file: bool) -> list[tuple[str, bytes]]:
    return [item for item in document.files.items() if FILES[item[0]].in_master_file == in_master_file]


def _data_object(ins: int, tag: int, ne: int = 0) -> CommandAPDU:
    return CommandAPDU(0x00, ins, tag >> 8, tag & 0xFF, ne=ne)
