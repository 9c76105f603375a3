"""Profiles: TOML to a typed, checked and hashed description of a product."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from cardkit.apps import registry
from cardkit.crypto.memory import MemoryKeyStore
from cardkit.desired import App, BlockWithFiles, UsesFiles
from cardkit.errors import KeyStoreError, ProfileError
from cardkit.profile.chip import ChipModel, MarkerHome
from cardkit.profile.chips import chip_of
from cardkit.profile.document import convert, read_toml, require_table, suggest
from cardkit.profile.layout import Layout
from cardkit.profile.locate import part_file, profile_file
from cardkit.profile.record import RecordSchema
from cardkit.profile.schema import check_live, schema_of
from cardkit.profile.values import compile_values

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class ProfileTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[profile]`` table.

    :param version: 1 or more.  :param chip: name of a chip model.
    :param apps: keys of the application registry, in the order they are personalized.
    :param marker: ``chip``: where the chip model says; ``none``: the free fence only.
    :param test_keys: file beside the profile with clear test keys, for kind TEST only.
    """

    name: str
    version: int
    family: str
    kind: Literal["TEST", "LIVE"]
    chip: str
    apps: tuple[str, ...]
    title: str = ""
    marker: Literal["chip", "none"] = "chip"
    test_keys: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be a product's name, version, application list or key file."""
        for option in ("name", "family"):
            if not _NAME.fullmatch(getattr(self, option)):
                raise ValueError(f'"{option}": expected lower case letters, digits and hyphens')
        if self.version < 1:
            raise ValueError(f'"version" is {self.version}, expected 1 or more')
        if not self.apps or len(set(self.apps)) != len(self.apps):
            raise ValueError('"apps" must name one application or more, each once')
        if self.test_keys is not None and (self.kind == "LIVE" or Path(self.test_keys).name != self.test_keys):
            raise ValueError('"test_keys" is a file beside the profile, and for kind "TEST" only')


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """A file of a profile.

    :param label: how the profile's digest calls it, such as ``layouts/sim-csv.toml``.  :param sha256: lower hex.
    """

    label: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A product: what must be true of a finished card.

    :param record: the schema of one card's data.  :param layout: of its order files.
    :param blocks: the applications' tables by key, structs of the applications; their strings are templates.
    :param marker: where the plant's marker lives on the chip, home ``none`` where the profile does without.
    :param path: of profile.toml.  :param sha256: over all its files, 32 bytes.
    :param parts: those files, by label.  :param document: the plain data of all files.
    """

    name: str
    version: int
    family: str
    kind: Literal["TEST", "LIVE"]
    title: str
    chip: ChipModel
    record: RecordSchema
    layout: Layout
    apps: tuple[str, ...]
    blocks: Mapping[str, Any]
    marker: MarkerHome
    test_keys: Path | None
    path: Path
    sha256: bytes
    parts: tuple[ProfilePart, ...]
    document: Mapping[str, Any]

    def test_keystore(self) -> MemoryKeyStore:
        """Return the key store of a TEST profile; KeyStoreError for a LIVE one, or where it names no test key file."""
        if self.kind == "LIVE":
            raise KeyStoreError(f"{self.path}: a LIVE profile has no test keys: name its key store (--keys)")
        if self.test_keys is None:
            raise KeyStoreError(f"{self.path}: profile.test_keys: this profile names no test key file")
        return MemoryKeyStore.from_toml(self.test_keys)


def load_profile(path: Path | str) -> Profile:
    """Load and check a profile with its chip model and layout.

    :param path: of profile.toml or its folder, or a name such as ``sim/usim-test``.
    :raises ProfileError: one line with file, path, got and expected.
    """
    file = profile_file(path)
    sources = _Sources()
    document = sources.read("profile.toml", file)
    table = convert(require_table(document, "profile", str(file)), ProfileTable, f"{file}: profile")
    _check_keys(document, table, file)
    apps = {name: _application(name, file) for name in table.apps}
    chip, document["chip"] = _chip(table, file, sources)
    layout, document["layout"] = _layout(document.get("layout"), file, sources)
    record = schema_of(require_table(document, "record", str(file), optional=True), layout, file)
    blocks = {name: _block(name, app, document, record, file) for name, app in apps.items()}
    blocks = {name: _attached(app, blocks[name], file, sources) for name, app in apps.items()}
    if table.kind == "LIVE":
        check_live(record, file)
    return Profile(
        name=table.name,
        version=table.version,
        family=table.family,
        kind=table.kind,
        title=table.title,
        chip=chip,
        record=record,
        layout=layout,
        apps=table.apps,
        blocks=blocks,
        marker=_marker(table, chip, file),
        test_keys=file.parent / table.test_keys if table.test_keys is not None else None,
        path=file,
        sha256=hashlib.sha256(listed(sources.parts()).encode()).digest(),
        parts=sources.parts(),
        document=document,
    )


def listed(parts: Iterable[ProfilePart]) -> str:
    """Return the text ``sha256sum`` prints for a profile's files, sorted by label; its SHA-256 is the profile's."""
    return "".join(f"{part.sha256}  {part.label}\n" for part in sorted(parts, key=lambda part: part.label))


class _Sources:
    """The files a profile is made of."""

    def __init__(self) -> None:
        self._parts: dict[str, ProfilePart] = {}

    def read(self, label: str, path: Path) -> dict[str, Any]:
        document, content = read_toml(path)
        self._add(label, path, content)
        return document

    def attach(self, path: Path) -> bytes:
        """Read a file that lies beside the profile."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from None
        self._add(path.name, path, content)
        return content

    def parts(self) -> tuple[ProfilePart, ...]:
        return tuple(part for _, part in sorted(self._parts.items()))

    def _add(self, label: str, path: Path, content: bytes) -> None:
        self._parts[label] = ProfilePart(label, path, hashlib.sha256(content).hexdigest())


def _check_keys(document: dict[str, Any], table: ProfileTable, file: Path) -> None:
    known = ["profile", "record", "layout", *table.apps]
    for key in document:
        if key not in known:
            raise ProfileError(f'{file}: unknown key "{key}"{suggest(key, known)}')


def _chip(table: ProfileTable, file: Path, sources: _Sources) -> tuple[ChipModel, Any]:
    path = part_file("chips", table.chip, file)
    document = sources.read(f"chips/{path.name}", path)
    return chip_of(document, path), document["chip"]


def _layout(layout: object, file: Path, sources: _Sources) -> tuple[Layout, Any]:
    if not isinstance(layout, str):
        return convert({} if layout is None else layout, Layout, f"{file}: layout"), layout
    path = part_file("layouts", layout, file)
    document = sources.read(f"layouts/{path.name}", path)
    table = require_table(document, "layout", str(path))
    if len(document) > 1:
        raise ProfileError(f"{path}: a layout file has one table, [layout]")
    return convert(table, Layout, f"{path}: layout"), table


def _application(name: str, file: Path) -> App:
    try:
        return registry.get_app(name)
    except ProfileError as error:
        raise ProfileError(f"{file}: profile.apps: {error}") from None


def _block(name: str, app: App, document: dict[str, Any], record: RecordSchema, file: Path) -> Any:
    where = f"{file}: {name}"
    block = convert(require_table(document, name, str(file)), app.block, where)
    compile_values(block, record, where)
    return block


def _attached(app: App, block: Any, file: Path, sources: _Sources) -> Any:
    """Return the block with the files it names, each a plain name beside the profile."""
    if not isinstance(app, UsesFiles):
        return block
    names = app.files(block)
    for name in names:
        if Path(name).name != name or name.endswith(".toml"):
            raise ProfileError(f'{file}: {app.name}: "{name}" is no name of a file beside the profile')
    return BlockWithFiles(block, {name: sources.attach(file.parent / name) for name in names})


def _marker(table: ProfileTable, chip: ChipModel, file: Path) -> MarkerHome:
    if table.marker == "none":
        return MarkerHome(home="none")
    if chip.marker.home == "none":
        raise ProfileError(f'{file}: profile.marker: chip "{chip.name}" has no home for a marker; say marker = "none"')
    return chip.marker
