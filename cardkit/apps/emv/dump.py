"""What a payment card shows, as plain data for ``cardkit info`` and ``dump``; what is the cardholder's is masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.emv.aids import aid_name
from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.decode import decode, decode_value, object_document
from cardkit.apps.emv.look import SeenApplication, look_at
from cardkit.apps.emv.values import PERSONAL
from cardkit.channel import Channel
from cardkit.errors import EncodingError

PART = "payment"
CLASS = "payment"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""

# Tags, in hex, whose values differ between good cards of a product: the record's, and what is signed with them.
VARYING = PERSONAL | frozenset(
    ("5F24", "5F25", "5F30", "5F34", "9F46", "9F48", "9F2D", "9F2F", "93", "9F36", "9F13", "9F17")
)


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - no date of such a card is checked here
    """Return the payment part of a dump; no transaction is begun.

    :raises CardError: when this is no payment card.  :raises TransportError: when the link fails.
    """
    seen = look_at(EmvCard(channel))
    found: Document = {
        "contact_directory": _objects(seen.pse.raw) if seen.pse else [],
        "contact_directory_records": [_objects(record) for record in seen.pse_records],
        "contactless_directory": _objects(seen.ppse.raw) if seen.ppse else [],
        "applications": list(map(_application, seen.applications)),
        "troubles": list(seen.troubles),
    }
    return {"class": CLASS, PART: found}


def _application(seen: SeenApplication) -> Document:
    return {
        "aid": seen.fci.name.hex().upper(),
        "name": aid_name(seen.fci.name),
        "blocked": seen.fci.blocked,
        "fci": _objects(seen.fci.raw),
        "data": [object_document(decode_value(tag, value)) for tag, value in seen.data.items()],
        "records": [
            {"sfi": sfi, "record": number, "objects": _objects(record)}
            for (sfi, number), record in seen.records.items()
        ],
        "troubles": list(seen.troubles),
    }


def _objects(data: bytes) -> list[Document]:
    """Return decoded objects; bytes that are none, as one entry without a tag."""
    try:
        return list(map(object_document, decode(data)))
    except EncodingError as error:
        return [{"tag": "", "name": "no data objects", "length": len(data), "text": "", "notes": [str(error)]}]


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the card offers and nothing of its holder: no records."""
    part = document[PART]
    return {**document, PART: {**part, "applications": [{**each, "records": []} for each in part["applications"]]}}


# Its places, one by one


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    for name in ("contact directory", "contactless directory"):
        objects = part[name.replace(" ", "_")]
        yield f"  {name}{'' if objects else ': none'}"
        yield from _lines(objects, 2)
    for record in part["contact_directory_records"]:
        yield from _lines(record, 2)
    for application in part["applications"]:
        yield from _application_lines(application)
    yield from (f"  ! {text}" for text in part["troubles"])


def _application_lines(application: Mapping[str, Any]) -> Iterator[str]:
    owner = f" ({application['name']})" if application["name"] else ""
    yield f"  application {application['aid']}{owner}{', blocked' if application['blocked'] else ''}"
    yield from _lines(application["fci"], 2)
    yield from _lines(application["data"], 2)
    for record in application["records"]:
        yield f"    record {record['record']} of SFI {record['sfi']}"
        yield from _lines(record["objects"], 3)
    yield from (f"    ! {text}" for text in application["troubles"])


def _lines(objects: Iterable[Mapping[str, Any]], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for item in objects:
        yield f"{indent}{item['tag']} {item['name']}{f': {text}' if (text := item.get('text')) else ''}".rstrip()
        yield from (f"{indent}    ! {note}" for note in item["notes"])
        yield from (f"{indent}    {word['position']} {word['text']}" for word in item.get("words", ()))
        yield from _lines(item.get("children", ()), depth + 1)


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``F0434B49540101 5F24#record 1 of SFI 2``."""
    part = document[PART]
    for name in ("contact_directory", "contactless_directory"):
        yield from _places(name.replace("_", " "), "", part[name])
    for number, record in enumerate(part["contact_directory_records"], 1):
        yield from _places("contact directory", f"#record {number}", record)
    for application in part["applications"]:
        aid = application["aid"]
        yield from _places(aid, "#FCI", application["fci"])
        yield from _places(aid, "", application["data"])
        for record in application["records"]:
            yield from _places(aid, f"#record {record['record']} of SFI {record['sfi']}", record["objects"])


def _places(owner: str, where: str, objects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for item in objects:
        if "children" in item:
            yield from _places(owner, where, item["children"])
        else:
            yield f"{owner} {item['tag']}{where}", item.get("value") or item["text"]


def varying(aids: Iterable[bytes]) -> frozenset[str]:
    """Return the places in which good cards with these applications differ."""
    return frozenset(f"{aid.hex().upper()} {tag}" for aid in aids for tag in VARYING)
