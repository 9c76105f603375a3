"""A tree of payment data objects in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cardkit.apps.emv.bits import Word
from cardkit.apps.emv.tags import lookup, name_of, tag_bytes
from cardkit.apps.emv.tags.model import TagInfo
from cardkit.apps.emv.template import parse_objects
from cardkit.apps.emv.values import is_personal, shown, value_words
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError

# Primitive by its number, though it carries templates (EMV 4.4 Book 3 Annex A).
_NESTING = frozenset((0x9F31,))
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class DataObject:
    """One object, decoded.

    :ivar raw: its value as read.  :ivar children: of a constructed object.
    :ivar words: bits, lists and codes in words.
    :ivar notes: what is odd about it: its length, its length field.
    """

    tag: bytes
    name: str
    raw: bytes
    context: str
    children: tuple[DataObject, ...] = ()
    words: tuple[Word, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The value for people, masked where it is the cardholder's; empty where it is in the children."""
        return "" if self.children else shown(self.tag, self.raw, self.context)


def decode(data: bytes, context: str = "") -> tuple[DataObject, ...]:
    """Read objects and what is in them.

    :param context: the kernel or rule set whose meanings count: ``C-3``.
    :raises EncodingError: when the data is not TLV, or nests more than 16 deep.
    """
    return tuple(_decoded(item, context, context, 0) for item in parse_objects(data))


def decode_value(tag: bytes, value: bytes, context: str = "") -> DataObject:
    """Read a bare value as that of a tag.  :raises EncodingError: as :func:`decode`, and on a tag that is none."""
    item = Tlv(int.from_bytes(tag, "big"), value)
    item.build()
    return _decoded(item, context, context, 0)


def _decoded(item: Tlv, kernel: str, template: str, depth: int) -> DataObject:
    """Decode one object; its template counts where its tag means something else there than elsewhere."""
    if depth > _DEEPEST:
        raise EncodingError(f"templates nested more than {_DEEPEST} deep")
    tag = tag_bytes(item.tag)
    own = lookup(tag, template)
    context = template if own is not None and own.context == template else kernel
    children: tuple[DataObject, ...] = ()
    if item.constructed or item.tag in _NESTING:
        inner = parse_objects(item.value)
        children = tuple(_decoded(each, kernel, tag.hex().upper(), depth + 1) for each in inner)
    return DataObject(
        tag,
        name_of(tag, context),
        item.value,
        context,
        children,
        () if children else value_words(tag, item.value, context),
        tuple(_notes(item, lookup(tag, context))),
    )


def _notes(item: Tlv, info: TagInfo | None) -> Iterator[str]:
    if item.length_size:
        yield f"length field of {item.length_size} bytes, longer than needed"
    if info is not None and len(item.value) not in info.lengths:
        yield f"{len(item.value)} bytes, expected {info.lengths.text}"


def object_lines(objects: Iterable[DataObject], depth: int = 0) -> Iterator[str]:
    """Yield objects as an indented tree, a line at a time."""
    indent = "  " * depth
    for item in objects:
        text = f": {item.text}" if item.text else ""
        yield f"{indent}{item.tag.hex().upper()} {item.name}{text}"
        yield from (f"{indent}    ! {note}" for note in item.notes)
        yield from (f"{indent}    {word}" for word in item.words)
        yield from object_lines(item.children, depth + 1)


def object_document(item: DataObject) -> dict[str, Any]:
    """Return one object as plain values; what is the cardholder's has no ``value``."""
    document: dict[str, Any] = {"tag": item.tag.hex().upper(), "name": item.name, "length": len(item.raw)}
    if item.children:
        return {**document, "notes": list(item.notes), "children": list(map(object_document, item.children))}
    if not is_personal(item.tag, item.context):
        document["value"] = item.raw.hex().upper()
    words = [{"position": word.position, "text": word.text} for word in item.words]
    return {**document, "text": item.text, "words": words, "notes": list(item.notes)}
