"""Vectors of cryptograms, PINs and verification values: calls of two other programs, and what came out."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.crypto.kcv import block_cipher

FOLDER = Path(__file__).parents[2] / "vectors"
EMV = json.loads((FOLDER / "emv_crypto.json").read_text(encoding="utf-8"))
PAYMENT = json.loads((FOLDER / "payment_crypto.json").read_text(encoding="utf-8"))


def calls(name):
    """Return parameters for the vectors of one function: inputs, result."""
    import pytest

    found = [v for v in EMV + PAYMENT if v["in"].get("call", "").endswith(f".{name}")]
    assert found, name
    return [pytest.param(v["in"], v["out"]["result"], id=v["name"]) for v in found]


class AnyKey:
    """A 3DES key of whatever bytes: vectors have equal halves, which a key of cardkit must not have."""

    algorithm = "3DES-128"
    name = "vector"

    def __init__(self, value):
        self._value = value

    def ecb(self, data):
        return Cipher(block_cipher("3DES", self._value), modes.ECB()).encryptor().update(bytes(data))
