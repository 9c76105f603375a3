"""Slots, key algorithms and data objects of a PIV card, by the numbers they have there (SP 800-73-4, SP 800-78-4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import HASH_OIDS, Scheme
from cardkit.crypto.curves import BY_NAME
from cardkit.encoding import der, tlv
from cardkit.errors import EncodingError

_POINT, _MODULUS, _EXPONENT = 0x86, 0x81, 0x82


@dataclass(frozen=True, slots=True)
class KeyAlgorithm:
    """An algorithm of key pairs.

    :param reference: in commands.  :param curve: name of the curve; empty for RSA.  :param bits: of curve or modulus.
    :param hash: what is signed with it here.
    """

    reference: int
    name: str
    bits: int
    curve: str = ""
    hash: str = "sha256"

    @property
    def scheme(self) -> Scheme:
        """How it signs here."""
        return Scheme.ECDSA if self.curve else Scheme.PKCS1


KEY_ALGORITHMS: Mapping[str, KeyAlgorithm] = MappingProxyType(
    {
        item.name: item
        for item in (
            KeyAlgorithm(0x07, "RSA-2048", 2048),
            KeyAlgorithm(0x05, "RSA-3072", 3072),
            KeyAlgorithm(0x11, "P-256", 256, "P-256"),
            KeyAlgorithm(0x14, "P-384", 384, "P-384", "sha384"),
        )
    }
)
BY_REFERENCE: Mapping[int, KeyAlgorithm] = MappingProxyType({item.reference: item for item in KEY_ALGORITHMS.values()})

MANAGEMENT_ALGORITHMS: Mapping[str, int] = MappingProxyType(
    {"3DES-192": 0x03, "AES-128": 0x08, "AES-192": 0x0A, "AES-256": 0x0C}
)
"""Algorithms of the management key (9B), by the names :mod:`cardkit.crypto` has for them."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a key pair lives.

    :param reference: key reference.  :param certificate: tag of the object its certificate is in.
    :param usage: first byte of keyUsage of its certificate, by the kind of its key (RSA, EC).
    :param needs_pin: once.  :param needs_fresh_pin: before each use.
    """

    reference: int
    title: str
    certificate: int
    usage: tuple[int, int]
    needs_pin: bool = True
    needs_fresh_pin: bool = False

    @property
    def name(self) -> str:
        """As people call it: ``9A``."""
        return f"{self.reference:02X}"


AGREEMENT = 0x08
"""keyUsage of a key that agrees on secrets."""
_SIGNATURE, _SIGNATURE_AND_CONTENT, _ENCIPHERMENT = 0x80, 0xC0, 0x20
SLOTS: Mapping[str, Slot] = MappingProxyType(
    {
        item.name: item
        for item in (
            Slot(0x9A, "PIV authentication", 0x5FC105, (_SIGNATURE, _SIGNATURE)),
            Slot(
                0x9C,
                "digital signature",
                0x5FC10A,
                (_SIGNATURE_AND_CONTENT, _SIGNATURE_AND_CONTENT),
                needs_fresh_pin=True,
            ),
            Slot(0x9D, "key management", 0x5FC10B, (_ENCIPHERMENT, AGREEMENT)),
            Slot(0x9E, "card authentication", 0x5FC101, (_SIGNATURE, _SIGNATURE), needs_pin=False),
        )
    }
)
"""The four key pairs of every PIV card, by name. SP 800-73-4 part 1, 3.1 to 3.3"""


def public_key_info(algorithm: KeyAlgorithm, data: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key as the card gives it.

    :param data: ``86 04 X Y`` or ``81 n 82 e``.
    :raises EncodingError: when it is of another algorithm, or no point on the curve.
    """
    parts = {item.tag: item.value for item in tlv.parse(data)}
    expected = {_POINT} if algorithm.curve else {_MODULUS, _EXPONENT}
    if set(parts) != expected:
        found = ", ".join(f"{tag:02X}" for tag in parts) or "nothing"
        raise EncodingError(f"public key of {algorithm.name}: objects {found}")
    if algorithm.curve:
        built = publickey.build_ec(BY_NAME[algorithm.curve], parts[_POINT], explicit=False)
    else:
        built = publickey.build_rsa(*(int.from_bytes(parts[tag], "big") for tag in (_MODULUS, _EXPONENT)))
    bits = publickey.parse(built).bits
    if bits != algorithm.bits:
        raise EncodingError(f"public key of {algorithm.name}: {bits} bits, expected {algorithm.bits}")
    return built


def digest_info(name: str, hashed: bytes) -> bytes:
    """Return the DigestInfo of a hash, what RSASSA-PKCS1-v1_5 signs. RFC 8017 9.2

    :param name: ``sha256`` ...
    """
    return der.sequence(der.sequence(der.oid(HASH_OIDS[name]), der.NULL), der.octets(hashed))
