"""The picture of a payment card out of what ``cardkit dump --json`` wrote: nothing was sent to it that counts.

A dump hides what is the cardholder's, and holds no answer to GET PROCESSING OPTIONS: rules that need either say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cardkit.apps.emv.dump import PART
from cardkit.apps.emv.picture import BLOCKED, CONTACT, OK, CardPicture, Reply, Side
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

Document = Mapping[str, Any]


def picture_of_dump(document: Document, name: str = "card") -> CardPicture:
    """Return the picture of a card.

    :param document: as ``cardkit dump --json`` prints it.
    :raises EncodingError: when it is not of a payment card, or malformed.
    """
    part = document.get(PART)
    if not isinstance(part, dict):
        raise EncodingError(f"{name}: the dump is not of a payment card")
    try:
        return CardPicture(
            name,
            bytes.fromhex(document.get("atr", "")),
            pse=_reply(part["contact_directory"]),
            ppse=_reply(part["contactless_directory"]),
            pse_records=dict(enumerate(map(_reply, part["contact_directory_records"]), 1)),
            sides=tuple(map(_side, part["applications"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EncodingError(f"{name}: the dump's payment part is malformed: {type(error).__name__}") from None


def _side(application: Document) -> Side:
    records = {(each["sfi"], each["record"]): each["objects"] for each in application["records"]}
    return Side(
        CONTACT,
        bytes.fromhex(application["aid"]),
        Reply(_built(application["fci"]), BLOCKED if application["blocked"] else OK),
        data={bytes.fromhex(item["tag"]): bytes.fromhex(item["value"]) for item in application["data"]},
        records={name: Reply(_built(objects)) for name, objects in records.items()},
        masked=frozenset(tag for objects in records.values() for tag in _hidden(objects)),
    )


def _reply(objects: Iterable[Document]) -> Reply:
    """Return an answer; without objects there was none."""
    built = _built(objects)
    return Reply(built) if built else Reply(b"", 0x6A82)


def _built(objects: Iterable[Document]) -> bytes:
    """Build what stands in a dump; hidden objects are left out, what could not be read is as many bytes FF."""
    return b"".join(map(_object, objects))


def _object(item: Document) -> bytes:
    if not item["tag"]:
        return bytes([0xFF] * int(item["length"]))
    if "children" in item:
        return tlv.build(int(item["tag"], 16), _built(item["children"]))
    return tlv.build(int(item["tag"], 16), bytes.fromhex(item["value"])) if "value" in item else b""


def _hidden(objects: Iterable[Document]) -> Iterator[bytes]:
    for item in objects:
        if "children" in item:
            yield from _hidden(item["children"])
        elif item["tag"] and "value" not in item:
            yield bytes.fromhex(item["tag"])
