"""What counts the uses of each key: operations count, looking does not, and the rest goes through unchanged."""

from __future__ import annotations

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, KeySetSpec, Role, Scheme
from cardkit.crypto.keyuse import KeyUses
from cardkit.errors import KeyStoreError

pytestmark = pytest.mark.requirement("L6")

SETS = KeySetSpec(0x30, "test:enc", "test:mac", "test:mac")


def keystore() -> MemoryKeyStore:
    usages = {"test:enc": Usage.SECURE_CHANNEL, "test:mac": Usage.SECURE_CHANNEL, "test:master": Usage.MASTER_DERIVE}
    return MemoryKeyStore(
        {name: Key(bytes(range(0x40, 0x50)), name, "AES-128", usage) for name, usage in usages.items()}
    )


def test_each_operation_counts_once_for_each_of_its_keys() -> None:
    uses = KeyUses(keystore())
    store = uses.store
    store.scp03_session(SETS.for_card(b""), bytes(16)).wipe()
    derived = CardKey("test:master", Scheme.KDF3, bytes(10), Role.MAC)
    store.wrap_for_card(derived, CardKey("test:enc"))
    store.wrap_keys_for_card([derived, derived], CardKey("test:enc"))
    with store.card_key(derived):
        pass
    assert uses.taken() == {"test:enc": 3, "test:mac": 1, "test:master": 4}
    assert uses.taken() == {}


def test_looking_at_a_key_is_no_use() -> None:
    uses = KeyUses(keystore())
    assert uses.store.find("test:enc").kcv == "504A77"
    assert uses.store.card_key_kcv(CardKey("test:enc")).hex().upper() == "504A77"
    assert (uses.store.kind, uses.taken()) == ("TEST", {})


def test_a_use_that_was_refused_counts_too() -> None:
    uses = KeyUses(keystore())
    with pytest.raises(KeyStoreError):
        uses.store.dup_digest("test:enc", "iccid", "89")
    assert uses.taken() == {"test:enc": 1}
