"""How a blank chip becomes a travel document: what drivers have in common. ICAO fixes no commands for it.

A driver turns files, passwords and keys into commands of its chips; identifiers of objects are those of this
project's virtual chips, a vendor's stand in the vendor's driver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.lds import FILES, LDS1_AID
from cardkit.apps.emrtd.prepare.document import TravelDocument
from cardkit.apps.emrtd.prepare.keys import ACTIVE, MAPPING, chip_name
from cardkit.apps.emrtd.schema import EmrtdBlock
from cardkit.apps.gp.states.route import EXTERNAL_AUTHENTICATE, Room
from cardkit.apps.iso7816.commands import Ins
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.crypto.chipkeys import ChipKey
from cardkit.crypto.secret import Secret
from cardkit.desired import Access, Content, Phase, Role, Step, Unmarked
from cardkit.encoding import tlv
from cardkit.secure.greeting import initialize_update

PLAIN, FACTORY, DOCUMENT = "plain", "factory", "document"
"""Places of steps: outside any session, inside the factory's, inside one a reader opens with the document's secrets."""

MRZ, CAN = "MRZ password", "CAN"
PRODUCTION, LIFE_CYCLE, LOCK = "production data", "life cycle", "lock"
ACCESS = "BAC or PACE"
"""Name of the step that opens the document."""
UNCOUNTED = -1
STORE_DATA, ENCRYPTED = 0xE2, 0x60
"""Instruction of STORE DATA, and the bits of its P1 that say that the value goes under the DEK."""
_GREETING_BYTES, _CHALLENGE_BYTES, _CRYPTOGRAM_BYTES = 29, 8, 16

_MRZ_ID, _CAN_ID, _ACTIVE_ID, _MAPPING_ID, _CHIP_ID = 0x8001, 0x8002, 0x8103, 0x8105, 0x8110
_TRUST_POINT_ID, _DATE_ID = 0x8120, 0x8130
_VALUE, _USES = 0x81, 0x83
_USE_BAC, _USE_PACE = 1, 2
_DOMAIN, _PRIVATE, _HASH, _KEY_ID = 0x80, 0x86, 0x88, 0x89
_HASHES = {"sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}


@dataclass(frozen=True, slots=True)
class KeyObject:
    """A password or key as a chip takes it.

    :param name: of its state.  :param identifier: 2 bytes.  :param rule: of the proof that it is the right one.
    :param secret: whether it is written enciphered once more.
    """

    name: str
    identifier: int
    content: Content
    rule: str
    secret: bool = True

    @property
    def size(self) -> int:
        """Bytes of its value."""
        return sum(map(len, self.content)) if isinstance(self.content, tuple) else len(self.content)


def key_objects(block: EmrtdBlock, document: TravelDocument) -> Iterator[KeyObject]:
    """Yield keys, whose terminals are trusted, then passwords, in the order they are written."""
    active = block.active_authentication
    if active is not None and isinstance(document.keys.active, ChipKey):
        hashing = tlv.build(_HASH, bytes((_HASHES[active.hash],)))
        yield KeyObject(ACTIVE, _ACTIVE_ID, (*_key(document.keys.active), hashing), "EMRTD-032")
    for number, (item, key) in enumerate(zip(block.chip_authentication, document.keys.chip, strict=True)):
        content = _key(key)
        if item.key_id is not None:
            size = max(1, (item.key_id.bit_length() + 7) // 8)
            content = (*content, tlv.build(_KEY_ID, item.key_id.to_bytes(size, "big")))
        yield KeyObject(chip_name(number), _CHIP_ID + number, content, "EMRTD-030")
    if document.keys.mapping is not None:
        yield KeyObject(MAPPING, _MAPPING_ID, _key(document.keys.mapping), "EMRTD-027")
    if document.trust is not None:
        for number, point in enumerate(document.trust.points):
            yield KeyObject(f"trust point {number}", _TRUST_POINT_ID + number, point.der, "EMRTD-036", secret=False)
        yield KeyObject("date of the chip", _DATE_ID, document.day, "EMRTD-035", secret=False)
    information = Secret(document.mrz.information.encode("ascii"), MRZ)
    uses = (_USE_BAC if block.access.bac else 0) | (_USE_PACE if block.access.pace else 0)
    usable = tlv.build(_USES, bytes((uses,)))
    yield KeyObject(MRZ, _MRZ_ID, (_head(_VALUE, information), information, usable), "EMRTD-013")
    if document.can is not None:
        yield KeyObject(CAN, _CAN_ID, (_head(_VALUE, document.can), document.can), "EMRTD-018")


def _key(key: ChipKey) -> tuple[bytes | Secret, ...]:
    domain = tlv.build(_DOMAIN, bytes((key.curve.parameter_id,)))
    return domain + _head(_PRIVATE, key.scalar), key.scalar


def _head(tag: int, value: Secret) -> bytes:
    """Return tag and length of a value that is not looked at."""
    return tlv.build(tag, bytes(len(value)))[: -len(value)]


@dataclass(frozen=True, slots=True)
class Transport:
    """The key set a chip is delivered with, and how its session is opened.

    :param room: what its protection costs.
    """

    keys: KeySetSpec
    room: Room

    @property
    def access(self) -> Access:
        """The right it gives."""
        return Access(f"KVN {self.keys.kvn:02X}", self.keys.kvn, UNCOUNTED)

    @property
    def chunk(self) -> int:
        """The most plain bytes of a short command, and of an answer."""
        return self.room.plain_bytes

    def open(self, phase: Phase) -> tuple[Step, Step]:
        """Return the commands that open the session."""
        greet = initialize_update(self.keys.kvn, bytes(_CHALLENGE_BYTES))
        authenticate = CommandAPDU(0x80, EXTERNAL_AUTHENTICATE, self.room.level, 0x00)
        name, access = self.access.name, self.access
        return (
            Step(phase, Role.QUERY, name, PLAIN, greet, access=access, nc=_CHALLENGE_BYTES, answer=_GREETING_BYTES),
            Step(phase, Role.PRESENT, name, PLAIN, authenticate, access=access, nc=_CRYPTOGRAM_BYTES),
        )

    def step(  # noqa: PLR0913  (all but four are named, and have defaults)
        self,
        phase: Phase,
        role: Role,
        serves: str,
        command: CommandAPDU,
        *,
        content: str = "",
        span: tuple[int, int] | None = None,
        answer: int = 0,
        sw: tuple[int, ...] = (0x9000,),
    ) -> Step:
        """Return a command in the session, its lengths as protected.

        :param span: offset and length in the content, which follows the command's own data.
        """
        size = command.nc + (span[1] if span else 0)
        changes = role in (Role.CREATE, Role.WRITE, Role.CHANGE)
        return Step(
            phase,
            role,
            serves,
            FACTORY,
            command,
            content=content,
            span=span,
            nc=self.room.command(size),
            answer=self.room.answer(answer),
            sw=sw,
            nvm=size if changes else 0,
            reversible=role is not Role.DELETE,
        )


def select_file(fid: int) -> CommandAPDU:
    """Return SELECT of a file under the current directory; of the MF with 3F00. 9303-10 3.6.2"""
    p1 = 0x00 if fid == 0x3F00 else 0x02
    return CommandAPDU(0x00, Ins.SELECT, p1, 0x0C, fid.to_bytes(2, "big"))


def select_application() -> CommandAPDU:
    """Return SELECT of the application, without an answer. 9303-10 3.5"""
    return CommandAPDU(0x00, Ins.SELECT, 0x04, 0x0C, LDS1_AID)


_MOST_OFFSET = 0x7FFF
_SFI = 0x80
_READ_ODD, _OFFSET = 0xB1, 0x54
_ODD_HEADER_BYTES = 3  # 53 81 LL around data
_GET_DATA = 0xCA
_REFUSED_SW = (0x6982, 0x6985, 0x6986, 0x6D00, 0x6E00)


def read_commands(name: str, size: int, chunk: int) -> Iterator[tuple[CommandAPDU, int, int]]:
    """Yield the commands that read a file, the first by its SFI: command, offset, bytes of its part of the file.

    :param chunk: the most bytes of one answer. 9303-10 3.6.3
    """
    offset = 0
    while offset < size:
        odd = offset > _MOST_OFFSET
        length = min(chunk - _ODD_HEADER_BYTES if odd else chunk, size - offset)
        if odd:
            data = tlv.build(_OFFSET, offset.to_bytes(2, "big"))
            command = CommandAPDU(0x00, _READ_ODD, 0x00, 0x00, data, ne=length + _ODD_HEADER_BYTES)
        else:
            p1 = offset >> 8 if offset else _SFI | FILES[name].sfi
            command = CommandAPDU(0x00, Ins.READ_BINARY, p1, offset & 0xFF, ne=length)
        yield command, offset, length
        offset += length


def read_part(step: Step, data: bytes) -> bytes:
    """Return what an answer to READ BINARY says of the file.  :raises EncodingError: on a malformed 53."""
    if step.command.ins != _READ_ODD or not data:
        return data
    return tlv.first(data)[0].value


def look_at_files(transport: Transport, document: TravelDocument, *, in_master_file: bool) -> Iterator[Step]:
    """Yield the commands that read a directory's files in the factory's session; the directory is selected."""
    for name, body in document.files.items():
        if FILES[name].in_master_file == in_master_file:
            for command, offset, length in read_commands(name, len(body), transport.chunk):
                protected = min(256, transport.room.answer(command.ne))  # what the answer has with its protection
                asked = replace(command, ne=protected)
                yield transport.step(Phase.VERIFY, Role.READ, name, asked, span=(offset, 0), answer=length)


def look_at_objects(transport: Transport, objects: Iterable[KeyObject]) -> Iterator[Step]:
    """Yield GET DATA of every key and password: the chip says whether it has them, never what they are."""
    for item in objects:
        command = CommandAPDU(0x00, _GET_DATA, item.identifier >> 8, item.identifier & 0xFF, ne=transport.chunk)
        yield transport.step(Phase.VERIFY, Role.READ, item.name, command)


def refused_commands(kvn: int, others: Mapping[str, CommandAPDU]) -> tuple[Step, ...]:
    """Return the commands of a factory, with data that would change nothing, as a locked chip is asked for them.

    :param others: of one kind of chip, by name.
    """
    commands = {
        "INITIALIZE UPDATE": initialize_update(kvn, bytes(_CHALLENGE_BYTES)),
        "CREATE FILE": CommandAPDU(0x00, 0xE0, 0x00, 0x00, b"\x62\x00"),
        "UPDATE BINARY": CommandAPDU(0x00, Ins.UPDATE_BINARY, _SFI | FILES["EF.CardAccess"].sfi, 0x00, b"\x31"),
        "PUT DATA": CommandAPDU(0x00, 0xDA, 0x80, 0x02, b"\x00"),
        **others,
    }
    return tuple(
        Step(Phase.VERIFY, Role.GONE, name, PLAIN, command, nc=command.nc, sw=_REFUSED_SW)
        for name, command in commands.items()
    )


class Driver(Protocol):
    """Commands of one kind of chip."""

    @property
    def identify(self) -> tuple[Step, ...]:
        """What tells which chip it is, and how far it has got."""
        ...

    @property
    def open(self) -> tuple[Step, ...]:
        """What opens the factory's session, to look at the chip."""
        ...

    @property
    def lock(self) -> tuple[Step, ...]:
        """What ends the factory's rights for good, in a session of its own: the check may have left the chip."""
        ...

    @property
    def refused(self) -> tuple[Step, ...]:
        """Commands of the factory that a locked chip refuses, outside any session; they change nothing."""
        ...

    def progress(self, bodies: Mapping[str, bytes], answers: Mapping[str, int]) -> Unmarked | None:
        """Return how far a chip has got that told its number; None where it is locked.

        :param bodies: what :attr:`identify` read.  :param answers: status words of its other commands.
        """
        ...

    def key_objects(self, document: TravelDocument) -> Iterator[KeyObject]:
        """Yield keys and passwords as the chip takes them, in the order they are written."""
        ...

    def made(self, document: TravelDocument) -> tuple[str, ...]:
        """Return names of the states besides contents, each with the files: what is made before it is filled."""
        ...

    def there(self, seen: Collection[str]) -> frozenset[str]:
        """Return which of :meth:`made` holds on a chip that showed these files, directories and objects."""
        ...

    def make(self, document: TravelDocument, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true, from a reset on."""
        ...

    def look(self, document: TravelDocument) -> tuple[Step, ...]:
        """Return the commands that read every file and ask for every object, in the factory's session."""
        ...


def contents_of(driver: Driver, document: TravelDocument) -> dict[str, Content]:
    """Return what is written, by the name of its state."""
    return {**document.files, **{item.name: item.content for item in driver.key_objects(document)}}
