"""What is known of one tag, and how a table of them is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.errors import EncodingError

_ANY = range(0x10000)


class Source(StrEnum):
    """Who has a value first."""

    CARD = "card"
    TERMINAL = "terminal"
    ISSUER = "issuer"


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths in bytes that a value may have.

    >>> lengths = Lengths.parse("4-252/4")
    >>> 8 in lengths, 9 in lengths
    (True, False)

    :ivar text: as the table writes it: ``2``, ``5-16``, ``1,3``, ``4-252/4`` (a multiple of 4), ``var``, or the rule
        over modulus lengths (``NI-NCA+36``), which allows any.
    """

    text: str
    ranges: tuple[range, ...]

    @classmethod
    def parse(cls, text: str) -> Lengths:
        """Read lengths as a table writes them."""
        if not text[0].isdigit():
            return cls(text, (_ANY,))
        return cls(text, tuple(map(_range, text.split(","))))

    def __contains__(self, size: int) -> bool:
        return any(size in each for each in self.ranges)


def _range(text: str) -> range:
    """Read ``2``, ``5-16`` or ``4-252/4``."""
    bounds, _, step = text.partition("/")
    low, _, high = bounds.partition("-")
    return range(int(low), int(high or low) + 1, int(step or 1))


@dataclass(frozen=True, slots=True)
class TagInfo:
    """One entry of the dictionary.

    :ivar tag: 1 to 3 bytes.
    :ivar format: ``n`` (BCD, zeros on the left), ``cn`` (BCD, F on the right), ``a``, ``an``, ``ans`` (characters) or
        ``b``, with the number of digits or characters where it is fixed: ``n6``.
    :ivar templates: tags, in hex, of the templates it stands in.
    :ivar context: empty for the EMV books; else the kernel (``C-3``), rule set or template (``BF4C``) that gives the
        tag this meaning.
    """

    tag: bytes
    name: str
    format: str
    lengths: Lengths
    source: Source
    templates: tuple[str, ...]
    clause: str
    context: str

    @property
    def kind(self) -> str:
        """The format without a number of digits: ``n``, ``cn``, ``a``, ``an``, ``ans`` or ``b``."""
        return self.format.rstrip("0123456789-")


def rows(table: str, source: Source, *, clause: str, templates: str = "", context: str = "") -> tuple[TagInfo, ...]:
    """Read a table, one line an entry: tag, format, lengths, templates (``-``: those of the group), name.

    :param templates: of the group, with commas between.
    """
    return tuple(_row(line.split(None, 4), source, clause, templates, context) for line in table.strip().splitlines())


def _row(columns: list[str], source: Source, clause: str, group: str, context: str) -> TagInfo:
    tag, form, lengths, own, name = columns
    templates = group if own == "-" else own
    return TagInfo(
        bytes.fromhex(tag),
        name,
        form,
        Lengths.parse(lengths),
        source,
        tuple(filter(None, templates.split(","))),
        clause,
        context,
    )


def tag_bytes(number: int) -> bytes:
    """Return the bytes of a tag that is held as a number.

    :raises EncodingError: on a number that is no tag of 1 to 3 bytes.

    >>> tag_bytes(0x9F38).hex()
    '9f38'
    """
    if not 0 < number < 0x1000000:
        raise EncodingError(f"tag {number:X}, expected 1 to 3 bytes")
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
