"""Chip authentication, versions 1 and 2 (TR-03110-2 3.4; ICAO Doc 9303-11 6.2)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from . import keys, security_infos
from .bac import WRONG
from .document import Document
from .groups import Group, Random, refuse
from .keys import AgreementKey
from .mapping import MODULAR_TAG
from .messaging import SecureMessaging
from .session import Answer, Command, Session, template
from .suites import BY_NUMBER, ENCRYPTION, MAC, TRIPLE_DES, Suite

_MECHANISM, _KEY_REFERENCE, _TERMINAL_KEY = 0x80, 0x84, 0x91
_DYNAMIC, _PUBLIC, _NONCE, _TOKEN = 0x7C, 0x80, 0x81, 0x82
_TOKEN_OBJECT, _OID = 0x7F49, 0x06
_NONCE_SIZE: Final = 8
_VERSION_2: Final = 2


@dataclass(frozen=True, slots=True, repr=False)
class Agreement:
    """What MSE:SET AT has chosen."""

    protocol: bytes
    version: int
    suite: Suite
    key: AgreementKey


def set_key_agreement(document: Document, session: Session, command: Command) -> Answer:
    """MSE:SET KAT 41A6: version 1 with 3DES, all in one command.

    :raises StatusWordError: 6982 outside a session, 6A80 malformed or no valid key, 6A88 unknown reference.
    """
    _require(session, command)
    objects = ber.unique(command.data, frozenset((_TERMINAL_KEY, _KEY_REFERENCE)))
    infos = [info for info in security_infos.announced(document) if _is_chip_protocol(info.protocol)]
    if infos and not any(info.protocol[-1] == 1 for info in infos):
        raise refuse()
    key = _key(document, objects.get(_KEY_REFERENCE))
    if key is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    _switch(session, TRIPLE_DES, key.group, _shared(key, objects.get(_TERMINAL_KEY, b"")), objects[_TERMINAL_KEY])
    return b"", sw.OK


def set_template(document: Document, session: Session, command: Command) -> Answer:
    """MSE:SET AT 41A4: the key that GENERAL AUTHENTICATE then uses.

    :raises StatusWordError: 6982 outside a session, 6A80 malformed or an unknown protocol, 6300 unknown reference.
    """
    session.agreement = None
    _require(session, command)
    objects = ber.unique(command.data, frozenset((_MECHANISM, _KEY_REFERENCE)))
    protocol = objects.get(_MECHANISM, b"")
    offered = [info for info in security_infos.announced(document) if info.protocol == protocol]
    if not offered or not _is_chip_protocol(protocol):
        raise refuse()
    key = _key(document, objects.get(_KEY_REFERENCE))
    if key is None or (key.group.token_tag == MODULAR_TAG) != (protocol[-2] == security_infos.DIFFIE_HELLMAN):
        raise StatusWordError(WRONG)
    versions = [info.version for info in offered if info.reference in (None, key.key_id)] or [offered[0].version]
    session.agreement = Agreement(protocol, versions[0], BY_NUMBER[protocol[-1]], key)
    return b"", sw.OK


def authenticate(document: Document, session: Session, command: Command, random: Random) -> Answer:
    """GENERAL AUTHENTICATE: the terminal's ephemeral key; new keys from the next command on.

    :raises StatusWordError: 6985 without MSE:SET AT, 6A80 malformed, 6300 no valid key.
    """
    del document
    chosen, session.agreement = session.agreement, None
    if chosen is None or not command.secured:
        raise StatusWordError(sw.CONDITIONS)
    command.require(0)
    objects = template(command.data, _DYNAMIC)
    if set(objects) != {_PUBLIC}:
        raise refuse()
    theirs, group = objects[_PUBLIC], chosen.key.group
    try:
        shared = _shared(chosen.key, theirs)
    except StatusWordError:
        raise StatusWordError(WRONG) from None
    if chosen.version < _VERSION_2:
        _switch(session, chosen.suite, group, shared, theirs)
        return tlv.build(_DYNAMIC, b""), sw.OK
    if session.chain is not None and session.chain.ephemeral:
        if session.chain.ephemeral != group.compressed(theirs):
            raise StatusWordError(WRONG)
        session.rights = session.chain.granted
    nonce = random(_NONCE_SIZE)
    mac = _switch(session, chosen.suite, group, shared, theirs, nonce)
    signed = tlv.build(_OID, chosen.protocol) + tlv.build(group.token_tag, theirs)
    token = chosen.suite.token(mac, tlv.build(_TOKEN_OBJECT, signed))
    return tlv.build(_DYNAMIC, tlv.build(_NONCE, nonce) + tlv.build(_TOKEN, token)), sw.OK


def _require(session: Session, command: Command) -> None:
    session.require_session()
    if not command.secured:
        raise StatusWordError(sw.SECURITY_STATUS)


def _is_chip_protocol(protocol: bytes) -> bool:
    kinds = (security_infos.DIFFIE_HELLMAN, security_infos.ELLIPTIC)
    return protocol[:-2] == security_infos.CHIP_ROOT and protocol[-2] in kinds and protocol[-1] in BY_NUMBER


def _key(document: Document, reference: bytes | None) -> AgreementKey | None:
    """The key of a reference; without one the only key, or the one that has none."""
    known = keys.chip_keys(document)
    if reference is not None:
        wanted = int.from_bytes(reference, "big")
        return next((key for key in known if key.key_id == wanted), None)
    return known[0] if len(known) == 1 else next((key for key in known if key.key_id is None), None)


def _shared(key: AgreementKey, theirs: bytes) -> bytes:
    return key.group.secret(key.group.power(key.secret, theirs))


def _switch(session: Session, suite: Suite, group: Group, shared: bytes, theirs: bytes, nonce: bytes = b"") -> bytes:
    """New keys from the next command on; returns the one for MACs."""
    encryption, mac = (suite.derive(shared, counter, nonce) for counter in (ENCRYPTION, MAC))
    session.next = SecureMessaging(suite, encryption, mac)
    session.ephemeral = group.compressed(theirs)
    return mac
