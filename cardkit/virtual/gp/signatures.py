"""Signatures of tokens, receipts and load files: which algorithm goes with which key (GPCS B.3, B.4.3, C.3 to C.5)."""

import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .. import statuswords as sw
from ..errors import StatusWordError
from . import curves
from .crypto import KEY_AES, KEY_DES, aes_cmac, retail_mac
from .keysets import CardKeyEntry, KeyRing

RSA_MODULUS, RSA_EXPONENT = 0xA1, 0xA0  # key component types, Table 11-16
TOKEN, RECEIPT, DAP, CIPHERED_LOAD = 0x70, 0x71, 0x73, 0x75  # key version numbers by convention
_USAGES: Final = {TOKEN: 0x81, RECEIPT: 0x44, DAP: 0x84}  # key usage qualifiers, 11.1.9
_SHORT_RSA: Final = 128  # bytes of a modulus that still signs with SHA-1 (B.3.1)
_SALT: Final = 32


def find(keys: KeyRing, purpose: int) -> CardKeyEntry:
    """The key for a purpose: by its usage qualifier, else by its version number.

    :raises StatusWordError: 6985 when there is none.
    """
    usage = _USAGES.get(purpose)
    every = [key for found in keys.sets.values() for key in found.keys.values()]
    for key in every:
        if key.usage[:1] == bytes((usage or 0,)):
            return key
    for key in every:
        if key.kvn == purpose:
            return key
    raise StatusWordError(sw.CONDITIONS)


def verify(key: CardKeyEntry, message: bytes, signature: bytes) -> None:
    """Refuse a wrong signature.

    :raises StatusWordError: 6982; 6985 for a key that signs nothing.
    """
    if key.type in (KEY_DES, KEY_AES):
        good = hmac.compare_digest(_mac(key, message), signature)
    elif key.type == RSA_MODULUS:
        good = _verify_rsa(key, message, signature)
    elif key.type == curves.KEY_EC_PUBLIC:
        good = _verify_ec(key, message, signature)
    else:
        raise StatusWordError(sw.CONDITIONS)
    if not good:
        raise StatusWordError(sw.SECURITY_STATUS)


def sign(key: CardKeyEntry, message: bytes) -> bytes:
    """A receipt.

    :raises StatusWordError: 6985 for a key that signs nothing.
    """
    if key.type in (KEY_DES, KEY_AES):
        return _mac(key, message)
    if key.type != curves.KEY_EC_PRIVATE:
        raise StatusWordError(sw.CONDITIONS)
    private = curves.private_of(key)
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(_digest(private.curve))))
    size = (private.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _mac(key: CardKeyEntry, message: bytes) -> bytes:
    return aes_cmac(key.value, message) if key.type == KEY_AES else retail_mac(key.value, message)


def _digest(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    """B.4.3: as strong as the curve."""
    if curve.key_size < 384:
        return hashes.SHA256()
    return hashes.SHA384() if curve.key_size < 512 else hashes.SHA512()


def _verify_ec(key: CardKeyEntry, message: bytes, signature: bytes) -> bool:
    """Plain r and s side by side."""
    public = curves.public_of(key)
    size = (public.curve.key_size + 7) // 8
    if len(signature) != 2 * size:
        return False
    numbers = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
    try:
        public.verify(encode_dss_signature(*numbers), message, ec.ECDSA(_digest(public.curve)))
    except InvalidSignature:
        return False
    return True


def _verify_rsa(key: CardKeyEntry, message: bytes, signature: bytes) -> bool:
    exponent = int.from_bytes(dict(key.more).get(RSA_EXPONENT, b""), "big")
    try:
        public = rsa.RSAPublicNumbers(exponent, int.from_bytes(key.value, "big")).public_key()
        if len(key.value) <= _SHORT_RSA:
            public.verify(signature, message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - GPCS B.3.1
        else:
            public.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA256()), _SALT), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
