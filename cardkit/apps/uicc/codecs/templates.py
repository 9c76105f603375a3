"""Files made of BER-TLV objects: {tag: name} tables, unknown tags kept as ``tag_85``.

The order of the fields in a value is the order of the objects on the card, so that reading and writing back keeps it.
Besides the fields of its table a value may have ``lengths``, objects whose length field is longer than needed, by
name; ``objects``, all of them as digits, where an object that may not repeat does; ``padding``, FF inside the object
that holds the others; and ``unwritten``, the name of an object whose tag stands alone before FF.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import as_list, from_hex, to_hex, within
from cardkit.apps.uicc.codecs.parts import AnyHex, Part
from cardkit.encoding import tlv
from cardkit.errors import EncodingError


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag means.

    :param name: the field.  :param part: its value.  :param many: whether it may repeat: the value is a list.
    """

    name: str
    part: Part
    many: bool = False


Tags = Mapping[int, Tag]


def read_objects(tags: Tags, items: tlv.TlvList) -> Value:
    """Return the named values of a run of objects, or its objects as digits where names cannot keep their order."""
    try:
        value = _named(tags, items)
        if write_objects(tags, value) == _joined(items):
            return value
    except EncodingError:
        pass
    return {"objects": [to_hex(item.build()) for item in items]}


def _joined(items: tlv.TlvList) -> bytes:
    return b"".join(item.build() for item in items)


def _named(tags: Tags, items: tlv.TlvList) -> Value:
    value: Value = {}
    lengths: dict[str, int] = {}
    for item in items:
        tag = tags.get(item.tag) or Tag(f"tag_{item.tag:02X}", AnyHex())
        decoded = tag.part.decode(item.value)
        if tag.many:
            value.setdefault(tag.name, []).append(decoded)
        elif tag.name in value:
            raise EncodingError(f"{tag.name}: got it twice, expected it once")
        else:
            value[tag.name] = decoded
        if item.length_size:
            lengths[tag.name] = item.length_size
    return {**value, "lengths": lengths} if lengths else value


def write_objects(tags: Tags, value: Mapping[str, Any]) -> bytes:
    """Return the objects of named values, in the order of the names.

    :raises EncodingError: on a name without a tag or a value that does not fit.
    """
    if set(value) == {"objects"}:
        return b"".join(map(from_hex, as_list(value["objects"])))
    by_name = {tag.name: (number, tag) for number, tag in tags.items()}
    lengths = _lengths(value)
    parts: list[bytes] = []
    for name, content in value.items():
        if name == "lengths":
            continue
        number, tag = by_name.get(name) or _unknown(name, by_name)
        with within(name):
            for item in as_list(content) if tag.many else [content]:
                parts.append(tlv.Tlv(number, tag.part.encode(item), lengths.get(name, 0)).build())
    return b"".join(parts)


def _lengths(value: Mapping[str, Any]) -> Mapping[str, int]:
    lengths = value.get("lengths", {})
    if not isinstance(lengths, Mapping) or not all(isinstance(size, int) for size in lengths.values()):
        raise EncodingError("lengths: got something else, expected bytes of the length field by name")
    return lengths


def _unknown(name: str, known: Mapping[str, Any]) -> tuple[int, Tag]:
    prefix, _, digits = name.partition("_")
    if prefix == "tag":
        return int.from_bytes(from_hex(digits), "big"), Tag(name, AnyHex())
    raise EncodingError(f"{name}: got an unknown field, expected one of {', '.join(known)}")


class Group:
    """Objects inside an object.

    :param tags: the objects it may hold.
    """

    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    def decode(self, data: bytes) -> Any:
        """Return the named values, or raw digits if the data are no objects."""
        try:
            return read_objects(self._tags, tlv.parse(data))
        except EncodingError:
            return {"raw": to_hex(data)}

    def encode(self, value: Any) -> bytes:
        """Accept a table of the group's fields."""
        if not isinstance(value, Mapping):
            raise EncodingError(f"got {type(value).__name__}, expected a table of fields")
        if set(value) == {"raw"}:
            return from_hex(value["raw"])
        return write_objects(self._tags, value)


class Runs:
    """Groups that follow each other without a tag of their own: each starts with the same object.

    :param tags: the objects of one group.  :param start: the tag a group starts with.
    """

    def __init__(self, tags: Tags, start: int) -> None:
        self._group = Group(tags)
        self._start = start

    def decode(self, data: bytes) -> Any:
        """Return a list of groups, or raw digits."""
        try:
            groups = self._split(tlv.parse(data))
        except EncodingError:
            return {"raw": to_hex(data)}
        return [self._group.decode(group) for group in groups]

    def _split(self, items: tlv.TlvList) -> list[bytes]:
        groups: list[bytes] = []
        for item in items:
            if item.tag == self._start or not groups:
                groups.append(b"")
            groups[-1] += item.build()
        return groups

    def encode(self, value: Any) -> bytes:
        """Accept a list of groups."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        return b"".join(self._group.encode(item) for item in as_list(value))


class Objects(Codec):
    """A file of BER-TLV objects, FF behind them.

    :param tags: the objects.  :param outer: tag of the one object that holds them all; 0 if there is none.
    """

    def __init__(self, tags: Tags, outer: int = 0) -> None:
        self._tags = tags
        self._outer = outer
        self.names = tuple(tag.name for tag in tags.values())

    def _knows(self, name: str) -> bool:
        return super()._knows(name) or name.startswith("tag_") or name in {"lengths", "objects", "padding", "unwritten"}

    def _read(self, body: bytes) -> Value:
        unwritten = self._tags.get(body[0]) if body and not self._outer and not body[1:].strip(b"\xff") else None
        if unwritten is not None:
            return {"unwritten": unwritten.name}
        items = tlv.parse(body, b"\xff\x00")
        if not self._outer:
            return with_rest(read_objects(self._tags, items), items.tail)
        if not len(items) or items[0].tag != self._outer:
            raise EncodingError(f"got another object, expected tag {self._outer:02X}")
        inner = items[0].children(b"\xff")
        value = read_objects(self._tags, inner)
        if inner.tail:
            value["padding"] = to_hex(inner.tail)
        return with_rest(value, body[len(items[0].build()) :])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        if set(value) == {"unwritten"}:
            return padded(self._tag_of(value["unwritten"]), {}, size)
        objects = write_objects(self._tags, {k: part for k, part in value.items() if k not in {"rest", "padding"}})
        if not objects and not self._outer:
            raise EncodingError(f"got nothing, expected one of {', '.join(self.names)}")
        if self._outer:
            objects = tlv.build(self._outer, objects + from_hex(value.get("padding", "")))
        return padded(objects, value, size)

    def _tag_of(self, name: Any) -> bytes:
        for number, tag in self._tags.items():
            if tag.name == name:
                return bytes((number,))
        raise EncodingError(f"unwritten: got {name!r}, expected one of {', '.join(self.names)}")
