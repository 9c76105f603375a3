"""The ASN.1 of a package: values in DER, read along a table of types, and written back byte for byte.

    read(data, group) -> nodes                 data == b"".join(node.build() for node in nodes)

Only what the module of the profile package uses: sequences, choices, octet strings, integers, NULL, object identifiers
and UTF-8. A component the table does not know is kept as it is. A node never shows its value: many are keys.
X.680 (automatic tags: 24.2, 28), X.690 (DER).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple, TypeAlias

from cardkit.desired import Secrecy
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_CONTEXT, _CONTEXT_CONSTRUCTED = 0x80, 0xA0
_LONG_FORM = 0x1F


class Kind(Enum):
    """What the bytes of a primitive value are."""

    OCTETS = "octets"
    INTEGER = "integer"
    NULL = "null"
    OID = "object identifier"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Primitive:
    """A value without components.

    :param words: names of numbers.
    """

    kind: Kind
    secrecy: Secrecy = Secrecy.PUBLIC
    words: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A value with components.

    :param ordered: a SEQUENCE, each component once and in order; else any of the fields, any number of times:
        SEQUENCE OF, CHOICE.
    """

    fields: tuple[Field, ...]
    ordered: bool

    def find(self, tag: int, position: int) -> int | None:
        """Return which field a tag means, None if the table knows none.

        :param position: the first field that may still come in a SEQUENCE.
        """
        start = position if self.ordered else 0
        return next((at for at in range(start, len(self.fields)) if self.fields[at].tag == tag), None)

    def named(self, name: str) -> tuple[int, Field]:
        """Return a field and its place.  :raises EncodingError: if there is none of that name."""
        for at, known in enumerate(self.fields):
            if known.name == name:
                return at, known
        raise EncodingError(f"component {name!r}: the profile package has none of that name here")


Type: TypeAlias = Primitive | Group


class Field(NamedTuple):
    """One component: its name in the ASN.1 module, its tag as written, its type."""

    name: str
    tag: int
    type: Type


OCTETS, NULL, OID, TEXT = (Primitive(kind) for kind in (Kind.OCTETS, Kind.NULL, Kind.OID, Kind.TEXT))
INTEGER = Primitive(Kind.INTEGER)
HIDDEN = Primitive(Kind.OCTETS, Secrecy.SECRET)
"""Octets that are a key or a code, or may hold one."""
UNKNOWN = "unknown"


def automatic(*components: tuple[str, Type]) -> tuple[Field, ...]:
    """Return components with the tags automatic tagging gives them: 0, 1, 2 ... of the context class."""
    return tuple(Field(name, _automatic_tag(at, kind), kind) for at, (name, kind) in enumerate(components))


def _automatic_tag(number: int, kind: Type) -> int:
    first = _CONTEXT_CONSTRUCTED if isinstance(kind, Group) else _CONTEXT
    return first | number if number < _LONG_FORM else (first | _LONG_FORM) << 8 | number


def sequence(*components: tuple[str, Type]) -> Group:
    """Return a SEQUENCE with automatic tags."""
    return Group(automatic(*components), ordered=True)


def tagged(*fields: tuple[str, int, Type]) -> Group:
    """Return a SEQUENCE whose tags the module gives itself."""
    return Group(tuple(Field(*line) for line in fields), ordered=True)


def choices(*components: tuple[str, Type]) -> Group:
    """Return a CHOICE, or a SEQUENCE OF one, with automatic tags."""
    return Group(automatic(*components), ordered=False)


def sequence_of(name: str, tag: int, kind: Type) -> Group:
    """Return a SEQUENCE OF; each item is called `name`."""
    return Group((Field(name, tag, kind),), ordered=False)


Content: TypeAlias = "bytes | tuple[Node, ...]"


@dataclass(frozen=True, slots=True, repr=False)
class Node:
    """A value in its place.

    :param name: of the component.  :param type: what it is; octets where the table does not know it.
    :param content: bytes of a primitive value, components of another.
    :param length_size: bytes of a length field that is longer than DER wants it; 0 for the shortest.
    """

    name: str
    tag: int
    type: Type
    content: Content
    length_size: int = 0

    def __repr__(self) -> str:
        size = f"{len(self.content)} {'bytes' if isinstance(self.content, bytes) else 'components'}"
        return f"<{self.name} {self.tag:02X}, {size}>"

    @property
    def children(self) -> tuple[Node, ...]:
        """The components.  :raises EncodingError: of a value that has none."""
        if isinstance(self.content, bytes):
            raise EncodingError(f"{self.name}: got a plain value, expected components")
        return self.content

    @property
    def octets(self) -> bytes:
        """The bytes.  :raises EncodingError: of a value with components."""
        if not isinstance(self.content, bytes):
            raise EncodingError(f"{self.name}: got components, expected a plain value")
        return self.content

    @property
    def byte(self) -> int:
        """The one byte.  :raises EncodingError: if there are none or several."""
        if len(self.octets) != 1:
            raise EncodingError(f"{self.name}: got {len(self.octets)} bytes, expected one")
        return self.octets[0]

    @property
    def number(self) -> int:
        """The number.  :raises EncodingError: if there are no bytes of one."""
        if not self.octets:
            raise EncodingError(f"{self.name}: got no byte of a number, expected one or more")
        return int.from_bytes(self.octets, "big", signed=True)

    @property
    def text(self) -> str:
        """The text.  :raises EncodingError: if it is no UTF-8."""
        try:
            return self.octets.decode("utf-8")
        except UnicodeDecodeError:
            raise EncodingError(f"{self.name}: got bytes that are no UTF-8") from None

    def build(self) -> bytes:
        """Return tag, length and value: as read where it was read."""
        content = self.content
        value = content if isinstance(content, bytes) else b"".join(node.build() for node in content)
        return tlv.Tlv(self.tag, value, self.length_size).build()

    def first(self, name: str) -> Node | None:
        """Return the first component of a name, None if there is none."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator[Node]:
        """Yield the components of a name."""
        return (node for node in self.children if node.name == name)

    def require(self, name: str) -> Node:
        """Return the first component of a name.  :raises EncodingError: if there is none."""
        found = self.first(name)
        if found is None:
            raise EncodingError(f"{self.name}: {name} is missing")
        return found

    def number_of(self, name: str, default: int) -> int:
        """Return the number of a component, or its default."""
        found = self.first(name)
        return default if found is None else found.number

    def octets_of(self, name: str, default: bytes) -> bytes:
        """Return the bytes of a component, or its default."""
        found = self.first(name)
        return default if found is None else found.octets

    def holding(self, content: Content) -> Node:
        """Return the same component with another value."""
        return replace(self, content=content, length_size=0)

    def setting(self, name: str, content: Content) -> Node:
        """Return this sequence with one component replaced, or inserted where it belongs.

        :raises EncodingError: if the table knows no such component.
        """
        if isinstance(self.type, Primitive):
            raise EncodingError(f"{self.name}: got a plain value, expected components")
        place, known = self.type.named(name)
        before = {earlier.name for earlier in self.type.fields[:place]}
        kept = [node for node in self.children if node.name != name]
        at = sum(1 for node in kept if node.name in before)
        return self.holding((*kept[:at], Node(name, known.tag, known.type, content), *kept[at:]))

    def edited(self, path: tuple[int, ...], content: Content) -> Node:
        """Return this node with the value of an inner one replaced.

        :param path: numbers of components on the way down; empty for this node itself.
        """
        if not path:
            return self.holding(content)
        children = list(self.children)
        children[path[0]] = children[path[0]].edited(path[1:], content)
        return self.holding(tuple(children))


def read(data: bytes, group: Group) -> tuple[Node, ...]:
    """Return the components of a value.

    :raises EncodingError: naming the way to what is no DER.
    """
    nodes = []
    position = 0
    for item in tlv.parse(data):
        at = group.find(item.tag, position)
        if at is None:
            nodes.append(Node(UNKNOWN, item.tag, HIDDEN, item.value, item.length_size))
            continue
        position = at + 1
        known = group.fields[at]
        nodes.append(Node(known.name, item.tag, known.type, _content(item.value, known), item.length_size))
    return tuple(nodes)


def _content(value: bytes, known: Field) -> Content:
    if isinstance(known.type, Primitive):
        return value
    try:
        return read(value, known.type)
    except EncodingError as error:
        raise EncodingError(f"{known.name}: {error}") from None


def write_integer(value: int) -> bytes:
    """Return a number as DER writes it: the fewest bytes, two's complement (X.690 8.3).

    >>> write_integer(170).hex(), write_integer(51).hex()
    ('00aa', '33')
    """
    return value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True)
