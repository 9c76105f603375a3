"""Active authentication: the chip signs a challenge (ICAO Doc 9303-11 6.1; ISO/IEC 9796-2 scheme 1; TR-03111 4.2)."""

import hashlib
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import keys, security_infos
from .document import Document
from .groups import Random
from .keys import AgreementKey, RsaKey
from .session import Answer, Command, Session

_CHALLENGE: Final = 8
_HEAD: Final = b"\x6a"  # partial recovery
_SHA1: Final = 1
_TRAILERS: Final = {1: b"\xbc", 2: b"\x38\xcc", 3: b"\x34\xcc", 4: b"\x36\xcc", 5: b"\x35\xcc"}


def sign(document: Document, session: Session, command: Command, random: Random) -> Answer:
    """INTERNAL AUTHENTICATE.

    :raises StatusWordError: 6A86, 6982 outside a session, 6700 unless the challenge has 8 bytes, 6A88 without a key.
    """
    command.require(0)
    session.require_session()
    if len(command.data) != _CHALLENGE:
        raise StatusWordError(sw.WRONG_LENGTH)
    key = keys.authentication_key(document)
    if key is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if isinstance(key, RsaKey):
        return _recoverable(key, command.data, random), sw.OK
    return ecdsa(key, command.data, key.hash or _announced_hash(document), random), sw.OK


def _announced_hash(document: Document) -> int:
    """The hash DG14 names for ECDSA; SHA-256 when it names none."""
    for info in security_infos.data_group_14(document):
        if info.protocol == security_infos.ACTIVE_AUTHENTICATION and info.identifier[:-1] == security_infos.PLAIN_ECDSA:
            return info.identifier[-1] if info.identifier[-1] in keys.HASHES else keys.DEFAULT_HASH
    return keys.DEFAULT_HASH


def _recoverable(key: RsaKey, challenge: bytes, random: Random) -> bytes:
    """A signature from which a random message of the chip is recovered."""
    name, trailer = keys.HASHES[key.hash], _TRAILERS[key.hash]
    size = hashlib.new(name, usedforsecurity=False).digest_size
    message = random(key.size - len(_HEAD) - size - len(trailer))
    digest = hashlib.new(name, message + challenge, usedforsecurity=False).digest()
    number = int.from_bytes(_HEAD + message + digest + trailer, "big")
    return pow(number, key.exponent, key.modulus).to_bytes(key.size, "big")


def ecdsa(key: AgreementKey, message: bytes, digest: int, random: Random) -> bytes:
    """A plain signature r || s.

    :param digest: number of the hash.
    """
    group = key.group
    hashed = hashlib.new(keys.HASHES[digest], message, usedforsecurity=False).digest()
    number = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - group.order.bit_length())
    size = (group.order.bit_length() + 7) // 8
    while True:
        nonce = group.draw(random)
        r = int.from_bytes(group.secret(group.power(nonce, group.generator)), "big") % group.order
        s = pow(nonce, -1, group.order) * (number + r * key.secret) % group.order
        if r and s:
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
