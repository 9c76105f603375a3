"""The driver of applets after the JMRTD passport applet of 2006: everything is open until one command locks it.

Facts of its command set, unverified on a card of that time: no secure channel, RSA of 1024 bits, BAC only, chip
authentication with 3DES; answers of 200 bytes at most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.driver import (
    LIFE_CYCLE,
    LOCK,
    MRZ,
    PLAIN,
    PRODUCTION,
    KeyObject,
    read_commands,
    refused_commands,
    select_application,
    select_file,
)
from cardkit.apps.emrtd.lds import FILES, LDS1_AID
from cardkit.apps.emrtd.prepare.document import TravelDocument
from cardkit.apps.emrtd.prepare.keys import ACTIVE, RsaChipKey, chip_name
from cardkit.apps.emrtd.schema import ChipBlock, EmrtdBlock
from cardkit.apps.iso7816.commands import Ins
from cardkit.crypto.chipkeys import ChipKey
from cardkit.crypto.secret import Secret
from cardkit.desired import Content, Phase, Role, Step, Unmarked
from cardkit.encoding import tlv
from cardkit.errors import ProfileError

APPLICATION = "application"
RSA_BITS = 1024
_CREATE, _PUT_DATA, _GET_DATA = 0xE0, 0xDA, 0xCA
_CPLC, _LOCK = 0x9F7F, 0xDEAD
_MODULUS, _EXPONENT, _MRZ, _CHIP = 0x60, 0x61, 0x62, 0x63
_FILE, _TEXT, _NUMBER = 0x63, 0x5F1F, 0x04
_UPDATE_CHUNK, _READ_CHUNK = 255, 200
_NOT_FOUND, _OK = 0x6A82, 0x9000
_FIRST = "EF.COM"
"""The file that is created first: where it is missing, nothing was written."""


@dataclass(frozen=True, slots=True)
class Applet2006Driver:
    """Commands of one product on one chip.

    :raises ProfileError: where the product asks for what such a chip cannot do.
    """

    block: EmrtdBlock
    chip: ChipBlock

    def __post_init__(self) -> None:
        """Refuse PACE, AES, several keys, and active authentication by other means."""
        block = self.block
        if block.access.pace:
            raise ProfileError("emrtd.access.pace: this chip knows BAC only")
        if len(block.chip_authentication) > 1 or any(item.cipher != "3DES" for item in block.chip_authentication):
            raise ProfileError("emrtd.chip_authentication: this chip has one key, with 3DES")
        if block.active_authentication is not None and block.active_authentication.rsa_bits != RSA_BITS:
            raise ProfileError(f"emrtd.active_authentication: this chip has RSA of {RSA_BITS} bits")

    @property
    def identify(self) -> tuple[Step, ...]:
        """CPLC; whether the first file is there, and whether it is still open."""
        found = Step(Phase.FENCE, Role.GONE, APPLICATION, PLAIN, select_file(FILES[_FIRST].fid), nc=2)
        read = CommandAPDU(0x00, Ins.READ_BINARY, 0x00, 0x00, ne=1)
        return (
            Step(Phase.FENCE, Role.SELECT, APPLICATION, PLAIN, select_application(), nc=len(LDS1_AID)),
            Step(Phase.FENCE, Role.READ, PRODUCTION, PLAIN, _data(_GET_DATA, _CPLC, ne=45), answer=45),
            found,
            Step(Phase.FENCE, Role.GONE, LIFE_CYCLE, PLAIN, read, answer=1),
        )

    @property
    def open(self) -> tuple[Step, ...]:
        """Nothing: such a chip is open."""
        return ()

    @property
    def lock(self) -> tuple[Step, ...]:
        """The command after which nothing is written any more."""
        return (_step(Phase.SEAL, Role.DELETE, LOCK, _data(_PUT_DATA, _LOCK)),)

    @property
    def refused(self) -> tuple[Step, ...]:
        """Every command of the factory, with data that would change nothing."""
        return refused_commands(0, {})

    def progress(self, bodies: Mapping[str, bytes], answers: Mapping[str, int]) -> Unmarked | None:  # noqa: ARG002
        """Blank without the first file; locked where it cannot be read."""
        if answers.get(APPLICATION) == _NOT_FOUND:
            return Unmarked.BLANK
        return Unmarked.BEGUN if answers.get(LIFE_CYCLE) == _OK else None

    def made(self, document: TravelDocument) -> tuple[str, ...]:
        """Return every file."""
        return tuple(map(created, document.files))

    def there(self, seen: Collection[str]) -> frozenset[str]:
        """Return the files that could be read."""
        return frozenset(created(name) for name in seen if name in FILES)

    def make(self, document: TravelDocument, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands: files, each filled at once; keys; the MRZ."""
        steps = [step for name, body in document.files.items() for step in self._file(name, len(body), names)]
        for item in self.key_objects(document):
            if item.name in names:
                command = _data(_PUT_DATA, item.identifier)
                steps.append(_step(Phase.WRITE, Role.WRITE, item.name, command, (0, item.size)))
        return (_application(Phase.WRITE), *steps) if steps else ()

    def look(self, document: TravelDocument) -> tuple[Step, ...]:
        """Return reads of every file; keys cannot be asked for."""
        return (_application(Phase.VERIFY), *self._reads(document))

    def key_objects(self, document: TravelDocument) -> Iterator[KeyObject]:
        """Yield keys, then what BAC keys are made of."""
        active = document.keys.active
        if isinstance(active, RsaChipKey):
            head = tlv.build(_NUMBER, bytes(len(active.modulus)))[: -len(active.modulus)]
            yield KeyObject(f"{ACTIVE}: modulus", _MODULUS, b"\x60\x00" + head + active.modulus, "EMRTD-032")
            yield KeyObject(ACTIVE, _EXPONENT, (b"\x61\x00" + head, active.private), "EMRTD-032")
        for number, key in enumerate(document.keys.chip):
            yield KeyObject(chip_name(number), _CHIP, _chip_key(key), "EMRTD-030")
        zone = document.mrz
        values = zone.document_number, zone.field("date_of_birth"), zone.field("date_of_expiry")
        parts = b"".join(tlv.build(_TEXT, value.encode("ascii")) for value in values)
        yield KeyObject(MRZ, _MRZ, (Secret(tlv.build(_MRZ, parts), MRZ),), "EMRTD-013")

    def _file(self, name: str, size: int, names: Collection[str]) -> Iterator[Step]:
        fid = FILES[name].fid
        if created(name) in names:
            data = tlv.build(_FILE, size.to_bytes(2, "big") + fid.to_bytes(2, "big"))
            yield _step(Phase.WRITE, Role.CREATE, created(name), CommandAPDU(0x00, _CREATE, 0x00, 0x00, data))
        if name in names:
            yield _step(Phase.WRITE, Role.SELECT, name, select_file(fid))
            for offset in range(0, size, _UPDATE_CHUNK):
                span = offset, min(_UPDATE_CHUNK, size - offset)
                command = CommandAPDU(0x00, Ins.UPDATE_BINARY, offset >> 8, offset & 0xFF)
                yield _step(Phase.WRITE, Role.WRITE, name, command, span)

    def _reads(self, document: TravelDocument) -> Iterator[Step]:
        for name, body in document.files.items():
            select = select_file(FILES[name].fid)
            yield Step(Phase.VERIFY, Role.SELECT, name, PLAIN, select, nc=select.nc)
            for command, offset, length in read_commands(name, len(body), _READ_CHUNK):
                place = command if offset else replace(command, p1=0x00)
                yield Step(Phase.VERIFY, Role.READ, name, PLAIN, place, span=(offset, 0), nc=place.nc, answer=length)


def created(name: str) -> str:
    """Return the name of the state that says a file is there, with its size."""
    return f"file {name}"


def _chip_key(key: ChipKey) -> Content:
    curve = key.curve
    field = [number.to_bytes(curve.size, "big") for number in (curve.p, curve.a, curve.b)]
    values = zip((0x81, 0x82, 0x83, 0x84, 0x85), (*field, curve.generator, _order(key)), strict=True)
    head = b"".join(tlv.build(tag, value) for tag, value in values)
    size = len(key.scalar)
    return head + tlv.build(0x86, bytes(size))[:-size], key.scalar, tlv.build(0x87, b"\x01")


def _order(key: ChipKey) -> bytes:
    return key.curve.n.to_bytes(key.curve.scalar_size, "big")


def _application(phase: Phase) -> Step:
    return Step(phase, Role.SELECT, APPLICATION, PLAIN, select_application(), nc=len(LDS1_AID))


def _data(ins: int, tag: int, ne: int = 0) -> CommandAPDU:
    return CommandAPDU(0x00, ins, tag >> 8, tag & 0xFF, ne=ne)


def _step(phase: Phase, role: Role, serves: str, command: CommandAPDU, span: tuple[int, int] | None = None) -> Step:
    size = command.nc + (span[1] if span else 0)
    return Step(
        phase,
        role,
        serves,
        PLAIN,
        command,
        content=serves if span else "",
        span=span,
        nc=size,
        nvm=size if role is not Role.SELECT else 0,
        reversible=role is not Role.DELETE,
    )
