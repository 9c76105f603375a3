"""Password authenticated connection establishment (ICAO Doc 9303-11 4.4; BSI TR-03110-2 3.2)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from cardkit.apps.emrtd.client import DocumentClient, chip_at_fault
from cardkit.apps.emrtd.domain import group_of
from cardkit.apps.emrtd.oids import Cipher, Mapping
from cardkit.apps.emrtd.securityinfos import DomainParameterInfo, PACEInfo, SecurityInfos
from cardkit.apps.emrtd.tokens import authentication_token, check_token
from cardkit.crypto.documentkeys import TDES, MessagingKeys, messaging_keys, mrz_secret, password_key
from cardkit.crypto.groups import EcGroup, Group, KeyPair, Random, standardized_group
from cardkit.crypto.pace import check_chip_mapping, decrypted_nonce, pseudo_random_number, terminal_nonce_bytes
from cardkit.crypto.secret import Secret
from cardkit.encoding import der, tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import (
    AuthenticationError,
    CounterGuardError,
    EncodingError,
    KeyBlockedError,
    NotFoundError,
    ProtocolError,
    StatusError,
)
from cardkit.secure.icao import IcaoSession

ALGORITHMS = {Cipher.TDES: TDES, Cipher.AES_128: "AES-128", Cipher.AES_192: "AES-192", Cipher.AES_256: "AES-256"}
"""Names of keys by the cipher of a protocol."""

_INTEGRATED = (Mapping.DH_IM, Mapping.ECDH_IM)
_HIGHEST_STANDARDIZED = 31
# 9303-11 4.4.4.1: objects of MSE:SET AT, then of the steps, terminal's and chip's.
_PROTOCOL, _PASSWORD, _PARAMETERS = 0x80, 0x83, 0x84
_NONCE = 0x80
_MAP, _MAPPED = 0x81, 0x82
_AGREE, _AGREED = 0x83, 0x84
_PROVE, _PROVEN, _CHIP_DATA = 0x85, 0x86, 0x8A
_REFUSED = 0x6300
_NO_TRIES, _ONE_TRY = 0x63C0, 0x63C1


class PasswordKind(IntEnum):
    """Which password a terminal knows; the reference of MSE:SET. 9303-11 4.4.4.1"""

    MRZ = 1
    CAN = 2
    PIN = 3
    PUK = 4


@dataclass(frozen=True, slots=True)
class Password:
    """A password.

    :param value: MRZ information (9303-11 9.7.1), or digits.
    """

    kind: PasswordKind
    value: Secret

    @property
    def secret(self) -> Secret:
        """What keys are derived from."""
        return mrz_secret(self.value) if self.kind is PasswordKind.MRZ else self.value


@dataclass(frozen=True, slots=True)
class PaceSession:
    """What PACE leaves behind its keys.

    :param chip_id: short form of the chip's key, which terminal authentication signs.
    """

    info: PACEInfo
    group: Group
    chip_id: bytes
    keys: MessagingKeys = field(repr=False)
    mapping_key: bytes = field(default=b"", repr=False)
    chip_data: bytes = field(default=b"", repr=False)

    def check_chip(self, chip_key: bytes) -> None:
        """Check chip authentication mapping against the key of EF.CardSecurity, which is verified before.

        :raises AuthenticationError: when the chip has another key.
        """
        if not isinstance(self.group, EcGroup):
            raise AuthenticationError("PACE-CAM: not on an elliptic curve")
        check_chip_mapping(self.keys, self.chip_data, chip_key, self.mapping_key, self.group)


def offers(infos: SecurityInfos) -> list[tuple[PACEInfo, Group]]:
    """Return the protocols a terminal can use, the best first: chip authentication, cipher, size, generic mapping.

    Those with parameters that are not known are left out.
    """
    found = []
    for info in infos.all(PACEInfo):
        try:
            group = _group(info, infos)
        except EncodingError:
            continue
        if (info.mapping in (Mapping.DH_GM, Mapping.DH_IM)) != isinstance(group, EcGroup):
            found.append((info, group))
    return sorted(found, key=lambda offer: _rank(*offer), reverse=True)


def open_by_pace(
    client: DocumentClient, offer: tuple[PACEInfo, Group], password: Password, random: Random
) -> PaceSession:
    """Open a session.

    :param offer: of :func:`offers`.
    :raises AuthenticationError: when the chip takes another password, or does not prove that it knows this one.
    :raises KeyBlockedError: when the password takes no more tries.
    :raises CounterGuardError: when a PIN has one try left, outside a session that the CAN opened.
    :raises NotFoundError: when the chip does not know the password.
    :raises StatusError: when it does not know the protocol.
    :raises ProtocolError: when it breaks the protocol.
    """
    info, group = offer
    objects = tlv.build(_PROTOCOL, der.oid(info.oid)[2:]) + tlv.build(_PASSWORD, bytes((password.kind,)))
    if info.parameter_id is not None:
        objects += tlv.build(_PARAMETERS, der.integer(info.parameter_id)[2:])
    suspended = client.session is None  # one try is left: the CAN must come first (TR-03110-2 3.3)
    try:
        left = client.set_environment(0xC1, 0xA4, objects, "PACE")
    except NotFoundError as error:
        raise NotFoundError("PACE", error.sw, meaning=f"the document has no {password.kind.name}") from None
    if left == _NO_TRIES:
        raise KeyBlockedError("PACE", left, meaning=f"{password.kind.name} blocked: no tries left")
    if left == _ONE_TRY and suspended:
        raise CounterGuardError(f"PACE: {password.kind.name} suspended: one try is left, expected the CAN before it")
    return _Dialogue(client, info, group, random).run(password)


class _Dialogue:
    """The four steps of one run."""

    def __init__(self, client: DocumentClient, info: PACEInfo, group: Group, random: Random) -> None:
        self._client = client
        self._info = info
        self._group = group
        self._random = random
        self._algorithm = ALGORITHMS[info.cipher]
        self._mapping_key = b""

    def run(self, password: Password) -> PaceSession:
        """Go through all steps and put the session in force."""
        step = "PACE: nonce"
        with chip_at_fault(step):
            encrypted = self._ask(b"", step, _NONCE)
            nonce = decrypted_nonce(password_key(password.secret, self._algorithm), encrypted)
        map_nonce: Callable[[Secret], Group] = self._integrated if self._info.mapping in _INTEGRATED else self._generic
        pair = map_nonce(nonce).key_pair(self._random)
        chip_key = self._exchange(pair, _AGREE, _AGREED, "PACE: key agreement")
        with chip_at_fault("PACE: key agreement"):
            agreed = pair.agree(chip_key)
        keys = messaging_keys(agreed, self._algorithm)
        chip_data = self._prove(keys, pair, chip_key, password.kind)
        self._client.protect(IcaoSession(messaging_keys(agreed, self._algorithm)))
        return PaceSession(
            self._info, self._group, self._group.compressed(chip_key), keys, self._mapping_key, chip_data
        )

    def _generic(self, nonce: Secret) -> Group:
        step = "PACE: generic mapping"
        pair = self._group.key_pair(self._random)
        self._mapping_key = self._exchange(pair, _MAP, _MAPPED, step)
        with chip_at_fault(step):
            return pair.mapped(nonce, self._mapping_key)

    def _integrated(self, nonce: Secret) -> Group:
        step = "PACE: integrated mapping"
        terminal_nonce = self._random(terminal_nonce_bytes(self._algorithm))
        self._send(tlv.build(_MAP, terminal_nonce), step)
        with chip_at_fault(step):
            number = pseudo_random_number(self._algorithm, nonce, terminal_nonce, self._group.prime)
            return self._group.with_number(number)

    def _exchange(self, pair: KeyPair, tag: int, answer: int, step: str) -> bytes:
        """Exchange public keys; the chip's must not be ours thrown back."""
        other = self._ask(tlv.build(tag, pair.public), step, answer)
        if hmac.compare_digest(other, pair.public):
            raise ProtocolError(f"{step}: the chip sends our own public key back")
        return other

    def _prove(self, keys: MessagingKeys, pair: KeyPair, chip_key: bytes, kind: PasswordKind) -> bytes:
        """Exchange tokens and return chip authentication data, empty but with that mapping."""
        step = "PACE: tokens"
        token = authentication_token(keys.mac, self._info.oid, self._group, chip_key)
        try:
            answer = self._send(tlv.build(_PROVE, token), step, last=True)
        except StatusError as error:
            if error.sw == _REFUSED or error.sw & 0xFFF0 == _NO_TRIES:
                raise AuthenticationError(f"PACE: the {kind.name} is another (tokens: {error.sw:04X})") from None
            raise
        proof = _value(answer, _PROVEN, step)
        check_token(authentication_token(keys.mac, self._info.oid, self._group, pair.public), proof, "PACE")
        return _value(answer, _CHIP_DATA, step) if self._info.mapping is Mapping.ECDH_CAM else b""

    def _ask(self, objects: bytes, step: str, tag: int) -> bytes:
        return _value(self._send(objects, step), tag, step)

    def _send(self, objects: bytes, step: str, *, last: bool = False) -> TlvList:
        return self._client.general_authenticate(objects, step, last=last)


def _value(answer: TlvList, tag: int, step: str) -> bytes:
    value = answer.first(tag)
    if value is None:
        raise ProtocolError(f"{step}: object {tag:02X} is missing in the chip's answer")
    return value


def _group(info: PACEInfo, infos: SecurityInfos) -> Group:
    number = info.parameter_id
    if number is not None and number <= _HIGHEST_STANDARDIZED:
        return standardized_group(number)
    for domain in infos.all(DomainParameterInfo):
        if domain.oid == info.oid.rpartition(".")[0] and domain.number == number:
            return group_of(domain.algorithm)
    raise EncodingError(f"PACEInfo: parameters {number} are not described")


def _rank(info: PACEInfo, group: Group) -> tuple[bool, int, int, bool]:
    return info.mapping is Mapping.ECDH_CAM, info.cipher, group.order.bit_length(), info.mapping not in _INTEGRATED
