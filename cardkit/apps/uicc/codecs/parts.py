"""What BER-TLV objects hold: bytes and texts of any length, lists, parts behind their lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cardkit.apps.uicc.codecs.base import Value
from cardkit.apps.uicc.codecs.fields import Field, as_list, from_hex, to_hex, within
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


class Lengths:
    """Parts one after the other, each behind a byte with its length.

    :param names: the parts in their order, hexadecimal digits each.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def split(self, data: bytes) -> tuple[Value, bytes]:
        """Return the parts by name and what is behind them.  :raises EncodingError: on a length beyond the data."""
        value: Value = {}
        for name in self.names:
            if not data or data[0] >= len(data):
                raise EncodingError(f"{name}: length byte beyond the data")
            end = 1 + data[0]
            value[name], data = to_hex(data[1:end]), data[end:]
        return value, data

    def join(self, value: Mapping[str, Any]) -> bytes:
        """Return the parts behind their lengths.  :raises EncodingError: if one is longer than 255 bytes."""
        parts = []
        for name in self.names:
            with within(name):
                part = from_hex(value.get(name))
                if len(part) > 0xFF:
                    raise EncodingError(f"got {len(part)} bytes, expected 255 or fewer")
            parts.append(bytes((len(part),)) + part)
        return b"".join(parts)

    def decode(self, data: bytes) -> Any:
        """Return the parts by name, or raw digits if they do not fill the data."""
        try:
            value, rest = self.split(data)
        except EncodingError:
            return {"raw": to_hex(data)}
        return {"raw": to_hex(data)} if rest else value

    def encode(self, value: Any) -> bytes:
        """Accept a table of the parts."""
        if not isinstance(value, Mapping):
            raise EncodingError(f"got {type(value).__name__}, expected a table of {', '.join(self.names)}")
        return from_hex(value["raw"]) if set(value) == {"raw"} else self.join(value)


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
