"""SUN messages: the text a card mirrors UID, counter and MAC into, found, opened and checked (AN12196 3; sheet 4).

What is checked is the text as it stands in the file: nothing is decoded and written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from cardkit.crypto import Secret
from cardkit.crypto.sdm import PICC_DATA_LRP_BYTES, FileRead, PiccData, open_picc_data
from cardkit.errors import AuthenticationError, EncodingError

# What stands in place of each mark of a template.
_MARKS = {
    "picc": r"(?P<picc>[0-9A-F]{48}|[0-9A-F]{32})",
    "uid": r"(?P<uid>[0-9A-F]{14})",
    "ctr": r"(?P<ctr>[0-9A-F]{6})",
    "enc": r"(?P<enc>(?:[0-9A-F]{32})+)",
    "mac": r"(?P<mac>[0-9A-F]{16})",
    "start": r"(?P<start>)",
}
_MARK = re.compile(r"\{(" + "|".join(_MARKS) + r")\}")
# Names parameters commonly have (NXP's examples, and programs that follow them).
_COMMON = {
    "picc": ("picc_data", "e", "p"),
    "uid": ("uid",),
    "ctr": ("ctr",),
    "enc": ("enc",),
    "mac": ("cmac", "mac", "c"),
}


@dataclass(frozen=True, slots=True)
class SunMessage:
    """A message that holds.

    :param counter: None where it is not mirrored.  :param data: of the file, deciphered; empty where there is none.
    """

    uid: bytes
    counter: int | None
    data: bytes
    lrp: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """Where everything stands in a text."""

    values: dict[str, str]
    covered: bytes


def template_of(url: str) -> str:
    """Return a template of a URL whose parameters have the names they commonly have.

    >>> template_of("https://a.example/?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3")
    'https://a.example/?uid={uid}&ctr={ctr}&cmac={mac}'
    """
    names = {name for name, _ in parse_qsl(urlsplit(url).query)}
    template = url.replace("{", "{{")
    for mark, common in _COMMON.items():
        for name in common:
            if name in names:
                template = re.sub(rf"([?&]{name}=)[0-9A-F]+", rf"\g<1>{{{mark}}}", template, count=1)
                break
    return template


def open_sun(
    text: str,
    template: str,
    meta: Secret,
    file_key: Callable[[bytes], AbstractContextManager[Secret]],
    *,
    lrp: bool = False,
) -> SunMessage:
    """Open a message and check its MAC.

    :param template: the text of the file with marks where the card writes: ``{picc}`` ``{uid}`` ``{ctr}`` ``{enc}``
        ``{mac}``, and ``{start}`` where the MAC begins to count, by default at ``{enc}``, else at ``{mac}``.
    :param meta: SDMMetaReadKey, without meaning where UID and counter are in clear.
    :param file_key: UID -> SDMFileReadKey, for the length of a ``with`` block.
    :param lrp: whether the card works with LRP; PICCData tells by its length.
    :raises EncodingError: when the text does not fit.  :raises AuthenticationError: when the MAC is wrong.
    """
    found = _found(text, template)
    picc, lrp = _picc_data(found, meta, lrp=lrp)
    with file_key(picc.uid) as key:
        reading = FileRead(key, picc, lrp=lrp)
    reading.check(found.covered, bytes.fromhex(found.values["mac"]))
    data = reading.decrypt(bytes.fromhex(found.values["enc"])) if "enc" in found.values else b""
    return SunMessage(picc.uid, picc.counter, data, lrp)


def _found(text: str, template: str) -> _Found:
    match = re.fullmatch(_pattern(template), text)
    if match is None:
        raise EncodingError(f"text of {len(text)} characters does not fit its template: {template}")
    values = {name: value for name, value in match.groupdict().items() if value}
    if "mac" not in values:
        raise EncodingError(f"template {template}: no {{mac}}")
    names = match.re.groupindex
    begin = "start" if "start" in names else "enc" if "enc" in names else "mac"
    return _Found(values, text[match.start(begin) : match.start("mac")].encode("ascii"))


def _pattern(template: str) -> str:
    parts, last = [], 0
    for mark in _MARK.finditer(template):
        parts += [re.escape(template[last : mark.start()].replace("{{", "{")), _MARKS[mark[1]]]
        last = mark.end()
    return "".join((*parts, re.escape(template[last:].replace("{{", "{"))))


def _picc_data(found: _Found, meta: Secret, *, lrp: bool) -> tuple[PiccData, bool]:
    values = found.values
    if "picc" in values:
        data = bytes.fromhex(values["picc"])
        return open_picc_data(meta, data), len(data) == PICC_DATA_LRP_BYTES
    if "uid" not in values:
        raise EncodingError("neither PICCData nor a UID in the text: nobody knows whose it is")
    counter = int(values["ctr"], 16) if "ctr" in values else None
    return PiccData(bytes.fromhex(values["uid"]), counter), lrp


def check_rising(before: SunMessage, after: SunMessage) -> None:
    """Check two readings of one card, one after the other.

    :raises AuthenticationError: when they are of two cards, or the counter has not risen by one.
    """
    if before.uid != after.uid:
        raise AuthenticationError("two readings of two cards")
    if before.counter is None or after.counter is None or after.counter != before.counter + 1:
        raise AuthenticationError(f"read counter {before.counter}, then {after.counter}: expected one more")
