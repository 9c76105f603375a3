"""The file system of a card that is delivered without one: what is made, in which order, under which rules.

EF.ARR under the MF holds all rules. The marker's home has its own: it is read before there is an EF.ARR.
ETSI TS 102 221 9.2, 11.1.1.4; TS 102 222 6.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cardkit.apps.uicc.admin import ACTIVATED, INITIALISATION, NewDirectory, NewFile, by_reference
from cardkit.apps.uicc.arr import Rule, build_rules, rule_of
from cardkit.apps.uicc.fcp import Fcp, PinState
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES, FileSpec
from cardkit.apps.uicc.files.phonebook import spec_of
from cardkit.apps.uicc.schema import (
    AccessModel,
    BuildBlock,
    ChipBlock,
    Condition,
    FileModel,
    NewFileBlock,
    PlaceModel,
    RuleBlock,
    SecretModel,
)
from cardkit.apps.uicc.states.targets import MF, MF_FID, Place
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError

ARR = f"{MF}/EF.ARR"
ALWAYS, NEVER = "always", "never"
EXPANDED = 0xAB

# Access mode bytes (TS 102 221 table 9.1 from memory): read, update; deactivate, activate and delete a file; all but
# terminate of a directory. Headers: INS of INCREASE and RESIZE.
READ, UPDATE, MANAGE, IN_DIRECTORY = 0x01, 0x02, 0x58, 0x5F
INCREASE, RESIZE = "8432", "84D4"
DELETE = 0x40


@dataclass(frozen=True, slots=True)
class Creation:
    """A file or directory to be made.

    :param name: as in a profile.  :param place: the directory it is made in; the MF lies in itself.
    """

    name: str
    place: Place
    new: NewFile | NewDirectory

    @property
    def is_opened(self) -> bool:
        """Whether it is made in the state of initialisation, in which no rule stops the plant, and then activated."""
        return self.new.life_cycle == INITIALISATION

    @property
    def state(self) -> str:
        """Name of the state that it exists."""
        return f"{self.name} exists"

    @property
    def title(self) -> str:
        """Say what is made."""
        new = self.new
        if isinstance(new, NewDirectory):
            return f"{self.name} exists: directory {new.fid:04X}"
        size = f"{new.record_count} x {new.record_length}" if new.record_length else str(new.size)
        return f"{self.name} exists: file {new.fid:04X}, {new.structure.value}, {size} bytes"

    def differences(self, found: Fcp) -> list[str]:
        """Return in what a file of the card is another than this one."""
        return self.new.differences(found)


def rules_of(build: BuildBlock) -> dict[str, dict[str, Any]]:
    """Return the records of EF.ARR as a profile would write them, by name of the record."""
    return {f"{ARR}#{number}": {"rules": _rules(rule)} for number, rule in enumerate(build.rules.values(), 1)}


def _rules(rule: RuleBlock) -> list[dict[str, Any]]:
    """Return access modes with their conditions; modes of one condition share a byte."""
    if rule.directory:
        return [{"mode": f"{IN_DIRECTORY:02X}", "conditions": [_condition(rule.directory)]}]
    modes: dict[Condition, int] = {}
    for bits, condition in ((READ, rule.read), (UPDATE, rule.update), (MANAGE, rule.manage)):
        modes[condition] = modes.get(condition, 0) | bits
    found: list[dict[str, Any]] = [
        {"mode": f"{bits:02X}", "conditions": [_condition(condition)]} for condition, bits in modes.items()
    ]
    for header, condition in ((INCREASE, rule.increase), (RESIZE, rule.manage)):
        if condition != NEVER:
            found.append({"command": header, "conditions": [_condition(condition)]})
    return found


def _condition(condition: Condition) -> str | dict[str, Any]:
    return condition if isinstance(condition, str) else {"or": list(condition)}


def with_files(chip: ChipBlock, build: BuildBlock) -> ChipBlock:
    """Return a chip model as if the card had come with the files that are built.

    :raises ProfileError: naming the entry.
    """
    places = dict(chip.places)
    for name, place in build.places.items():
        places[name] = _place(name, place.fid, place.aid, places)
    access = {name: AccessModel(read=_opener(r.read), update=_opener(r.update)) for name, r in build.rules.items()}
    files = {name: _file(name, new, build) for name, new in build.files.items()}
    return msgspec.structs.replace(chip, access={**chip.access, **access}, places=places, files={**chip.files, **files})


def _place(name: str, fid: str, aid: str, places: Mapping[str, PlaceModel]) -> PlaceModel:
    if name == MF or aid:
        return PlaceModel(aid=aid)
    digits = fid or _fid_of_directory(name)
    parent_name = name.rpartition("/")[0] or MF
    parent = places.get(parent_name)
    if parent is None:
        raise ProfileError(f"uicc.build.places.{name}: {parent_name} is not declared before it")
    if parent.aid or parent.parent:
        return PlaceModel(path=digits, parent=parent_name)
    return PlaceModel(path=parent.path + digits)


def _fid_of_directory(name: str) -> str:
    directory = DIRECTORIES.get(name)
    if directory is None or directory.name in (MF, directory.application):
        raise ProfileError(f"uicc.build.places.{name}: expected a fid")
    return f"{directory.path[-1]:04X}"


def _opener(condition: Condition) -> str:
    """Return the secret that opens a file for the plant: an administrative key before a PIN."""
    names = (condition,) if isinstance(condition, str) else condition
    return next((name for name in names if name.startswith("ADM")), names[0])


def _spec(name: str) -> FileSpec:
    spec = spec_of(name)
    if spec is None:
        raise ProfileError(f"uicc.build.files.{name}: the catalogue has no such file")
    return spec


def _file(name: str, new: NewFileBlock, build: BuildBlock) -> FileModel:
    spec = _spec(name)
    if new.rule not in build.rules:
        raise ProfileError(f"uicc.build.files.{name}: rule {new.rule!r} is not declared")
    if name == ARR:
        record = max(len(build_rules(map(rule_of, value["rules"]))) for value in rules_of(build).values())
        size, count = 0, len(build.rules)
    elif spec.structure.has_records:
        size, record, count = 0, new.record or spec.size_min, new.count or 1
    else:
        size, record, count = new.size or spec.size_min, 0, 0
    sfi = (spec.sfi or 0) if new.sfi is None else new.sfi
    if not new.fid and not spec.fid:
        raise ProfileError(f"uicc.build.files.{name}: expected a fid, as EF.PBR names it")
    fid = new.fid or f"{spec.fid:04X}"
    return FileModel(fid=fid, access=new.rule, sfi=sfi, size=size, record=record, count=count)


def creations(build: BuildBlock, chip: ChipBlock, places: Mapping[str, Place]) -> tuple[Creation, ...]:
    """Return what is made: the MF and the marker's home first, then directory after directory.

    :param chip: with all files.  :param places: its directories.
    :raises ProfileError: naming the entry.
    """
    try:
        return tuple(_creations(build, chip, places))
    except EncodingError as error:
        raise ProfileError(f"uicc.build: {error}") from None


def _creations(build: BuildBlock, chip: ChipBlock, places: Mapping[str, Place]) -> Iterator[Creation]:
    if next(iter(build.places), "") != MF or next(iter(build.files), "") != ARR:
        raise ProfileError(f"uicc.build: expected {MF} as the first place and {ARR} as the first file")
    rules = {name: by_reference(CATALOGUE[ARR].fid, number) for number, name in enumerate(build.rules, 1)}
    for name, place in build.places.items():
        if place.rule not in rules:
            raise ProfileError(f"uicc.build.places.{name}: rule {place.rule!r} is not declared")
        fid = MF_FID if name == MF else bytes.fromhex(place.fid or _fid_of_directory(name))
        pins = tuple(_pin(name, pin, chip.secrets, enabled=enabled) for pin, enabled in place.pins.items())
        aid = bytes.fromhex(place.aid)
        new = NewDirectory(int.from_bytes(fid), rules[place.rule], place.memory, aid, pins)
        yield Creation(name, places[name.rpartition("/")[0] or MF], new)
        if name == MF:
            yield _marker(chip, places)
        for file, line in build.files.items():
            if file.rpartition("/")[0] == name:
                yield Creation(file, places[name], _new_file(file, chip, rules[line.rule]))


def _pin(place: str, name: str, secrets: Mapping[str, SecretModel], *, enabled: bool) -> PinState:
    if name not in secrets:
        raise ProfileError(f"uicc.build.places.{place}.pins: this chip has no {name}")
    return PinState(secrets[name].reference, enabled)


def _marker(chip: ChipBlock, places: Mapping[str, Place]) -> Creation:
    access = chip.access[chip.files[chip.marker].access]
    modes = ((READ, access.read), (UPDATE | DELETE, access.update))
    rules = build_rules(Rule(0x80, bytes((bits,)), (condition,)) for bits, condition in modes)
    return Creation(chip.marker, places[MF], _new_file(chip.marker, chip, tlv.build(EXPANDED, rules)))


def _new_file(name: str, chip: ChipBlock, security: bytes) -> NewFile:
    spec, model = _spec(name), chip.files[name]
    size = model.record * model.count if model.record else model.size
    first, repeated = (b"", b"") if spec.blank in ("op", "FF") else _patterns(spec.blank)
    is_fixed = chip.access[model.access].update == NEVER
    return NewFile(
        fid=int(model.fid, 16),
        structure=spec.structure,
        size=size,
        security=security,
        record_length=model.record,
        sfi=model.sfi,
        life_cycle=INITIALISATION if is_fixed else ACTIVATED,
        fill=first[: model.record or size],
        repeat=repeated,
    )


def _patterns(blank: str) -> tuple[bytes, bytes]:
    """Return the fill pattern and the repeat pattern of a content before use, one of them empty."""
    digits = bytes.fromhex(blank.removesuffix("*"))
    return (b"", digits) if blank.endswith("*") else (digits, b"")
