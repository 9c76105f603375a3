"""CAP files: Java Card code as converters write it, and the load file data block a card gets (JCVM 6; GPCS C.2).

A CAP file is a ZIP archive with one entry a component. Some tools put that archive into another one; IJC files hold
the components already joined. All three are read. Nothing is ever written to a disk, and every size has a bound.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from cardkit.errors import EncodingError

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a CAP file, at most."""

_LARGEST_COMPONENT = 3 + 0xFFFF
_MOST_ENTRIES = 4096
_ZIP_MAGIC = b"PK\x03\x04"
_MAGIC = bytes.fromhex("DECAFFED")
_EXTENDED = 0x08
_NAMES_EXTENDED = ".capx"  # from memory, as is the next name and the flag
_STATIC_RESOURCES = "StaticResources.cap"
_REFUSED = "expected one package in the compact format"

# What zipfile and zlib raise on an archive that is damaged, encrypted or packed by a method they do not know.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # an encryption or a compression method that zipfile does not know
    LookupError,
)


class Component(IntEnum):
    """Components by tag (JCVM Table 6-3)."""

    HEADER = 1
    DIRECTORY = 2
    APPLET = 3
    IMPORT = 4
    CONSTANT_POOL = 5
    CLASS = 6
    METHOD = 7
    STATIC_FIELD = 8
    REF_LOCATION = 9
    EXPORT = 10
    DESCRIPTOR = 11
    DEBUG = 12


_TAGS = frozenset(int(tag) for tag in Component)

# Order in which a card takes them (JCVM 6.2); Descriptor is optional, Debug never goes to a card.
_LOAD_ORDER = (
    Component.HEADER,
    Component.DIRECTORY,
    Component.IMPORT,
    Component.APPLET,
    Component.CLASS,
    Component.METHOD,
    Component.STATIC_FIELD,
    Component.EXPORT,
    Component.CONSTANT_POOL,
    Component.REF_LOCATION,
)
_FILE_NAMES = {
    "Header.cap": Component.HEADER,
    "Directory.cap": Component.DIRECTORY,
    "Applet.cap": Component.APPLET,
    "Import.cap": Component.IMPORT,
    "ConstantPool.cap": Component.CONSTANT_POOL,
    "Class.cap": Component.CLASS,
    "Method.cap": Component.METHOD,
    "StaticField.cap": Component.STATIC_FIELD,
    "RefLocation.cap": Component.REF_LOCATION,
    "Export.cap": Component.EXPORT,
    "Descriptor.cap": Component.DESCRIPTOR,
    "Debug.cap": Component.DEBUG,
}
_DIGESTS = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}

FRAMEWORK = bytes.fromhex("A0000000620101")
_JAVA_CARD = ("2.1.1", "2.1.2", "2.2.1", "2.2.2", "3.0.1", "3.0.4", "3.0.5", "", "3.1")


@dataclass(frozen=True, slots=True)
class Package:
    """A package and its version, as a CAP file names it or a card holds it."""

    aid: bytes
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.aid.hex().upper()} {self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class CapFile:
    """One CAP file.

    :param components: each whole, tag and size included.  :param version: of the CAP format, major and minor.
    :param flags: of the package: 01 int, 02 export, 04 applet.
    :param applets: AIDs, in order.  :param imports: packages it is linked with.
    """

    components: Mapping[Component, bytes]
    version: tuple[int, int]
    flags: int
    package: Package
    applets: tuple[bytes, ...]
    imports: tuple[Package, ...]

    @classmethod
    def parse(cls, data: bytes) -> CapFile:
        """Read a CAP file: a ZIP archive, one inside another, or IJC.

        :raises EncodingError: on anything else, several packages, and the extended format of Java Card 3.1.
        """
        if len(data) > LARGEST_FILE:
            raise EncodingError(f"CAP file: got {len(data)} bytes, expected {LARGEST_FILE} or fewer")
        components = _from_zip(data) if data[:4] == _ZIP_MAGIC else _from_ijc(data)
        header = components.get(Component.HEADER)
        if header is None:
            raise EncodingError("CAP file: it has no Header component")
        major, minor, flags, package = _header(header)
        applets = _applets(components[Component.APPLET]) if Component.APPLET in components else ()
        imports = _imports(components[Component.IMPORT]) if Component.IMPORT in components else ()
        return cls(MappingProxyType(components), (major, minor), flags, package, applets, imports)

    def load_file_data_block(self, *, descriptor: bool = False) -> bytes:
        """Return the components in the order a card takes them.

        :param descriptor: send the Descriptor too; tools disagree, and the hash differs.
        """
        order = (*_LOAD_ORDER, Component.DESCRIPTOR) if descriptor else _LOAD_ORDER
        return b"".join(self.components[tag] for tag in order if tag in self.components)

    @property
    def java_card(self) -> str:
        """The oldest Java Card version that can hold it, by its import of ``javacard.framework``; empty if unknown."""
        minors = [item.minor for item in self.imports if item.aid == FRAMEWORK and item.major == 1]
        return _JAVA_CARD[minors[0]] if minors and minors[0] < len(_JAVA_CARD) else ""


def digest(block: bytes, algorithm: str = "sha256") -> bytes:
    """Return the hash of a load file data block, LFDBH (GPCS C.2).

    :param block: in clear, without ``C4`` and length.  :param algorithm: sha1, sha256, sha384 or sha512.
    :raises EncodingError: on another algorithm.
    """
    if algorithm not in _DIGESTS:
        raise EncodingError(f"load file data block hash: got {algorithm!r}, expected {', '.join(_DIGESTS)}")
    return hashlib.new(algorithm, block).digest()


def _from_zip(data: bytes) -> dict[Component, bytes]:
    """Read the component entries of an archive; where it has none, of the one archive in it."""
    try:
        components = _components_of(data)
        if not components:
            content = _only_cap(data)
            components = _components_of(content) if content[:4] == _ZIP_MAGIC else _from_ijc(content)
    except EncodingError:
        raise
    except _ZIP_ERRORS as error:
        raise EncodingError(f"CAP file: the archive cannot be read: {type(error).__name__}") from None
    return components


def _only_cap(data: bytes) -> bytes:
    """Return the one file of an archive that is a CAP file itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".cap", ".ijc"))]
        if len(inner) != 1:
            raise EncodingError(f"CAP file: the archive has no component and {len(inner)} CAP files, expected one")
        return _read(archive, inner[0], LARGEST_FILE)


def _components_of(data: bytes) -> dict[Component, bytes]:
    """Read the entries named as components; empty where there is none."""
    components: dict[Component, bytes] = {}
    folders: set[str] = set()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise EncodingError(f"CAP file: {len(entries)} entries, expected {_MOST_ENTRIES} or fewer")
        for entry in entries:
            folder, _, name = entry.filename.rpartition("/")
            tag = _component_tag(folder, name)
            if tag is None:
                continue
            folders.add(folder)
            if tag in components or len(folders) > 1:
                raise EncodingError(f"CAP file: {name}: it belongs to a second package: {_REFUSED}")
            components[tag] = _checked(tag, _read(archive, entry, _LARGEST_COMPONENT))
    return components


def _component_tag(folder: str, name: str) -> Component | None:
    """Return which component an entry is; None where it is none: manifest, export file, applet descriptor."""
    if name.endswith(_NAMES_EXTENDED) or name == _STATIC_RESOURCES:
        raise EncodingError(f"CAP file: {name}: only Java Card 3.1 has it: {_REFUSED}")
    return _FILE_NAMES.get(name) if not folder or folder.rpartition("/")[2] == "javacard" else None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack one entry, never more than `most` bytes whatever its header says."""
    with archive.open(entry) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise EncodingError(f"CAP file: an entry unpacks to more than {most} bytes")
    return content


def _checked(tag: Component, content: bytes) -> bytes:
    size = len(content) - 3
    if size < 0 or content[0] != tag or int.from_bytes(content[1:3], "big") != size:
        raise EncodingError(f"CAP file: {tag.name}: tag or size do not fit its {len(content)} bytes")
    return content


def _from_ijc(data: bytes) -> dict[Component, bytes]:
    """Walk components that stand one behind another."""
    components: dict[Component, bytes] = {}
    offset = 0
    while offset < len(data):
        end = offset + 3 + int.from_bytes(data[offset + 1 : offset + 3], "big")
        if data[offset] not in _TAGS or offset + 3 > len(data) or end > len(data):
            raise EncodingError(f"CAP file: byte {offset}: neither a ZIP archive nor a component")
        tag = Component(data[offset])
        if tag in components:
            raise EncodingError(f"CAP file: byte {offset}: {tag.name} stands there twice, expected one package")
        components[tag] = data[offset:end]
        offset = end
    return components


def _header(component: bytes) -> tuple[int, int, int, Package]:
    """Return format major and minor, flags, and the package (JCVM 6.4)."""
    reader = _Reader(component, "Header")
    if reader.take(4) != _MAGIC:
        raise EncodingError("CAP file: Header: magic is not DECAFFED")
    minor, major, flags = reader.take(3)
    if flags & _EXTENDED:
        raise EncodingError(f"CAP file: extended CAP file of Java Card 3.1: {_REFUSED}")
    return major, minor, flags, reader.package()


def _applets(component: bytes) -> tuple[bytes, ...]:
    reader = _Reader(component, "Applet")
    applets = []
    for _ in range(reader.take(1)[0]):
        applets.append(reader.aid())
        reader.take(2)  # offset of its install method
    return tuple(applets)


def _imports(component: bytes) -> tuple[Package, ...]:
    reader = _Reader(component, "Import")
    return tuple(reader.package() for _ in range(reader.take(1)[0]))


class _Reader:
    """Takes fields of a component, from behind its tag and size."""

    def __init__(self, component: bytes, name: str) -> None:
        self._data = component
        self._at = 3
        self._name = name

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise EncodingError(f"CAP file: {self._name}: it ends at byte {len(self._data)}, expected {count} more")
        self._at += count
        return taken

    def aid(self) -> bytes:
        length = self.take(1)[0]
        if not 5 <= length <= 16:
            raise EncodingError(f"CAP file: {self._name}: AID of {length} bytes, expected 5 to 16")
        return self.take(length)

    def package(self) -> Package:
        minor, major = self.take(2)
        return Package(self.aid(), major, minor)
