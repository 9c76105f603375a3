"""Session keys that count up, and openings without a card."""

from __future__ import annotations

from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import SessionKeys

ENC, MAC, RMAC, DEK = (bytes(range(first, first + 32)) for first in (0x40, 0x60, 0x80, 0xA0))


def key(value: bytes, name: str = "test", family: str = "AES") -> Key:
    return Key(value, name, f"{family}-{8 * len(value)}", Usage.DATA_ENC)


def aes_keys(size: int = 16) -> SessionKeys:
    return SessionKeys(enc=key(ENC[:size]), mac=key(MAC[:size]), rmac=key(RMAC[:size]), dek=key(DEK[:size]))


def des_keys() -> SessionKeys:
    return SessionKeys(*(key(value[:16], family="3DES") for value in (ENC, MAC, RMAC, DEK)))
