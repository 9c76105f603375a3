"""Keyed digests of codes: they tell that a code was refused before and give nothing away."""

from __future__ import annotations

import hmac

from cardkit.crypto.secret import Secret

_LABEL = b"cardkit-code-1\0"


def code_digest(key: Secret, card: str, reference: int, code: Secret) -> bytes:
    """Return HMAC-SHA-256 of card, key reference and code, 32 bytes.

    :param key: the plant's digest key.  :param card: what names the card: ICCID, or ATR and serial.
    """
    with key.reveal() as key_bytes, code.reveal() as code_bytes:
        message = _LABEL + card.encode() + b"\0" + bytes((reference,)) + bytes(code_bytes)
        return hmac.digest(bytes(key_bytes), message, "sha256")
