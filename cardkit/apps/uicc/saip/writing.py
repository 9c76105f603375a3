"""Which contents of a package a profile writes, and how: by name, decoded, the record's numbers named."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.uicc.codecs.base import Value
from cardkit.apps.uicc.files import FileSpec, Secrecy, Structure
from cardkit.apps.uicc.saip.building import Build, Table
from cardkit.apps.uicc.saip.drafts import CardFile, Path
from cardkit.apps.uicc.saip.filesystem import FileSystem
from cardkit.apps.uicc.saip.subscriber import Subscriber
from cardkit.apps.uicc.schema import ChipBlock
from cardkit.errors import EncodingError

# What a chip that has files has already: its own rules, its own applications.
_OF_CHIP = frozenset(("EF.ARR", "EF.DIR"))
_WRITABLE = frozenset((Structure.TRANSPARENT, Structure.LINEAR_FIXED))


@dataclass(slots=True)
class Contents:
    """The contents of a profile in the making.

    :param build: what makes the files where the chip has none; keeps the problems in any case.
    :ivar filled: files that get contents.
    """

    files: FileSystem
    chip: ChipBlock
    build: Build
    subscriber: Subscriber
    filled: set[Path] = field(default_factory=set)

    def written(self) -> Table:
        """Return the entries of ``[uicc.files]``: what is not the same as before use."""
        entries: Table = {}
        for file in self.files.files.values():
            if file.spec is None and not file.is_directory:
                self.build.note(f"{file.name}: in no catalogue, no profile names it")
            elif file.spec is not None and file.link is None:
                entries |= self._entries(file, file.spec)
        return entries

    def _entries(self, file: CardFile, spec: FileSpec) -> Table:
        records = file.records()
        changed = [number for number, record in enumerate(records, 1) if record != _before_use(spec, len(record))]
        sizes = self._sizes(file, spec) if changed else []
        if not sizes:
            return {}
        if spec.secrecy is Secrecy.SECRET or spec.structure not in _WRITABLE:
            kind = "secret" if spec.secrecy is Secrecy.SECRET else spec.structure.value
            self.build.note(f"{file.name}: has contents, no profile writes {kind} ones")
            return {}
        entries: Table = {}
        for number in changed:
            name = f"{file.name}#{number}" if spec.structure.has_records else file.name
            value = spec.decode(records[number - 1])
            if self._fits(name, spec, value, sizes[number - 1 : number]):
                entries[name] = self.subscriber.templated(file.name, value)
        if entries:
            self.filled.add(file.path)
        return entries

    def _sizes(self, file: CardFile, spec: FileSpec) -> list[int]:
        """Return the bytes of each record the file will have on the card; none where it will not be there."""
        if not self.chip.identity:
            return [len(record) for record in file.records()] if self.build.makes(file) else []
        model = self.chip.files.get(file.name)
        if model is not None and spec.title not in _OF_CHIP:
            return [model.record or model.size] * (model.count or 1)
        if spec.title not in _OF_CHIP:
            self.build.note(f"{file.name}: this chip has no such file")
        return []

    def _fits(self, name: str, spec: FileSpec, value: Value, sizes: list[int]) -> bool:
        if not sizes:
            self.build.note(f"{name}: this chip has fewer records")
            return False
        try:
            spec.codec.encode(value, sizes[0])
        except EncodingError as error:
            self.build.note(f"{name}: {error}")
            return False
        return True


def _before_use(spec: FileSpec, size: int) -> bytes:
    """Return the contents of a file nobody has written; FF where only the operator knows."""
    return b"\xff" * size if spec.blank == "op" else spec.blank_body(size)
