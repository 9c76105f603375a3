"""The URL of a tag as an NDEF record in its file, with the places the tag writes into (AN12196 3; NFC Forum URI)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cardkit.errors import EncodingError

# Codes of NFC Forum's URI record, 3.2.2: what is not written out. The longer ones first.
_PREFIXES = {"http://www.": 1, "https://www.": 2, "http://": 3, "https://": 4}
_BY_CODE = {code: text for text, code in _PREFIXES.items()} | {0: ""}
_RECORD = bytes.fromhex("D101")  # one short record of a well-known type, whose name has one byte
_URI = 0x55
_LENGTH_BYTES, _HEADER_BYTES = 2, 7
_MOST_PAYLOAD = 255
MARKS: Mapping[str, int] = MappingProxyType({"picc": 32, "uid": 14, "ctr": 6, "mac": 16, "start": 0})
"""Marks of a URL, and how many characters the tag writes in their place."""
_MARK = re.compile("<(" + "|".join(MARKS) + ")>")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A URL with its places.

    :param file: what is written: length, record, zeros in the places.  :param template: the URL with ``{picc}`` ... in
        them.  :param places: by mark, in bytes from the beginning of the file.
    """

    file: bytes
    template: str
    places: Mapping[str, int]


def mirror_of(url: str) -> Mirror:
    """Return what stands in the file of a tag.

    :raises EncodingError: where something else than printable ASCII, or two places of one kind, are in it, where it is
        too long, has no ``<mac>``, or not just one of ``<picc>`` and ``<uid>`` with ``<ctr>``.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set("{} "):
        raise EncodingError("url: expected printable ASCII without blanks and braces")
    prefix = next((text for text in _PREFIXES if url.startswith(text)), "")
    text, places, template, last = "", {}, prefix, len(prefix)
    for mark in _MARK.finditer(url):
        between = url[last : mark.start()]
        if mark[1] in places:
            raise EncodingError(f"url: <{mark[1]}> twice")
        text += between
        places[mark[1]] = _HEADER_BYTES + len(text)
        text, template, last = text + "0" * MARKS[mark[1]], f"{template}{between}{{{mark[1]}}}", mark.end()
    text += url[last:]
    _check(places, len(text))
    payload = bytes((_PREFIXES.get(prefix, 0),)) + text.encode("ascii")
    record = _RECORD + bytes((len(payload), _URI)) + payload
    return Mirror(len(record).to_bytes(_LENGTH_BYTES) + record, template + url[last:], places)


def _check(places: Mapping[str, int], size: int) -> None:
    who = {"picc", "uid", "ctr"} & set(places)
    if "mac" not in places or who not in ({"picc"}, {"uid", "ctr"}):
        raise EncodingError("url: expected <mac>, and either <picc> or both <uid> and <ctr>")
    if places.get("start", 0) > places["mac"]:
        raise EncodingError("url: <start> behind <mac>")
    if size + 1 > _MOST_PAYLOAD:
        raise EncodingError(f"url: {size} characters, expected {_MOST_PAYLOAD - 1} or fewer")


def url_of(file: bytes) -> str:
    """Return the URL a phone opens.

    :raises EncodingError: where the file holds another record than one with a URL, or its lengths do not fit.

    >>> url_of(bytes.fromhex("000AD101065504612E62632F"))
    'https://a.bc/'
    """
    length = int.from_bytes(file[:_LENGTH_BYTES])
    record = file[_LENGTH_BYTES : _LENGTH_BYTES + length]
    payload = record[4:]
    if len(record) != length or record[:2] != _RECORD or record[3:4] != bytes((_URI,)) or record[2] != len(payload):
        raise EncodingError("NDEF file: expected its length and one record with a URL")
    code = payload[0] if payload else -1
    if code not in _BY_CODE or not payload[1:].isascii():
        raise EncodingError(f"URL: code {code} of its beginning, expected 0 to 4 and ASCII behind it")
    return _BY_CODE[code] + payload[1:].decode("ascii")
