"""Images: what the maker of a chip delivers, read from TOML and shared by all chips made from it.

One line per file; see images/usim.toml for every key in use. A file's contents are `data` (hex, one string per record
or one for a transparent file; `each` for all records alike), the rest of it filled with `fill`; `link` shares the body
of another path; `fcp` gives the FCP template verbatim, in which case kind, sizes, SFI and access reference are read
from it; `absent` marks an MF that is still to be created.
"""

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from . import fcp
from .access import Rules
from .cipurse import image as cipurse
from .cipurse.image import CipurseImage
from .desfire import image as desfire
from .desfire.image import DesfireImage
from .eid import image as eid
from .eid.image import EidImage
from .emrtd import image as emrtd
from .emrtd.image import EmrtdImage
from .errors import ImageError
from .filerules import rule_cells, rules_of
from .files import GONE, File, Kind
from .gp import cells
from .gp import image as gp
from .gp.image import GpImage
from .historical import capabilities
from .social import image as social
from .social.image import SocialImage

_FOLDER: Final = Path(__file__).parent / "images"
_UICC_ON_PLATFORM: Final = "uicc-globalplatform"
_Built = GpImage | EmrtdImage | EidImage | CipurseImage | DesfireImage
_Build = Callable[[Mapping[str, Any], bytes], _Built]
_SYSTEMS: Final[Mapping[str, _Build]] = {
    "globalplatform": gp.build,
    emrtd.SYSTEM_NATIVE: emrtd.build,
    emrtd.SYSTEM_2006: emrtd.build,
    **dict.fromkeys(eid.SYSTEMS, eid.build),
    cipurse.SYSTEM: cipurse.build,
    desfire.SYSTEM: desfire.build,
}
OF_PLATFORM: Final = f"{cells.APPLICATION}/"  # a cell of an application of the platform, in place of a file
_NVM: Final = 65_536
_SECRET_SIZES: Final = (11, 21)  # without and with an unblocking code, pins.py


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A PIN or ADM key: its key reference, the ADF it belongs to ("" for the whole card), and the cell of its state."""

    reference: int
    adf: str
    cell: str


@dataclass(frozen=True, slots=True)
class KeySlot:
    """Where AUTHENTICATE finds its key file, SQN file, service table and Milenage constants: paths of files, or cells
    of the platform, `app/AID/NAME`, which a SubscriberApplet fills.

    :ivar adf: path of the application, "" for the 2G algorithm.
    """

    adf: str
    key: str
    sqn: str
    services: str
    constants: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Image:
    """A blank chip: its files, contents, secrets and behaviour. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar protocols: T=0 and T=1 as offered by the ATR; the first of `protocols` is the default in process.
    :ivar nvm: bytes of memory for files that are created, or grow.
    :ivar classes: CLA families served: 0x00 (with 0x80) and 0xA0.
    """

    name: str
    title: str
    digest: bytes
    atr: bytes
    protocols: tuple[int, ...]
    classes: frozenset[int]
    mf: File
    files: Mapping[str, File]
    cells: Mapping[str, bytes]
    rules: Mapping[File, Rules]
    mask_rules: tuple[bytes, ...]
    rule_cells: tuple[str, ...]
    secrets: tuple[SecretSpec, ...]
    key_slots: Mapping[str, KeySlot]
    serial_cell: str
    serial_size: int
    channels: int
    extended: bool
    nvm: int

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image."""
        return {self.serial_cell: serial} if self.serial_cell else {}


@dataclass(frozen=True, slots=True)
class RemoteApplication:
    """Who takes the commands of a secured packet.

    :ivar directory: path of the directory that is current at first; "" for the issuer security domain.
    :ivar level: least protection, as a first byte of SPI.
    :ivar grants: key references that count as verified.
    """

    directory: str
    level: int
    grants: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlatformImage(Image):
    """A blank chip with a file system and with the security domains of a GlobalPlatform card.

    :ivar platform: its other half; the cells of both are in `cells`.
    :ivar remote: remote applications by TAR, 3 bytes.
    """

    platform: GpImage
    remote: Mapping[bytes, RemoteApplication]

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs; its CPLC data show the end of the serial number."""
        return {self.serial_cell: serial, **self.platform.born(serial[-gp.SERIAL_SIZE :])}


def images() -> tuple[str, ...]:
    """Names of the images that come with the package.

    >>> "usim" in images()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_image(name_or_path: str | Path) -> Image | _Built | SocialImage:
    """An image by its name, or from a TOML file given by its path; each is read once per process.

    `system = "globalplatform"` under `[chip]` makes it the image of a GlobalPlatform card, "uicc-globalplatform" of a
    card that is both, "emrtd-native" or
    "emrtd-2006" of a chip for travel documents, "piv" or "pkcs15" of one for electronic identity, "cipurse" or
    "desfire" of a transport card, "social" of a card with several of these applications.

    :raises ImageError: unknown name, or what is wrong at which line of which file.
    """
    path = _FOLDER / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        raise ImageError(f"image {str(name_or_path)!r}: expected one of {', '.join(images())} or a TOML file")
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(path: Path, _changed_ns: int) -> Image | _Built | SocialImage:
    try:
        table, raw = _read(path)
        digest = hashlib.sha256(raw).digest()[:8]
        build = _SYSTEMS.get(table["chip"].get("system"))
        if build is not None:
            return build(table, digest)
        if table["chip"].get("system") == social.SYSTEM:
            return _of_parts(table, raw)
        image = _Builder(table, digest).image()
        return _on_platform(image, table) if table["chip"].get("system") == _UICC_ON_PLATFORM else image
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImageError(f"image {path}: {error}") from error
    except KeyError as error:
        raise ImageError(f"image {path}: missing entry {error}") from error
    except (ImageError, TypeError, ValueError) as error:
        raise ImageError(f"image {path}: {error}") from error


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """A file as a table, and its bytes; `like` under `[chip]` names the image that it only changes.

    An entry takes the place of the base's; a table under a name both have adds to that of the base, and an empty table
    in it takes an entry away.
    """
    raw = path.read_bytes()
    table = tomllib.loads(raw.decode("utf-8"))
    like = table["chip"].pop("like", None)
    if like is None:
        return table, raw
    base, below = _read(_FOLDER / f"{like}.toml")
    for name, entry in table.items():
        base[name] = _over(base[name], entry) if isinstance(entry, dict) and name in base else entry
    return base, below + raw


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in {**base, **changes}.items() if entry != {}}


def _of_parts(table: Mapping[str, Any], raw: bytes) -> SocialImage:
    parts = {role: load_image(name) for role, name in table["parts"].items()}
    digest = hashlib.sha256(raw + b"".join(part.digest for part in parts.values())).digest()[:8]
    return social.build(table, digest, parts)


def _on_platform(image: Image, table: Mapping[str, Any]) -> PlatformImage:
    platform = gp.build(table, image.digest)
    parts = {part.name: getattr(image, part.name) for part in fields(image)}
    parts["cells"] = {**image.cells, **platform.cells}
    remote = {
        bytes.fromhex(line["tar"]): RemoteApplication(line["directory"], line["level"], frozenset(line["grants"]))
        for line in table.get("remote", [])
    }
    return PlatformImage(**parts, platform=platform, remote=remote)


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text)


class _Builder:
    """Turns one TOML table into an Image, checking what contradicts itself."""

    def __init__(self, table: Mapping[str, Any], digest: bytes) -> None:
        self.table = table
        self.digest = digest
        self.rule_numbers = {name: number for number, name in enumerate(table["rules"], 1)}
        self.rule_records = [_unhex(rule) for rule in table["rules"].values()]
        self.files: dict[str, File] = {}
        self.cells: dict[str, bytes] = {}

    def image(self) -> Image:
        for path, line in self.table["files"].items():
            try:
                self._add(path, line)
            except (ImageError, KeyError, ValueError, TypeError) as error:
                raise ImageError(f"file {path}: {type(error).__name__}: {error}") from error
        chip = self.table["chip"]
        serial = chip.get("serial", "")
        atr = _unhex(chip["atr"])
        channels, extended = capabilities(atr)
        return Image(
            name=chip["name"],
            title=chip["title"],
            digest=self.digest,
            atr=atr,
            protocols=tuple(chip["protocols"]),
            classes=frozenset(chip["classes"]),
            mf=self.files["3F00"],
            files=self.files,
            cells=self.cells,
            rules=rules_of(self.files, self.cells, self.rule_records),
            mask_rules=tuple(self.rule_records),
            rule_cells=rule_cells(self.files, self.cells),
            secrets=tuple(self._secret(line) for line in self.table["secrets"]),
            key_slots={line.get("adf", ""): self._slot(line) for line in self.table.get("authenticate", [])},
            serial_cell=serial,
            serial_size=len(self.cells[serial]) if serial else 8,
            channels=channels,
            extended=extended,
            nvm=chip.get("nvm", _NVM),
        )

    def _add(self, path: str, line: Mapping[str, Any]) -> None:
        parent_path, _, fid = path.rpartition("/")
        parent = self.files[parent_path] if parent_path else None
        file = self._from_fcp(path, line, parent) if "fcp" in line else self._from_line(path, line, parent)
        if file.fid != int(fid, 16):
            raise ImageError(f"FID in FCP is {file.fid:04X}")
        if parent is not None:
            if file.fid in parent.children or (file.sfi is not None and file.sfi in parent.by_sfi):
                raise ImageError("FID or SFI already taken in this directory")
            parent.children[file.fid] = file
            if file.sfi is not None:
                parent.by_sfi[file.sfi] = file
        self.files[path] = file
        if "link" in line and len(self.cells[file.cell]) != file.size:
            raise ImageError(f"linked to a file of another size, {len(self.cells[file.cell])} bytes")
        if line.get("absent"):
            self.cells[file.lcs_cell] = GONE
        if not file.is_df and "link" not in line:
            self.cells[path] = _body(file, self._content(line), _unhex(line.get("fill", "FF")))

    def _content(self, line: Mapping[str, Any]) -> Sequence[bytes]:
        if line.get("content") == "rules":
            return self.rule_records
        if "each" in line:
            return [_unhex(line["each"])] * _count(line)
        data = line.get("data", [])
        return [_unhex(part) for part in ([data] if isinstance(data, str) else data)]

    def _from_line(self, path: str, line: Mapping[str, Any], parent: File | None) -> File:
        kind, size, record_length = _shape(line)
        file = File(
            path=path,
            name=line["name"],
            fid=int(path[-4:], 16),
            kind=kind,
            parent=parent,
            cell=self._cell(path, line, kind),
            size=size,
            record_length=record_length,
            sfi=line.get("sfi"),
            aid=_unhex(line.get("aid", "")),
            arr=(line.get("arr", self.table["chip"]["arr"]), self.rule_numbers[line["access"]]),
            pins=tuple(line.get("pins", ())),
        )
        file.fcp = fcp.template(file)
        return file

    def _from_fcp(self, path: str, line: Mapping[str, Any], parent: File | None) -> File:
        file = fcp.read(_unhex(line["fcp"]), path, parent, line["name"])
        file.cell = self._cell(path, line, file.kind)
        return file

    def _cell(self, path: str, line: Mapping[str, Any], kind: Kind) -> str:
        if kind is Kind.DF:
            return ""
        return self.files[line["link"]].cell if "link" in line else path

    def _secret(self, line: Mapping[str, Any]) -> SecretSpec:
        reference = line["reference"]
        cell = line.get("file", f"secret/{reference:02X}")
        if "state" in line:
            self.cells[cell] = _unhex(line["state"])
        if len(self.cells[cell]) not in _SECRET_SIZES:
            raise ImageError(f"secret {reference:02X}: expected 11 or 21 bytes of state, got {len(self.cells[cell])}")
        return SecretSpec(reference, line.get("adf", ""), cell)

    def _slot(self, line: Mapping[str, Any]) -> KeySlot:
        paths = {name: line.get(name, "") for name in ("adf", "key", "sqn", "services", "constants")}
        slot = KeySlot(**paths)
        bare = self.cells.get(self.files["3F00"].lcs_cell) == GONE
        for path in filter(None, paths.values()):
            if path not in self.files and not bare and not path.startswith(OF_PLATFORM):
                raise ImageError(f"authenticate: no file {path}")
        return slot


def _count(line: Mapping[str, Any]) -> int:
    _, size, record_length = _shape(line)
    return size // record_length if record_length else 1


def _shape(line: Mapping[str, Any]) -> tuple[Kind, int, int]:
    """Kind, body size and record length from `size = n`, `objects = n`, `linear = "n x length"` or `cyclic`."""
    for key, kind in (("linear", Kind.LINEAR), ("cyclic", Kind.CYCLIC)):
        if key in line:
            count, length = (int(part) for part in line[key].split("x"))
            if not (1 <= count <= 254 and 1 <= length <= 255):
                raise ImageError(f"{key} {line[key]!r}: expected 1 to 254 records of 1 to 255 bytes")
            return kind, count * length, length
    if "objects" in line:
        return Kind.BER_TLV, line["objects"], 0
    return (Kind.TRANSPARENT, line["size"], 0) if "size" in line else (Kind.DF, 0, 0)


def _body(file: File, content: Sequence[bytes], fill: bytes) -> bytes:
    """The delivered body: each record, or the whole file, is its content, then `fill` over and over."""
    room = file.record_length or file.size
    parts = max(file.records, 1)
    if len(content) > parts or any(len(part) > room for part in content):
        raise ImageError(f"content needs {parts} x {room} bytes at most")
    padded = [*content, *[b""] * (parts - len(content))]
    return b"".join(part + (fill * room)[: room - len(part)] for part in padded)
