"""Signatures and key agreement with private keys that stay on a token."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import Hash

from cardkit.crypto import emvrsa
from cardkit.crypto.agreement import public_point
from cardkit.crypto.content import PSS_SALT_BYTES, SHORT_RSA_BITS, curve_hash
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.pkcs11module import pkcs11
from cardkit.crypto.pkcs11token import Token, destroyed
from cardkit.errors import KeyStoreError

_A = pkcs11.Attribute
_M = pkcs11.Mechanism

PublicKey = EllipticCurvePublicKey | RSAPublicKey


def sign(token: Token, reference: str, public: PublicKey, message: bytes) -> bytes:
    """Return a signature by the scheme of :func:`cardkit.crypto.content.sign`; ECDSA as plain r and s."""
    if isinstance(public, EllipticCurvePublicKey):
        hashing = Hash(curve_hash(public.key_size))
        hashing.update(message)
        hashed = hashing.finalize()
        return bytes(token.use(reference, lambda key: key.sign(hashed, mechanism=_M.ECDSA)))
    if public.key_size <= SHORT_RSA_BITS:
        return bytes(token.use(reference, lambda key: key.sign(message, mechanism=_M.SHA1_RSA_PKCS)))
    parameter = (_M.SHA256, pkcs11.MGF.SHA256, PSS_SALT_BYTES)
    return bytes(
        token.use(reference, lambda key: key.sign(message, mechanism=_M.SHA256_RSA_PKCS_PSS, mechanism_param=parameter))
    )


def emv_sign(token: Token, reference: str, public: RsaPublicKey, content: bytes, extra: bytes) -> bytes:
    """Return a signed block as :func:`cardkit.crypto.emvrsa.sign` makes it; it is recovered and compared here."""
    emvrsa.check_certified(reference, content)
    block = emvrsa.signed_block(public, reference, content, extra)
    signature = bytes(token.use(reference, lambda key: key.sign(block, mechanism=_M.RSA_X_509)))
    emvrsa.check_signature(public, reference, block, signature)
    return signature


def agree(token: Token, reference: str, public: PublicKey, point: bytes) -> Key:
    """Return the X coordinate of an ECDH agreement: it leaves the token, for session keys are derived from it.

    :raises EncodingError: on a point that is not on the key's curve.
    """
    if not isinstance(public, EllipticCurvePublicKey):
        raise KeyStoreError(f"key {reference}: a key agreement needs an elliptic curve")
    public_point(public.curve, point)
    template = {_A.TOKEN: False, _A.SENSITIVE: False, _A.EXTRACTABLE: True}
    size = (public.key_size + 7) // 8

    def work(key: Any) -> bytearray:
        shared = key.derive_key(
            pkcs11.KeyType.GENERIC_SECRET,
            8 * size,
            store=False,
            mechanism=_M.ECDH1_DERIVE,
            mechanism_param=(pkcs11.KDF.NULL, None, point),
            template=template,
        )
        with destroyed(shared):
            return bytearray(shared[_A.VALUE])

    value = token.use(reference, work)
    try:
        return Key(value, f"{reference} agreed", f"ECDH-{public.key_size}", Usage.MASTER_DERIVE)
    finally:
        value[:] = bytes(len(value))
