"""What a PKCS#15 card shows to anybody, as plain data for ``cardkit info`` and ``dump``, and whether it fits together.

Any card with the structure is read, whoever made it: by ISO commands, no PIN is presented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cardkit.apps.eid import shown
from cardkit.apps.eid.client import card_at_fault
from cardkit.apps.eid.pkcs15.client import Pkcs15Client
from cardkit.apps.eid.pkcs15.coherence import entries_of, file_troubles, pairing_troubles, path_troubles
from cardkit.apps.eid.pkcs15.product import DF_PATH, LISTS, MF_PATH, ODF
from cardkit.apps.eid.pkcs15.structure import Directory, Entry, Listed, ObjectDirectory, TokenInfo
from cardkit.apps.eid.rules import STRUCTURE
from cardkit.channel import Channel
from cardkit.desired import Finding, Secrecy
from cardkit.encoding import tlv
from cardkit.errors import CardError, EncodingError

PART = "pkcs15"
CLASS = "PKCS#15"
_DIRECTORY_PATH = MF_PATH + b"\x2f\x00"
_ODF_FID, _TOKEN_FID = b"\x50\x31", b"\x50\x32"
_HOLDERS = ("token", "certificates", "data")

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""


class _Reader:
    """Reads files and remembers how long the card says they are.

    :ivar application: path of the directory that paths without the MF begin in. ISO/IEC 7816-15 8.2.5
    """

    def __init__(self, channel: Channel) -> None:
        self._client = Pkcs15Client(channel)
        self.application = DF_PATH
        self.sizes: dict[bytes, int] = {}

    def _size(self, path: bytes) -> int:
        return self._client.select(path if path.startswith(MF_PATH) else self.application + path).size

    def read(self, path: bytes) -> bytes:
        """Return a file.  :raises CardError: when it is not there, or closed."""
        self.sizes[path] = self._size(path)
        return self._client.read(self.sizes[path])

    def maybe(self, path: bytes) -> bytes | None:
        """Return a file; None where it cannot be read."""
        try:
            return self.read(path)
        except CardError:
            return None

    def measure(self, paths: Iterable[bytes]) -> None:
        """Select files that were not read."""
        for path in paths:
            if path and path not in self.sizes:
                try:
                    self.sizes[path] = self._size(path)
                except CardError:
                    continue


def look(channel: Channel) -> Document:
    """Return the PKCS#15 part of a dump.

    :raises CardError: when this is no PKCS#15 card.  :raises TransportError: when the link fails.
    """
    reader = _Reader(channel)
    directory = reader.maybe(_DIRECTORY_PATH)
    reader.application = _application(directory)
    objects, token = reader.read(_ODF_FID), reader.read(_TOKEN_FID)
    with card_at_fault(ODF):
        places = ObjectDirectory.parse(objects).paths
    bodies = {kind: reader.maybe(places[kind]) for kind in LISTS if kind in places}
    entries, troubles = entries_of({kind: body for kind, body in bodies.items() if body is not None})
    reader.measure(entry.path for found in entries.values() for entry in found)
    troubles += [*file_troubles(directory, objects, token), *pairing_troubles(entries)]
    troubles += [*path_troubles(entries, reader.sizes), *_unread(bodies)]
    found: Document = {
        "token": _token(token),
        "pins": {entry.label: _pin(entry) for entry in entries.get(Listed.CODES, ())},
        "private_keys": {entry.label: _key(entry) for entry in entries.get(Listed.PRIVATE_KEYS, ())},
        "public_keys": {entry.label: _key(entry) for entry in entries.get(Listed.PUBLIC_KEYS, ())},
        "certificates": {},
        "data": {entry.label: {"path": _hex(entry.path)} for entry in entries.get(Listed.DATA, ())},
        "troubles": [list(trouble) for trouble in troubles],
    }
    for entry in entries.get(Listed.CERTIFICATES, ()):
        found["certificates"][entry.label] = _certificate(reader, entry, found["troubles"])
    return {"class": CLASS, PART: found}


def _application(directory: bytes | None) -> bytes:
    """Return where the application is; without a good EF.DIR where it is by custom. ISO/IEC 7816-15 7.5"""
    try:
        return Directory.parse(directory or b"").path
    except EncodingError:
        return DF_PATH


def _unread(bodies: Mapping[Listed, bytes | None]) -> Iterator[tuple[str, str]]:
    for kind, body in bodies.items():
        if body is None:
            yield LISTS[kind][0], "cannot be read"


def _token(data: bytes) -> Document:
    try:
        found = TokenInfo.parse(data)
    except EncodingError:
        return {}  # said among the troubles
    return {"serial": _hex(found.serial), "manufacturer": found.manufacturer, "label": found.label}


def _pin(entry: Entry) -> Document:
    return {"id": _hex(entry.identifier), "reference": entry.reference, "unblocked_by": _hex(entry.auth_id)}


def _key(entry: Entry) -> Document:
    kind = "EC" if entry.curve_based else "RSA"
    usage = sorted(entry.usage)
    return {"id": _hex(entry.identifier), "kind": kind, "reference": entry.reference, "usage": usage}


def _certificate(reader: _Reader, entry: Entry, troubles: list[list[str]]) -> Document:
    body = reader.maybe(entry.path) if entry.path else None
    identifier = {"id": _hex(entry.identifier)}
    try:
        return identifier | shown.certificate(tlv.first(body)[0].build() if body else b"")
    except EncodingError as error:
        troubles.append([f"certificate {entry.label}", str(error)])
        return identifier


def _hex(value: bytes) -> str:
    return value.hex().upper()


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the card has and nothing of its holder: no number, certificates, data."""
    part = {name: value for name, value in document[PART].items() if name not in _HOLDERS}
    return {**document, PART: part}


def check(document: Mapping[str, Any]) -> list[Finding]:
    """Apply rule EID-005 to a dump.  :raises EncodingError: when it is none of such a card."""
    try:
        troubles = [(str(where), str(what)) for where, what in document[PART]["troubles"]]
    except (KeyError, TypeError, ValueError):
        raise EncodingError("dump: no list of troubles in its PKCS#15 part") from None
    return [STRUCTURE.finding(where, "fits together", what, secrecy=Secrecy.PUBLIC) for where, what in troubles]


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  PKCS#15 application {part.get('token', {}).get('label', '')}".rstrip()
    for name, value in part.items():
        if name != "troubles" and value:
            yield f"    {name}"
            yield from shown.tree(value, 3)
    yield from (f"    ! {where}: {what}" for where, what in part["troubles"])


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``PKCS#15 certificates signature subject``."""
    part = {name: value for name, value in document[PART].items() if name != "troubles"}
    yield from shown.leaves(CLASS, part)


def varying(labels: Iterable[str]) -> frozenset[str]:
    """Return the places in which good cards of a product differ.  :param labels: of its keys."""
    names = (f"certificates {label} {name}" for label in labels for name in shown.VARYING)
    return frozenset(f"{CLASS} {name}" for name in ("token serial", *names))
