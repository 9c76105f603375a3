"""Bodies that start with a length, or with fields of fixed size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Number, within
from cardkit.apps.uicc.codecs.parts import Part
from cardkit.errors import EncodingError


class Prefixed(Codec):
    """A length, the part, padding: ``{name: value}``.

    :param length_size: bytes of the length.
    """

    def __init__(self, name: str, part: Part, length_size: int = 1) -> None:
        self.names = (name,)
        self._name = name
        self._part = part
        self._length = Number(length_size)

    def _read(self, body: bytes) -> Value:
        start = self._length.size
        end = start + int.from_bytes(body[:start], "big")
        if len(body) < max(start, end):
            raise EncodingError(f"{self._name}: length beyond the body of {len(body)} bytes")
        return with_rest({self._name: self._part.decode(body[start:end])}, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        with within(self._name):
            part = self._part.encode(value.get(self._name))
            return padded(self._length.encode(len(part)) + part, value, size)


class Headed(Codec):
    """Fields of fixed size, then a body of another layout, in one table.

    :param head: its fields of FF have a meaning.  :param body: may not have names of the head.
    """

    def __init__(self, head: Layout, body: Codec) -> None:
        self.names = (*head.names, *body.names)
        self._head = head
        self._body = body

    def _knows(self, name: str) -> bool:
        return name in self._head.names or name in {"raw", "empty"} or self._body._knows(name)

    def _read(self, body: bytes) -> Value:
        size = self._head.size
        if len(body) < size:
            raise EncodingError(f"got {len(body)} bytes, expected {size} or more")
        return {**self._head.decode(body[:size]), **self._body.decode(body[size:])}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        head = {name: value[name] for name in self._head.names if name in value}
        rest = {name: part for name, part in value.items() if name not in self._head.names}
        start = self._head.size
        return self._head.encode(head, start) + self._body.encode(rest, size - start)
