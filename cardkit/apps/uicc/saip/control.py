"""File control parameters of a package's files: what SELECT would answer, and CREATE FILE be given."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.apps.uicc.arr import Condition, Rule, parse_rules
from cardkit.apps.uicc.fcp import Fcp, PinState
from cardkit.apps.uicc.saip.codes import PinCode
from cardkit.apps.uicc.saip.drafts import CardFile
from cardkit.apps.uicc.saip.filesystem import FileSystem
from cardkit.errors import EncodingError

_HIGHEST_MEMORY = 0xFFFF


def parameters(file: CardFile, codes: Iterable[PinCode], memory: int = _HIGHEST_MEMORY) -> bytes:
    """Return the template (62) of a file.

    :param codes: of the package: which keys of a directory are enabled.
    :param memory: bytes set aside for a directory.
    :raises EncodingError: when a size or number does not fit.
    """
    pins = tuple(PinState(reference, _enabled(reference, file, codes)) for reference in file.pins)
    return file.made(pins, memory).template()


def _enabled(reference: int, directory: CardFile, codes: Iterable[PinCode]) -> bool:
    """Return whether a key of a directory is enabled; a local one may be that of a directory above it."""
    places = [directory.path[:depth] for depth in range(len(directory.path), -1, -1)]
    found = {code.directory: code.enabled for code in codes if code.reference == reference}
    return next((found[place] for place in places if place in found), False)


def rules_of(file: CardFile, files: FileSystem) -> list[Rule] | None:
    """Return a file's access rules, None where the package has no such record.

    EF.ARR is looked for in the file's own directory, then upwards (from memory).
    """
    if file.rules is None:
        return None
    fid, number = file.rules
    place = file.path if file.is_directory else file.path[:-1]
    while True:
        found = files.files.get((*place, fid))
        if found is not None:
            records = found.records()
            return _parsed(records[number - 1]) if 1 <= number <= len(records) else None
        if not place:
            return None
        place = place[:-1]


def _parsed(record: bytes) -> list[Rule] | None:
    try:
        return parse_rules(record)
    except EncodingError:
        return None


def conditions(file: CardFile, files: FileSystem, codes: Iterable[PinCode]) -> dict[str, Condition] | None:
    """Return what each operation on a file takes, None where the package does not say."""
    rules = rules_of(file, files)
    return None if rules is None else Fcp.parse(parameters(file, codes)).conditions(rules)
