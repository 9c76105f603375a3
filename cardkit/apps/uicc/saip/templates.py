"""File templates by object identifier: what a file of a package is where the package does not say (SAIP annex A)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.apps.uicc.files.spec import Structure
from cardkit.apps.uicc.saip.template_files import TEMPLATE_FILES, TemplateFile
from cardkit.errors import EncodingError

PREFIX = "2.23.143.1."
"""TCA's euicc-profile; the templates are 2.1 and up below it."""

_ELEMENTS = {
    "2.1": "mf",
    "2.2": "cd",
    "2.3": "telecom",
    "2.3.2": "telecom",
    "2.4": "usim",
    "2.4.2": "usim",
    "2.5": "opt-usim",
    "2.5.2": "opt-usim",
    "2.5.3": "opt-usim",
    "2.6": "phonebook",
    "2.7": "gsm-access",
    "2.8": "isim",
    "2.9": "opt-isim",
    "2.9.2": "opt-isim",
    "2.12": "eap",
    "2.13": "df-5gs",
    "2.13.2": "df-5gs",
    "2.13.3": "df-5gs",
    "2.13.4": "df-5gs",
    "2.14": "df-saip",
    "2.15": "df-snpn",
    "2.16": "df-5gprose",
}
_CREATED_BY_DEFAULT = frozenset(("mf", "usim", "isim"))

# Where an earlier version has another line than the newest; what it does not have at all, no package of it fills.
_NSC = {"ef-5gs3gppnsc": "L 1x57", "ef-5gsn3gppnsc": "L 1x57"}
_EARLIER_BODIES = {"2.4": {"ef-ust": "T 14"}, "2.13": _NSC, "2.13.2": _NSC}
_EARLIER_DEFAULTS = {oid: {"ef-routing-indicator": "F0FFFFFF"} for oid in ("2.13", "2.13.2", "2.13.3")}

_STRUCTURES = {
    "T": Structure.TRANSPARENT,
    "L": Structure.LINEAR_FIXED,
    "C": Structure.CYCLIC,
    "B": Structure.BER_TLV,
}
_BODY = re.compile(r"([TLCB])(?: (\d+)| (\d*)x(\d*))?")


@dataclass(frozen=True, slots=True)
class Template:
    """One template.

    :param files: by component.  :param by_default: files a package does not mention are made all the same.
    """

    files: Mapping[str, TemplateFile]
    by_default: bool


def template_of(oid: str) -> Template | None:
    """Return a template, None where its table is not here.

    >>> template_of("2.23.143.1.2.4").files["ef-imsi"].fid == 0x6F07
    True
    """
    number = oid.removeprefix(PREFIX)
    element = _ELEMENTS.get(number)
    if element is None or not oid.startswith(PREFIX):
        return None
    bodies, defaults = _EARLIER_BODIES.get(number, {}), _EARLIER_DEFAULTS.get(number, {})
    files = {
        line.component: line._replace(
            body=bodies.get(line.component, line.body), default=defaults.get(line.component, line.default)
        )
        for line in TEMPLATE_FILES[element]
    }
    return Template(files, element in _CREATED_BY_DEFAULT)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a body is divided; 0 for numbers nobody has said yet.

    :param record_length: bytes, 0 also where there are no records.  :param size: bytes of the whole body.
    """

    structure: Structure
    record_length: int = 0
    size: int = 0


def shape_of(line: TemplateFile) -> Shape | None:
    """Return the shape a template gives a file, None of a directory.

    >>> shape_of(TemplateFile("ef-sms", 0x6F3C, "L 10x176", 5, 0, "00FF")).size
    1760
    """
    form = _BODY.fullmatch(line.body)
    if form is None:
        return None
    letter, size, count, length = form.groups()
    record_length = int(length or 0)
    return Shape(_STRUCTURES[letter], record_length, int(size or 0) or int(count or 0) * record_length)


def pattern(default: str, size: int) -> bytes:
    """Return the body, or one record, that a template's default text stands for.

    :param size: bytes.

    >>> pattern("07FF", 4).hex(), pattern("FFFFFF0000*", 7).hex(), pattern("FF|07", 4).hex(), pattern("", 2).hex()
    ('07ffffff', 'ffffff0000ffff', 'ffffff07', 'ffff')
    """
    start, _, end = default.partition("|")
    tail = bytes.fromhex(end)
    room = size - len(tail)
    if room < 0:
        raise EncodingError(f"got {size} bytes, the template's contents end in {len(tail)} of their own")
    if start.endswith("*"):
        return repeated(bytes.fromhex(start[:-1]), room)
    return filled(bytes.fromhex(start or "FF"), room) + tail


def filled(first: bytes, size: int) -> bytes:
    """Return first bytes, the last of them over and over (fill pattern, TS 102 222 6.3.2.2)."""
    return first[:size].ljust(size, first[-1:])


def repeated(part: bytes, size: int) -> bytes:
    """Return a pattern over and over (repeat pattern, TS 102 222 6.3.2.2)."""
    return (part * (size // len(part) + 1))[:size]
