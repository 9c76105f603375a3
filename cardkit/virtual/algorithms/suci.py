"""Concealment of a subscription identifier: ECIES profiles A and B (3GPP TS 33.501 C.3)."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROFILE_A, PROFILE_B = 1, 2
_SECRET_SIZE: Final = 32
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of secp256r1
_TAG_SIZE: Final = 8


def conceal(profile: int, home_key: bytes, plaintext: bytes, random: Callable[[int], bytes]) -> bytes:
    """The scheme output: ephemeral public key, ciphertext, MAC tag of 8 bytes.

    :param home_key: 32 bytes for profile A, a point of 33 or 65 bytes for profile B.
    :param random: gives the ephemeral private key.
    :raises ValueError: when the home network key is none.
    """
    secret = random(_SECRET_SIZE)
    public, shared = _agree_a(home_key, secret) if profile == PROFILE_A else _agree_b(home_key, secret)
    keys = b"".join(hashlib.sha256(shared + count.to_bytes(4, "big") + public).digest() for count in (1, 2))
    encryptor = Cipher(algorithms.AES(keys[:16]), modes.CTR(keys[16:32])).encryptor()
    ciphertext = encryptor.update(plaintext)
    return public + ciphertext + hmac.digest(keys[32:], ciphertext, "sha256")[:_TAG_SIZE]


def _agree_a(home_key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Ephemeral public key and shared secret on curve 25519."""
    private = x25519.X25519PrivateKey.from_private_bytes(secret)
    return private.public_key().public_bytes_raw(), private.exchange(x25519.X25519PublicKey.from_public_bytes(home_key))


def _agree_b(home_key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Ephemeral public key, compressed, and shared secret on secp256r1."""
    curve = ec.SECP256R1()
    home = ec.EllipticCurvePublicKey.from_encoded_point(curve, home_key)
    private = ec.derive_private_key(int.from_bytes(secret, "big") % (_ORDER - 1) + 1, curve)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return public, private.exchange(ec.ECDH(), home)
