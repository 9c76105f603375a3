"""Changing the keys of a security domain so that it can always be opened (GPCS 11.8; sheet 13.5, 18).

Everything is checked before a byte is sent. The new set is proven by a session of its own; only then may anybody
forget the old one. Nothing is sent twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.domain_lifecycle import delete_key_set, key_information, opens_channel
from cardkit.apps.gp.putkey import AES, KeyData, check_answer, key_type, put_key, symmetric_key
from cardkit.apps.gp.tags import KeyInformation
from cardkit.channel import Channel
from cardkit.crypto import Key, KeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Scheme, WrappedCardKey
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.testkeys import CARD_DEFAULTS, known_by_check_value
from cardkit.errors import KeyStoreError, ProfileError, ProtocolError
from cardkit.secure.dek import Dek
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters, Quirks

_FIRST_KID = 1
_NO_QUIRKS = Quirks()
# Security in bits, to compare a key with the one that carries it (NIST SP 800-57 part 1, table 2).
_STRENGTH = {"3DES-128": 80, "3DES-192": 112, "AES-128": 128, "AES-192": 192, "AES-256": 256}


class Waiver(StrEnum):
    """What is refused unless somebody asks for it by name."""

    WEAKER_DEK = "weaker-dek"
    """A key goes under a weaker one: AES under SCP02 (Amd D 3)."""
    EQUAL_KEYS = "equal-keys"
    """ENC, MAC and DEK are one and the same."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A secure channel set that is to be put on a card.

    :param new: the card's keys and their version, 1 to 127.
    :param replaces: version whose keys go; 0 adds.
    :param kcvs: check values the order says, ENC, MAC, DEK; empty where it says none.
    :param live: a card that leaves the house: test keys are refused.
    :param waivers: what is accepted all the same.
    """

    new: CardKeySet
    replaces: int = 0
    kcvs: tuple[bytes, ...] = ()
    live: bool = True
    waivers: Collection[Waiver] = ()

    @property
    def keys(self) -> tuple[CardKey, CardKey, CardKey]:
        """The three keys, identifiers 1 to 3."""
        return self.new.enc, self.new.mac, self.new.dek


@dataclass(frozen=True, slots=True)
class Ready:
    """A change that was checked: the key data of its one PUT KEY."""

    change: KeyChange
    data: tuple[KeyData, ...]
    kcvs: tuple[bytes, ...]


def prepare(domain: SecurityDomain, keystore: KeyStore, change: KeyChange, *, bare_aes: bool = False) -> Ready:
    """Check a change of keys and wrap the keys for this session; only reads are sent.

    :param bare_aes: quirk ``put_key_bare_aes``.
    :raises KeyStoreError: on test keys for a live card, check values that differ from the order's, equal keys, a DEK
        that is weaker than what it carries.
    :raises ProfileError: where the version is taken, or what it replaces is not there or of another kind.
    """
    wrapped = wrap(domain, keystore, change)
    _check_place(key_information(domain), change, wrapped)
    data = tuple(symmetric_key(item, bare=bare_aes) for item in wrapped)
    return Ready(change, data, tuple(item.kcv for item in data))


def wrap(domain: SecurityDomain, keystore: KeyStore, change: KeyChange) -> list[WrappedCardKey]:
    """Check the keys themselves and wrap them for this session; nothing is sent.

    :returns: ENC, MAC, DEK.
    :raises KeyStoreError: as :func:`prepare`.
    """
    kcvs = [keystore.card_key_kcv(key) for key in change.keys]
    _check_order(kcvs, change.kcvs)
    if len(set(kcvs)) < len(kcvs) and Waiver.EQUAL_KEYS not in change.waivers:
        raise KeyStoreError(f"key set {change.new.kvn:02X}: ENC, MAC and DEK are not three different keys")
    dek = dek_for(domain, keystore)
    wrapped = [dek.wrap(key) for key in change.keys]
    if change.live:
        refuse_test_keys(keystore, wrapped)
    if Waiver.WEAKER_DEK not in change.waivers:
        _check_strength(dek, wrapped)
    if [item.kcv for item in wrapped] != kcvs:
        raise KeyStoreError(f"key set {change.new.kvn:02X}: the key store wrapped other keys than it gave values of")
    return wrapped


def dek_for(domain: SecurityDomain, keystore: KeyStore) -> Dek:
    """Return the session's DEK for keys of a store that need not be the one whose keys opened the session.

    :param keystore: where the new keys are.
    :raises KeyStoreError: when the DEK is a static key that only the other store has.
    """
    dek = domain.dek()
    if dek.keystore is keystore:
        return dek
    if isinstance(dek.key, Key):
        return replace(dek, keystore=keystore)
    published = CARD_DEFAULTS.get(dek.key.reference) if dek.keystore.kind == "TEST" else None
    if published is None or dek.key.scheme is not Scheme.NONE:
        raise KeyStoreError(f"the card's DEK {dek.key.reference} is in another key store than the new keys")
    algorithm, value = published
    key = Key(bytes.fromhex(value), dek.key.reference, algorithm, Usage.SECURE_CHANNEL)
    return replace(dek, keystore=keystore, key=key)


def put(domain: SecurityDomain, ready: Ready) -> None:
    """Send a prepared set in one PUT KEY, so that the card takes all of it or nothing, and compare its answer.

    :raises StatusError: when the card refuses.
    :raises ProtocolError: when it stored something else.  What it holds now is for the caller to read (E0).
    """
    change = ready.change
    command = put_key(change.new.kvn, _FIRST_KID, ready.data, replaces=change.replaces)
    answer = domain.send_segments(command, what=f"PUT KEY, set {change.new.kvn:02X}")
    check_answer(answer, change.new.kvn, ready.data)


@dataclass(frozen=True, slots=True)
class Proof:
    """How a session with the new set is opened.

    :param level: its security level; None for the strongest the card has.  :param host_challenge: random, 16 bytes.
    :param parameters: protocol and options; None takes what the card names.
    """

    level: SecurityLevel | None
    host_challenge: bytes
    parameters: Parameters | None = None
    quirks: Quirks = _NO_QUIRKS


def prove(channel: Channel, aid: bytes, keystore: KeyStore, new: CardKeySet, proof: Proof) -> SecurityDomain:
    """Select the domain again and open a session with its new set, once.

    :returns: the domain, its session open.
    :raises AuthenticationError: when the set does not open it; the old one is still needed then.
    :raises ProtocolError: when the card does not list the set.
    """
    domain = SecurityDomain.select(channel, aid or None)
    domain.open(
        keystore,
        new,
        proof.level,
        host_challenge=proof.host_challenge,
        parameters=proof.parameters,
        quirks=proof.quirks,
    )
    if not opens_channel(key_information(domain), new.kvn):
        raise ProtocolError(f"key set {new.kvn:02X}: it opens a session, and the card does not list it")
    return domain


def rotate(
    domain: SecurityDomain, channel: Channel, keystore: KeyStore, ready: Ready, proof: Proof, *, drop: int | None = None
) -> SecurityDomain:
    """Put a prepared set and prove it; only when it is proven, delete another.

    :param drop: version to delete at last; None leaves what is there.
    :returns: the domain, open with the new set.  Errors as :func:`put`, :func:`prove`, :func:`delete_key_set`.
    """
    put(domain, ready)
    proven = prove(channel, domain.aid, keystore, ready.change.new, proof)
    if drop is not None and key_information(proven).set_of(drop):
        delete_key_set(proven, drop)
    return proven


def put_one(domain: SecurityDomain, kvn: int, kid: int, key: KeyData, *, replaces: int = 0) -> None:
    """Put a single key: token, receipt, DAP, SCP11.

    :raises ProfileError: where there is such a key already and `replaces` does not say so, or the other way round.
    :raises ProtocolError: when the card stored something else.
    """
    held = key_information(domain)
    taken = held.find(kvn, kid) is not None
    if taken and replaces != kvn:
        raise ProfileError(f"key {kid:02X}/{kvn:02X}: the card has one already, expected it to be named as replaced")
    if replaces and held.find(replaces, kid) is None:
        raise ProfileError(f"key {kid:02X}/{replaces:02X}: nothing to replace, the card has no such key")
    answer = domain.send_segments(put_key(kvn, kid, [key], replaces=replaces), what=f"PUT KEY {kid:02X}/{kvn:02X}")
    check_answer(answer, kvn, [key])


def refuse_test_keys(keystore: KeyStore, wrapped: Iterable[WrappedCardKey]) -> None:
    """Refuse keys everybody knows.

    :raises KeyStoreError: when the store holds test keys, or a check value is that of a published key.
    """
    if keystore.kind == "TEST":
        raise KeyStoreError("the key store holds test keys: they do not go onto a live card")
    for item in wrapped:
        method = KCVMethod.ONES if key_type(item.algorithm) == AES else KCVMethod.ZERO
        value = item.kcv.hex().upper()
        if name := known_by_check_value(item.algorithm, {method: value}):
            raise KeyStoreError(f"key with check value {value}: everybody knows it ({name})")


def _check_order(kcvs: Sequence[bytes], ordered: tuple[bytes, ...]) -> None:
    if ordered and not hmac.compare_digest(b"".join(kcvs), b"".join(ordered)):
        got, expected = (", ".join(value.hex().upper() for value in values) for values in (kcvs, ordered))
        raise KeyStoreError(f"key check values: the store's are {got}, the order says {expected}")


def _check_strength(dek: Dek, wrapped: list[WrappedCardKey]) -> None:
    carrier = dek.key.algorithm if isinstance(dek.key, Key) else dek.keystore.find(dek.key.reference).algorithm
    for item in wrapped:
        if _STRENGTH[item.algorithm] > _STRENGTH[carrier]:
            raise KeyStoreError(
                f"a {item.algorithm} key under a {carrier} DEK: the weaker would carry the stronger, expected the "
                f"waiver {Waiver.WEAKER_DEK}"
            )


def _check_place(held: KeyInformation, change: KeyChange, wrapped: list[WrappedCardKey]) -> None:
    """Check that the new version is free, and what is replaced is there with the same types and lengths."""
    new, old = change.new.kvn, change.replaces
    if held.set_of(new) and new != old:
        raise ProfileError(f"key set {new:02X}: the card has one already, expected it to be named as replaced")
    for kid, item in enumerate(wrapped, _FIRST_KID) if old else ():
        entry = held.find(old, kid)
        if entry is None:
            raise ProfileError(f"key {kid:02X}/{old:02X}: nothing to replace, the card has no such key")
        if (entry.type, entry.size_bytes) != (key_type(item.algorithm), item.size_bytes):
            raise ProfileError(f"key {kid:02X}/{old:02X} is {entry.name}: {item.algorithm} cannot replace it")
