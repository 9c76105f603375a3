"""Primitives, keys and key stores. The only floor besides the APDU encoder that sees secrets in clear."""

from __future__ import annotations

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.keystore import KeyInfo, KeyStore
from cardkit.crypto.memory import MemoryKeyStore
from cardkit.crypto.secret import Secret

__all__ = ["Key", "KeyInfo", "KeyStore", "MemoryKeyStore", "Secret", "Usage"]
