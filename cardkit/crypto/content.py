"""Signatures over card content: DAP blocks, tokens and receipts (GPCS B.1.2.2, B.3, B.4.3, C.3 to C.5)."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

from cardkit.crypto.key import Key
from cardkit.crypto.mac import cmac, retail_mac
from cardkit.crypto.private import PrivateKey
from cardkit.errors import AuthenticationError, KeyStoreError

SHORT_RSA_BITS = 1024
PSS_SALT_BYTES = 32


def sign(key: Key | PrivateKey, message: bytes) -> bytes:
    """Return the signature of a message by the scheme GlobalPlatform has for the key.

    3DES: retail MAC, 8 bytes. AES: CMAC, 16 bytes. RSA-1024: PKCS#1 v1.5 with SHA-1. Longer RSA: PSS with SHA-256 and a
    salt of 32 bytes. EC: ECDSA as plain r and s, hashed by the size of the curve.

    :raises KeyStoreError: on a key of another algorithm.
    GPCS B.1.2.2, B.2.2, B.3, B.4.3
    """
    if isinstance(key, Key):
        return mac(key, message)
    loaded = key.load()
    if isinstance(loaded, RSAPrivateKey):
        return loaded.sign(message, *_rsa_scheme(loaded.key_size))
    size = (loaded.key_size + 7) // 8
    r, s = decode_dss_signature(loaded.sign(message, ec.ECDSA(curve_hash(loaded.key_size))))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(key: Key | PrivateKey, message: bytes, signature: bytes) -> None:
    """Check a signature made as :func:`sign` makes it.

    :raises AuthenticationError: when it is wrong.  :raises KeyStoreError: on a key of another algorithm.
    """
    if isinstance(key, Key):
        right = hmac.compare_digest(mac(key, message), signature)
    else:
        right = verifies(key.load().public_key(), message, signature)
    check(key.name, signature, right)


def check(name: str, signature: bytes, right: bool) -> None:
    """Raise AuthenticationError for a signature that is not right."""
    if not right:
        raise AuthenticationError(f"signature of {len(signature)} bytes under key {name}: wrong")


def mac(key: Key, message: bytes) -> bytes:
    """Return the MAC GlobalPlatform signs content with: 3DES retail MAC (8 bytes) or AES CMAC (16).

    :raises KeyStoreError: on a key of another algorithm.
    """
    if not key.algorithm.startswith(("AES-", "3DES-")):
        raise KeyStoreError(f"key {key.name}: {key.algorithm}, content is signed with AES, 3DES, RSA or EC")
    with key.reveal() as clear:
        return cmac(clear, message) if key.algorithm.startswith("AES-") else retail_mac(clear, message)


def curve_hash(bits: int) -> HashAlgorithm:
    """Return the hash that goes with a curve: SHA-256 below 384 bits, SHA-384 below 512, else SHA-512. GPCS B.4.3"""
    if bits < 384:
        return SHA256()
    return SHA384() if bits < 512 else SHA512()


def _rsa_scheme(bits: int) -> tuple[padding.AsymmetricPadding, HashAlgorithm]:
    """Return padding and hash. GPCS B.3: SHA-1 for the 1024-bit keys old cards have."""
    if bits <= SHORT_RSA_BITS:
        return padding.PKCS1v15(), SHA1()  # noqa: S303
    return padding.PSS(padding.MGF1(SHA256()), PSS_SALT_BYTES), SHA256()


def verifies(key: EllipticCurvePublicKey | RSAPublicKey, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right under a public key."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, *_rsa_scheme(key.key_size))
            return True
        size = (key.key_size + 7) // 8
        if len(signature) != 2 * size:
            return False
        r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(curve_hash(key.key_size)))
    except InvalidSignature:
        return False
    return True
