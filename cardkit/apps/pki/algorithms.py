"""Hashes and signature schemes of certificates and signed objects, by identifier (RFC 3279, 4055, 5480, 5758)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

HASHES: Mapping[str, str] = MappingProxyType(
    {
        "1.3.14.3.2.26": "sha1",
        "2.16.840.1.101.3.4.2.4": "sha224",
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
)
"""Names of :mod:`hashlib` by object identifier."""
HASH_OIDS: Mapping[str, str] = MappingProxyType({name: oid for oid, name in HASHES.items()})
_RSA = "1.2.840.113549.1.1"
_ECDSA = "1.2.840.10045.4"
PSS = f"{_RSA}.10"
MGF1 = f"{_RSA}.8"
RSA_ENCRYPTION = f"{_RSA}.1"


class Scheme(Enum):
    """How a signature is made."""

    PKCS1 = "RSASSA-PKCS1-v1_5"
    PSS = "RSASSA-PSS"
    ECDSA = "ECDSA"


# The hash is empty where something else says it: parameters, or the signer's digest algorithm.
_SCHEMES: Mapping[str, tuple[Scheme, str]] = MappingProxyType(
    {
        RSA_ENCRYPTION: (Scheme.PKCS1, ""),
        f"{_RSA}.5": (Scheme.PKCS1, "sha1"),
        f"{_RSA}.14": (Scheme.PKCS1, "sha224"),
        f"{_RSA}.11": (Scheme.PKCS1, "sha256"),
        f"{_RSA}.12": (Scheme.PKCS1, "sha384"),
        f"{_RSA}.13": (Scheme.PKCS1, "sha512"),
        PSS: (Scheme.PSS, ""),
        f"{_ECDSA}.1": (Scheme.ECDSA, "sha1"),
        f"{_ECDSA}.3.1": (Scheme.ECDSA, "sha224"),
        f"{_ECDSA}.3.2": (Scheme.ECDSA, "sha256"),
        f"{_ECDSA}.3.3": (Scheme.ECDSA, "sha384"),
        f"{_ECDSA}.3.4": (Scheme.ECDSA, "sha512"),
        "1.2.840.10045.2.1": (Scheme.ECDSA, ""),
    }
)


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature scheme with its parameters.

    :param oid: in dots.  :param hash: name of :mod:`hashlib`; empty where the signer's digest algorithm says it.
    :param salt_bytes: of PSS.  :param complete: whether every parameter of PSS is written out.
    """

    oid: str
    scheme: Scheme
    hash: str
    salt_bytes: int = 0
    complete: bool = True

    @classmethod
    def parse(cls, data: bytes) -> SignatureAlgorithm:
        """Read an AlgorithmIdentifier.

        :raises EncodingError: on a scheme nobody uses in travel documents.
        """
        fields = Fields(der.only(data, Tag.SEQUENCE, "signature algorithm").value, "signature algorithm")
        oid = fields.oid("algorithm")
        if oid not in _SCHEMES:
            raise EncodingError(f"signature algorithm {oid}: expected RSA or ECDSA with a hash of the SHA family")
        scheme, named = _SCHEMES[oid]
        parameters = fields.maybe(Tag.SEQUENCE)
        if scheme is not Scheme.PSS:
            return cls(oid, scheme, named)
        return _pss(oid, parameters.value if parameters else b"")


def _pss(oid: str, parameters: bytes) -> SignatureAlgorithm:
    """Read the parameters of PSS; absent ones have the defaults of RFC 4055 3.1: SHA-1, salt of 20 bytes."""
    fields = Fields(parameters, "RSASSA-PSS parameters")
    hashing, masking, salt = (fields.maybe(tag) for tag in (0xA0, 0xA1, 0xA2))
    name = hash_of(hashing.value) if hashing else "sha1"
    if masking:
        inner = Fields(der.only(masking.value, Tag.SEQUENCE, "MGF").value, "MGF")
        generator, mask_hash = inner.oid("algorithm"), hash_of(inner.take(Tag.SEQUENCE, "hash").build())
        if generator != MGF1 or mask_hash != name:
            raise EncodingError(f"RSASSA-PSS: mask {generator} with {mask_hash}, expected MGF1 with {name}")
    size = der.read_integer(der.only(salt.value, Tag.INTEGER, "salt").value) if salt else 20
    return SignatureAlgorithm(oid, Scheme.PSS, name, size, complete=bool(hashing and masking and salt))


def hash_of(identifier: bytes) -> str:
    """Return the name of the hash of an AlgorithmIdentifier.  :raises EncodingError: on another than SHA-1 or SHA-2."""
    oid = Fields(der.only(identifier, Tag.SEQUENCE, "hash algorithm").value, "hash algorithm").oid("algorithm")
    if oid not in HASHES:
        raise EncodingError(f"hash algorithm {oid}: expected SHA-1, -224, -256, -384 or -512")
    return HASHES[oid]


def hash_identifier(name: str) -> bytes:
    """Return the AlgorithmIdentifier of a hash, without parameters. RFC 5754 2

    :raises EncodingError: on another name than those of :data:`HASHES`.
    """
    if name not in HASH_OIDS:
        raise EncodingError(f"hash {name!r}, expected one of {', '.join(HASH_OIDS)}")
    return der.sequence(der.oid(HASH_OIDS[name]))


def digest(name: str, data: bytes) -> bytes:
    """Return the hash of data.  :param name: of :data:`HASHES`."""
    return hashlib.new(name, data, usedforsecurity=name != "sha1").digest()
