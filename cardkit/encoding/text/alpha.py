"""Alpha fields: names on a UICC in GSM 7-bit or one of three UCS2 forms (ETSI TS 102 221 annex A)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from itertools import groupby

import msgspec

from cardkit.encoding.text.gsm7 import SEPTETS, UNKNOWN, decode_gsm7, encode_gsm7
from cardkit.errors import EncodingError


class AlphaForm(IntEnum):
    """How an alpha field is coded; the value of a UCS2 form is its first byte."""

    GSM7 = 0x00
    UCS2 = 0x80
    PAGE = 0x81
    """Characters of one half page of 128, base on 1 byte."""
    BASE = 0x82
    """Characters of any 128 in a row, base on 2 bytes."""


class AlphaText(msgspec.Struct, frozen=True):
    """An alpha field as read.

    :param text: the characters; U+FFFD where the bytes say nothing.
    :param raw: the whole field, fill included.
    """

    text: str
    form: AlphaForm
    raw: bytes

    @property
    def exact(self) -> bool:
        """Whether text, form and size alone rebuild the field; otherwise keep `raw`."""
        try:
            return encode_alpha(self.text, len(self.raw), self.form) == self.raw
        except EncodingError:
            return False

    @property
    def shortest(self) -> bool:
        """Whether the field is what :func:`encode_alpha` writes for the text when left to choose."""
        try:
            return encode_alpha(self.text, len(self.raw)) == self.raw
        except EncodingError:
            return False

    def build(self) -> bytes:
        """Return the field as it was read."""
        return self.raw


def decode_alpha(field: bytes) -> AlphaText:
    """Read an alpha field; any bytes are one.

    >>> decode_alpha(bytes.fromhex("81060891B8BBB0B9BDFFFF")).text
    'Билайн'
    """
    form = AlphaForm(field[0]) if field[:1] in {b"\x80", b"\x81", b"\x82"} else AlphaForm.GSM7
    if form is AlphaForm.GSM7:
        text = decode_gsm7(field.rstrip(b"\xff"))
    elif form is AlphaForm.UCS2:
        text = _decode_ucs2(field[1:])
    else:
        text = _decode_based(field, form)
    return AlphaText(text, form, field)


def encode_alpha(text: str, size: int, form: AlphaForm | None = None) -> bytes:
    """Write an alpha field, FF behind the text.

    :param size: bytes of the field.
    :param form: by default the shortest that can hold the text; GSM 7-bit, then plain UCS2, where two are equal.
    :raises EncodingError: if no form, or not this one, can hold the text in this size.

    >>> encode_alpha("Билайн", 11).hex()
    '81060891b8bbb0b9bdffff'
    """
    if form is not None:
        return _filled(_WRITERS[form](text), size)
    candidates = [coded for coded in (_attempt(text, form) for form in _WRITERS) if coded is not None]
    if not candidates:
        raise EncodingError("alpha field: characters beyond U+FFFF cannot stand in one")
    return _filled(min(candidates, key=len), size)


def _attempt(text: str, form: AlphaForm) -> bytes | None:
    try:
        return _WRITERS[form](text)
    except EncodingError:
        return None


def _filled(coded: bytes, size: int) -> bytes:
    if len(coded) > size:
        raise EncodingError(f"alpha field: the text takes {len(coded)} bytes, the field has {size}")
    return coded.ljust(size, b"\xff")


def _character(code: int) -> str:
    return UNKNOWN if 0xD800 <= code < 0xE000 or code > 0xFFFF else chr(code)


def _decode_ucs2(body: bytes) -> str:
    units = [int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body) - 1, 2)]
    used = units.index(0xFFFF) if 0xFFFF in units else len(units)
    return "".join(map(_character, units[:used]))


def _encode_ucs2(text: str) -> bytes:
    return b"\x80" + b"".join([_code(character).to_bytes(2, "big") for character in text])


def _code(character: str) -> int:
    code = ord(character)
    if code >= 0xFFFF or 0xD800 <= code < 0xE000:
        raise EncodingError(f"alpha field: U+{code:04X} is not in UCS2")
    return code


def _decode_based(field: bytes, form: AlphaForm) -> str:
    """Read forms 81 and 82: count, base, then bytes that add to the base if bit 8 is set, GSM 7-bit otherwise."""
    body = 3 if form is AlphaForm.PAGE else 4
    base = int.from_bytes(field[2:body], "big") << (7 if form is AlphaForm.PAGE else 0)
    coded = field[body : body + int.from_bytes(field[1:2], "big")]
    runs = groupby(coded, key=lambda byte: byte < 0x80)
    return "".join(
        decode_gsm7(bytes(run)) if plain else "".join(_character(base + byte - 0x80) for byte in run)
        for plain, run in runs
    )


def _encode_page(text: str) -> bytes:
    page = min((_code(character) for character in text if character not in SEPTETS), default=0) >> 7
    if page > 0xFF:
        raise EncodingError("alpha field: form 81 reaches up to U+7FFF only")
    return bytes((AlphaForm.PAGE, _count(text), page)) + _offsets(text, page << 7)


def _encode_base(text: str) -> bytes:
    base = min((_code(character) for character in text if character not in SEPTETS), default=0)
    return bytes((AlphaForm.BASE, _count(text))) + base.to_bytes(2, "big") + _offsets(text, base)


def _count(text: str) -> int:
    if len(text) > 0xFF:
        raise EncodingError(f"alpha field: {len(text)} characters, forms 81 and 82 count up to 255")
    return len(text)


def _offsets(text: str, base: int) -> bytes:
    # Annex A does not say how the escape counts, so extension characters are not written as septets here.
    return b"".join([SEPTETS.get(character) or _offset(_code(character), base) for character in text])


def _offset(code: int, base: int) -> bytes:
    if code - base > 0x7F:
        raise EncodingError(f"alpha field: U+{code:04X} is not within 128 characters from U+{base:04X}")
    return bytes((0x80 | code - base,))


_WRITERS: Mapping[AlphaForm, Callable[[str], bytes]] = {
    AlphaForm.GSM7: encode_gsm7,
    AlphaForm.UCS2: _encode_ucs2,
    AlphaForm.PAGE: _encode_page,
    AlphaForm.BASE: _encode_base,
}
