"""What keys do: PERFORM SECURITY OPERATION, INTERNAL AUTHENTICATE (ISO 7816-8 11.2; ISO 7816-4 11.5); GET CHALLENGE."""

import hashlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from .. import keypair
from ..chip import require
from . import layout
from .keys import AUTHENTICATION, CONFIDENTIALITY, SIGNATURE, environment
from .state import State

_SIGN, _DECIPHER = 0x9E9A, 0x8086
_RSA_PKCS1, _ECDSA_SHA1, _ECDSA = 0x11, 0x21, 0x22
_LEAST_PADDING: Final = 8
_CHALLENGE: Final = 8
_AROUND_PADDING: Final = 3  # 00, block type, 00


def perform(state: State, apdu: wire.Apdu) -> bytes:
    """A signature over what is given, or the plain text of a cryptogram.

    :raises StatusWordError: 6A86, 6985 without an environment, 6982, 6A88 no key, 6A80 data the key cannot take.
    """
    require(apdu, _SIGN, _DECIPHER)
    if apdu.p1 << 8 | apdu.p2 == _SIGN:
        return _signature(state, SIGNATURE, apdu.data)
    algorithm, key = _key(state, CONFIDENTIALITY)
    if algorithm != _RSA_PKCS1 or not isinstance(key, rsa.RSAPrivateKey) or apdu.data[:1] != b"\x00":
        raise StatusWordError(sw.WRONG_DATA)
    return _unpadded(keypair.raw_rsa(key, apdu.data[1:]))


def internal_authenticate(state: State, apdu: wire.Apdu) -> bytes:
    """A signature by the key of the authentication environment.

    :raises StatusWordError: as `perform`.
    """
    require(apdu, 0)
    return _signature(state, AUTHENTICATION, apdu.data)


def get_challenge(state: State, apdu: wire.Apdu) -> bytes:
    """As many random bytes as Le says; 8 without.

    :raises StatusWordError: 6A86, 6700 with data.
    """
    require(apdu, 0)
    if apdu.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    return state.random.randbytes(apdu.ne or _CHALLENGE)


def _key(state: State, kind: int) -> tuple[int, keypair.PrivateKey]:
    """Algorithm and key of an environment."""
    algorithm, reference = environment(state, kind)
    state.require_pin()
    body = state.journal.get(layout.key_cell(reference))
    if not body:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return algorithm, keypair.load(body)


def _signature(state: State, kind: int, data: bytes) -> bytes:
    algorithm, key = _key(state, kind)
    if isinstance(key, rsa.RSAPrivateKey):
        if algorithm != _RSA_PKCS1:
            raise StatusWordError(sw.WRONG_DATA)
        return keypair.raw_rsa(key, _padded(data, key.key_size // 8))
    if algorithm not in (_ECDSA_SHA1, _ECDSA):
        raise StatusWordError(sw.WRONG_DATA)
    digest = hashlib.sha1(data, usedforsecurity=False).digest() if algorithm == _ECDSA_SHA1 else data
    return keypair.ecdsa(key, digest)


def _padded(data: bytes, size: int) -> bytes:
    """Block type 1 (RFC 8017 9.2), around whatever the terminal says.

    :raises StatusWordError: 6A80 for nothing, or too much.
    """
    room = size - _AROUND_PADDING - len(data)
    if not data or room < _LEAST_PADDING:
        raise StatusWordError(sw.WRONG_DATA)
    return b"\x00\x01" + b"\xff" * room + b"\x00" + data


def _unpadded(block: bytes) -> bytes:
    """What block type 2 (RFC 8017 7.2.2) wraps.

    :raises StatusWordError: 6A80 for another padding.
    """
    end = block.find(b"\x00", 2)
    if block[:2] != b"\x00\x02" or end < 2 + _LEAST_PADDING:
        raise StatusWordError(sw.WRONG_DATA)
    return block[end + 1 :]
