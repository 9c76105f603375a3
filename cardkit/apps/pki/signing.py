"""A key of a key store that signs certificates, lists and security objects."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import MGF1, PSS
from cardkit.apps.pki.publickey import EcKey
from cardkit.crypto import KeyStore
from cardkit.encoding import der
from cardkit.errors import KeyStoreError

_PSS_HASH, _PSS_SALT = "sha256", 32  # what KeyStore.sign_content does with an RSA key
_ECDSA_OIDS = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
_RSA_LEAST_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key by reference: ECDSA with the hash of its curve, or RSASSA-PSS with SHA-256.

    :param reference: of a key with usage ``sign``.
    """

    keystore: KeyStore
    reference: str

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, curves by name."""
        return self.keystore.public_key_info(self.reference)

    @property
    def hash(self) -> str:
        """The hash its signatures are made with, as :mod:`hashlib` calls it."""
        key = publickey.parse(self.public_key)
        if isinstance(key, EcKey):
            return "sha256" if key.bits < 384 else "sha384" if key.bits < 512 else "sha512"
        if key.bits < _RSA_LEAST_BITS:
            raise KeyStoreError(f"key {self.reference}: RSA of {key.bits} bits, expected {_RSA_LEAST_BITS} or more")
        return _PSS_HASH

    @property
    def algorithm(self) -> bytes:
        """AlgorithmIdentifier of its signatures; the parameters of PSS are complete. 9303-12 4.1"""
        name = self.hash
        if isinstance(publickey.parse(self.public_key), EcKey):
            return der.sequence(der.oid(_ECDSA_OIDS[name]))
        hashing = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
        masking = der.sequence(der.oid(MGF1), hashing)
        parameters = (der.explicit(0, hashing), der.explicit(1, masking), der.explicit(2, der.integer(_PSS_SALT)))
        return der.sequence(der.oid(PSS), der.sequence(*parameters))

    def sign(self, message: bytes) -> bytes:
        """Return a signature as X.509 and CMS have it; errors as of :meth:`KeyStore.sign_content`."""
        signature = self.sign_plain(message)
        if not isinstance(publickey.parse(self.public_key), EcKey):
            return signature
        half = len(signature) // 2
        numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        return der.sequence(*(der.integer(number) for number in numbers))

    def sign_plain(self, message: bytes) -> bytes:
        """Return a signature as card verifiable certificates have it: r and s one behind the other, or that of RSA."""
        return self.keystore.sign_content(self.reference, message)
