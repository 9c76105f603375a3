"""PUT KEY: key data in every form cards take, and the answer that proves they took it (GPCS 11.8; Amd D 7.2)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.install import ANY_LENGTH, CLA, length_value
from cardkit.crypto.cardkeys import WrappedCardKey
from cardkit.encoding.length import write_length
from cardkit.errors import EncodingError, ProtocolError

_INS = 0xD8
_SEVERAL = 0x80
_LARGEST = 0x7F
DES, AES = 0x80, 0x88
_RSA_EXPONENT, _RSA_MODULUS = 0xA0, 0xA1
_EC_PUBLIC, _CURVE = 0xB0, 0xF0
_NO_KCV = b"\x00"
KCV_BYTES = 3
_TYPES = {"AES": AES, "3DES": DES}
# GPCS Table B-2, by the names of the library.
_CURVES = {
    "secp256r1": 0, "secp384r1": 1, "secp521r1": 2, "brainpoolP256r1": 3, "brainpoolP384r1": 5, "brainpoolP512r1": 7,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyData:
    """One key in the data field.

    :param data: components and check value, coded.  :param kcv: the check value; empty for RSA and EC.
    """

    data: bytes
    kcv: bytes = b""


def key_type(algorithm: str) -> int:
    """Return the key type of an algorithm of :data:`cardkit.crypto.key.ALGORITHMS` (Table 11-16).

    :raises EncodingError: where a card holds no such key.

    >>> hex(key_type("AES-128"))
    '0x88'
    """
    try:
        return _TYPES[algorithm.partition("-")[0]]
    except KeyError:
        raise EncodingError(f"key of algorithm {algorithm}: expected AES or 3DES") from None


def symmetric_key(wrapped: WrappedCardKey, *, bare: bool = False) -> KeyData:
    """Return an AES or 3DES key.

    AES, and 3DES that had to be padded, have the clear length before the ciphertext; 3DES in whole blocks has not
    (11.8.2.3.2; Amd D 7.2).

    :param bare: quirk ``put_key_bare_aes``: no clear length for AES either.

    >>> symmetric_key(WrappedCardKey("AES-128", 16, bytes(16), bytes(3))).data.hex()[:6]
    '881110'
    """
    kind = key_type(wrapped.algorithm)
    whole = len(wrapped.cryptogram) == wrapped.size_bytes
    counted = not whole or (kind == AES and not bare)
    component = bytes((wrapped.size_bytes,)) + wrapped.cryptogram if counted else wrapped.cryptogram
    return KeyData(bytes((kind,)) + length_value(component) + length_value(wrapped.kcv), wrapped.kcv)


def rsa_public_key(modulus: bytes, exponent: bytes) -> KeyData:
    """Return an RSA public key: modulus, exponent, no check value."""
    components = ((_RSA_MODULUS, modulus), (_RSA_EXPONENT, exponent))
    return KeyData(b"".join(bytes((kind,)) + length_value(value) for kind, value in components) + _NO_KCV)


def ec_public_key(point: bytes, curve: int) -> KeyData:
    """Return an EC public key.

    :param point: uncompressed, 04 first.  :param curve: reference of Table B-2: 0 P-256, 1 P-384, 2 P-521 ...
    :raises EncodingError: on a point of another form.
    """
    if not point.startswith(b"\x04") or len(point) % 2 == 0:
        raise EncodingError(f"EC public key: got a point of {len(point)} bytes, expected 04, X and Y")
    return KeyData(bytes((_EC_PUBLIC,)) + length_value(point) + _curve(curve) + _NO_KCV)


def put_key(kvn: int, kid: int, keys: Sequence[KeyData], *, replaces: int = 0) -> CommandAPDU:
    """Return PUT KEY; what is longer than 255 bytes goes out in segments (P1 b8).

    :param kvn: of the new keys, 1 to 127.  :param kid: identifier of the first, the others count up.
    :param replaces: version whose keys go, 0 to add.
    :raises EncodingError: on a number out of range: the initial set FF cannot be named here.
    """
    if not 1 <= kvn <= _LARGEST or not 0 <= replaces <= _LARGEST:
        raise EncodingError(f"PUT KEY: version {kvn:02X} for {replaces:02X}, expected 01 to 7F for 00 (add) to 7F")
    if not keys or not 0 <= kid <= _LARGEST + 1 - len(keys):
        raise EncodingError(f"PUT KEY: {len(keys)} keys from identifier {kid:02X}, expected one or more, 00 to 7F")
    data = bytes((kvn,)) + b"".join(key.data for key in keys)
    return CommandAPDU(CLA, _INS, replaces, kid | (_SEVERAL if len(keys) > 1 else 0), data, ANY_LENGTH)


def check_answer(answer: bytes, kvn: int, keys: Sequence[KeyData]) -> None:
    """Compare what the card says it stored: version and check values, in order (11.8.3.1).

    :raises ProtocolError: when it stored something else.
    """
    expected = bytes((kvn,)) + b"".join(key.kcv for key in keys)
    if not hmac.compare_digest(answer, expected):
        raise ProtocolError(
            f"PUT KEY: card answered {answer.hex().upper() or 'nothing'}, expected {expected.hex().upper()}: "
            "the keys it holds now are not the ones sent"
        )


def _curve(reference: int) -> bytes:
    return bytes((_CURVE,)) + write_length(1) + bytes((reference,))


def public_key(pem: bytes) -> KeyData:
    """Return the RSA or EC public key of a PEM file.

    :raises EncodingError: on anything else, and on a curve cards have no reference for.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise EncodingError("public key: the file holds no PEM public key") from None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return rsa_public_key(_unsigned(numbers.n), _unsigned(numbers.e))
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise EncodingError(f"public key: expected RSA or EC on one of {', '.join(_CURVES)}")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return ec_public_key(point, _CURVES[key.curve.name])


def _unsigned(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
