"""Primitives, keys and key stores. The only floor besides the APDU encoder that sees secrets in clear."""

from __future__ import annotations

from cardkit.crypto.secret import Secret

__all__ = ["Secret"]
