"""One file of a package: from what template, parameters and contents say to the file they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from cardkit.apps.uicc.admin import ACTIVATED, NewDirectory, NewFile, by_reference
from cardkit.apps.uicc.fcp import FCP, Fcp, PinState
from cardkit.apps.uicc.files import CATALOGUE, FileSpec, Structure
from cardkit.apps.uicc.saip.asn1 import Node
from cardkit.apps.uicc.saip.content import CONTENT, blank, extent, overlay
from cardkit.apps.uicc.saip.template_files import TemplateFile
from cardkit.apps.uicc.saip.templates import Shape, shape_of
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

Path: TypeAlias = tuple[int, ...]
"""FIDs from the MF on, an ADF by the temporary one of the package; empty for the MF."""

MF_FID = 0x3F00
_DESCRIPTOR = 0x82
_ARR_OF_MF, _ARR_ELSEWHERE = 0x2F06, 0x6F06
_FID_BYTES = 2
_MOST_BYTES = 0xFFFF


class Piece(NamedTuple):
    """Operations on contents: the way to what holds them in the package, the first of them and the one behind."""

    way: tuple[int, ...]
    start: int
    stop: int


@dataclass(slots=True)
class Draft:
    """What has been read of a file so far.

    :param where: its place in the package, for messages.  :param of_template: whether a template makes it.
    :param line: of that template, None where its table is not here or has no such line.
    :param runs: operations on its contents, each run from the first byte on.
    :param fcp: file control parameters, None where the package gives none.
    """

    where: str
    is_directory: bool
    line: TemplateFile | None = None
    of_template: bool = False
    fcp: Node | None = None
    runs: list[list[Node]] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def fid(self) -> int:
        """File identifier.  :raises EncodingError: if neither package nor template gives it."""
        given = int.from_bytes(self.parameter("fileID"), "big") or (self.line.fid if self.line else 0)
        if not given:
            raise EncodingError("no file identifier, and the template gives none")
        return given

    @property
    def link(self) -> Path | None:
        """Path of the file whose body this one shares; None where it has its own."""
        return path_of(self.parameter("linkPath")) or None

    def parameter(self, name: str) -> bytes:
        """Return a parameter, empty where it is not given."""
        return self.fcp.octets_of(name, b"") if self.fcp else b""

    def proprietary(self, name: str) -> bytes:
        """Return one of the proprietary parameters, empty where it is not given."""
        found = self.fcp.first("proprietaryEFInfo") if self.fcp else None
        return found.octets_of(name, b"") if found else b""


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file as the package makes it.

    :param name: of the catalogue, ``ADF.USIM/EF.IMSI``; of other files the FID: ``ADF.USIM/EF.6FFF``.
    :param rules: EF.ARR and record, None where the package says nothing.  :param aid: of an ADF.
    :param pins: key references of a directory.  :param shape: None of a directory.
    :param sfi: 0 for none, None for the last five bits of the FID.
    :param body: all records in a row, the objects of a BER-TLV file.  :param over: the same before it was filled.
    :param link: path of the file that has the body.  :param spec: what the standards say of it.
    """

    path: Path
    name: str
    rules: tuple[int, int] | None
    life_cycle: int
    aid: bytes = b""
    pins: tuple[int, ...] = ()
    shape: Shape | None = None
    sfi: int | None = None
    special: int = 0x00
    fill: bytes = b""
    repeat: bytes = b""
    body: bytes = field(default=b"", repr=False)
    over: bytes = field(default=b"", repr=False)
    link: Path | None = None
    pieces: tuple[Piece, ...] = ()
    spec: FileSpec | None = None

    @property
    def is_directory(self) -> bool:
        """Whether it is the MF, a DF or an ADF."""
        return self.shape is None

    @property
    def fid(self) -> int:
        """File identifier."""
        return self.path[-1] if self.path else MF_FID

    def made(self, pins: tuple[PinState, ...], memory: int) -> NewFile | NewDirectory:
        """Return what CREATE FILE would make.

        :param pins: the keys of a directory and whether each is enabled.  :param memory: bytes for a directory.
        :raises EncodingError: when a number does not fit.
        """
        security = by_reference(*self.rules) if self.rules else b""
        if self.shape is None:
            return NewDirectory(self.fid, security, memory, self.aid, pins, self.life_cycle)
        return NewFile(
            self.fid,
            self.shape.structure,
            self.shape.size,
            security,
            self.shape.record_length,
            self.sfi,
            self.life_cycle,
            self.fill,
            self.repeat,
            self.special,
        )

    def records(self) -> list[bytes]:
        """Return the records, or the one body of a file without."""
        step = self.shape.record_length if self.shape and self.shape.record_length else len(self.body) or 1
        return [self.body[i : i + step] for i in range(0, len(self.body), step)]


def path_of(octets: bytes) -> Path:
    """Return a path as FIDs from the MF on.  :raises EncodingError: on half a FID."""
    if len(octets) % _FID_BYTES:
        raise EncodingError(f"path: got {len(octets)} bytes, expected two for each step")
    steps = tuple(int.from_bytes(octets[i : i + 2], "big") for i in range(0, len(octets), _FID_BYTES))
    return steps[1:] if steps[:1] == (MF_FID,) else steps


def shown(path: Path) -> str:
    """Return a path for people."""
    return "/".join(f"{fid:04X}" for fid in path) or "MF"


def path_text(path: Path) -> str:
    """Return a path as an image writes it, the MF included."""
    return "/".join(f"{fid:04X}" for fid in (MF_FID, *path))


def finished(path: Path, name: str, drafts: Mapping[Path, Draft]) -> CardFile:
    """Return the file a draft has become.

    :raises EncodingError: saying what is missing or does not fit.
    """
    draft = drafts[path]
    file = _directory(path, name, draft) if draft.is_directory else _elementary(path, name, drafts)
    file.made((), memory=1).template()
    return file


def _directory(path: Path, name: str, draft: Draft) -> CardFile:
    pins = tuple(draft.parameter("pinStatusTemplateDO"))
    return CardFile(path, name, _rules(path, draft), _life_cycle(draft), aid=draft.parameter("dfName"), pins=pins)


def _elementary(path: Path, name: str, drafts: Mapping[Path, Draft]) -> CardFile:
    draft = drafts[path]
    owner = _owner(path, drafts)
    shape, over, body = _contents(owner)
    return CardFile(
        path,
        name,
        _rules(path, draft),
        _life_cycle(draft),
        shape=shape,
        sfi=_sfi(draft),
        special=_special(draft),
        fill=owner.proprietary("fillPattern"),
        repeat=owner.proprietary("repeatPattern"),
        body=body,
        over=over,
        link=draft.link,
        pieces=tuple(draft.pieces),
        spec=CATALOGUE.get(name),
    )


def _life_cycle(draft: Draft) -> int:
    given = draft.parameter("lcsi") or bytes((ACTIVATED,))
    if len(given) != 1:
        raise EncodingError(f"life cycle: got {len(given)} bytes, expected one")
    return given[0]


def _owner(path: Path, drafts: Mapping[Path, Draft]) -> Draft:
    """Return the draft that has the body, links followed."""
    seen = {path}
    draft = drafts[path]
    while (link := draft.link) is not None:
        if link in seen or link not in drafts or drafts[link].is_directory:
            raise EncodingError(f"linked to {shown(link)}, where no file with a body is")
        seen.add(link)
        draft = drafts[link]
    return draft


def _contents(draft: Draft) -> tuple[Shape, bytes, bytes]:
    """Return how the body is divided, the body before it is filled, and the body."""
    shape = _shape(draft)
    if shape.structure is Structure.BER_TLV:
        return shape, b"", b"".join(node.octets for run in draft.runs for node in run if node.name == CONTENT)
    default = draft.line.default if draft.line else ""
    fill, repeat = draft.proprietary("fillPattern"), draft.proprietary("repeatPattern")
    over = blank(shape.size, shape.record_length, fill, repeat, default)
    body = over
    for run in draft.runs:
        body = overlay(body, run)
    return shape, over, body


def _shape(draft: Draft) -> Shape:
    known = shape_of(draft.line) if draft.line else None
    descriptor = draft.parameter("fileDescriptor")
    structure, length = (known.structure, known.record_length) if known else (None, 0)
    count = known.size // known.record_length if known and known.record_length else 0
    if descriptor:
        said = Fcp.parse(tlv.build(FCP, tlv.build(_DESCRIPTOR, descriptor)))
        structure, length = said.structure, said.record_length or length
    if structure is None:
        raise EncodingError("no file descriptor, and the template gives none")
    if structure.has_records and not length:
        raise EncodingError("no record length")
    size = int.from_bytes(draft.parameter("efFileSize"), "big") or (count * length if length else 0)
    size = (
        size or (known.size if known else 0) or max(map(extent, draft.runs), default=0)
    )  # without a template: what is filled
    if not size:
        raise EncodingError("no size, and the template gives none")
    if size > _MOST_BYTES:
        raise EncodingError(f"size: got {size} bytes, expected {_MOST_BYTES} or fewer")
    return Shape(structure, length if structure.has_records else 0, -(-size // (length or 1)) * (length or 1))


def _sfi(draft: Draft) -> int | None:
    given = draft.fcp.first("shortEFID") if draft.fcp else None
    if given is not None:
        return given.octets[0] >> 3 if given.octets else 0
    if draft.line is not None:
        return draft.line.sfi
    return 0 if draft.of_template else None


def _special(draft: Draft) -> int:
    given = draft.proprietary("specialFileInformation")
    return given[0] if given else draft.line.special if draft.line else 0x00


def _rules(path: Path, draft: Draft) -> tuple[int, int] | None:
    """Return EF.ARR and record: without a FID it is that of the MF for the MF, ADFs and what lies in the MF."""
    given = draft.parameter("securityAttributesReferenced")
    if len(given) == _FID_BYTES + 1:
        return int.from_bytes(given[:_FID_BYTES], "big"), given[_FID_BYTES]
    if len(given) > 1:
        raise EncodingError(f"access rules: got {len(given)} bytes, expected a record, or EF.ARR and record")
    record = given[0] if given else draft.line.rule if draft.line else None
    return None if record is None else (_ARR_OF_MF if len(path) <= 1 else _ARR_ELSEWHERE, record)
