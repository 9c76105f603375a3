"""Changing keys: everything refused before a byte is sent, the new set proven, the old one forgotten only then."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from cardkit.apps.gp import domain_keys as keys
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.domain_keys import KeyChange, Proof, Waiver
from cardkit.apps.gp.putkey import ec_public_key, symmetric_key
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, WrappedCardKey, parse_key_set
from cardkit.errors import AuthenticationError, KeyStoreError, ProfileError, ProtocolError, StatusError
from cardkit.secure.levels import SecurityLevel

from .conftest import LEVELS, Open, opened, scripted

NEW = 0x30


def own(algorithm: str, kvn: int = NEW) -> CardKeySet:
    """A plant's own set of an algorithm."""
    names = ",".join(f"test:{name}-{algorithm.lower()}" for name in ("enc", "mac", "dek"))
    return parse_key_set(f"{kvn:02X}={names}").for_card(b"")


def same_kind(card: Open) -> CardKeySet:
    """A set of the kind this card has."""
    return own("3DES-128" if card.domain.dek().block_size == 8 else "AES-128")


def proof(level: int) -> Proof:
    return Proof(SecurityLevel(level), secrets.token_bytes(16))


def level_of(card: Open) -> int:
    assert card.domain.session is not None
    return int(card.domain.session.level)


class Sent:
    """What went out of a channel after this was made."""

    def __init__(self, card: Open) -> None:
        self.instructions: list[int] = []
        self._transmit = card.channel._transmit
        card.channel._transmit = self

    def __call__(self, command: bytes) -> bytes:
        self.instructions.append(command[1])
        return self._transmit(command)


def test_a_new_set_is_put_proven_and_then_the_other_may_go(card: Open, keystore: MemoryKeyStore) -> None:
    change = KeyChange(same_kind(card), live=False)
    ready = keys.prepare(card.domain, keystore, change)
    proven = keys.rotate(card.domain, card.channel, keystore, ready, proof(level_of(card)))
    assert proven.greeting is not None
    assert proven.greeting.kvn == NEW
    held = lifecycle.key_information(proven)
    assert [entry.kid for entry in held.set_of(NEW)] == [1, 2, 3]
    second = KeyChange(replace(change.new, kvn=NEW + 1), live=False)
    ready = keys.prepare(proven, keystore, second)
    last = keys.rotate(proven, card.channel, keystore, ready, proof(level_of(card)), drop=NEW)
    assert lifecycle.key_information(last).set_of(NEW) == ()


def test_a_set_is_replaced_in_place(card: Open, keystore: MemoryKeyStore) -> None:
    first = KeyChange(same_kind(card), live=False)
    ready = keys.prepare(card.domain, keystore, first)
    proven = keys.rotate(card.domain, card.channel, keystore, ready, proof(level_of(card)))
    turned = CardKeySet(NEW, first.new.mac, first.new.dek, first.new.enc)
    change = KeyChange(turned, replaces=NEW, live=False)
    ready = keys.prepare(proven, keystore, change)
    again = keys.rotate(proven, card.channel, keystore, ready, proof(level_of(card)))
    assert again.keys == turned


def test_a_new_set_that_does_not_open_a_session_leaves_the_old_one(card: Open, keystore: MemoryKeyStore) -> None:
    old = KeyChange(same_kind(card), live=False)
    level = level_of(card)
    domain = keys.rotate(card.domain, card.channel, keystore, keys.prepare(card.domain, keystore, old), proof(level))
    change = replace(old, new=replace(old.new, kvn=NEW + 1))
    keys.put(domain, keys.prepare(domain, keystore, change))
    other = CardKeySet(NEW + 1, old.new.mac, old.new.enc, old.new.dek)
    sent = Sent(card)
    with pytest.raises(AuthenticationError):
        keys.prove(card.channel, domain.aid, keystore, other, proof(level))
    assert sent.instructions.count(0x50) == 1
    assert 0x82 not in sent.instructions
    again = SecurityDomain.select(card.channel)
    again.open(keystore, old.new, SecurityLevel(level), host_challenge=secrets.token_bytes(16))
    assert lifecycle.key_information(again).versions[-2:] == (NEW, NEW + 1)


# What is refused before a byte is sent


def refused(card: Open, keystore: MemoryKeyStore, change: KeyChange, error: type[Exception], message: str) -> None:
    sent = Sent(card)
    with pytest.raises(error, match=message):
        keys.prepare(card.domain, keystore, change)
    assert 0xD8 not in sent.instructions


def test_test_keys_do_not_go_onto_a_live_card(scp03: Open, keystore: MemoryKeyStore) -> None:
    change = KeyChange(own("AES-128"))
    refused(scp03, keystore, change, KeyStoreError, "test keys: they do not go onto a live card")


class LiveStore(MemoryKeyStore):
    """A store that says it holds live keys."""

    kind = "LIVE"  # type: ignore[assignment]


def test_a_published_key_in_a_live_store_is_refused_too(scp03: Open) -> None:
    store = LiveStore.with_published_test_keys()
    default = parse_key_set(f"{NEW:02X}=test:gp-default").for_card(b"")
    change = KeyChange(default, waivers=[Waiver.EQUAL_KEYS])
    refused(scp03, store, change, KeyStoreError, "504A77: everybody knows it")


def test_equal_keys_need_a_waiver(scp03: Open, keystore: MemoryKeyStore) -> None:
    one = CardKey("test:enc-aes-128")
    change = KeyChange(CardKeySet(NEW, one, one, one), live=False)
    refused(scp03, keystore, change, KeyStoreError, "not three different keys")
    assert len(keys.prepare(scp03.domain, keystore, replace(change, waivers=[Waiver.EQUAL_KEYS])).data) == 3


@pytest.mark.parametrize("algorithm", ["AES-192", "AES-256"])
def test_a_key_stronger_than_its_dek_needs_a_waiver(scp03: Open, keystore: MemoryKeyStore, algorithm: str) -> None:
    change = KeyChange(own(algorithm), live=False)
    refused(scp03, keystore, change, KeyStoreError, f"a {algorithm} key under a AES-128 DEK")
    assert len(keys.prepare(scp03.domain, keystore, replace(change, waivers=[Waiver.WEAKER_DEK])).data) == 3


def test_aes_under_scp02_needs_a_waiver(keystore: MemoryKeyStore) -> None:
    with opened(keystore, "gp-scp02") as card:
        change = KeyChange(own("AES-128"), live=False)
        refused(card, keystore, change, KeyStoreError, "a AES-128 key under a 3DES-128 DEK")


def test_check_values_of_the_order_are_compared_first(scp03: Open, keystore: MemoryKeyStore) -> None:
    new = own("AES-128")
    right = tuple(keystore.card_key_kcv(key) for key in (new.enc, new.mac, new.dek))
    wrong = (*right[:2], b"\x00\x00\x00")
    refused(scp03, keystore, KeyChange(new, kcvs=wrong, live=False), KeyStoreError, "the order says .*000000")
    assert keys.prepare(scp03.domain, keystore, KeyChange(new, kcvs=right, live=False)).kcvs == right


def test_a_version_that_is_taken_and_one_that_is_not_there(scp03: Open, keystore: MemoryKeyStore) -> None:
    change = KeyChange(own("AES-128"), live=False)
    ready = keys.prepare(scp03.domain, keystore, change)
    scp03.domain = keys.rotate(scp03.domain, scp03.channel, keystore, ready, proof(0x33))
    refused(scp03, keystore, change, ProfileError, "key set 30: the card has one already")
    missing = replace(change, new=replace(change.new, kvn=0x31), replaces=0x32)
    refused(scp03, keystore, missing, ProfileError, "key 01/32: nothing to replace")
    longer = KeyChange(own("AES-256"), replaces=NEW, live=False, waivers=[Waiver.WEAKER_DEK])
    refused(scp03, keystore, longer, ProfileError, "key 01/30 is AES 128: AES-256 cannot replace it")


@pytest.mark.parametrize("image", ["gp-scp02", "gp-scp03"])
def test_a_plant_keeps_its_keys_apart_from_the_published_ones_of_a_new_card(
    image: str, keystore: MemoryKeyStore
) -> None:
    live = LiveStore()
    algorithm = "3DES-128" if image == "gp-scp02" else "AES-128"
    for number, name in enumerate(("enc", "mac", "dek")):
        value = hashlib.sha256(name.encode()).digest()[:16]
        live.add(f"plant:{name}", Key(value, name, algorithm, Usage.SECURE_CHANNEL, kvn=NEW + number))
    new = parse_key_set(f"{NEW:02X}=plant:enc,plant:mac,plant:dek").for_card(b"")
    with opened(keystore, image) as card:
        ready = keys.prepare(card.domain, live, KeyChange(new))
        proven = keys.rotate(card.domain, card.channel, live, ready, proof(level_of(card)))
        assert proven.keys == new
        if image == "gp-scp03":
            with pytest.raises(KeyStoreError, match="plant:dek is in another key store"):
                keys.dek_for(proven, keystore)


# Cards that lie


@pytest.mark.parametrize("answer", ["9000", "309000", "30111111222222333334" + "9000", "31111111222222333333" + "9000"])
def test_a_card_that_echoes_other_keys(answer: str) -> None:
    wrapped = [WrappedCardKey("AES-128", 16, bytes(16), bytes([number] * 3)) for number in (0x11, 0x22, 0x33)]
    data = tuple(map(symmetric_key, wrapped))
    change = KeyChange(own("AES-128"), live=False)
    domain, card = scripted(answer)
    with pytest.raises(ProtocolError, match="not the ones sent"):
        keys.put(domain, keys.Ready(change, data, tuple(item.kcv for item in data)))
    assert len(card.sent) == 2


def test_a_card_that_refuses_is_asked_once() -> None:
    data = (symmetric_key(WrappedCardKey("AES-128", 16, bytes(16), bytes(3))),) * 3
    domain, card = scripted("6A80")
    with pytest.raises(StatusError, match="PUT KEY, set 30: card answered 6A80"):
        keys.put(domain, keys.Ready(KeyChange(own("AES-128")), data, ()))
    assert len(card.sent) == 2


def test_a_card_that_hides_its_keys(keystore: MemoryKeyStore) -> None:
    domain, _ = scripted("6A88")
    with pytest.raises(ProtocolError, match="does not say which keys it holds"):
        keys.put_one(domain, 0x73, 1, ec_public_key(b"\x04" + bytes(64), 0))


# Single keys and deletion


def test_a_single_key_is_put_once(scp03: Open) -> None:
    key = ec_public_key(bytes.fromhex(
        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
    ), 0)  # fmt: skip
    keys.put_one(scp03.domain, 0x73, 1, key)
    assert lifecycle.key_information(scp03.domain).find(0x73, 1) is not None
    with pytest.raises(ProfileError, match="key 01/73: the card has one already"):
        keys.put_one(scp03.domain, 0x73, 1, key)
    with pytest.raises(ProfileError, match="key 02/73: nothing to replace"):
        keys.put_one(scp03.domain, 0x73, 2, key, replaces=0x73)
    lifecycle.delete_key_set(scp03.domain, 0x73)
    assert lifecycle.key_information(scp03.domain).find(0x73, 1) is None


def test_the_set_in_use_and_the_last_one_are_not_deleted(card: Open) -> None:
    sent = Sent(card)
    with pytest.raises(ProfileError, match="it opened this session"):
        lifecycle.delete_key_set(card.domain, 0xFF)
    assert 0xE4 not in sent.instructions


def test_the_last_set_that_opens_a_channel_is_not_deleted() -> None:
    three = "".join(f"C004{kid:02X}308810" for kid in (1, 2, 3)) + "C00401708810"
    domain, card = scripted(f"E0{len(three) // 2:02X}{three}9000")
    with pytest.raises(ProfileError, match="the last one that opens a secure channel"):
        lifecycle.delete_key_set(domain, 0x30)
    assert len(card.sent) == 2


def test_a_key_set_deleted_that_is_still_listed() -> None:
    keys_page = "E006C004017088109000"
    domain, _ = scripted(keys_page, "009000", keys_page)
    with pytest.raises(ProtocolError, match="9000 and still lists it"):
        lifecycle.delete_key_set(domain, 0x70)


def test_levels_of_the_images_are_those_the_tests_think() -> None:
    assert {image: int(level) for image, level in LEVELS.items()} == {"gp-scp02": 0x03, "gp-scp03": 0x33}
