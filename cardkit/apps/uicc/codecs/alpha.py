"""Records of fixed fields around a text that takes what they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Value
from cardkit.apps.uicc.codecs.fields import Alpha, Field, within
from cardkit.errors import EncodingError


class WithAlpha(Codec):
    """Fixed fields, a text, fixed fields.

    :param text: name of the text.  :param before: fields, as :class:`.Layout` takes them.  :param after: fields.
    :param defaults: values of fields left out where they have them.
    :param field: kind of the text, made with its size.
    """

    def __init__(
        self,
        text: str,
        *,
        before: tuple[Any, ...] = (),
        after: tuple[Any, ...] = (),
        defaults: Mapping[str, Any] | None = None,
        field: Callable[[int], Field] = Alpha,
    ) -> None:
        self._text = text
        self._field = field
        self._head = Layout(*before, defaults=defaults, blank_has_meaning=True)
        self._tail = Layout(*after, defaults=defaults, blank_has_meaning=True)
        self.names = (*self._head.names, text, *self._tail.names)

    def _knows(self, name: str) -> bool:
        return name in self.names

    def _read(self, body: bytes) -> Value:
        end = len(body) - self._tail.size
        size = self._space(len(body))
        text = self._field(size).decode(body[self._head.size : end])
        return {**self._head.decode(body[: self._head.size]), self._text: text, **self._tail.decode(body[end:])}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        with within(self._text):
            text = self._field(self._space(size)).encode(value.get(self._text, ""))
        return self._part(self._head, value) + text + self._part(self._tail, value)

    def _part(self, layout: Layout, value: Mapping[str, Any]) -> bytes:
        return layout.encode({name: value[name] for name in layout.names if name in value}, layout.size)

    def _space(self, size: int) -> int:
        space = size - self._head.size - self._tail.size
        if space < 0:
            raise EncodingError(f"got {size} bytes, expected {size - space} or more")
        return space
