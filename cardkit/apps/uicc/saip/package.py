"""A profile package: a row of elements, header first and end last (SAIP 8.1, unverified)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.apps.uicc.saip import asn1
from cardkit.apps.uicc.saip.asn1 import Content, Node
from cardkit.apps.uicc.saip.schema import ELEMENTS
from cardkit.errors import EncodingError

_HEADER, _END = "header", "end"

Edit = tuple[tuple[int, ...], Content]
"""Where a value stands (number of the element, then numbers of components), and the value it is to have."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package as its creator wrote it.

    :param elements: header first, end last.
    """

    elements: tuple[Node, ...]

    @classmethod
    def read(cls, data: bytes) -> Package:
        """Read a package.

        :param data: a whole one, in DER.
        :raises EncodingError: if it is none: cut short, no DER, no header or no end.
        """
        elements = asn1.read(data, ELEMENTS)
        names = [element.name for element in elements]
        if names[:1] != [_HEADER] or names[-1:] != [_END]:
            got = f"{names[0]} to {names[-1]}" if names else "nothing"
            raise EncodingError(f"profile package: got {got}, expected elements from header to end")
        return cls(elements)

    def build(self) -> bytes:
        """Return the bytes that were read, but for what was edited."""
        return b"".join(element.build() for element in self.elements)

    @property
    def header(self) -> Node:
        """The first element."""
        return self.elements[0]

    @property
    def version(self) -> str:
        """Of the interoperable format: ``2.3``."""
        return f"{self.header.require('major-version').number}.{self.header.require('minor-version').number}"

    def all(self, name: str) -> Iterator[tuple[int, Node]]:
        """Yield the elements of a kind with their numbers, counted from 0."""
        return ((at, element) for at, element in enumerate(self.elements) if element.name == name)

    def at(self, way: tuple[int, ...]) -> Node:
        """Return a node by the numbers on the way to it."""
        node = self.elements[way[0]]
        for number in way[1:]:
            node = node.children[number]
        return node

    def edited(self, edits: list[Edit]) -> Package:
        """Return the package with values replaced; everything else keeps its bytes.

        :param edits: no one of them inside what another replaces.
        """
        elements = list(self.elements)
        for (at, *path), content in edits:
            elements[at] = elements[at].edited(tuple(path), content)
        return Package(tuple(elements))


def header_of(element: Node) -> Node | None:
    """Return what says which number an element has, None in the elements without: header, unknown ones."""
    if isinstance(element.content, bytes):
        return None
    return next((node for node in element.content if node.name.lower().endswith("-header")), None)
