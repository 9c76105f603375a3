"""What stands on a token beside a key: the attributes its purpose allows, and a line of facts in CKA_ID.

Every attribute is given: defaults differ between tokens, and one of them leaves keys readable (security.md 7).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto.key import ALGORITHMS, Usage
from cardkit.crypto.keymaking import method_name_of
from cardkit.crypto.management import KeyEntry, NewKey, State
from cardkit.crypto.pkcs11module import pkcs11
from cardkit.crypto.private import Loaded, PrivateKey
from cardkit.errors import KeyStoreError

_A = pkcs11.Attribute
_SECRET_FLAGS = (_A.ENCRYPT, _A.DECRYPT, _A.SIGN, _A.VERIFY, _A.WRAP, _A.UNWRAP, _A.DERIVE)
_PRIVATE_FLAGS = (_A.DECRYPT, _A.SIGN, _A.UNWRAP, _A.DERIVE)
# K8: what a key may be used for on the token. None both wraps and decrypts: it would give away what it wraps.
_ALLOWED: dict[Usage, tuple[Any, ...]] = {
    Usage.DATA_ENC: (_A.ENCRYPT, _A.DECRYPT),
    Usage.DATA_MAC: (_A.SIGN, _A.VERIFY),
    Usage.MASTER_DERIVE: (_A.ENCRYPT, _A.SIGN, _A.DERIVE),  # derivations are single encryptions and CMACs
    Usage.KEK: (_A.WRAP, _A.UNWRAP),
    Usage.TRANSPORT_IN: (_A.UNWRAP, _A.DECRYPT),
    Usage.TRANSPORT_OUT: (_A.WRAP,),
    Usage.SECURE_CHANNEL: (_A.ENCRYPT, _A.SIGN, _A.DERIVE, _A.WRAP),
    Usage.CARD_KEY: (),
    Usage.SIGN: (_A.SIGN,),
    Usage.AGREE: (_A.DERIVE,),
    Usage.DUP_DIGEST: (_A.SIGN,),
    Usage.BLOCK_PROTECTION: (_A.SIGN,),
    Usage.AUDIT_SIGN: (_A.SIGN,),
    Usage.FIELD_ENC: (_A.ENCRYPT, _A.DECRYPT),
    Usage.PIN_ENC: (_A.ENCRYPT, _A.DECRYPT),
    Usage.IMK_AC: (_A.ENCRYPT, _A.DERIVE),
    Usage.IMK_SMI: (_A.ENCRYPT, _A.DERIVE),
    Usage.IMK_SMC: (_A.ENCRYPT, _A.DERIVE),
    Usage.IMK_IDN: (_A.ENCRYPT, _A.DERIVE),
    Usage.IMK_CVC3: (_A.ENCRYPT, _A.DERIVE),
    Usage.CVK: (_A.ENCRYPT,),
    Usage.PVK: (_A.ENCRYPT,),
    Usage.EMV_SIGN: (_A.SIGN,),
}
TYPES = {
    "AES-128": pkcs11.KeyType.AES,
    "AES-192": pkcs11.KeyType.AES,
    "AES-256": pkcs11.KeyType.AES,
    "3DES-128": pkcs11.KeyType.DES2,
    "3DES-192": pkcs11.KeyType.DES3,
    "HMAC-256": pkcs11.KeyType.GENERIC_SECRET,
}
# Curves as DER object identifiers: the binding's own table has no brainpool curve.
CURVE_OIDS = {
    "EC-P256": bytes.fromhex("06082a8648ce3d030107"),
    "EC-P384": bytes.fromhex("06052b81040022"),
    "EC-P521": bytes.fromhex("06052b81040023"),
    "EC-BP256": bytes.fromhex("06092b2403030208010107"),
    "EC-BP384": bytes.fromhex("06092b240303020801010b"),
    "EC-BP512": bytes.fromhex("06092b240303020801010d"),
}
_FACTS = "ck1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What CKA_ID says of a key: all that no attribute of PKCS#11 has room for.

    :param kcv: of a symmetric key, by the method shown for its algorithm; empty for others.
    """

    algorithm: str
    usage: Usage
    kvn: int | None
    kcv: str
    created: datetime
    not_after: date | None
    customer: str
    custodian: str

    @classmethod
    def of(cls, new: NewKey, kcv: str, now: datetime) -> Facts:
        """Return the facts of a key that is being made."""
        if new.exportable:
            raise KeyStoreError(f"key {new.reference}: exportable, but keys never leave a token")
        for text in (new.customer, new.custodian):
            if ";" in text or not text.isprintable():
                raise KeyStoreError(f"key {new.reference}: {text!r}: expected a name without semicolon")
        return cls(new.algorithm, new.usage, new.kvn, kcv, now, new.not_after, new.customer, new.custodian)

    def to_id(self) -> bytes:
        """Return the bytes of CKA_ID."""
        fields = (
            _FACTS,
            self.algorithm,
            self.usage,
            "" if self.kvn is None else f"{self.kvn:02X}",
            self.kcv,
            self.created.astimezone(UTC).strftime("%Y%m%d%H%M%S"),
            self.not_after.isoformat() if self.not_after else "",
            self.customer,
            self.custodian,
        )
        return ";".join(fields).encode()

    @classmethod
    def from_id(cls, reference: str, value: bytes) -> Facts:
        """Read CKA_ID; KeyStoreError for a key another program made: its purpose is not known."""
        fields = value.decode("utf-8", "replace").split(";")
        if len(fields) != 9 or fields[0] != _FACTS:
            raise KeyStoreError(f"key {reference}: made by another program, its purpose is not known")
        try:
            return cls(
                fields[1],
                Usage(fields[2]),
                int(fields[3], 16) if fields[3] else None,
                fields[4],
                datetime.strptime(fields[5], "%Y%m%d%H%M%S").replace(tzinfo=UTC),
                date.fromisoformat(fields[6]) if fields[6] else None,
                fields[7],
                fields[8],
            )
        except ValueError:
            raise KeyStoreError(f"key {reference}: CKA_ID {fields}: a field does not parse") from None

    def entry(self, reference: str, kcv: str) -> KeyEntry:
        """Return the inventory's line; ``kcv`` as it is shown."""
        return KeyEntry(
            reference=reference,
            algorithm=self.algorithm,
            bits=bits(self.algorithm),
            usage=self.usage,
            customer=self.customer,
            kvn=self.kvn,
            kcv=kcv,
            kcv_method=method_name_of(self.algorithm),
            state=State.ACTIVE,
            created=self.created,
            not_after=self.not_after,
            exportable=False,
            custodian=self.custodian,
        )


def may_encrypt(usage: Usage) -> bool:
    """Whether a purpose lets its keys encrypt on the token."""
    return _A.ENCRYPT in _ALLOWED[usage]


def may_sign(usage: Usage) -> bool:
    """Whether a purpose lets its keys make MACs on the token."""
    return _A.SIGN in _ALLOWED[usage]


def bits(algorithm: str) -> int:
    """Return the bits in an algorithm's name."""
    return int("".join(character for character in algorithm.partition("-")[2] if character.isdigit()))


def secret_template(usage: Usage, algorithm: str, *, token: bool) -> dict[Any, Any]:
    """Return the attributes of a symmetric key: what its purpose allows and nothing else.

    Only a key that is to be loaded into cards may be wrapped.  :param token: kept; else it ends with the session.
    """
    return {
        _A.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        _A.KEY_TYPE: TYPES[algorithm],
        **_flags(usage, _SECRET_FLAGS, token=token),
        _A.EXTRACTABLE: usage is Usage.CARD_KEY,
    }


def private_template(usage: Usage) -> dict[Any, Any]:
    """Return the attributes of a private key that is kept."""
    return {
        _A.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
        **_flags(usage, _PRIVATE_FLAGS, token=True),
        _A.EXTRACTABLE: False,
    }


def public_template(label: str, identifier: bytes) -> dict[Any, Any]:
    """Return the attributes of the public half: it is read, and verification is done with what was read."""
    return {
        _A.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
        _A.TOKEN: True,
        _A.PRIVATE: False,
        _A.MODIFIABLE: False,
        _A.LABEL: label,
        _A.ID: identifier,
    }


def _flags(usage: Usage, flags: tuple[Any, ...], *, token: bool) -> dict[Any, Any]:
    allowed = {flag: flag in _ALLOWED[usage] for flag in flags}
    # SoftHSM cannot derive into an object that is not modifiable; one of the session ends with it anyhow.
    return {_A.TOKEN: token, _A.PRIVATE: True, _A.SENSITIVE: True, _A.MODIFIABLE: not token, **allowed}


def check_algorithm(new: NewKey) -> None:
    """Raise KeyStoreError for a symmetric algorithm tokens do not keep."""
    if new.algorithm not in TYPES:
        names = ", ".join((*TYPES, *CURVE_OIDS, "RSA-2048"))
        raise KeyStoreError(f"key {new.reference}: algorithm {new.algorithm!r}, expected one of {names}")


def is_symmetric(algorithm: str) -> bool:
    """Whether an algorithm's keys are secret keys."""
    return algorithm in ALGORITHMS


def pair_values(key: PrivateKey) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return the attributes that hold a private key's numbers, and its public key's."""
    loaded = key.load()
    if isinstance(loaded, EllipticCurvePrivateKey):
        return _ec_values(key.algorithm, loaded)
    return _rsa_values(loaded)


def _ec_values(algorithm: str, key: EllipticCurvePrivateKey) -> tuple[dict[Any, Any], dict[Any, Any]]:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    length = bytes((len(point),)) if len(point) < 0x80 else bytes((0x81, len(point)))
    common = {_A.KEY_TYPE: pkcs11.KeyType.EC, _A.EC_PARAMS: CURVE_OIDS[algorithm]}
    number = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    return {**common, _A.VALUE: number}, {**common, _A.EC_POINT: b"\x04" + length + point}


def _rsa_values(key: Loaded) -> tuple[dict[Any, Any], dict[Any, Any]]:
    numbers: Any = key.private_numbers()
    public = {
        _A.KEY_TYPE: pkcs11.KeyType.RSA,
        _A.MODULUS: _bytes(numbers.public_numbers.n),
        _A.PUBLIC_EXPONENT: _bytes(numbers.public_numbers.e),
    }
    private = {
        _A.PRIVATE_EXPONENT: numbers.d,
        _A.PRIME_1: numbers.p,
        _A.PRIME_2: numbers.q,
        _A.EXPONENT_1: numbers.dmp1,
        _A.EXPONENT_2: numbers.dmq1,
        _A.COEFFICIENT: numbers.iqmp,
    }
    return {**public, **{name: _bytes(value) for name, value in private.items()}}, public


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def public_digest(spki: bytes) -> str:
    """Return what is shown for a private key: SHA-256 of its public key, upper hex."""
    return hashlib.sha256(spki).hexdigest().upper()
