"""What is on a card: the tree of files with control parameters and decoded contents, as plain data.

    walk(channel) -> {"format": "cardkit-uicc-dump-1", "class": "UICC", "atr": "3B...", "directories": [...]}

Files are found by trying those of the catalogue, and those the phone book of the card names. Contents of secret files
are never in the document, and a card that answers nonsense gives a document with errors in it, not an exception; only
the link's errors get through.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from cardkit.apps.uicc.arr import parse_rules, words
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import APPLICATIONS, CATALOGUE, DIRECTORIES, Directory, FileSpec, Secrecy, Structure
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.apps.uicc.gsm import GsmSession, GsmStatus
from cardkit.apps.uicc.objects import retrieve, tags
from cardkit.channel import Channel
from cardkit.errors import EncodingError, ProtocolError, StatusError

FORMAT = "cardkit-uicc-dump-1"

Document: TypeAlias = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""

_MOST_RECORDS = 254
_MOST_BYTES = 0x7FFF
_ARR_FIDS = (0x6F06, 0x2F06)
_CLASS_NOT_SUPPORTED = frozenset((0x6E00, 0x6D00))
# File or application not found: TS 102 221 10.2.1.5; class A0: TS 51.011 9.4.4. Onomondo's soft UICC answers 6A88.
_NOT_FOUND = frozenset((0x6A82, 0x6A88, 0x9404))
# What every UICC has below the MF (TS 102 221 13.1, 13.2).
_UICC_FILES = frozenset(("EF.DIR", "EF.ICCID"))
# Access refused: TS 102 221 10.2.1.5; class A0: TS 51.011 9.4.5.
_NOT_ALLOWED = frozenset((0x6982, 0x9804))
_CARD_ERRORS = (StatusError, ProtocolError, EncodingError)


def walk(channel: Channel, *, contents: bool = True) -> Document:
    """Return everything the catalogue knows how to find on a card, with the rights the channel has now.

    :param contents: read the files, not only their parameters.
    :raises TransportError: when the link fails.
    """
    document: Document = {"format": FORMAT, "class": "unknown", "atr": to_hex(channel.atr), "directories": []}
    try:
        walker = _walker(channel, contents=contents)
    except _CARD_ERRORS as error:
        return {**document, "error": str(error)}
    directories = list(walker.directories())
    return {**document, "class": walker.class_of(directories), "directories": directories}


def _walker(channel: Channel, *, contents: bool) -> _Walker:
    """Return the walker for the class of card that answers to SELECT MF."""
    session = UiccSession(channel)
    try:
        session.select(())
    except StatusError as error:
        if error.sw not in _CLASS_NOT_SUPPORTED:
            raise
        gsm = GsmSession(channel)
        gsm.select(())
        return _GsmWalker(gsm, contents=contents)
    return _UiccWalker(session, contents=contents)


class _Walker(ABC):
    """Tries directories and files of the catalogue, one class of card."""

    def __init__(self, *, contents: bool) -> None:
        self._contents = contents

    @abstractmethod
    def class_of(self, directories: list[Document]) -> str:
        """Say what kind of card this is, by what was found on it."""

    def directories(self) -> Iterator[Document]:
        """Yield each directory that is there, with its files."""
        for directory in DIRECTORIES.values():
            entry = self._entry(directory)
            if entry is None:
                continue
            found = [] if "error" in entry else map(self._file, CATALOGUE.in_directory(directory.name))
            entry["files"] = [file for file in found if file]
            entry["files"] += self._phone_book(directory, entry["files"])
            self._finish(entry)
            yield entry

    def _phone_book(self, directory: Directory, files: list[Document]) -> list[Document]:
        """Return the entries of the files that EF.PBR, if it is among `files`, names."""
        records = [record for file in files if file["name"] == "EF.PBR" for record in file.get("records", [])]
        listed = phone_book(directory.name, directory.path, [record["value"] for record in records])
        known = {file["fid"] for file in files}
        found = (self._file(spec) for spec in listed if f"{spec.fid:04X}" not in known)
        return [file for file in found if file]

    @abstractmethod
    def _entry(self, directory: Directory) -> Document | None:
        """Enter a directory and return its entry, None if it is not there."""

    @abstractmethod
    def _file(self, spec: FileSpec) -> Document | None:
        """Return the entry of a file of the current directory, None if it is not there."""

    def _finish(self, entry: Document) -> None:  # noqa: B027  (only cards with EF.ARR have more to say)
        """Add what needs other files of the directory."""


class _UiccWalker(_Walker):
    def __init__(self, session: UiccSession, *, contents: bool) -> None:
        super().__init__(contents=contents)
        self._session = session
        self._current = DIRECTORIES["MF"]

    def class_of(self, directories: list[Document]) -> str:
        """A card with an MF may be any ISO 7816 card; its files make it a UICC, where EF.DIR has records."""
        found = {
            (entry["name"], file["name"])
            for entry in directories
            for file in entry["files"]
            if file["name"] != "EF.DIR" or file.get("parameters", {}).get("kind") != Structure.TRANSPARENT.value
        }
        return "UICC" if any(("MF", name) in found for name in _UICC_FILES) else "ISO 7816"

    def _entry(self, directory: Directory) -> Document | None:
        try:
            fcp = self._enter(directory)
        except _CARD_ERRORS as error:
            return None if _is_absent(error) else {"name": directory.name, "error": str(error)}
        self._current = directory
        return {"name": directory.name, "fcp": to_hex(fcp.build()), "parameters": fcp.describe()}

    def _enter(self, directory: Directory) -> Fcp:
        if directory.name in APPLICATIONS:
            return self._session.select_application(APPLICATIONS[directory.name])
        if directory.application:
            self._session.select_application(APPLICATIONS[directory.application])
        return self._session.select(directory.path)

    def _file(self, spec: FileSpec) -> Document | None:
        try:
            fcp = self._session.select_fid(spec.fid)
        except _CARD_ERRORS as error:
            return None if _is_absent(error) else {**_head(spec), "error": str(error)}
        entry = {**_head(spec), "fcp": to_hex(fcp.build()), "parameters": fcp.describe()}
        if fcp.fid not in {spec.fid, None}:
            return {**entry, "error": f"SELECT {spec.fid:04X}: card answered for {fcp.fid:04X}"}
        return {**entry, **self._body(spec, fcp)} if self._contents else entry

    def _body(self, spec: FileSpec, fcp: Fcp) -> Document:
        structure = fcp.structure or spec.structure
        try:
            if structure.has_records:
                length, count = fcp.record_length or spec.size_min, fcp.record_count or 1
                records = min(count, _MOST_RECORDS)
                return _records(spec, records, lambda number: self._session.read_record(number, length))
            if structure is Structure.TRANSPARENT:
                size = min(fcp.size if fcp.size is not None else spec.size_min, _MOST_BYTES)
                return _shown(spec, self._session.read_binary(size))
            return _shown(spec, b"".join(retrieve(self._session, tag) for tag in tags(self._session)))
        except _CARD_ERRORS as error:
            return _unread(spec, error)

    def _finish(self, entry: Document) -> None:
        """Say in words what each file takes, from the access rules of this directory or those above it."""
        rules = _AccessRules(self._session, self._current)
        for item in [entry, *entry["files"]]:
            if "fcp" not in item:
                continue
            access = rules.of(Fcp.parse(bytes.fromhex(item["fcp"])))
            if access is not None:
                item["access"] = access


class _AccessRules:
    """Records of the EF.ARR files a directory's files refer to, read once."""

    def __init__(self, session: UiccSession, directory: Directory) -> None:
        self._session = session
        self._directory = directory
        self._records: dict[tuple[int, int], bytes | None] = {}

    def of(self, fcp: Fcp) -> dict[str, str] | None:
        """Return what each operation takes, None if the card does not say."""
        try:
            reference = fcp.reference
            rules = None
            if reference is not None:
                record = self._record(reference.fid, reference.record)
                rules = parse_rules(record) if record is not None else None
            found = fcp.conditions(rules)
        except EncodingError:
            return None
        return {operation: words(condition) for operation, condition in found.items()} if found else None

    def _record(self, fid: int, number: int) -> bytes | None:
        if (fid, number) not in self._records:
            self._records[fid, number] = self._fetch(fid, number)
        return self._records[fid, number]

    def _fetch(self, fid: int, number: int) -> bytes | None:
        """Read a record: the file is looked for in the directory, then upwards (from memory)."""
        for path in self._places():
            try:
                fcp = self._session.select((*path, fid))
                return self._session.read_record(number, fcp.record_length or 0)
            except _CARD_ERRORS:
                continue
        return None

    def _places(self) -> Iterator[tuple[int, ...]]:
        path = self._directory.path
        yield path
        while path:
            path = path[:-1]
            yield path


class _GsmWalker(_Walker):
    def __init__(self, session: GsmSession, *, contents: bool) -> None:
        super().__init__(contents=contents)
        self._session = session

    def class_of(self, directories: list[Document]) -> str:
        """Class A0 is the 2G SIM's."""
        del directories
        return "2G"

    def _entry(self, directory: Directory) -> Document | None:
        if directory.application:
            return None
        try:
            status = self._session.select(directory.path)
        except _CARD_ERRORS as error:
            return None if _is_absent(error) else {"name": directory.name, "error": str(error)}
        return {"name": directory.name, "fcp": to_hex(status.build()), "parameters": status.describe()}

    def _file(self, spec: FileSpec) -> Document | None:
        try:
            status = self._session.select_fid(spec.fid)
        except _CARD_ERRORS as error:
            return None if _is_absent(error) else {**_head(spec), "error": str(error)}
        entry = {**_head(spec), "fcp": to_hex(status.build()), "parameters": status.describe()}
        if status.fid != spec.fid:
            return {**entry, "error": f"SELECT {spec.fid:04X}: card answered for {status.fid:04X}"}
        return {**entry, "access": status.access, **(self._body(spec, status) if self._contents else {})}

    def _body(self, spec: FileSpec, status: GsmStatus) -> Document:
        length = status.record_length
        try:
            if length is not None:
                records = min(status.record_count or 0, _MOST_RECORDS)
                return _records(spec, records, lambda number: self._session.read_record(number, length))
            return _shown(spec, self._session.read_binary(min(status.size, _MOST_BYTES)))
        except _CARD_ERRORS as error:
            return _unread(spec, error)


def _is_absent(error: Exception) -> bool:
    return isinstance(error, StatusError) and error.sw in _NOT_FOUND


def _head(spec: FileSpec) -> Document:
    return {"name": spec.title, "fid": f"{spec.fid:04X}", "secrecy": spec.secrecy.value}


def _shown(spec: FileSpec, body: bytes) -> Document:
    """Return what may be seen of a body: of a secret one only whether it is blank."""
    if spec.secrecy is Secrecy.SECRET:
        return {"hidden": True, "blank": _is_blank(spec, body)}
    return {"body": to_hex(body), "value": spec.decode(body) if body else {"empty": True}}


def _unread(spec: FileSpec, error: Exception) -> Document:
    """Return why a file was not read; that a secret one cannot be is as it should be."""
    if spec.secrecy is Secrecy.SECRET and isinstance(error, StatusError) and error.sw in _NOT_ALLOWED:
        return {"hidden": True}
    return {"error": str(error)}


def _is_blank(spec: FileSpec, body: bytes) -> bool:
    return spec.blank != "op" and body == spec.blank_body(len(body))


def _records(spec: FileSpec, count: int, read: Callable[[int], bytes]) -> Document:
    """Return the records up to the first that cannot be read."""
    records: list[Document] = []
    for number in range(1, count + 1):
        try:
            records.append({"number": number, **_shown(spec, read(number))})
        except _CARD_ERRORS as error:
            return {"records": records, "error": str(error)}
    return {"records": records}


# The document as lines


def tree_lines(document: Document) -> Iterator[str]:
    """Yield the document as an indented tree, a line at a time; equal records in a row are one line."""
    yield f"{document['class']} card, ATR {document['atr']}"
    if "error" in document:
        yield f"  ! {document['error']}"
    for directory in document["directories"]:
        depth = 1 + directory["name"].count("/")
        yield f"{'  ' * depth}{directory['name'].rpartition('/')[2]}{_remarks(directory)}"
        for file in directory.get("files", []):
            yield from _file_lines(file, "  " * (depth + 1))


def _remarks(item: Document) -> str:
    parameters = item.get("parameters", {})
    parts = [str(parameters[name]) for name in ("aid", "life_cycle") if name in parameters]
    pins = [f"{pin['name']} {'on' if pin['enabled'] else 'off'}" for pin in parameters.get("pins", [])]
    codes = [f"{name} {code['left']} left" for name, code in parameters.get("codes", {}).items() if code["initialised"]]
    text = ", ".join([*parts, *pins, *codes])
    error = f"  ! {item['error']}" if "error" in item else ""
    return (f"  ({text})" if text else "") + error


def _file_lines(file: Document, indent: str) -> Iterator[str]:
    head = f"{indent}{file['name']} {file['fid']}"
    error = f"  ! {file['error']}" if "error" in file else ""
    if "records" not in file:
        yield f"{head}{_content(file)}{error}"
        return
    yield f"{head}{error}"
    for first, last, record in _runs(file["records"]):
        yield f"{indent}  {first if first == last else f'{first}-{last}'}{_content(record)}"


def _content(item: Document) -> str:
    if item.get("hidden"):
        return "  (secret, blank)" if item.get("blank") else "  (secret)"
    return f"  {_text(item['value'])}" if "value" in item else ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_inner(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "[" + "; ".join(map(_text, value)) + "]"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _inner(part: Any) -> str:
    return f"{{{_text(part)}}}" if isinstance(part, dict) else _text(part)


def _runs(records: list[Document]) -> Iterator[tuple[int, int, Document]]:
    """Yield (first, last, record) of equal records in a row."""
    start = 0
    for index, record in enumerate(records):
        last = index + 1 == len(records)
        if last or {**records[index + 1], "number": 0} != {**record, "number": 0}:
            yield records[start]["number"], record["number"], record
            start = index + 1
