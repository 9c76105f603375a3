"""Files of a phone book: no standard fixes their identifiers, EF.PBR of the card says them (TS 31.102 4.4.2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec
from cardkit.apps.uicc.codecs.phonebook import LAYOUTS, LINKED_LAYOUTS
from cardkit.apps.uicc.files import CATALOGUE, DIRECTORIES
from cardkit.apps.uicc.files.spec import EF, PERSONAL, FileSpec, expand

_GROUPS = {"same_record": LAYOUTS, "linked": LINKED_LAYOUTS, "indexed": LAYOUTS}
_BLANK = {"ext1": "00FF"}


def phone_book(directory: str, path: tuple[int, ...], records: Iterable[Mapping[str, Any]]) -> list[FileSpec]:
    """Return the files the decoded records of an EF.PBR name, each identifier once.

    :param directory: name of the one EF.PBR lies in.  :param path: its FIDs.
    :returns: ``EF.ADN``, the second of a kind ``EF.ADN2``.
    """
    counts: Counter[str] = Counter()
    found: dict[int, FileSpec] = {}
    for kind, codec, reference in _references(records):
        fid = int(reference["fid"], 16)
        if fid in found:
            continue
        counts[kind] += 1
        name = kind.upper() + (str(counts[kind]) if counts[kind] > 1 else "")
        found[fid] = expand(directory, path, "TS 31.102", _line(name, kind, codec, fid, reference.get("sfi", 0)))
    return list(found.values())


def spec_of(name: str) -> FileSpec | None:
    """Return what is known of a file by its name: the catalogue's, or a phone book's (``DF.PHONEBOOK/EF.ADN``).

    What EF.PBR names has no identifier of its own: it is 0000 here.
    """
    directory, _, title = name.rpartition("/")
    kind = title.removeprefix("EF.").lower()
    kind = kind if kind in LAYOUTS else kind.rstrip("0123456789")
    if name in CATALOGUE or not directory.endswith("DF.PHONEBOOK") or kind not in LAYOUTS:
        return CATALOGUE.get(name)
    line = _line(title.removeprefix("EF."), kind, LAYOUTS[kind])
    return expand(directory, DIRECTORIES[directory].path, "TS 31.102", line)


def _line(name: str, kind: str, codec: Codec, fid: int = 0, sfi: int = 0) -> EF:
    return EF(name, fid, sfi, "L 1+", "P/P", _BLANK.get(kind, "FF"), codec, "4.4.2", "", PERSONAL)


def _references(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Codec, Mapping[str, Any]]]:
    """Yield kind, layout and reference of each file; what is not laid out as it should be is passed over."""
    for record in records:
        for group, layouts in _GROUPS.items():
            for kind, references in record.get(group, {}).items():
                if kind in layouts:
                    yield from ((kind, layouts[kind], item) for item in references if "fid" in item)
