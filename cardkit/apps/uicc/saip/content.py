"""The contents of a file: what a package fills in over what the file holds by itself (SAIP 8.3.3, 8.3.5, unverified).

``fillFileOffset`` skips bytes, ``fillFileContent`` writes there; both go on where the last one ended, over all records
as if they were one body.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cardkit.apps.uicc.saip.asn1 import Group, Node, write_integer
from cardkit.apps.uicc.saip.templates import filled, pattern, repeated
from cardkit.errors import EncodingError

OFFSET, CONTENT = "fillFileOffset", "fillFileContent"
_LARGEST_OFFSET = 0xFFFF


def blank(size: int, record_length: int, fill: bytes, repeat: bytes, default: str) -> bytes:
    """Return a body before the package fills it: each record, or all of it, by pattern.

    :param size: bytes.  :param record_length: 0 where there are no records.  :param default: of the template.
    """
    length = record_length or size
    if fill:
        one = filled(fill, length)
    elif repeat:
        one = repeated(repeat, length)
    else:
        one = pattern(default, length)
    return repeated(one, size) if length else b""


def extent(operations: Iterable[Node]) -> int:
    """Return how far the operations reach, in bytes."""
    return sum(node.number if node.name == OFFSET else len(node.octets) for node in operations)


def overlay(body: bytes, operations: Iterable[Node]) -> bytes:
    """Return the body with the operations carried out.

    :raises EncodingError: when they reach beyond it.
    """
    result = bytearray(body)
    at = 0
    for node in operations:
        if node.name == OFFSET:
            at += node.number
            continue
        end = at + len(node.octets)
        if at < 0 or end > len(body):
            raise EncodingError(f"contents reach byte {end}, the file has {len(body)}")
        result[at:end] = node.octets
        at = end
    return bytes(result)


def operations(body: bytes, over: bytes, record_length: int, place: Group) -> tuple[Node, ...]:
    """Return the operations that make a body out of a blank one: one piece a record, from its first byte on.

    :param over: the blank body, as long.  :param place: what they are components of.
    """
    step = record_length or len(body) or 1
    made: list[Node] = []
    skipped = 0
    for start in range(0, len(body), step):
        piece = _needed(body[start : start + step], over[start : start + step])
        if piece:
            made += [*_skips(skipped, place), _node(CONTENT, piece, place)]
            skipped = 0
        skipped += step - len(piece)
    return tuple(made)


def _needed(piece: bytes, over: bytes) -> bytes:
    """Return the piece up to its last byte that is not there already."""
    end = len(piece)
    while end and piece[end - 1] == over[end - 1]:
        end -= 1
    return piece[:end]


def _skips(count: int, place: Group) -> Iterator[Node]:
    while count:
        part = min(count, _LARGEST_OFFSET)
        yield _node(OFFSET, write_integer(part), place)
        count -= part


def _node(name: str, value: bytes, place: Group) -> Node:
    _, field = place.named(name)
    return Node(name, field.tag, field.type, value)
