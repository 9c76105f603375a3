"""Keys as they come into a store: random ones, those from key blocks, and how kept bytes become a key again."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cardkit.crypto import blockpolicy
from cardkit.crypto.key import ALGORITHMS, Key, Usage
from cardkit.crypto.keyblock import KeyBlock
from cardkit.crypto.management import NO_METHOD, PUBLIC_KEY_METHOD, NewKey, shown_method
from cardkit.crypto.private import ED25519, PrivateKey
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

RSA_SIZES = (1024, 1152, 1280, 1408, 1536, 1792, 1984, 2048, 3072, 4096)
PUBLIC_EXPONENT = 65537
MOST_CODE_BYTES = 32
CURVE_OF: dict[str, ec.EllipticCurve] = {
    "EC-P256": ec.SECP256R1(),
    "EC-P384": ec.SECP384R1(),
    "EC-P521": ec.SECP521R1(),
    "EC-BP256": ec.BrainpoolP256R1(),
    "EC-BP384": ec.BrainpoolP384R1(),
    "EC-BP512": ec.BrainpoolP512R1(),
}
ASYMMETRIC = (*CURVE_OF, ED25519, *(f"RSA-{bits}" for bits in RSA_SIZES))
GENERATED = (*(name for name in ALGORITHMS if not name.startswith("ECDH-")), *ASYMMETRIC)


def random_key(algorithm: str) -> bytearray:
    """Return a random key, PKCS#8 (DER) for a private one; the caller wipes it.

    :raises KeyStoreError: on an algorithm keys are not made for.
    """
    check_algorithm("key", algorithm)
    if algorithm in ALGORITHMS:
        return bytearray(os.urandom(ALGORITHMS[algorithm][0]))
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm in CURVE_OF:
        private = ec.generate_private_key(CURVE_OF[algorithm])
    elif algorithm == ED25519:
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(PUBLIC_EXPONENT, int(algorithm.partition("-")[2]))
    return bytearray(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def check_algorithm(what: str, algorithm: str) -> None:
    """Raise KeyStoreError for an algorithm keys are not made for."""
    if algorithm not in GENERATED:
        raise KeyStoreError(f"{what}: algorithm {algorithm!r}, expected one of {', '.join(GENERATED)}")


def key_of(new: NewKey, value: bytearray) -> Key | PrivateKey:
    """Return the key of clear bytes; KeyStoreError where they are not what was announced."""
    key = _key(new.reference, new.algorithm, new.usage, value, new.kvn)
    if key.algorithm != new.algorithm:
        raise KeyStoreError(f"key {new.reference}: {key.algorithm}, expected {new.algorithm}")
    return key


def code_of(reference: str, value: bytes | bytearray) -> Secret:
    """Return the card secret of clear bytes: a code that is presented to a card, 1 to 32 bytes.

    :raises KeyStoreError: on another length.
    """
    if not 1 <= len(value) <= MOST_CODE_BYTES:
        raise KeyStoreError(f"key {reference}: {len(value)} bytes, a code has 1 to {MOST_CODE_BYTES}")
    return Secret(value, reference)


def stored_key(reference: str, algorithm: str, usage: Usage, value: bytes | bytearray, kvn: int | None) -> Secret:
    """Return the key of kept bytes; a private one is told by its algorithm, a card secret by its usage."""
    if usage is Usage.CARD_SECRET:
        return code_of(reference, value)
    return _key(reference, algorithm, usage, value, kvn)


def _key(reference: str, algorithm: str, usage: Usage, value: bytes | bytearray, kvn: int | None) -> Key | PrivateKey:
    if algorithm in ALGORITHMS:
        return Key(value, reference, algorithm, usage, kvn=kvn)
    if algorithm not in ASYMMETRIC:
        raise KeyStoreError(f"key {reference}: algorithm {algorithm!r}, expected one of {', '.join(GENERATED)}")
    return PrivateKey(value, reference, usage, kvn=kvn)


def method_name(key: Key | PrivateKey) -> str:
    """Return the name of the method a key's shown check value is made by."""
    return method_name_of(key.algorithm)


def method_name_of(algorithm: str) -> str:
    """Return the name of the method check values of an algorithm are shown by."""
    return (shown_method(algorithm) or NO_METHOD) if algorithm in ALGORITHMS else PUBLIC_KEY_METHOD


def check_block(new: NewKey, block: KeyBlock) -> None:
    """Raise KeyStoreError where a key block says something else of its key than is announced (K7)."""
    header = block.header
    usage = blockpolicy.usage_of(header)
    if new.usage is not usage:
        raise KeyStoreError(
            f"key {new.reference}: usage {new.usage}, the key block says {usage} ({header.usage}, {header.mode})"
        )
    if header.algorithm in ("A", "T", "H"):
        algorithm = blockpolicy.algorithm_of(header, len(block.key))
        if new.algorithm != algorithm:
            raise KeyStoreError(f"key {new.reference}: {new.algorithm}, the key block says {algorithm}")
    if new.exportable and header.exportability != "E":
        raise KeyStoreError(f"key {new.reference}: exportable, the key block says {header.exportability}: it stays in")
