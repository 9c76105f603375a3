"""Private keys of key agreement and signatures: elliptic curves, RSA, Ed25519, held as PKCS#8 bytes nobody sees."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from cardkit.crypto.key import Usage
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

CURVES = {
    # name of the curve in `cryptography`: our algorithm
    "secp256r1": "EC-P256",
    "secp384r1": "EC-P384",
    "secp521r1": "EC-P521",
    "brainpoolP256r1": "EC-BP256",
    "brainpoolP384r1": "EC-BP384",
    "brainpoolP512r1": "EC-BP512",
}
RSA_LEAST_BITS = 1024
PURPOSES = (Usage.SIGN, Usage.AGREE, Usage.EMV_SIGN, Usage.AUDIT_SIGN)
ED25519 = "ED25519"
ED25519_BITS = 256
# Checkpoints of an audit are signed with one of these (security.md 11).
AUDITING = (ED25519, "EC-P256")

Loaded = EllipticCurvePrivateKey | RSAPrivateKey
Auditing = EllipticCurvePrivateKey | Ed25519PrivateKey


class PrivateKey(Secret):
    """An EC, RSA or Ed25519 private key with its public facts.

    :param value: PKCS#8, DER, unencrypted.  :param usage: ``sign``, ``agree``, ``emv-sign`` or ``audit-sign``.
    :raises KeyStoreError: on bytes of another form, a curve or size not in use, or another usage.
    """

    __slots__ = ("algorithm", "bits", "kcv", "kvn", "public", "usage")

    def __init__(
        self, value: bytes | bytearray | memoryview, name: str, usage: Usage, *, kvn: int | None = None
    ) -> None:
        super().__init__(value, name)
        if usage not in PURPOSES:
            raise KeyStoreError(f"key {name}: usage {usage}, a private key is for {' or '.join(PURPOSES)}")
        loaded = self._load(checked=False)
        self.usage = usage
        self.kvn = kvn
        self.algorithm = _algorithm(name, loaded)
        self.bits = ED25519_BITS if isinstance(loaded, Ed25519PrivateKey) else loaded.key_size
        if usage is Usage.AGREE and not isinstance(loaded, EllipticCurvePrivateKey):
            raise KeyStoreError(f"key {name}: {self.algorithm}, a key agreement needs an elliptic curve")
        if usage is Usage.EMV_SIGN and not isinstance(loaded, RSAPrivateKey):
            raise KeyStoreError(f"key {name}: {self.algorithm}, EMV certificates are signed with RSA")
        if usage is Usage.AUDIT_SIGN and self.algorithm not in AUDITING:
            raise KeyStoreError(f"key {name}: {self.algorithm}, checkpoints are signed with {' or '.join(AUDITING)}")
        if usage is not Usage.AUDIT_SIGN and self.algorithm == ED25519:
            raise KeyStoreError(f"key {name}: {self.algorithm}, expected usage {Usage.AUDIT_SIGN}")
        self.public = public_bytes(loaded)
        self.kcv: str | None = hashlib.sha256(self.public).hexdigest().upper()

    @classmethod
    def of(cls, loaded: Loaded | Ed25519PrivateKey, name: str, usage: Usage, *, kvn: int | None = None) -> PrivateKey:
        """Return the key of an object of ``cryptography``."""
        return cls(loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), name, usage, kvn=kvn)

    def load(self) -> Loaded:
        """Return the object that calculates; it dies with the operation."""
        loaded = self._load(checked=True)
        if isinstance(loaded, Ed25519PrivateKey):
            raise KeyStoreError(f"key {self.name}: {self.algorithm}, it signs checkpoints and nothing else")
        return loaded

    def load_auditing(self) -> Auditing:
        """Return the object that signs checkpoints; it dies with the operation."""
        loaded = self._load(checked=True)
        if isinstance(loaded, RSAPrivateKey):
            raise KeyStoreError(
                f"key {self.name}: {self.algorithm}, checkpoints are signed with {' or '.join(AUDITING)}"
            )
        return loaded

    def _load(self, *, checked: bool) -> Loaded | Ed25519PrivateKey:
        """Return the object; the numbers of an RSA key are checked once, which takes 60 ms at 1,408 bits."""
        try:
            loaded = load_der_private_key(self._buffer, password=None, unsafe_skip_rsa_key_validation=checked)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyStoreError(f"key {self.name}: expected a private key in PKCS#8 form, DER, unencrypted") from None
        if not isinstance(loaded, EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey):
            raise KeyStoreError(f"key {self.name}: expected an EC, RSA or Ed25519 private key")
        return loaded

    def __repr__(self) -> str:
        version = f" kvn={self.kvn:02X}" if self.kvn is not None else ""
        return f"<{self.algorithm}{version} public={(self.kcv or '')[:16]}>"


def private_key_of_pem(content: bytes, name: str, usage: Usage) -> PrivateKey:
    """Return the private key of a PEM file.

    :raises KeyStoreError: on another form, one under a passphrase, and as :class:`PrivateKey`.
    """
    try:
        loaded = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyStoreError(f"key {name}: expected a private key in PEM form, unencrypted") from None
    if not isinstance(loaded, EllipticCurvePrivateKey | RSAPrivateKey):
        raise KeyStoreError(f"key {name}: expected an EC or RSA private key")
    return PrivateKey.of(loaded, name, usage)


def public_bytes(key: Loaded | Ed25519PrivateKey) -> bytes:
    """Return the public key as SubjectPublicKeyInfo, DER: what the SHA-256 shown for a key is made of."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _algorithm(name: str, key: Loaded | Ed25519PrivateKey) -> str:
    if isinstance(key, Ed25519PrivateKey):
        return ED25519
    if isinstance(key, EllipticCurvePrivateKey):
        if key.curve.name not in CURVES:
            raise KeyStoreError(f"key {name}: curve {key.curve.name}, expected one of {', '.join(CURVES)}")
        return CURVES[key.curve.name]
    if key.key_size < RSA_LEAST_BITS:
        raise KeyStoreError(f"key {name}: RSA of {key.key_size} bits, expected {RSA_LEAST_BITS} or more")
    return f"RSA-{key.key_size}"
