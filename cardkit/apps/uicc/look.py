"""A UICC among other cards: what of a dump anybody may see, and its places one by one for a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.dump import Document, walk
from cardkit.channel import Channel
from cardkit.errors import ProtocolError

PART = "directories"

# What says who issued a card and what it offers, nothing of its holder.
_PUBLIC = ("EF.ICCID", "EF.DIR", "EF.SPN", "EF.AD", "EF.CHIP", "EF.Phase")


def look(channel: Channel) -> Document:
    """Return class and directories of a card.

    :raises ProtocolError: when it has no file tree.  :raises TransportError: when the link fails.
    """
    document = walk(channel)
    if "error" in document:
        raise ProtocolError(document["error"])
    return {"class": document["class"], PART: document[PART]}


def public(document: Mapping[str, Any]) -> Document:
    """Return a document without the files that tell of a holder."""
    shown = [
        {**directory, "files": [file for file in directory.get("files", []) if file["name"] in _PUBLIC]}
        for directory in document[PART]
    ]
    return {**document, PART: shown}


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: a directory, a file or a record.

    ``ADF.USIM/EF.IMSI``, ``ADF.USIM/EF.MSISDN#1``
    """
    for directory in document[PART]:
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
