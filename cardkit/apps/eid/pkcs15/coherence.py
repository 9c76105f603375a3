"""Whether what is in the files of a PKCS#15 application fits together (rule EID-005 of the identity sheet)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.apps.eid.pkcs15.structure import Directory, Entry, Listed, ObjectDirectory, ObjectList, TokenInfo
from cardkit.errors import EncodingError

Trouble = tuple[str, str]
"""Where, and what is wrong there."""
_KEYS = (Listed.PRIVATE_KEYS, Listed.PUBLIC_KEYS, Listed.CERTIFICATES)


def entries_of(lists: Mapping[Listed, bytes]) -> tuple[dict[Listed, tuple[Entry, ...]], list[Trouble]]:
    """Return the objects of every list that can be read, and what is wrong with the others."""
    found: dict[Listed, tuple[Entry, ...]] = {}
    troubles = []
    for kind, body in lists.items():
        try:
            found[kind] = ObjectList.parse(kind, body).entries
        except EncodingError as error:
            troubles.append((kind.name, str(error)))
    return found, troubles


def file_troubles(directory: bytes | None, objects: bytes, token: bytes) -> Iterator[Trouble]:
    """Yield what is wrong with EF.DIR, EF.ODF and EF.TokenInfo.  :param directory: None where a card has none."""
    readers = (
        ("EF.DIR", Directory, directory),
        ("EF.ODF", ObjectDirectory, objects),
        ("EF.TokenInfo", TokenInfo, token),
    )
    for name, kind, body in readers:
        if body is None:
            continue
        try:
            found = kind.parse(body)
            if isinstance(found, Directory):
                assert found.path
        except EncodingError as error:
            yield name, str(error)


def pairing_troubles(entries: Mapping[Listed, tuple[Entry, ...]]) -> Iterator[Trouble]:
    """Yield the keys without a public half or certificate, and the objects that ask for a PIN that is not there."""
    identifiers = {kind: {entry.identifier for entry in entries.get(kind, ())} for kind in Listed}
    for entry in entries.get(Listed.PRIVATE_KEYS, ()):
        for kind in (Listed.PUBLIC_KEYS, Listed.CERTIFICATES):
            if kind in entries and entry.identifier not in identifiers[kind]:
                yield f"private key {entry.label}", f"none of the {_words(kind)} has its identifier"
    for kind, found in entries.items():
        for entry in found:
            if entry.auth_id and entry.auth_id not in identifiers[Listed.CODES]:
                yield f"{_words(kind)} {entry.label}", f"its PIN {entry.auth_id.hex().upper()} is none of the card's"
        numbers = [entry.identifier for entry in found if entry.identifier]
        if kind in _KEYS and len(set(numbers)) != len(numbers):
            yield _words(kind), "two have one identifier"


def path_troubles(entries: Mapping[Listed, tuple[Entry, ...]], sizes: Mapping[bytes, int]) -> Iterator[Trouble]:
    """Yield the objects whose file is not there, or is empty.

    :param sizes: what the card says of each path that could be selected; of a directory any number.
    """
    for kind, found in entries.items():
        for entry in found:
            where = f"{_words(kind)} {entry.label}"
            if entry.path and entry.path not in sizes:
                yield where, f"its path {entry.path.hex().upper()} selects nothing"
            elif entry.path and kind in (Listed.CERTIFICATES, Listed.DATA) and not sizes[entry.path]:
                yield where, f"its file {entry.path.hex().upper()} is of 0 bytes"


def _words(kind: Listed) -> str:
    return kind.name.replace("_", " ").lower()
