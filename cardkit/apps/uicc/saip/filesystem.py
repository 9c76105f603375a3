"""The file system a package makes: its elements read in order, templates filled in (SAIP 8.3, annex A).

    made = read_files(package)
    made.named("ADF.USIM/EF.IMSI").body

What cannot be understood is left out and said in ``problems``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from cardkit.apps.uicc.fcp import FCP, Fcp
from cardkit.apps.uicc.files import APPLICATIONS, CATALOGUE, CURRENT_ADF, DIRECTORIES
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.apps.uicc.saip.asn1 import UNKNOWN, Node
from cardkit.apps.uicc.saip.content import CONTENT, OFFSET
from cardkit.apps.uicc.saip.drafts import CardFile, Draft, Path, Piece, finished, path_of, shown
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.schema_files import FILE_LISTS
from cardkit.apps.uicc.saip.templates import template_of
from cardkit.encoding import tlv
from cardkit.encoding.der import read_oid
from cardkit.errors import EncodingError

# The application whose directory the files of an element lie in; all others start at the MF.
_INSIDE = {
    **dict.fromkeys(
        ("opt-usim", "phonebook", "gsm-access", "df-5gs", "df-saip", "df-snpn", "df-5gprose", "opt-iot", "eap"), "usim"
    ),
    "opt-isim": "isim",
    "opt-csim": "csim",
}
_OPENS = {"usim": "usim", "isim": "isim", "csim": "csim"}
_DIRECTORY_PREFIXES = ("df-", "adf-")
_MF: Path = ()


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a package makes.

    :param files: directories and files by path, in the order they are made.
    :param contexts: the directory that is current after each element: that of the codes it may define.
    :param problems: what was left out, and why.
    """

    files: Mapping[Path, CardFile]
    contexts: tuple[Path, ...]
    problems: tuple[str, ...]

    def named(self, name: str) -> CardFile | None:
        """Return a file by its name in the catalogue, None if the package makes none."""
        return next((file for file in self.files.values() if file.name == name), None)

    def name_of(self, path: Path) -> str:
        """Return the name of a file, or its path where there is none."""
        return self.files[path].name if path in self.files else shown(path)

    def in_directory(self, path: Path) -> Iterator[CardFile]:
        """Yield the elementary files of one directory."""
        return (file for file in self.files.values() if not file.is_directory and file.path[:-1] == path)

    def directories(self) -> Iterator[CardFile]:
        """Yield the directories in the order they are made."""
        return (file for file in self.files.values() if file.is_directory)


def read_files(package: Package) -> FileSystem:
    """Return the file system of a package."""
    walk = _Walk()
    contexts = []
    for at, element in enumerate(package.elements):
        walk.element(at, element)
        contexts.append(walk.directory)
    names = _names(walk.drafts)
    files: dict[Path, CardFile] = {}
    for path, draft in walk.drafts.items():
        try:
            files[path] = finished(path, names[path], walk.drafts)
        except EncodingError as error:
            walk.problems.append(f"{draft.where}: {error}")
    while lost := next((file for file in files.values() if not _holds(file, files)), None):
        walk.problems.append(f"{lost.name}: the directory it lies in, or the file it shares, is not made")
        del files[lost.path]
    return FileSystem(_with_phone_books(files), tuple(contexts), tuple(walk.problems))


def _holds(file: CardFile, files: Mapping[Path, CardFile]) -> bool:
    """Whether what a file stands on is made, too."""
    lies_somewhere = len(file.path) < 2 or file.path[:-1] in files
    return lies_somewhere and (file.link is None or file.link in files)


def _with_phone_books(files: Mapping[Path, CardFile]) -> dict[Path, CardFile]:
    """Return the files with the names that EF.PBR gives those of its directory."""
    named = dict(files)
    for book in [file for file in files.values() if file.spec and file.spec.title == "EF.PBR"]:
        directory = book.path[:-1]
        records = [book.spec.decode(record) for record in book.records() if book.spec]
        for spec in phone_book(files[directory].name, directory, records):
            found = named.get((*directory, spec.fid))
            if found is not None and found.spec is None:
                named[found.path] = replace(found, name=spec.name, spec=spec)
    return named


@dataclass(slots=True)
class _Walk:
    """How far the elements have got.

    :ivar directory: the current one of generic file management and of codes.  :ivar file: the one contents go into.
    """

    drafts: dict[Path, Draft] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    directory: Path = _MF
    file: Draft | None = None
    applications: dict[str, Path] = field(default_factory=dict)

    def element(self, at: int, element: Node) -> None:
        """Take the next element of the package."""
        try:
            if element.name in FILE_LISTS:
                self._template(at, element)
            elif element.name == "genericFileManagement":
                self._generic(at, element)
        except EncodingError as error:
            self.problems.append(f"{element.name}: {error}")

    # Elements that fill a template

    def _template(self, at: int, element: Node) -> None:
        parent = self._parent(element.name)
        strange = [f"{node.tag:02X}" for node in element.children if node.name == UNKNOWN]
        if strange:
            self.problems.append(f"{element.name}: unknown, or not in order: tags {', '.join(strange)}")
        base: Path | None = None
        inside = parent
        for draft in _drafts(at, element):
            if not draft.is_directory:
                self._add(draft, inside)
                continue
            made = self._add(draft, parent if base is None else base)
            if made is not None:
                inside, base = made, made if base is None else base
        if base is not None and element.name in _OPENS:
            self.applications[_OPENS[element.name]] = base
        self.directory = parent or (base if base is not None else _MF)

    def _parent(self, name: str) -> Path:
        application = _INSIDE.get(name)
        if application is None:
            return _MF
        if application not in self.applications:
            raise EncodingError(f"no element {application} stands before it")
        return self.applications[application]

    def _add(self, draft: Draft, directory: Path) -> Path | None:
        """Put a file into a directory; return its path, None where it cannot be."""
        try:
            path = _MF if draft.where == "mf.mf" else (*directory, draft.fid)
        except EncodingError as error:
            self.problems.append(f"{draft.where}: {error}")
            return None
        self.drafts[path] = draft
        return path

    # Generic file management

    def _generic(self, at: int, element: Node) -> None:
        lists = element.require("fileManagementCMD")
        place = element.children.index(lists)
        for number, commands in enumerate(lists.children):
            for index, command in enumerate(commands.children):
                self._command(command, Piece((at, place, number), index, index))

    def _command(self, command: Node, piece: Piece) -> None:
        if command.name == "filePath":
            self._select(path_of(command.octets))
        elif command.name == "createFCP":
            self._create(command, piece)
        elif command.name in (OFFSET, CONTENT):
            self._fill(command, piece)

    def _select(self, path: Path) -> None:
        found = self.drafts.get(path)
        if found is None and path:
            raise EncodingError(f"path {shown(path)}: nothing before makes it")
        is_file = found is not None and not found.is_directory
        self.file = found if is_file else None
        self.directory = path[:-1] if is_file else path

    def _create(self, fcp: Node, piece: Piece) -> None:
        descriptor = tlv.build(FCP, tlv.build(0x82, fcp.octets_of("fileDescriptor", b"")))
        draft = Draft(f"file below {shown(self.directory)}", Fcp.parse(descriptor).is_directory, fcp=fcp)
        path = self._add(draft, self.directory)
        if path is None:
            self.file = None
            return
        draft.where = f"file {shown(path)}"
        draft.pieces.append(Piece(piece.way, piece.start + 1, piece.start + 1))
        draft.runs.append([])
        self.file = None if draft.is_directory else draft
        self.directory = path if draft.is_directory else self.directory

    def _fill(self, command: Node, piece: Piece) -> None:
        if self.file is None:
            raise EncodingError("contents where no file is current")
        pieces, runs = self.file.pieces, self.file.runs
        if not runs or not pieces or (pieces[-1].way, pieces[-1].stop) != (piece.way, piece.start):
            pieces.append(piece)
            runs.append([])
        pieces[-1] = pieces[-1]._replace(stop=piece.start + 1)
        runs[-1].append(command)


def _drafts(at: int, element: Node) -> Iterator[Draft]:
    """Yield what an element makes of its template, in the template's order."""
    template = template_of(read_oid(element.require("templateID").octets))
    for component in FILE_LISTS[element.name][1]:
        line = template.files.get(component) if template else None
        is_directory = component.startswith(_DIRECTORY_PREFIXES) or component == "mf"
        draft = Draft(f"{element.name}.{component}", is_directory, line, of_template=True)
        place = next((i for i, node in enumerate(element.children) if node.name == component), None)
        if place is None:
            if line is not None and template is not None and template.by_default:
                yield draft
            continue
        node = element.children[place]
        if node.first("doNotCreate") is not None and component != "mf":
            continue
        draft.fcp = node.first("fileDescriptor")
        draft.runs.append([child for child in node.children if child.name in (OFFSET, CONTENT)])
        kept = len(node.children) - len(draft.runs[0])
        draft.pieces.append(Piece((at, place), kept, len(node.children)))
        yield draft


def _names(drafts: Mapping[Path, Draft]) -> dict[Path, str]:
    """Return the names of all files: those of the catalogue, else FIDs behind the name of the directory."""
    names: dict[Path, str] = {_MF: "MF"}
    for path, draft in sorted(drafts.items(), key=lambda item: len(item[0])):
        above = names.get(path[:-1], shown(path[:-1]))
        if path and draft.is_directory:
            names[path] = _directory_name(path, draft.parameter("dfName"), above)
        elif path:
            spec = CATALOGUE.at(above, path[-1])
            names[path] = spec.name if spec else f"{above}/EF.{path[-1]:04X}"
    return names


def _directory_name(path: Path, aid: bytes, above: str) -> str:
    for name, start in APPLICATIONS.items():
        if aid.startswith(start):
            return name
    application = above.partition("/")[0] if above.startswith("ADF.") else ""
    inner = (CURRENT_ADF, *path[1:]) if application else path
    for directory in DIRECTORIES.values():
        if directory.application == application and directory.path == inner:
            return directory.name
    return f"DF.{path[-1]:04X}" if above == "MF" else f"{above}/DF.{path[-1]:04X}"
