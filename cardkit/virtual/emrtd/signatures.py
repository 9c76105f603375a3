"""Signatures of certificates and terminals (BSI TR-03110-3 A.6.3, D.3): RSA of both paddings, plain ECDSA."""

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from . import security_infos
from .groups import EllipticGroup, explicit_group, refuse

OID: Final = 0x06
_RSA, _ECDSA = 1, 2
_RSA_HASHES: Final = {
    1: hashes.SHA1(),  # noqa: S303 - TR-03110-3 table 3
    2: hashes.SHA256(),
    3: hashes.SHA1(),  # noqa: S303 - idem
    4: hashes.SHA256(),
    5: hashes.SHA512(),
    6: hashes.SHA512(),
}
_PSS: Final = (3, 4, 6)
_EC_HASHES: Final = {1: "sha1", 2: "sha224", 3: "sha256", 4: "sha384", 5: "sha512"}
_MODULUS, _EXPONENT = 0x81, 0x82
_CURVE: Final = (0x81, 0x82, 0x83, 0x84, 0x85)
_POINT: Final = 0x86


def verify(key: dict[int, bytes], message: bytes, signature: bytes) -> bool:
    """Does the signature of a message verify?

    :param key: objects of a public key, the mechanism under 06.
    :raises StatusWordError: 6A80 for a key that is none.
    """
    mechanism = key[OID]
    if mechanism[:-2] != security_infos.SIGNATURE_ROOT or mechanism[-2] not in (_RSA, _ECDSA):
        raise refuse()
    if mechanism[-2] == _RSA:
        return _verify_rsa(key, mechanism[-1], message, signature)
    return _verify_ecdsa(key, mechanism[-1], message, signature)


def _verify_rsa(key: dict[int, bytes], variant: int, message: bytes, signature: bytes) -> bool:
    algorithm = _RSA_HASHES.get(variant)
    if algorithm is None or not key.keys() >= {_MODULUS, _EXPONENT}:
        raise refuse()
    numbers = RSAPublicNumbers(*(int.from_bytes(key[tag], "big") for tag in (_EXPONENT, _MODULUS)))
    scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if variant in _PSS else padding.PKCS1v15()
    try:
        numbers.public_key().verify(signature, message, scheme, algorithm)
    except InvalidSignature:
        return False
    except ValueError:
        raise refuse() from None
    return True


def _verify_ecdsa(key: dict[int, bytes], variant: int, message: bytes, signature: bytes) -> bool:
    name = _EC_HASHES.get(variant)
    if name is None or not key.keys() >= {*_CURVE, _POINT}:
        raise refuse()
    group = explicit_group([key[tag] for tag in _CURVE])
    size = (group.order.bit_length() + 7) // 8
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if len(signature) != 2 * size or not (0 < r < group.order and 0 < s < group.order):
        return False
    digest = hashlib.new(name, message, usedforsecurity=False).digest()
    number = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - group.order.bit_length())
    return _x_of_sum(group, number * pow(s, -1, group.order), r * pow(s, -1, group.order), key[_POINT]) == r


def _x_of_sum(group: EllipticGroup, one: int, other: int, public: bytes) -> int:
    """X of `one` G + `other` Q modulo the order; 0, which is no r, where that is infinity."""
    curve = group.curve
    first = curve.multiply(one, curve.generator)
    second = curve.multiply(other, group.point(public))
    total = second if first is None else first if second is None else curve.add(first, second)
    return 0 if total is None else total[0] % group.order
