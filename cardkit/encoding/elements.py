"""A run of data objects, whatever their tag and length coding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from construct import Construct


class Element(Protocol):
    """One data object: a tag, a value and a coding of its own."""

    @property
    def tag(self) -> int:
        """Tag as written, or tag number where the coding mixes flags in."""
        ...

    @property
    def value(self) -> bytes:
        """Value field."""
        ...

    def build(self) -> bytes:
        """Return tag, length and value as bytes."""
        ...


E = TypeVar("E", bound=Element)
T = TypeVar("T")


class Elements(msgspec.Struct, Generic[E], frozen=True):
    """Data objects in order, duplicates and unknown tags included, and the padding after them.

    :param items: the objects.
    :param tail: padding behind the last object, kept as read.
    """

    items: tuple[E, ...] = ()
    tail: bytes = b""

    def build(self) -> bytes:
        """Return the bytes: those that were parsed, if it was parsed."""
        return b"".join([item.build() for item in self.items]) + self.tail

    def find(self, tag: int) -> tuple[E, ...]:
        """Return every object with this tag, in order."""
        return tuple(item for item in self.items if item.tag == tag)

    def first(self, tag: int, default: bytes | None = None) -> bytes | None:
        """Return the value of the first object with this tag, or `default`."""
        return next((item.value for item in self.items if item.tag == tag), default)

    def __iter__(self) -> Iterator[E]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> E:
        return self.items[index]

    def __contains__(self, tag: int) -> bool:
        return any(item.tag == tag for item in self.items)


class Codec(Construct, Generic[T]):  # type: ignore[misc]  # construct has no types
    """A reader and a writer of bytes as a construct, so that they compose with other layouts.

    :param read: bytes from here to the end -> (value, number of bytes it took); raises EncodingError.
    :param write: value -> bytes.
    """

    def __init__(self, read: Callable[[bytes], tuple[T, int]], write: Callable[[T], bytes]) -> None:
        super().__init__()
        self._read = read
        self._write = write

    def _parse(self, stream: BytesIO, context: Any, path: str) -> T:  # noqa: ARG002  (construct's signature)
        start = stream.tell()
        value, used = self._read(stream.read())
        stream.seek(start + used)
        return value

    def _build(self, obj: T, stream: BytesIO, context: Any, path: str) -> T:  # noqa: ARG002
        stream.write(self._write(obj))
        return obj
