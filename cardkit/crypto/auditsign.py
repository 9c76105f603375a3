"""Signatures of the audit: Ed25519, or ECDSA P-256 where a token has no Edwards curve. security.md 11, RFC 8032"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from cardkit.crypto import content
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.errors import KeyStoreError

SIGNATURE_BYTES = 64
PEM = b"-----BEGIN"


def key_of_seed(seed: Key, name: str) -> PrivateKey:
    """Return the Ed25519 key of 32 derived bytes (RFC 8032 5.1.5)."""
    with seed.reveal() as clear:
        return PrivateKey.of(Ed25519PrivateKey.from_private_bytes(clear), name, Usage.AUDIT_SIGN)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Return the signature of a message, 64 bytes."""
    loaded = key.load_auditing()
    if isinstance(loaded, Ed25519PrivateKey):
        return loaded.sign(message)
    return content.sign(key, message)


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right.

    :param public: SubjectPublicKeyInfo, DER.  :raises KeyStoreError: when it is no key checkpoints are signed with.
    """
    key = _loaded(public)
    if isinstance(key, Ed25519PublicKey):
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
    return content.verifies(key, message, signature)


def public_key(data: bytes) -> bytes:
    """Return the public key of a file, PEM or DER, as SubjectPublicKeyInfo in DER.

    :raises KeyStoreError: when it is no key checkpoints are signed with.
    """
    return _loaded(data).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def to_pem(public: bytes) -> bytes:
    """Return a public key as a PEM file."""
    return _loaded(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _loaded(data: bytes) -> Ed25519PublicKey | EllipticCurvePublicKey:
    key: PublicKeyTypes
    try:
        key = load_pem_public_key(data) if data.startswith(PEM) else load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyStoreError("public key: expected SubjectPublicKeyInfo, PEM or DER") from None
    if isinstance(key, Ed25519PublicKey) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        return key
    raise KeyStoreError("public key: checkpoints are signed with Ed25519 or EC-P256")
