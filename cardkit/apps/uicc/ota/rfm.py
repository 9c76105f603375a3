"""Remote file management: the steps of a plan as scripts (ETSI TS 102 226 7).

A script begins in the directory of the application its TAR names, with the access this application has. So codes are
not presented, and every script first selects its way: what the steps of a plan selected for good on a reader holds
only to the end of a packet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.ota.scripting import Coding, Content, command_size, script, script_size
from cardkit.apps.uicc.states.storing import DOMAIN
from cardkit.desired import Phase, Role, Step
from cardkit.errors import ProfileError

MF = "MF"
_SELECT, _BY_FID, _BY_PATH, _NO_DATA = 0xA4, 0x00, 0x08, 0x0C
_UPDATE_BINARY = 0xD6
_ON_RECORDS = frozenset((0xB2, 0xDC, 0xA2))
_ON_FILES = _ON_RECORDS | {0xB0, _UPDATE_BINARY, 0x32}
_BY_SFI, _SFI_IN_RECORD = 0x80, 0xF8
_APPLICATION_FID = b"\x7f\xff"
_MF_FID = b"\x3f\x00"

_FOR_THE_DOMAIN = "a session with the security domain brings it, on a reader"
_LEFT_OUT = {
    Role.PRESENT: "access comes with the application of the card",
    Role.QUERY: "access comes with the application of the card",
    Role.CHANGE: "codes are changed in a reader, with their counters in sight",
    Role.PROVE: "no challenge goes over the air",
    Role.GONE: "a script stops at the first error",
}


@dataclass(frozen=True, slots=True)
class Script:
    """Commands for one application of the card: what one packet carries.

    :param tar: 3 bytes.  :param serves: the states it makes true, in order.
    """

    tar: bytes
    commands: tuple[CommandAPDU, ...]
    serves: tuple[str, ...]
    coding: Coding = Coding.COMPACT

    def content(self) -> Content:
        """Return what a packet carries; secret parts stay secret."""
        return script(self.commands, self.coding)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A step that is not sent over the air, and why."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Scripts:
    """A plan for the air: what is sent, and what is not."""

    scripts: tuple[Script, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """Commands that belong in one packet.

    :param root: directory its script begins in.  :param way: what leads from there to the directory.
    :param file: selection of the file in it; None where the commands address it themselves, or the way ends there.
    """

    root: str
    way: tuple[CommandAPDU, ...]
    file: CommandAPDU | None
    commands: tuple[CommandAPDU, ...]
    step: Step


@dataclass(slots=True)
class _Position:
    """Where the commands of a plan have come, as a script can get there again.

    :param by_sfi: the current file became so by its short identifier.
    """

    roots: Collection[str]
    root: str = MF
    place: str = MF
    way: tuple[CommandAPDU, ...] = ()
    file: CommandAPDU | None = None
    by_sfi: bool = False

    def select(self, step: Step) -> None:
        """Follow a selection."""
        command = step.command
        if step.role is Role.SELECT and command.p1 == _BY_FID:
            self.arrive(step.place)
            self.file, self.by_sfi = command, False
            return
        self.file, self.by_sfi, self.place = None, False, step.place
        if step.place == MF or step.place in self.roots:
            self.root, self.way = step.place, ()
            if step.role is Role.SELECT:
                self.way = (command,)
        elif command.p1 == _BY_PATH:
            self.root, self.way = MF, (command,)
        elif command.p1 == _BY_FID:
            self.way = (*self.way, command)
        else:
            raise ProfileError(f"{step.place}: no application of the card takes scripts for it, expected its TAR")

    def arrive(self, place: str) -> None:
        """Be where a step says it is sent: a plan resets the card now and then, which leads to the MF."""
        if place == MF != self.place:
            self.root, self.place, self.way, self.file, self.by_sfi = MF, MF, (), None, False

    def unit(self, step: Step, command: CommandAPDU) -> _Unit | None:
        """Return what makes a command work in a packet of its own; None where it hangs on the one before it."""
        self.arrive(step.place)
        if command.ins not in _ON_FILES or _has_sfi(command):
            self.file, self.by_sfi = None, command.ins in _ON_FILES
        elif self.by_sfi:
            return None
        return _Unit(self.root, self.way, self.file, (command,), step)


def plan_scripts(
    steps: Iterable[Step],
    contents: Mapping[str, Content],
    tars: Mapping[str, bytes],
    room: int,
    *,
    phases: Collection[Phase] = (Phase.WRITE,),
    coding: Coding = Coding.COMPACT,
) -> Scripts:
    """Return the scripts that do what a plan's steps do on a reader, in the same order.

    :param steps: of the whole plan: what earlier phases selected still holds in later ones.
    :param contents: the card's contents by state name.  :param tars: of the application for ``MF``, ``ADF.USIM`` ...
    :param room: data bytes of a packet that is to be one message; a record or a secret that is longer than that makes
        a packet of several messages.  :param phases: whose steps are sent.
    :raises ProfileError: when no application takes what a step writes.
    """
    units: list[_Unit] = []
    left_out: list[LeftOut] = []
    position = _Position(tars)
    for step in steps:
        if step.place == DOMAIN:
            left_out += [LeftOut(step, _FOR_THE_DOMAIN)] if step.phase in phases else []
        elif step.role in (Role.ENTER, Role.SELECT):
            position.select(step)
        elif step.phase not in phases:
            position.unit(step, step.command)
        elif step.role in _LEFT_OUT:
            left_out.append(LeftOut(step, _LEFT_OUT[step.role]))
        else:
            command = _filled(step, contents)
            unit = position.unit(step, command) or _continued(units, step, command)
            units += _divided(unit, room, coding)
    return Scripts(tuple(_packed(units, tars, room, coding)), tuple(left_out))


def _continued(units: list[_Unit], step: Step, command: CommandAPDU) -> _Unit:
    """Return the last unit with one more command, which relies on the file that its SFI made current."""
    if not units or units[-1].step.serves != step.serves:
        raise ProfileError(f"{step.serves}: relies on a file that no command of its packet selects")
    unit = units.pop()
    return replace(unit, commands=(*unit.commands, command))


def _filled(step: Step, contents: Mapping[str, Content]) -> CommandAPDU:
    """Return the command with its data field."""
    if not step.content:
        return step.command
    content = contents[step.content]
    if step.span is not None:
        if not isinstance(content, bytes):
            raise ProfileError(f"{step.serves}: a secret longer than 255 bytes cannot be sent in pieces")
        offset, length = step.span
        content = content[offset : offset + length]
    return replace(step.command, data=content)


def _has_sfi(command: CommandAPDU) -> bool:
    """Whether it addresses its file by short identifier (TS 102 221 tables 11.10, 11.11)."""
    if command.ins in _ON_RECORDS:
        return bool(command.p2 & _SFI_IN_RECORD)
    return bool(command.p1 & _BY_SFI)


def _divided(unit: _Unit, room: int, coding: Coding) -> Iterator[_Unit]:
    """Cut an UPDATE BINARY that fits no packet into several; what cannot be cut goes in a long packet of its own."""
    command = unit.commands[-1]
    data = command.data
    size = command.nc + min(0, room - _size(_from_root(unit), coding))
    whole = size == command.nc or command.ins != _UPDATE_BINARY or len(unit.commands) > 1
    if whole or not isinstance(data, bytes) or size < 1:
        yield unit
        return
    for start in range(0, len(data), size):
        yield replace(unit, commands=(_at(command, start, data[start : start + size]),))


def _at(command: CommandAPDU, start: int, data: bytes) -> CommandAPDU:
    """Move an UPDATE BINARY on by some bytes."""
    if command.p1 & _BY_SFI:
        return replace(command, p2=command.p2 + start, data=data)
    offset = (command.p1 << 8 | command.p2) + start
    return replace(command, p1=offset >> 8, p2=offset & 0xFF, data=data)


def _packed(units: Iterable[_Unit], tars: Mapping[str, bytes], room: int, coding: Coding) -> Iterator[Script]:
    """Fill packets in order."""
    packet: list[_Unit] = []
    commands: list[CommandAPDU] = []
    for unit in units:
        added = _from(packet[-1], unit) if packet else None
        if added is None or _size([*commands, *added], coding) > room:
            if packet:
                yield _script(packet, commands, tars, coding)
            packet, commands, added = [], [], _from_root(unit)
        packet.append(unit)
        commands += added
    if packet:
        yield _script(packet, commands, tars, coding)


def _script(
    packet: Sequence[_Unit], commands: Iterable[CommandAPDU], tars: Mapping[str, bytes], coding: Coding
) -> Script:
    root = packet[0].root
    if root not in tars:
        raise ProfileError(f"{root}: no application of the card takes scripts for it, expected its TAR")
    return Script(tars[root], tuple(commands), tuple(dict.fromkeys(unit.step.serves for unit in packet)), coding)


def _from(before: _Unit, unit: _Unit) -> list[CommandAPDU] | None:
    """Return what a packet needs for one more unit, None where another packet must begin: only a last read answers."""
    if before.root != unit.root or before.step.role is Role.READ:
        return None
    if before.way == unit.way:
        return [*([unit.file] if unit.file and unit.file != before.file else []), *unit.commands]
    fid = _MF_FID if unit.root == MF else _APPLICATION_FID
    return [CommandAPDU(0x00, _SELECT, _BY_FID, _NO_DATA, fid), *_from_root(unit)]


def _from_root(unit: _Unit) -> list[CommandAPDU]:
    return [*unit.way, *([unit.file] if unit.file else []), *unit.commands]


def _size(commands: Iterable[CommandAPDU], coding: Coding) -> int:
    return script_size([command_size(command, coding) for command in commands], coding)
