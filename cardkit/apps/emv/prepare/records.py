"""Data objects packed into records, and the AFL that lists them (EMV 4.4 Book 3, 5.3, 10.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cardkit.apps.emv.oda.static import RECORD_TEMPLATE
from cardkit.apps.emv.schema import RecordBlock
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError

LONGEST_RECORD = 255
_MOST_RECORDS = 255
_LONGEST_AFL = 252


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """A record of a payment application.

    :param number: 1 to 255.  :param body: what READ RECORD answers, a template 70.
    """

    sfi: int
    number: int
    body: bytes = field(repr=False)
    signed: bool

    @property
    def grouping(self) -> int:
        """Identifier of its data grouping (EMV CPS 3.2)."""
        return self.sfi << 8 | self.number


def pack_objects(tags: Sequence[bytes], objects: Mapping[bytes, bytes], size: int) -> list[bytes]:
    """Return the fewest records that hold these objects in order: an object is never split, an empty one left out.

    :param size: bytes of a record, the template included; one object alone may take 255.
    :raises EncodingError: when an object has no value, or fits no record.

    >>> [body.hex() for body in pack_objects([b"\\x5a", b"\\x57"], {b"\\x5a": b"\\x99", b"\\x57": b"\\x01"}, 6)]
    ['70035a0199', '7003570101']
    """
    bodies: list[bytes] = []
    content = b""
    for tag in tags:
        if tag not in objects:
            raise EncodingError(f"data object {tag.hex().upper()}: no value in the profile, and nothing derives it")
        if not objects[tag]:
            continue
        item = tlv.build(int.from_bytes(tag, "big"), objects[tag])
        if content and len(_template(content + item)) > size:
            bodies.append(_template(content))
            content = b""
        content += item
        if len(_template(item)) > LONGEST_RECORD:
            raise EncodingError(f"data object {tag.hex().upper()}: {len(item)} bytes, no record holds them")
    return [*bodies, _template(content)] if content else bodies


def _template(content: bytes) -> bytes:
    return tlv.build(RECORD_TEMPLATE, content)


class RecordFile:
    """The records of one payment application, as they get their places; equal groups of two interfaces share theirs.

    :param size: bytes of a record.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._places: dict[tuple[int, bool, tuple[bytes, ...]], tuple[PreparedRecord, ...]] = {}
        self._last: dict[int, int] = {}

    @property
    def records(self) -> tuple[PreparedRecord, ...]:
        """All of them, by file and number."""
        found = (record for group in self._places.values() for record in group)
        return tuple(sorted(found, key=lambda record: record.grouping))

    def place(self, block: RecordBlock, objects: Mapping[bytes, bytes]) -> tuple[PreparedRecord, ...]:
        """Return the records of a group, with the next free numbers of its file unless it stands there already.

        :raises EncodingError: when an object has no value or fits no record, or the file is full.
        """
        bodies = tuple(pack_objects([bytes.fromhex(tag) for tag in block.tags], objects, self._size))
        key = (block.sfi, block.signed, bodies)
        if key not in self._places:
            first = self._last.get(block.sfi, 0) + 1
            self._last[block.sfi] = first + len(bodies) - 1
            if self._last[block.sfi] > _MOST_RECORDS:
                raise EncodingError(f"SFI {block.sfi}: {self._last[block.sfi]} records, expected {_MOST_RECORDS}")
            self._places[key] = tuple(
                PreparedRecord(block.sfi, number, body, block.signed) for number, body in enumerate(bodies, first)
            )
        return self._places[key]


def build_afl(records: Iterable[PreparedRecord]) -> bytes:
    """Return the AFL of records in their order: runs of one file are one entry, the signed ones in front.

    :raises EncodingError: when it is longer than 252 bytes.

    >>> one, two = PreparedRecord(1, 1, b"", True), PreparedRecord(1, 2, b"", False)
    >>> build_afl([one, two]).hex()
    '08010201'
    """
    entries: list[list[int]] = []
    for record in records:
        last = entries[-1] if entries else None
        follows = last is not None and last[0] == record.sfi << 3 and last[2] + 1 == record.number
        if last is not None and follows and (not record.signed or last[3] == record.number - last[1]):
            last[2] = record.number
            last[3] += record.signed
        else:
            entries.append([record.sfi << 3, record.number, record.number, int(record.signed)])
    afl = b"".join(map(bytes, entries))
    if len(afl) > _LONGEST_AFL:
        raise EncodingError(f"AFL: {len(afl)} bytes, expected {_LONGEST_AFL} or fewer")
    return afl


def check_blocks(blocks: Sequence[RecordBlock], where: str) -> None:
    """Check what can be checked of record groups before there is a card: every tag stands once.

    :raises ProfileError: naming the entry.
    """
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        for tag in block.tags:
            if tag.upper() in seen:
                raise ProfileError(f"{where}[{index}].tags: {tag.upper()} stands in two records")
            seen.add(tag.upper())
