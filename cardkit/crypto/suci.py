"""Concealing a subscriber's identity from everybody but the home network: the ECIES schemes of TS 33.501 annex C.

The phone or the card makes a key pair for one time, agrees with the home network's public key, and sends its own public
key, the encrypted identity and a tag.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto.aka import checked
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, EncodingError

PRIVATE_BYTES = 32
TAG_BYTES = 8
# What the key derivation gives: AES key, first counter block, MAC key.
AES_KEY, COUNTER, MAC_KEY = slice(16), slice(16, 32), slice(32, 64)
CURVE = ec.SECP256R1()


class Scheme(IntEnum):
    """Protection schemes. TS 33.501 C.1"""

    NULL = 0
    PROFILE_A = 1
    PROFILE_B = 2


# A public key of the home network in its file; profile B may have it compressed or whole.
HOME_KEY_BYTES = {Scheme.PROFILE_A: (32,), Scheme.PROFILE_B: (33, 65)}
# The ephemeral public key in a concealed identity.
SENT_KEY_BYTES = {Scheme.PROFILE_A: 32, Scheme.PROFILE_B: 33}


def check_home_key(scheme: Scheme, key: bytes) -> None:
    """Check that a home network's public key can be used with a scheme.

    :raises EncodingError: on a length or a point the scheme cannot use.
    TS 33.501 C.3.4
    """
    _refuse_null(scheme)
    _agree(scheme, Secret(bytes((*bytes(31), 1)), "probe"), key)


def public_key(scheme: Scheme, private: Secret) -> bytes:
    """Return the public key of a private one: 32 bytes for profile A, 33 (compressed) for profile B.

    :param private: 32 bytes.
    :raises EncodingError: on a private key of another length or out of range, and for the null scheme.
    """
    _refuse_null(scheme)
    if scheme is Scheme.PROFILE_A:
        return _x25519(private).public_key().public_bytes_raw()
    return _p256(private).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def conceal(scheme: Scheme, plaintext: bytes, home_key: bytes = b"", ephemeral: Secret | None = None) -> bytes:
    """Return the scheme output: ephemeral public key, ciphertext, tag; with the null scheme the plaintext.

    :param plaintext: the MSIN in digits of half a byte, or a user name.  :param home_key: 32, 33 or 65 bytes.
    :param ephemeral: a private key for this one time, 32 random bytes.
    :raises EncodingError: on a key that the scheme cannot use.
    TS 33.501 C.3.2
    """
    if scheme is Scheme.NULL:
        return plaintext
    if ephemeral is None:
        raise EncodingError(f"SUCI {scheme.name}: got no ephemeral key")
    sent = public_key(scheme, ephemeral)
    keys = _derive(_agree(scheme, ephemeral, home_key), sent)
    ciphertext = _crypt(keys, plaintext)
    return sent + ciphertext + _tag(keys, ciphertext)


def deconceal(scheme: Scheme, output: bytes, home_private: Secret | None = None) -> bytes:
    """Return what was concealed.

    :param output: the scheme output.  :param home_private: the home network's private key, 32 bytes.
    :raises AuthenticationError: when the tag is wrong: for another key, or changed on the way.
    :raises EncodingError: on an output too short, or a point that is none.
    TS 33.501 C.3.3
    """
    if scheme is Scheme.NULL:
        return output
    if home_private is None:
        raise EncodingError(f"SUCI {scheme.name}: got no private key of the home network")
    size = SENT_KEY_BYTES[scheme]
    if len(output) < size + TAG_BYTES:
        raise EncodingError(f"SUCI {scheme.name}: {len(output)} bytes of output, expected {size + TAG_BYTES} or more")
    sent, ciphertext, tag = output[:size], output[size:-TAG_BYTES], output[-TAG_BYTES:]
    keys = _derive(_agree(scheme, home_private, sent), sent)
    if not hmac.compare_digest(_tag(keys, ciphertext), tag):
        raise AuthenticationError(f"SUCI {scheme.name}: the tag is wrong, expected the one of this home network's key")
    return _crypt(keys, ciphertext)


def _refuse_null(scheme: Scheme) -> None:
    if scheme is Scheme.NULL:
        raise EncodingError("SUCI: the null scheme has no keys")


def _x25519(private: Secret) -> X25519PrivateKey:
    checked("private key", private, PRIVATE_BYTES)
    with private.reveal() as clear:
        return X25519PrivateKey.from_private_bytes(clear)


def _p256(private: Secret) -> ec.EllipticCurvePrivateKey:
    checked("private key", private, PRIVATE_BYTES)
    with private.reveal() as clear:
        number = int.from_bytes(clear, "big")
    try:
        return ec.derive_private_key(number, CURVE)
    except ValueError:
        raise EncodingError("private key: out of range for profile B, draw another one") from None


def _agree(scheme: Scheme, private: Secret, public: bytes) -> bytes:
    """Return the shared secret Z, 32 bytes."""
    checked(f"{scheme.name} public key", public, *HOME_KEY_BYTES[scheme])
    try:
        if scheme is Scheme.PROFILE_A:
            return _x25519(private).exchange(X25519PublicKey.from_public_bytes(public))
        return _p256(private).exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public))
    except ValueError:
        raise EncodingError(f"{scheme.name} public key: not a point that a key can be agreed with") from None


def _derive(shared: bytes, sent: bytes) -> bytes:
    """Return 64 bytes of the key derivation of ANSI X9.63 with SHA-256. TS 33.501 C.3.4"""
    return b"".join(hashlib.sha256(shared + count.to_bytes(4, "big") + sent).digest() for count in (1, 2))


def _crypt(keys: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(keys[AES_KEY]), modes.CTR(keys[COUNTER])).encryptor().update(data)


def _tag(keys: bytes, ciphertext: bytes) -> bytes:
    return hmac.digest(keys[MAC_KEY], ciphertext, "sha256")[:TAG_BYTES]
