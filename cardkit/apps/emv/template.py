"""Templates as cards send them: BER-TLV with bytes 00 allowed around objects (EMV 4.4 Book 3 Annex B)."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.apps.emv.tags import tag_bytes
from cardkit.encoding import tlv
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError, ProtocolError


def parse_objects(data: bytes) -> tuple[Tlv, ...]:
    """Read the objects of a template; bytes 00 before, between and behind them are padding (Annex B1).

    :raises EncodingError: on a truncated object, the length form 80, or a tag of more than three bytes.

    >>> [item.tag for item in parse_objects(bytes.fromhex("00 8201FF 0000 9A00"))]
    [130, 154]
    """
    objects = []
    offset = 0
    while offset < len(data):
        if data[offset] == 0:
            offset += 1
            continue
        item = tlv.BerTlv.parse(data[offset:])
        objects.append(item)
        offset += len(item.build())
    return tuple(objects)


def open_template(data: bytes, tag: int, what: str) -> tuple[Tlv, ...]:
    """Return what is in the one template an answer must be.

    :param what: the answer, for the error.
    :raises ProtocolError: when it is not exactly this template, or its content cannot be read.
    """
    objects = card_objects(data, what)
    if len(objects) != 1 or objects[0].tag != tag:
        found = " ".join(f"{item.tag:02X}" for item in objects) or "nothing"
        raise ProtocolError(f"{what}: got {found}, expected one template {tag:02X} and nothing else")
    return card_objects(objects[0].value, f"{what}, template {tag:02X}")


def card_objects(data: bytes, what: str) -> tuple[Tlv, ...]:
    """Read objects that a card sent.

    :raises ProtocolError: when they cannot be read: the card's fault.
    """
    try:
        return parse_objects(data)
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


def primitives(objects: Iterable[Tlv], what: str) -> dict[bytes, bytes]:
    """Return every primitive object by tag, those within constructed ones included; the first of a kind counts.

    :raises ProtocolError: when a constructed object cannot be read.
    """
    values: dict[bytes, bytes] = {}
    for item in objects:
        if item.constructed:
            inner = primitives(card_objects(item.value, f"{what}, template {item.tag:02X}"), what)
            values |= {tag: value for tag, value in inner.items() if tag not in values}
        else:
            values.setdefault(tag_bytes(item.tag), item.value)
    return values
