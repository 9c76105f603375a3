"""Bits in words, by tag."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apps.emv.bits import card, terminal
from cardkit.apps.emv.bits.cvm import CvmList, CvmRule, list_words, result_words
from cardkit.apps.emv.bits.iad import IssuerApplicationData
from cardkit.apps.emv.bits.model import BitTable, Word

__all__ = ["TABLES", "BitTable", "CvmList", "CvmRule", "IssuerApplicationData", "Word", "table_for", "words"]

# By tag, and by kernel where the tag is not everybody's.
TABLES: dict[tuple[str, str], BitTable] = {
    ("82", ""): card.AIP,
    ("87", ""): card.PRIORITY,
    ("95", ""): terminal.TVR,
    ("9B", ""): terminal.TSI,
    ("9F07", ""): card.AUC,
    ("9F0D", ""): terminal.TVR,
    ("9F0E", ""): terminal.TVR,
    ("9F0F", ""): terminal.TVR,
    ("9F27", ""): card.CID,
    ("9F33", ""): terminal.CAPABILITIES,
    ("9F35", ""): terminal.TERMINAL_TYPE,
    ("9F40", ""): terminal.ADDITIONAL_CAPABILITIES,
    ("9F66", "C-3"): terminal.TTQ,
    ("9F6C", "C-3"): card.CTQ,
    ("9F6E", "C-3"): card.FORM_FACTOR,
    ("D8", "M/Chip"): card.AIP,
    ("DF8120", "C-2"): terminal.TVR,
    ("DF8121", "C-2"): terminal.TVR,
    ("DF8122", "C-2"): terminal.TVR,
    ("9F820B", "C-8"): terminal.TVR,
    ("9F820C", "C-8"): terminal.TVR,
}

_OTHERS: dict[str, Callable[[bytes], tuple[Word, ...]]] = {
    "8E": list_words,
    "9F34": result_words,
    "9F10": lambda value: IssuerApplicationData.parse(value).words(),
    "9F2A": lambda value: card.KERNEL_ID.words(value[:1]),
}


def table_for(tag: bytes, context: str = "") -> BitTable | None:
    """Return the table of a tag's bits, None where it has none."""
    name = tag.hex().upper()
    return TABLES.get((name, context)) or TABLES.get((name, ""))


def words(tag: bytes, value: bytes, context: str = "") -> tuple[Word, ...]:
    """Return a value's bits in words; empty for a tag that has none.

    :param context: as :func:`cardkit.apps.emv.tags.lookup` takes it.
    :raises EncodingError: on a value its layout does not allow.

    >>> [str(word) for word in words(b"\\x82", bytes.fromhex("3800"))][0]
    '1.6 DDA supported'
    """
    other = _OTHERS.get(tag.hex().upper())
    if other is not None:
        return other(value)
    found = table_for(tag, context)
    return found.words(value) if found else ()
