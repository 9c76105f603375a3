"""Two dumps side by side: what a golden card has and the other has not, file by file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cardkit.apps.uicc.dump import Document

MISSING = "(not there)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two cards differ.

    :param where: ``ATR``, a directory, a file or a record: ``ADF.USIM/EF.IMSI``, ``ADF.USIM/EF.MSISDN#1``.
    :param left, right: in words, ``(not there)`` where a card has no such thing.
    """

    where: str
    left: str
    right: str


def compare(left: Document, right: Document, *, masked: Collection[str] = ()) -> list[Difference]:
    """Return where two documents of :func:`cardkit.apps.uicc.dump.walk` differ.

    :param masked: places left out: files (all their records) or single records.
    """
    ours, theirs = dict(_places(left)), dict(_places(right))
    wheres = list(ours) + [where for where in theirs if where not in ours]
    return [
        Difference(where, ours.get(where, MISSING), theirs.get(where, MISSING))
        for where in wheres
        if ours.get(where) != theirs.get(where) and not _is_masked(where, masked)
    ]


def _is_masked(where: str, masked: Collection[str]) -> bool:
    return where in masked or where.partition("#")[0] in masked


def _places(document: Document) -> Iterator[tuple[str, str]]:
    """Yield every comparable place of a document and what stands there."""
    yield "ATR", str(document.get("atr", ""))
    for directory in document.get("directories", []):
        yield directory["name"], _shown(directory.get("parameters"))
        for file in directory.get("files", []):
            name = f"{directory['name']}/{file['name']}"
            yield f"{name} parameters", _shown(file.get("parameters"))
            for record in file.get("records", []):
                yield f"{name}#{record['number']}", _content(record)
            if "records" not in file:
                yield name, _content(file)


def _content(item: Document) -> str:
    if item.get("hidden"):
        return "(secret, blank)" if item.get("blank") else "(secret)"
    return str(item.get("body", item.get("error", "")))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(map(_shown, value))
    return str(value)
