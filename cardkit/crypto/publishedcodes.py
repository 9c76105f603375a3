"""PINs and PUKs that everybody tries first."""

from __future__ import annotations

from cardkit.crypto.secret import Secret

_PADDING = 0xFF
_STRAIGHT = b"01234567890"
_BACK = _STRAIGHT[::-1]


def is_published_code(code: Secret) -> bool:
    """Whether a PIN or PUK is one digit over and over, or digits that count up or down; padding FF is left out.

    >>> codes = (b"0000", b"1234\\xff\\xff\\xff\\xff", b"98765432", b"2437")
    >>> [is_published_code(Secret(code, "pin1")) for code in codes]
    [True, True, True, False]
    """
    with code.reveal() as clear:
        digits = bytes(byte for byte in clear if byte != _PADDING)
        return len(set(digits)) <= 1 or digits in _STRAIGHT or digits in _BACK
