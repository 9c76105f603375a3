"""Chip authentication: the chip proves the private key to a signed public one (ICAO Doc 9303-11 6.2, TR-03110 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.client import DocumentClient, chip_at_fault
from cardkit.apps.emrtd.domain import public_key_of
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.oids import Cipher
from cardkit.apps.emrtd.pace import ALGORITHMS
from cardkit.apps.emrtd.securityinfos import (
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfos,
)
from cardkit.apps.emrtd.tokens import authentication_token, check_token
from cardkit.crypto.documentkeys import messaging_keys
from cardkit.crypto.groups import Group, KeyPair, Random
from cardkit.encoding import der, tlv
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError
from cardkit.secure.icao import IcaoSession

_PROTOCOL, _KEY_ID = 0x80, 0x84
_KEY_OF_TRANSACTION = 0x91
_EPHEMERAL, _NONCE, _TOKEN = 0x80, 0x81, 0x82
_VERSION_2 = 2
_VERSIONS = (1, _VERSION_2)  # version 3 proves a group of chips, by pseudonyms
_NONCE_BYTES = 8
_WHAT = "chip authentication"


@dataclass(frozen=True, slots=True)
class ChipKey:
    """A key of the chip, and a protocol it is used with.

    :param inferred: whether no ChipAuthenticationInfo names the protocol: 3DES then, as in old documents.
    """

    info: ChipAuthenticationInfo
    group: Group
    public: bytes = field(repr=False)
    inferred: bool = False


def chip_keys(infos: SecurityInfos) -> list[ChipKey]:
    """Return the keys and protocols a terminal can use, the best cipher first.

    :param infos: of DG14, or of EF.CardSecurity.
    """
    found: list[ChipKey] = []
    for key in infos.all(ChipAuthenticationPublicKeyInfo):
        try:
            group, public = public_key_of(key.public_key)
        except EncodingError:
            continue
        protocols = _protocols(infos, key)
        if protocols:
            found += (ChipKey(info, group, public) for info in protocols if info.version in _VERSIONS)
        else:
            info = ChipAuthenticationInfo(oids.chip_authentication(_agreement(key), Cipher.TDES), key_id=key.key_id)
            found.append(ChipKey(info, group, public, inferred=True))
    return sorted(found, key=lambda one: (one.info.cipher, one.group.order.bit_length()), reverse=True)


def authenticate_chip(client: DocumentClient, key: ChipKey, pair: KeyPair) -> None:
    """Run the protocol, put the new session in force and make the chip answer in it.

    :param key: of :func:`chip_keys`, from a file that passive authentication has verified.
    :param pair: of the key's group; version 2: the one terminal authentication named.
    :raises AuthenticationError: when the chip does not know the private key.
    :raises StatusError: when it refuses.  :raises ProtocolError: when it breaks the protocol.
    """
    nonce, token = _exchange(client, key, pair)
    with chip_at_fault(_WHAT):
        keys = messaging_keys(pair.agree(key.public), ALGORITHMS[key.info.cipher], nonce)
    if key.info.version == _VERSION_2:
        check_token(authentication_token(keys.mac, key.info.oid, key.group, pair.public), token, _WHAT)
    client.protect(IcaoSession(keys))
    if not client.answers_protected(FILES["EF.COM"]):
        raise AuthenticationError(f"{_WHAT}: the chip does not know the private key to that of the document")


def ephemeral_pair(key: ChipKey, random: Random) -> KeyPair:
    """Return a fresh key pair for a chip's key."""
    return key.group.key_pair(random)


def _exchange(client: DocumentClient, key: ChipKey, pair: KeyPair) -> tuple[bytes, bytes]:
    """Send the terminal's key; return nonce and token of version 2, empty before it."""
    reference = b"" if key.info.key_id is None else tlv.build(_KEY_ID, der.integer(key.info.key_id)[2:])
    if key.info.cipher is Cipher.TDES:
        client.set_environment(0x41, 0xA6, tlv.build(_KEY_OF_TRANSACTION, pair.public) + reference, _WHAT)
        return b"", b""
    client.set_environment(0x41, 0xA4, tlv.build(_PROTOCOL, der.oid(key.info.oid)[2:]) + reference, _WHAT)
    answer = client.general_authenticate(tlv.build(_EPHEMERAL, pair.public), _WHAT, last=True)
    nonce, token = answer.first(_NONCE) or b"", answer.first(_TOKEN) or b""
    if key.info.version == _VERSION_2 and len(nonce) != _NONCE_BYTES:
        raise ProtocolError(f"{_WHAT}: nonce of {len(nonce)} bytes, expected {_NONCE_BYTES}")
    return (nonce, token) if key.info.version == _VERSION_2 else (b"", b"")


def _agreement(key: ChipAuthenticationPublicKeyInfo) -> str:
    return oids.CHIP_AUTHENTICATION_DH if key.oid == oids.PUBLIC_KEY_DH else oids.CHIP_AUTHENTICATION_ECDH


def _protocols(infos: SecurityInfos, key: ChipAuthenticationPublicKeyInfo) -> Sequence[ChipAuthenticationInfo]:
    """Return the protocols of a key: same agreement, same number."""
    return [
        info
        for info in infos.all(ChipAuthenticationInfo)
        if info.oid.startswith(f"{_agreement(key)}.") and info.key_id == key.key_id
    ]
