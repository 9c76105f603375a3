"""Active authentication: the chip signs a challenge with the key of DG15 (ICAO Doc 9303-11 6.1; ISO/IEC 9796-2)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.securityinfos import ActiveAuthenticationInfo, SecurityInfos
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import Scheme, SignatureAlgorithm
from cardkit.apps.pki.publickey import EcKey, RsaKey
from cardkit.crypto.groups import Random
from cardkit.encoding import der
from cardkit.errors import AuthenticationError, EncodingError

CHALLENGE_BYTES = 8
LEAST_RSA_BITS = 1024
_WHAT = "active authentication"
_HASHES = ("sha1", "sha224", "sha256", "sha384", "sha512")
_PLAIN_ECDSA = {f"{oids.PLAIN_ECDSA}.{number}": name for number, name in enumerate(_HASHES, 1)}
# ISO/IEC 9796-2 scheme 1: first byte with partial recovery; trailers of one byte, of two by the hash (10118-3).
_HEADER, _END = 0x6A, 0x0C
_TRAILER_SHA1 = 0xBC
_TRAILERS = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}
_EXPLICIT = 0xCC


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a second tool needs to verify the same again.

    :param hash: that the signature was made with.  :param plain: whether ECDSA came as r and s, as it must.
    :param recovered: the chip's random part, of RSA; each signature has another.
    """

    challenge: bytes
    signature: bytes
    hash: str
    plain: bool = True
    recovered: bytes = field(default=b"", repr=False)


def authenticate_actively(
    client: DocumentClient, key_info: bytes, infos: SecurityInfos | None, random: Random
) -> Evidence:
    """Let the chip sign a challenge.

    :param key_info: SubjectPublicKeyInfo of DG15, verified before.  :param infos: of DG14; None without one.
    :raises AuthenticationError: when the signature is wrong.  :raises StatusError: when the chip gives none.
    :raises EncodingError: on a key that cannot be used.
    """
    key = publickey.parse(key_info)
    size = 3 * key.curve.scalar_size if isinstance(key, EcKey) else (key.bits + 7) // 8
    challenge = random(CHALLENGE_BYTES)
    return check_signature(key_info, infos, challenge, client.internal_authenticate(challenge, size))


def check_signature(key_info: bytes, infos: SecurityInfos | None, challenge: bytes, signature: bytes) -> Evidence:
    """Check a signature; arguments and errors as of :func:`authenticate_actively`."""
    key = publickey.parse(key_info)
    if isinstance(key, RsaKey):
        return _check_rsa(key, challenge, signature)
    return _check_ecdsa(key, _hash_of(infos), challenge, signature)


def recovered_message(block: bytes, challenge: bytes) -> tuple[bytes, str]:
    """Return the chip's part of the message in an opened signature, and the name of the hash.

    :param block: as long as the modulus.
    :raises AuthenticationError: where header, trailer or hash are wrong.  ISO/IEC 9796-2 scheme 1
    """
    trailer = 1 if block[-1:] == bytes((_TRAILER_SHA1,)) else 2
    name = "sha1" if trailer == 1 else _TRAILERS.get(block[-2]) if block[-1] == _EXPLICIT else None
    if name is None or block[0] != _HEADER:
        raise AuthenticationError(
            f"{_WHAT}: opened signature {block[0]:02X}..{block[-2:].hex().upper()}, expected 6A..BC or 6A..CC"
        )
    size = hashlib.new(name, usedforsecurity=False).digest_size
    body = block[1:-trailer]
    message, found = body[:-size], body[-size:]
    if not hmac.compare_digest(hashlib.new(name, message + challenge, usedforsecurity=False).digest(), found):
        raise AuthenticationError(f"{_WHAT}: the signature is not over our challenge ({name})")
    return message, name


def _check_rsa(key: RsaKey, challenge: bytes, signature: bytes) -> Evidence:
    size = (key.bits + 7) // 8
    number = int.from_bytes(signature)
    if key.bits < LEAST_RSA_BITS:
        raise EncodingError(f"{_WHAT}: RSA key of {key.bits} bits, expected {LEAST_RSA_BITS} or more")
    if len(signature) != size or number >= key.n:
        raise AuthenticationError(f"{_WHAT}: signature of {len(signature)} bytes, expected {size}, below the modulus")
    opened = pow(number, key.e, key.n)
    if opened & 0x0F != _END:  # the smaller of the signature and its complement was sent
        opened = key.n - opened
    message, name = recovered_message(opened.to_bytes(size), challenge)
    return Evidence(challenge, signature, name, recovered=message)


def _check_ecdsa(key: EcKey, name: str, challenge: bytes, signature: bytes) -> Evidence:
    size = key.curve.scalar_size
    plain = len(signature) == 2 * size
    encoded = signature
    if plain:
        encoded = der.sequence(*(der.integer(int.from_bytes(half)) for half in (signature[:size], signature[size:])))
    algorithm = SignatureAlgorithm(publickey.EC_PUBLIC_KEY, Scheme.ECDSA, name)
    info = publickey.build_ec(key.curve, key.point, explicit=False)
    try:
        right = publickey.verifies(info, algorithm, challenge, encoded)
    except EncodingError:
        right = False
    if not right:
        raise AuthenticationError(f"{_WHAT}: the ECDSA signature is not over our challenge ({name})")
    return Evidence(challenge, signature, name, plain=plain)


def _hash_of(infos: SecurityInfos | None) -> str:
    """Return the hash DG14 names; SHA-256 where it names none."""
    named = infos.all(ActiveAuthenticationInfo) if infos else ()
    if not named:
        return "sha256"
    if named[0].signature_algorithm not in _PLAIN_ECDSA:
        raise EncodingError(f"{_WHAT}: signature algorithm {named[0].signature_algorithm} is none of plain ECDSA")
    return _PLAIN_ECDSA[named[0].signature_algorithm]
