"""Files made of BER-TLV objects: {tag: name} tables, unknown tags kept as ``tag_85``.

The order of the fields in a value is the order of the objects on the card, so that reading and writing back keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cardkit.apps.uicc.codecs.base import Codec, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Field, as_list, from_hex, to_hex, within
from cardkit.encoding import tlv
from cardkit.errors import EncodingError


class Part(Protocol):
    """The value of one object; fields of fixed size are parts too."""

    def decode(self, data: bytes) -> Any:
        """Return the value; ``{"raw": ...}`` if the data do not follow the layout."""
        ...

    def encode(self, value: Any) -> bytes:
        """Return the data.  :raises EncodingError: if the value does not fit."""
        ...


class AnyHex:
    """Bytes of any length, as hexadecimal digits."""

    def decode(self, data: bytes) -> Any:
        """Return 2 digits a byte."""
        return to_hex(data)

    def encode(self, value: Any) -> bytes:
        """Accept hexadecimal digits."""
        return from_hex(value)


class Utf8:
    """UTF-8 text of any length."""

    def decode(self, data: bytes) -> Any:
        """Return the text, or raw digits if it is none."""
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return {"raw": to_hex(data)}

    def encode(self, value: Any) -> bytes:
        """Accept text."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        if not isinstance(value, str):
            raise EncodingError(f"got {type(value).__name__}, expected text")
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise EncodingError("got a lone surrogate, expected text") from None


class Several:
    """Equal fields one after the other, as a list.

    :param field: one of them.
    """

    def __init__(self, field: Field) -> None:
        self._field = field

    def decode(self, data: bytes) -> Any:
        """Return the list, or raw digits if the length is no multiple."""
        size = self._field.size
        if len(data) % size:
            return {"raw": to_hex(data)}
        return [self._field.decode(data[i : i + size]) for i in range(0, len(data), size)]

    def encode(self, value: Any) -> bytes:
        """Accept a list of values of the field."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        return b"".join(self._field.encode(item) for item in as_list(value))


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
    """Return the named values of a run of objects.

    :raises EncodingError: on an object that may not repeat and does.
    """
    value: Value = {}
    for item in items:
        tag = tags.get(item.tag, Tag(f"tag_{item.tag:02X}", AnyHex()))
        decoded = tag.part.decode(item.value)
        if tag.many:
            value.setdefault(tag.name, []).append(decoded)
        elif tag.name in value:
            raise EncodingError(f"{tag.name}: got it twice, expected it once")
        else:
            value[tag.name] = decoded
    return value


def write_objects(tags: Tags, value: Mapping[str, Any]) -> bytes:
    """Return the objects of named values, in the order of the names.

    :raises EncodingError: on a name without a tag or a value that does not fit.
    """
    by_name = {tag.name: (number, tag) for number, tag in tags.items()}
    parts: list[bytes] = []
    for name, content in value.items():
        number, tag = by_name.get(name) or _unknown(name, by_name)
        with within(name):
            parts += [
                tlv.build(number, tag.part.encode(item)) for item in (as_list(content) if tag.many else [content])
            ]
    return b"".join(parts)


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
        """Return the named values, or raw digits if they would not come back the same."""
        try:
            value = read_objects(self._tags, tlv.parse(data))
            if write_objects(self._tags, value) == data:
                return value
        except EncodingError:
            pass
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
        return super()._knows(name) or name.startswith("tag_")

    def _read(self, body: bytes) -> Value:
        items = tlv.parse(body, b"\xff\x00")
        if not self._outer:
            return with_rest(read_objects(self._tags, items), items.tail)
        if not len(items) or items[0].tag != self._outer:
            raise EncodingError(f"got another object, expected tag {self._outer:02X}")
        value = read_objects(self._tags, items[0].children())
        return with_rest(value, body[len(items[0].build()) :])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        objects = write_objects(self._tags, {name: part for name, part in value.items() if name != "rest"})
        if not objects and not self._outer:
            raise EncodingError(f"got nothing, expected one of {', '.join(self.names)}")
        return padded(tlv.build(self._outer, objects) if self._outer else objects, value, size)
