"""What every codec promises: reading never fails and never loses a bit, writing is strict.

    encode(decode(body), len(body)) == body      for every body, whatever a card holds

Names common to all codecs: ``raw`` is a body (or field) that does not follow its layout, as hexadecimal digits;
``empty`` is a body of FF only, where that has no meaning of its own; ``rest`` is what follows the layout and is not
padding. A layout's own fields are described in the module of the layout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from construct import Struct

from cardkit.apps.uicc.codecs.fields import Field, from_hex, to_hex, within
from cardkit.encoding import parse_exact
from cardkit.errors import EncodingError

Value: TypeAlias = dict[str, Any]

PADDING = b"\xff"


class Codec(ABC):
    """The layout of one file body or record.

    :param names: the fields a value may have besides ``raw``, ``empty`` and ``rest``.
    """

    names: tuple[str, ...] = ()
    blank_has_meaning = False
    """Whether a body of FF only reads as fields instead of ``empty``."""

    def decode(self, body: bytes) -> Value:
        """Return the named fields of a body read from a card; never raises."""
        if body and not self.blank_has_meaning and not body.strip(PADDING):
            return {"empty": True}
        try:
            value = self._read(body)
            if self._write(value, len(body)) == body:
                return value
        except EncodingError:
            pass
        return {"raw": to_hex(body)}

    def encode(self, value: Mapping[str, Any], size: int) -> bytes:
        """Return the body for a file of this size in bytes.

        :raises EncodingError: naming the field, what was got and what is expected.
        """
        if not isinstance(value, Mapping):
            raise EncodingError(f"got {type(value).__name__}, expected a table of fields")
        if set(value) == {"raw"}:
            return _fit(from_hex(value["raw"]), size)
        if set(value) == {"empty"} and value["empty"] is True:
            return PADDING * size
        unknown = next((name for name in value if not self._knows(name)), None)
        if unknown is not None:
            raise EncodingError(f"{unknown}: got an unknown field, expected one of {', '.join(self.names)}")
        return self._write(value, size)

    def _knows(self, name: str) -> bool:
        return name in self.names or name == "rest"

    @abstractmethod
    def _read(self, body: bytes) -> Value:
        """Read a body.  :raises EncodingError: if it does not follow the layout."""

    @abstractmethod
    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        """Write a body of `size` bytes.  :raises EncodingError: if the value does not fit."""


def _fit(body: bytes, size: int) -> bytes:
    if len(body) != size:
        raise EncodingError(f"raw: got {len(body)} bytes, expected {size}")
    return body


def with_rest(value: Value, surplus: bytes, padding: bytes = PADDING) -> Value:
    """Add ``rest`` to a value where the surplus bytes are more than padding."""
    rest = surplus.rstrip(padding)
    return {**value, "rest": to_hex(rest)} if rest else value


def padded(body: bytes, value: Mapping[str, Any], size: int, padding: bytes = PADDING) -> bytes:
    """Append ``rest`` and padding to `size` bytes.  :raises EncodingError: if the content is longer."""
    body += from_hex(value.get("rest", ""))
    if len(body) > size:
        raise EncodingError(f"got {len(body)} bytes of content, expected {size} or fewer")
    return body.ljust(size, padding)


class Layout(Codec):
    """Fields of fixed size one after the other.

    :param fields: ``"name" / Field``; see :mod:`.fields`.
    :param defaults: values of fields that are left out of a decoded value when they have them, and that an author
        need not write: reserved bits, mostly.
    :param blank_has_meaning: whether FF only is a value of the fields.
    :param padding: the byte behind the layout in a longer file.
    """

    def __init__(
        self,
        *fields: Any,
        defaults: Mapping[str, Any] | None = None,
        blank_has_meaning: bool = False,
        padding: bytes = PADDING,
    ) -> None:
        self._struct = Struct(*fields)
        self._fields: dict[str, Field] = {field.name: field.subcon for field in fields}
        self._size: int = self._struct.sizeof()
        self._defaults = dict(defaults or {})
        self._padding = padding
        self.names = tuple(self._fields)
        self.blank_has_meaning = blank_has_meaning

    @property
    def size(self) -> int:
        """Bytes of the layout, without what may follow."""
        return self._size

    def _read(self, body: bytes) -> Value:
        parsed = parse_exact(self._struct, body[: self._size])
        value = {name: parsed[name] for name in self._fields}
        kept = {name: part for name, part in value.items() if self._defaults.get(name, _NO_DEFAULT) != part}
        return with_rest(kept, body[self._size :], self._padding)

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        parts = [self._part(name, field, value) for name, field in self._fields.items()]
        return padded(b"".join(parts), value, size, self._padding)

    def _part(self, name: str, field: Field, value: Mapping[str, Any]) -> bytes:
        if name not in value and name not in self._defaults:
            raise EncodingError(f"{name}: got nothing, expected a value beside {', '.join(value) or 'the others'}")
        with within(name):
            return field.encode(value[name] if name in value else self._defaults[name])


_NO_DEFAULT = object()


class Fixed(Field):
    """A layout of fixed size as one field, such as a list has.

    :param layout: without anything behind it.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout.size)
        self._layout = layout

    def read(self, data: bytes) -> Any:
        """Return the table."""
        return self._layout.decode(data)

    def write(self, value: Any) -> bytes:
        """Accept the table."""
        return self._layout.encode(value, self.size)


class Entries(Codec):
    """A list of equal parts: ``{"entries": [...]}``; blank parts at the end are left out.

    :param field: one part.  :param blank: how an unused part looks.
    """

    names = ("entries",)
    blank_has_meaning = True

    def __init__(self, field: Field, blank: bytes) -> None:
        self._field = field
        self._blank = blank
        self.blank_has_meaning = not blank.strip(PADDING)

    def _read(self, body: bytes) -> Value:
        step = len(self._blank)
        whole = len(body) // step * step
        parts = [body[i : i + step] for i in range(0, whole, step)]
        while parts and parts[-1] == self._blank:
            parts.pop()
        return with_rest({"entries": [self._field.decode(part) for part in parts]}, body[whole:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        entries = value.get("entries")
        if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
            raise EncodingError(f"entries: got {type(entries).__name__}, expected a list")
        step = len(self._blank)
        if len(entries) > size // step:
            raise EncodingError(f"entries: got {len(entries)}, expected {size // step} or fewer")
        parts = [self._entry(index, entry) for index, entry in enumerate(entries)]
        body = b"".join(parts) + self._blank * (size // step - len(parts))
        return padded(body, value, size)

    def _entry(self, index: int, entry: Any) -> bytes:
        with within(f"entries[{index}]"):
            return self._field.encode(entry)


class Single(Codec):
    """One field at the start of the body, padding after it: ``{name: value}``.

    :param blank_has_meaning: whether FF only is a value of the field.  :param padding: the byte behind the field.
    """

    def __init__(self, name: str, field: Field, *, blank_has_meaning: bool = False, padding: bytes = PADDING) -> None:
        self._padding = padding
        self.names = (name,)
        self._name = name
        self._field = field
        self.blank_has_meaning = blank_has_meaning

    def _read(self, body: bytes) -> Value:
        size = self._field.size
        if len(body) < size:
            raise EncodingError(f"{self._name}: got {len(body)} bytes, expected {size}")
        return with_rest({self._name: self._field.decode(body[:size])}, body[size:], self._padding)

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        if self._name not in value:
            raise EncodingError(f"{self._name}: got nothing, expected a value")
        with within(self._name):
            return padded(self._field.encode(value[self._name]), value, size, self._padding)


class Opaque(Codec):
    """A body cardkit does not look into: ``{"value": "0102"}``, FF to the end left out.

    :param name: the field's name where the standard has one.
    """

    def __init__(self, name: str = "value") -> None:
        self.names = (name,)
        self._name = name

    def _read(self, body: bytes) -> Value:
        return {self._name: to_hex(body.rstrip(PADDING))}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        with within(self._name):
            return padded(from_hex(value.get(self._name)), value, size)


OPAQUE = Opaque()
