"""Vectors of certificates and signatures: recovered by other programs, made by other people's keys."""

import json
from pathlib import Path

from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.crypto.emvrsa import RsaPublicKey

FOLDER = Path(__file__).parents[2] / "vectors"
ODA = json.loads((FOLDER / "emv_oda.json").read_text(encoding="utf-8"))


def named(prefix):
    """Return the vectors whose names begin so, by name."""
    return {v["name"]: v for v in ODA if v["name"].startswith(prefix)}


def unhex(vector, field):
    return bytes.fromhex(vector["in"].get(field, ""))


def public(vector, whose):
    return RsaPublicKey(unhex(vector, f"{whose}_modulus"), unhex(vector, f"{whose}_exp"))


def signed_key(vector, certificate, remainder, exponent):
    return SignedKey(*(unhex(vector, f"tag_{tag}") for tag in (certificate, remainder, exponent)))


def issuer_key(vector):
    return signed_key(vector, "90", "92", "9F32")


def icc_key(vector):
    return signed_key(vector, "9F46", "9F48", "9F47")
