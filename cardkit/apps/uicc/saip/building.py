"""The file system of a package as a profile builds it on a card that comes without one (``[uicc.build]``).

Such a card has one EF.ARR, under the MF: the rules of all EF.ARR of the package are gathered there. Files that share
the body of another are not made, as there is no command for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cardkit.apps.uicc.arr import Condition
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.files import DIRECTORIES
from cardkit.apps.uicc.names import key_reference
from cardkit.apps.uicc.saip.codes import PinCode
from cardkit.apps.uicc.saip.control import conditions
from cardkit.apps.uicc.saip.drafts import CardFile, Path
from cardkit.apps.uicc.saip.filesystem import FileSystem
from cardkit.apps.uicc.schema import ChipBlock
from cardkit.apps.uicc.states.building import ALWAYS, ARR, NEVER

# Identifiers of applications below the MF; those of a package are temporary (SAIP, comment on fileID).
_APPLICATION_FIDS = {"ADF.USIM": "7FF0", "ADF.ISIM": "7FF1", "ADF.HPSIM": "7FF2", "ADF.CSIM": "7FF3"}
_BYTES_A_FILE, _MOST_MEMORY = 64, 0xFFFF
_PLANT, _PLANT_ONLY = "ADM1", "keys"
_ADMINISTRATIVE = "ADM"
_SQN_BYTES = 206
# Operations a profile has one condition for, and those on the files of a directory.
_MANAGING = ("delete", "activate", "deactivate", "resize")
_MAKING = ("create EF", "create DF", "delete child")

Table = dict[str, Any]


@dataclass(slots=True)
class Build:
    """The tables in the making.

    :param chip: which secrets it has, and where its keys go.
    :ivar problems: what will not be as in the package.
    """

    files: FileSystem
    codes: tuple[PinCode, ...]
    chip: ChipBlock
    rules: dict[str, Table] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def tables(self, filled: Collection[Path]) -> dict[str, Table]:
        """Return rules, places and files.

        :param filled: files that get contents: the plant must be able to write them.
        """
        places = {file.name: self._place(file) for file in self.files.directories() if file.name in DIRECTORIES}
        own = self.files.named(ARR)
        files = {ARR: {"rule": self._rule(own, filled=False) if own else self._plant_rule()}}
        for path, file in self.files.files.items():
            if self.makes(file):
                files[file.name] = self._file(file, filled=path in filled)
        files |= self._key_files(places)
        return {"rules": self.rules, "places": places, "files": files}

    def makes(self, file: CardFile) -> bool:
        """Whether a file is made: one of the catalogue, in a directory of the catalogue, with a body of its own."""
        known = file.spec is not None and file.name.rpartition("/")[0] in DIRECTORIES
        if not known or file.spec is None or file.shape is None or file.spec.title == "EF.ARR":
            return False
        if file.link is not None:
            self.note(f"{file.name}: shares the body of {self.files.files[file.link].name}, and is not made")
            return False
        if file.spec.structure is not file.shape.structure:
            self.note(f"{file.name}: {file.shape.structure.value}, the standard says {file.spec.structure.value}")
            return False
        return True

    def note(self, problem: str) -> None:
        """Remember what will not be as in the package, once."""
        self.problems[problem] = None

    # Directories

    def _place(self, directory: CardFile) -> Table:
        place: Table = {"rule": self._rule(directory, filled=False), "memory": self._memory(directory.path)}
        if directory.name in _APPLICATION_FIDS:
            place["fid"] = _APPLICATION_FIDS[directory.name]
            place["aid"] = to_hex(directory.aid)
        pins = dict(self._pins(directory))
        return {**place, "pins": pins} if pins else place

    def _memory(self, path: Path) -> int:
        inside = [file for other, file in self.files.files.items() if other[: len(path)] == path]
        size = sum(_BYTES_A_FILE + (file.shape.size if file.shape and file.link is None else 0) for file in inside)
        return min(size, _MOST_MEMORY)

    def _pins(self, directory: CardFile) -> Iterator[tuple[str, bool]]:
        for reference in directory.pins:
            name = key_reference(reference)
            secret = self.chip.secrets.get(name)
            if secret is not None and secret.scope in ("", directory.name):
                enabled = [code.enabled for code in self.codes if code.reference == reference]
                yield name, bool(enabled and enabled[0])

    # Files

    def _file(self, file: CardFile, *, filled: bool) -> Table:
        made: Table = {"rule": self._rule(file, filled=filled)}
        spec, shape = file.spec, file.shape
        if spec is None or shape is None:
            return made
        if spec.fid != file.fid or file.name.rpartition("/")[0].endswith("DF.PHONEBOOK"):
            made["fid"] = f"{file.fid:04X}"
        sfi = file.fid & 0x1F if file.sfi is None else file.sfi
        if sfi != (spec.sfi or 0):
            made["sfi"] = sfi
        if shape.record_length:
            return {**made, "record": shape.record_length, "count": shape.size // shape.record_length}
        return {**made, "size": shape.size}

    def _key_files(self, places: Mapping[str, Table]) -> dict[str, Table]:
        """Return the files in which this chip looks for K and OPc."""
        made: dict[str, Table] = {}
        for place, slot in self.chip.keys.items():
            if place in places and slot.file:
                made[slot.file] = {"rule": self._plant_rule()}
                if slot.sqn:
                    made[slot.sqn] = {"rule": self._plant_rule(), "size": _SQN_BYTES}
        return made

    # Rules

    def _plant_rule(self) -> str:
        self.rules[_PLANT_ONLY] = {"update": _PLANT, "manage": _PLANT}
        return _PLANT_ONLY

    def _rule(self, file: CardFile, *, filled: bool) -> str:
        """Return the name of the rule of a file or directory, as its conditions say it."""
        access = conditions(file, self.files, self.codes)
        if access is None:
            self.note(f"{file.name}: no access rule, {_PLANT} manages it")
            access = {}
        rule = self._of_directory(file, access) if file.is_directory else self._of_file(file, access, filled=filled)
        name = ", ".join(f"{word} {_said(condition)}" for word, condition in rule.items())
        self.rules[name] = rule
        return name

    def _of_directory(self, directory: CardFile, access: Mapping[str, Condition]) -> Table:
        return {"directory": self._one(directory, access, _MAKING, _PLANT)}

    def _of_file(self, file: CardFile, access: Mapping[str, Condition], *, filled: bool) -> Table:
        update = self._condition(file, access.get("update", _PLANT))
        if filled and update not in (ALWAYS, NEVER) and _PLANT not in _names(update):
            self.note(f"{file.name}: {_PLANT} may update it, too: it has contents that are written")
            update = (*_names(update), _PLANT)
        read = self._condition(file, access.get("read", NEVER))
        if filled and all(name.startswith(_ADMINISTRATIVE) for name in _names(read)):
            self.note(f"{file.name}: nobody may read it, not even {_said(read)}: no verification presents that")
            read = NEVER
        rule: Table = {"read": read, "update": update}
        if "increase" in access:
            rule["increase"] = self._condition(file, access["increase"])
        return {**rule, "manage": self._one(file, access, _MANAGING, NEVER)}

    def _one(self, file: CardFile, access: Mapping[str, Condition], operations: tuple[str, ...], default: str) -> Any:
        """Return the one condition a profile has for several operations: never, where a file's are not all the same.

        Of a directory it is that of making files.
        """
        found = {operation: self._condition(file, access[operation]) for operation in operations if operation in access}
        first = next(iter(found.values()), default)
        chosen = first if file.is_directory or all(condition == first for condition in found.values()) else NEVER
        if any(condition != chosen for condition in found.values()):
            told = ", ".join(f"{operation} {_said(condition)}" for operation, condition in found.items())
            self.note(f"rules with {told}: {_said(chosen)} for all of them")
        return chosen

    def _condition(self, file: CardFile, condition: Condition) -> str | tuple[str, ...]:
        """Return a condition with secrets this chip has; without any, never."""
        if condition in (ALWAYS, NEVER):
            return str(condition)
        names = [condition] if isinstance(condition, str) else condition.get("or", [])
        kept = tuple(name for name in names if isinstance(name, str) and name in self.chip.secrets)
        if len(kept) != len(names) or not names:
            self.note(f"{file.name}: condition {condition}: this chip has {', '.join(self.chip.secrets)}")
        return kept[0] if len(kept) == 1 else kept or NEVER


def _names(condition: str | tuple[str, ...]) -> tuple[str, ...]:
    return (condition,) if isinstance(condition, str) else condition


def _said(condition: str | tuple[str, ...]) -> str:
    return " or ".join(_names(condition))
