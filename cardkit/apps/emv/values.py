"""One data element as people read it: digits, dates, amounts and text, what a cardholder owns masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardkit.apps.emv.afl import parse_afl
from cardkit.apps.emv.bits import Word
from cardkit.apps.emv.bits import words as bit_words
from cardkit.apps.emv.dol import DolEntry, TruncatedDolError, parse_dol, parse_tag_list
from cardkit.apps.emv.tags import lookup, name_of
from cardkit.errors import EncodingError

_KEPT_FRONT, _KEPT_BACK = 6, 4
_SEPARATOR = "D"
_DATES = frozenset(("9A", "5F24", "5F25"))
_DOLS = frozenset(("8C", "8D", "97", "9F38", "9F3F", "9F49", "9F4F", "9F51", "9F5B", "9F69"))
_SHORT_DOL_CONTEXTS = {"9F51": "C-2", "9F5B": "C-2", "9F69": "C-2"}

PERSONAL = frozenset(("5A", "57", "56", "9F6B", "9F1F", "9F20", "5F20", "9F0B", "9F61", "99", "9F24", "5F53"))
"""Tags, in hex, whose value says who the cardholder is, or makes another card of his."""


def masked_digits(digits: str) -> str:
    """Return a PAN with its middle hidden: the first six and last four digits stay.

    >>> masked_digits("9999990000000014")
    '999999******0014'
    """
    hidden = len(digits) - _KEPT_FRONT - _KEPT_BACK
    if hidden <= 0:
        return "*" * len(digits)
    return digits[:_KEPT_FRONT] + "*" * hidden + digits[-_KEPT_BACK:]


def pan_of(values: Mapping[bytes, bytes]) -> str:
    """Return the digits of the PAN, from tag 5A or the front of 57; empty where there is neither."""
    if b"\x5a" in values:
        return values[b"\x5a"].hex().upper().rstrip("F")
    return values.get(b"\x57", b"").hex().upper().partition(_SEPARATOR)[0].rstrip("F")


def shown(tag: bytes, value: bytes, context: str = "") -> str:
    """Return a primitive value for people: its text form where its format has one, else its bytes in hex.

    :param context: as :func:`cardkit.apps.emv.tags.lookup` takes it.

    >>> shown(b"\\x5f\\x24", bytes.fromhex("291231"))
    '2029-12-31'
    """
    name = tag.hex().upper()
    if is_personal(tag, context):
        return _masked(name, value)
    info = lookup(tag, context)
    if info is None or info.kind == "b":
        return value.hex().upper()
    if info.kind in ("n", "cn"):
        return _digits(name, info.format, value)
    return repr(value.decode("latin-1"))


def is_personal(tag: bytes, context: str = "") -> bool:
    """Whether a value is masked: what names a cardholder or copies a card, in this context."""
    name = tag.hex().upper()
    return name in PERSONAL and not (name == "9F61" and context != "C-7") and not (name == "9F6B" and context == "C-3")


def _masked(name: str, value: bytes) -> str:
    text = value.hex().upper()
    if name == "5A":
        return masked_digits(text.rstrip("F"))
    if name in ("57", "9F6B"):
        pan, separator, rest = text.partition(_SEPARATOR)
        return masked_digits(pan.rstrip("F")) + (f"D{rest[:7]}" + "*" * len(rest[7:]) if separator else "")
    return f"<{len(value)} bytes of the cardholder>"


def _digits(name: str, form: str, value: bytes) -> str:
    text = value.hex().upper()
    if name in _DATES and len(text) == 6 and text.isdigit():
        return f"{'19' if text[:2] >= '50' else '20'}{text[:2]}-{text[2:4]}-{text[4:]}"
    return text.lstrip("0") or "0" if form == "n12" else text


def value_words(tag: bytes, value: bytes, context: str = "") -> tuple[Word, ...]:
    """Return what a value says beyond itself: bits, lists of objects, files, codes; empty where there is no more.

    A malformed value is said to be one.
    """
    name = tag.hex().upper()
    try:
        if name in _DOLS and _SHORT_DOL_CONTEXTS.get(name, context) == context:
            return dol_words(value)
        if name in _LISTS:
            return _LISTS[name](value)
        return bit_words(tag, value, context)
    except EncodingError as error:
        return (Word("", f"malformed: {error}"),)


def dol_words(value: bytes) -> tuple[Word, ...]:
    """Return a data object list in words, a word an entry; one that ends in the middle says so."""
    try:
        return tuple(map(_wish, parse_dol(value)))
    except TruncatedDolError as error:
        return (*map(_wish, error.entries), Word("", f"malformed: {error}"))


def _wish(entry: DolEntry) -> Word:
    unit = "byte" if entry.size == 1 else "bytes"
    return Word(entry.tag.hex().upper(), f"{entry.size} {unit}, {name_of(entry.tag)}")


def _afl_words(value: bytes) -> tuple[Word, ...]:
    return tuple(Word("", entry.describe()) for entry in parse_afl(value))


def _tag_list_words(value: bytes) -> tuple[Word, ...]:
    return tuple(Word(tag.hex().upper(), name_of(tag)) for tag in parse_tag_list(value))


def _log_entry_words(value: bytes) -> tuple[Word, ...]:
    if len(value) != 2:
        raise EncodingError(f"Log Entry (9F4D): got {len(value)} bytes, expected 2")
    return (Word("", f"log in SFI {value[0]}, {value[1]} records"),)


_TRANSACTION_TYPES = {0x00: "goods and services", 0x01: "cash", 0x09: "purchase with cashback", 0x20: "refund"}
_TRANSACTION_TYPES |= {0x30: "inquiry", 0x31: "balance inquiry"}
_RESPONSES = {b"00": "approved", b"05": "do not honour", b"Y1": "offline approved", b"Z1": "offline declined"}
_RESPONSES |= {b"Y3": "unable to go online, approved offline", b"Z3": "unable to go online, declined offline"}
_SERVICE = (
    {"1": "international", "2": "international, chip", "5": "national", "6": "national, chip", "7": "private"},
    {"0": "normal authorisation", "2": "by issuer", "4": "by issuer unless agreed otherwise"},
    {
        "0": "no restrictions, PIN required",
        "1": "no restrictions",
        "2": "goods and services only",
        "3": "ATM only, PIN required",
        "4": "cash only",
        "5": "goods and services only, PIN required",
        "6": "no restrictions, PIN if there is a PIN pad",
        "7": "goods and services only, PIN if there is a PIN pad",
    },
)


def _transaction_type_words(value: bytes) -> tuple[Word, ...]:
    return (Word("", _TRANSACTION_TYPES.get(int.from_bytes(value, "big"), "type of the payment system")),)


def _response_words(value: bytes) -> tuple[Word, ...]:
    return (Word("", _RESPONSES.get(value, "code of the payment system")),)


def _service_code_words(value: bytes) -> tuple[Word, ...]:
    digits = value.hex()[1:]
    return tuple(
        Word(f"digit {place}", meaning.get(digit, f"{digit}, reserved for future use"))
        for place, (digit, meaning) in enumerate(zip(digits, _SERVICE, strict=False), 1)
    )


_LISTS: dict[str, Callable[[bytes], tuple[Word, ...]]] = {
    "5F30": _service_code_words,
    "8A": _response_words,
    "94": _afl_words,
    "9C": _transaction_type_words,
    "9F4A": _tag_list_words,
    "9F4D": _log_entry_words,
}
