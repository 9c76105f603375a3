"""Hex digits as people type them."""

from __future__ import annotations

from cardkit.errors import EncodingError


def from_hex(text: str) -> bytes:
    """Read pairs of hex digits; blanks and colons may stand between the pairs.

    :raises EncodingError: on anything else.

    >>> from_hex("00 a4:0400").hex()
    '00a40400'
    """
    try:
        return bytes.fromhex(text.replace(":", " "))
    except ValueError:
        raise EncodingError(f"{text!r} is not hex, expected digits 0-9 A-F in pairs") from None
