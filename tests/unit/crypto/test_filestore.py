"""The encrypted key file: opens for the right people only, notices every change, keeps test and live keys apart."""

import dataclasses
import hashlib
import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cardkit.crypto import Key, Secret, Usage, durable, passphrase
from cardkit.crypto.custodians import enrol
from cardkit.crypto.filestore import FileKeyStore, inventory, unlocking
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.management import KeyEntry, NewKey, State
from cardkit.errors import KeyStoreError
from tests.unit.crypto.storefiles import GP_KEY, NEW, NOW, VALUE, Clock, new_store, phrase, reopened

pytestmark = pytest.mark.usefixtures("cheap")


def test_imported_key_is_there_again(tmp_path):
    with new_store(tmp_path) as store:
        entry = store.import_key(NEW, bytearray(VALUE))
        expected = KeyEntry(
            "plant:kmc", "AES-128", 128, Usage.MASTER_DERIVE, "acme", 0x30, entry.kcv, "ones_block_ecb",
            State.ACTIVE, NOW, date(2027, 12, 31), False, "ann",
        )  # fmt: skip
        assert expected == entry
    with reopened(tmp_path) as store:
        assert [expected] == store.entries()
        assert store.references() == ["plant:kmc"]
        assert Key(VALUE, "x", "AES-128", Usage.MASTER_DERIVE) == store._key("plant:kmc")
        assert store.find("plant:kmc").kvn == 0x30
    assert inventory(tmp_path / "a.keys") == ("TEST", [expected])


def test_no_key_stands_in_the_file(path):
    content = path.read_bytes()

    assert VALUE not in content
    assert VALUE.hex().encode() not in content.lower()
    assert b"correct horse" not in content


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_file_is_for_its_owner_only(path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["argon2id", "scrypt"])
def test_both_ways_to_stretch_a_passphrase(tmp_path, monkeypatch, name):
    monkeypatch.setattr(passphrase, "has_argon2id", lambda: name == "argon2id")
    new_store(tmp_path).close()
    document = json.loads((tmp_path / "a.keys").read_text())

    assert document["kdf"]["name"] == name
    assert document["kdf"]["costs"] == passphrase.COSTS[name]
    assert unlocking(tmp_path / "a.keys").by == "passphrase"
    reopened(tmp_path).close()


def test_wrong_passphrase_is_refused(path):
    with pytest.raises(KeyStoreError, match="wrong passphrase or shares, or the file was changed"):
        FileKeyStore.open(path, phrase("correct horsf"))


@pytest.mark.parametrize("kind", ["TEST", "LIVE"])
def test_shares_open_the_store_and_fewer_do_not(tmp_path, kind):
    path = tmp_path / "a.keys"
    store, shares = FileKeyStore.create_shared(path, kind, 2, 3)
    with store:
        store.generate(NEW)
    for chosen in (shares[:2], shares[1:], shares[::2], shares):
        with FileKeyStore.open(path, chosen) as opened:
            assert (opened.kind, opened.references()) == (kind, ["plant:kmc"])
    with pytest.raises(KeyStoreError, match="1 shares, expected 2"):
        FileKeyStore.open(path, shares[:1])
    with pytest.raises(KeyStoreError, match="indexes must differ"):
        FileKeyStore.open(path, shares[:1] * 2)
    with pytest.raises(KeyStoreError, match="opened by 2 of 3 shares, not a passphrase"):
        FileKeyStore.open(path, phrase())
    other, strangers = FileKeyStore.create_shared(tmp_path / "b.keys", kind, 2, 3)
    other.close()
    with pytest.raises(KeyStoreError, match="wrong passphrase or shares"):
        FileKeyStore.open(path, [shares[0], strangers[1]])


def test_passphrase_store_is_not_opened_by_shares(path, tmp_path):
    _, shares = FileKeyStore.create_shared(tmp_path / "b.keys", "TEST", 2, 2)
    with pytest.raises(KeyStoreError, match="opened by a passphrase, not by shares"):
        FileKeyStore.open(path, shares)


def test_counter_and_digest_follow_each_write(tmp_path):
    import hashlib

    with new_store(tmp_path) as store:
        seen = [(store.counter, store.sha256)]
        store.generate(NEW)
        seen.append((store.counter, store.sha256))
        assert store.sha256 == hashlib.sha256((tmp_path / "a.keys").read_bytes()).hexdigest()
    assert [counter for counter, _ in seen] == [1, 2]
    assert seen[0][1] != seen[1][1]
    with reopened(tmp_path) as store:
        assert (store.counter, store.sha256) == seen[1]


def test_second_program_cannot_undo_the_work_of_the_first(path):
    with FileKeyStore.open(path, phrase()) as one, FileKeyStore.open(path, phrase()) as two:
        one.generate(NewKey("plant:one", "AES-256", Usage.MASTER_DERIVE))
        with pytest.raises(KeyStoreError, match="changed by another program meanwhile"):
            two.generate(NewKey("plant:two", "AES-256", Usage.MASTER_DERIVE))
    with FileKeyStore.open(path, phrase()) as store:
        assert store.references() == ["plant:kmc", "plant:one"]


def test_failed_write_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    with FileKeyStore.open(path, phrase()) as store:
        monkeypatch.setattr(durable.os, "fsync", full)
        with pytest.raises(KeyStoreError, match="cannot be written: No space left"):
            store.generate(NewKey("plant:one", "AES-256", Usage.MASTER_DERIVE))
        assert store.references() == ["plant:kmc"]
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("algorithm", ["AES-128", "AES-192", "AES-256", "3DES-128", "3DES-192", "HMAC-256"])
def test_generated_keys_are_random(tmp_path, algorithm):
    with new_store(tmp_path) as store:
        entries = [store.generate(NewKey(f"plant:{n}", algorithm, Usage.DATA_MAC)) for n in range(2)]
        assert [algorithm] * 2 == [entry.algorithm for entry in entries]
        assert store._key("plant:0") != store._key("plant:1")


@pytest.mark.parametrize(
    ("algorithm", "usage"), [("EC-P384", Usage.AGREE), ("EC-BP256", Usage.SIGN), ("RSA-1024", Usage.SIGN)]
)
def test_generated_private_keys(tmp_path, algorithm, usage):
    with new_store(tmp_path) as store:
        entry = store.generate(NewKey("plant:sd", algorithm, usage))
    with reopened(tmp_path) as store:
        assert (entry.algorithm, entry.kcv_method, len(entry.kcv)) == (algorithm, "sha256_public_key", 64)
        assert store.find("plant:sd").kcv == entry.kcv


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (NewKey("plant:x", "AES-64", Usage.KEK), "algorithm 'AES-64', expected one of AES-128"),
        (NewKey("plant:x", "ECDH-256", Usage.KEK), "algorithm 'ECDH-256', expected one of"),
        (NewKey("plant:x", "EC-P256", Usage.KEK), "usage kek, a private key is for sign or agree"),
        (NewKey("plant:x", "RSA-1024", Usage.AGREE), "a key agreement needs an elliptic curve"),
        (NewKey("plant:x", "AES-128", Usage.KEK, kvn=256), "version 256, expected 0 to 255"),
        (NewKey("plant:kmc", "AES-128", Usage.KEK), "is in this store already"),
    ],
)
def test_keys_that_are_not_made(path, new, message):
    before = path.read_bytes()
    with FileKeyStore.open(path, phrase()) as store, pytest.raises(KeyStoreError, match=message):
        store.generate(new)
    assert path.read_bytes() == before


@pytest.mark.parametrize("reference", ["", "kmc", ":kmc", "plant:", "plant:a\nb"])
def test_malformed_reference_is_refused(reference):
    with pytest.raises(KeyStoreError, match="expected scheme:name"):
        NewKey(reference, "AES-128", Usage.KEK)


ADM = NewKey("plant:adm", "", Usage.CARD_SECRET, custodian="ann, bob")
CODE = bytes.fromhex("9A1C5F7703E2D4B8")


@pytest.mark.parametrize("wrong", [{"algorithm": "AES-128"}, {"kvn": 1}, {"exportable": True}])
def test_a_code_has_no_algorithm_no_version_and_no_way_out(wrong):
    with pytest.raises(KeyStoreError, match="usage card-secret, a code has no algorithm, no version, and is never"):
        dataclasses.replace(ADM, **wrong)


@pytest.mark.parametrize("kind", ["TEST", "LIVE"])
def test_code_is_kept_and_listed_by_its_length(tmp_path, kind):
    with new_store(tmp_path, kind) as store:
        entry = store.import_key(ADM, bytearray(CODE))
    data = (tmp_path / "a.keys").read_bytes()
    with reopened(tmp_path) as store:
        assert Secret(CODE, "adm") == store.card_secret("plant:adm")
        assert store.entries() == inventory(tmp_path / "a.keys")[1] == [entry]
    assert (entry.algorithm, entry.bits, entry.named, entry.kcv, entry.kcv_method) == ("", 64, "8 bytes", "", "none")
    assert CODE.hex() not in data.decode().lower()


@pytest.mark.parametrize("size", [0, 33, 4096])
def test_code_of_another_length_is_refused(tmp_path, size):
    with new_store(tmp_path) as store:
        with pytest.raises(KeyStoreError, match=f"key plant:adm: {size} bytes, a code has 1 to 32"):
            store.import_key(ADM, bytearray(size))
        assert store.import_key(ADM, bytearray(32)).bits == 256


@pytest.mark.requirement("K2")
@pytest.mark.parametrize("known", ["3132333435363738", "FFFFFFFFFFFFFFFF", "00"])
def test_live_store_refuses_a_code_that_everybody_tries(tmp_path, known):
    with new_store(tmp_path, "LIVE") as store, pytest.raises(KeyStoreError, match="a known test key"):
        store.import_key(ADM, bytearray.fromhex(known))


@pytest.mark.requirement("K1")
def test_code_leaves_in_no_key_block_and_is_not_made_here(path):
    with FileKeyStore.open(path, phrase()) as store:
        store.import_key(ADM, bytearray(CODE))
        store.generate(NewKey("plant:kbpk", "AES-256", Usage.BLOCK_PROTECTION))
        with pytest.raises(KeyStoreError, match="usage card-secret, it is presented to a card and nothing else"):
            store.export_block("plant:adm", "plant:kbpk")
        with pytest.raises(KeyStoreError, match="a code comes with its cards: import it"):
            store.generate(dataclasses.replace(ADM, reference="plant:new"))


@pytest.mark.requirement("K11")
def test_code_has_a_life_as_keys_have(path):
    clock = Clock()
    with FileKeyStore.open(path, phrase(), clock=clock) as store:
        store.import_key(dataclasses.replace(ADM, not_after=date(2027, 12, 31)), bytearray(CODE))
        store.set_state("plant:adm", State.SUSPENDED)
        with pytest.raises(KeyStoreError, match="plant:adm: suspended"):
            store.card_secret("plant:adm")
        store.set_state("plant:adm", State.ACTIVE)
        code = store.card_secret("plant:adm")
        clock.now = datetime(2028, 1, 1, tzinfo=UTC)
        with pytest.raises(KeyStoreError, match="plant:adm: expired"):
            store.card_secret("plant:adm")
        store.destroy("plant:adm")
        assert not any(code.reveal())


def test_fingerprint_of_a_code_is_of_its_store_name_and_value(tmp_path):
    """Equal for equal codes only under the key of one store: nobody else can try codes until one fits."""
    found = {}
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        with new_store(tmp_path / folder) as store:
            store.import_key(ADM, bytearray(CODE))
            store.import_key(dataclasses.replace(ADM, reference="plant:b"), bytearray(CODE))
            found[folder] = [store.find(name).fingerprint for name in ("plant:adm", "plant:b")]
            with reopened(tmp_path / folder) as again:
                assert again.find("plant:adm").fingerprint == found[folder][0]
            store.destroy("plant:adm")
            store.import_key(ADM, bytearray(CODE[::-1]))
            found[folder].append(store.find("plant:adm").fingerprint)
    everything = found["one"] + found["two"]
    assert (len(set(everything)), {len(text) for text in everything}) == (6, {64})
    digests = (hashlib.sha256(CODE), hashlib.sha256(b"plant:adm\0" + CODE))
    assert {digest.hexdigest() for digest in digests}.isdisjoint(everything)


KEYS = json.loads((Path(__file__).parents[2] / "vectors" / "security-keys.json").read_text(encoding="utf-8"))


@pytest.mark.requirement("K2")
@pytest.mark.parametrize("algorithm", ["AES-128", "3DES-128"])
def test_live_store_refuses_every_known_test_key(tmp_path, algorithm):
    with new_store(tmp_path, "LIVE") as store:
        for vector in KEYS:
            if vector["name"].startswith("test-key-"):
                with pytest.raises(KeyStoreError, match="a known test key"):
                    store.import_key(NewKey("plant:x", algorithm, Usage.KEK), bytearray.fromhex(vector["in"]["key"]))
        assert store.entries() == []
        store.import_key(NewKey("plant:x", algorithm, Usage.KEK), bytearray(VALUE))


def test_live_store_knows_a_test_key_with_other_parity_bits(tmp_path):
    """3DES ignores them, so does the check value; the bytes alone would not tell."""
    value = bytearray(byte ^ 1 for byte in GP_KEY)
    with new_store(tmp_path, "LIVE") as store, pytest.raises(KeyStoreError, match="GlobalPlatform default"):
        store.import_key(NewKey("plant:x", "3DES-128", Usage.KEK), value)


@pytest.mark.requirement("K11")
def test_keys_past_their_time_or_not_active_are_not_used(path):
    clock = Clock(datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    with FileKeyStore.open(path, phrase(), clock=clock) as store:
        assert store.kcv("plant:kmc", KCVMethod.ONES)
        clock.now = datetime(2028, 1, 1, tzinfo=UTC)
        with pytest.raises(KeyStoreError, match="plant:kmc: expired on 2027-12-31"):
            store.kcv("plant:kmc", KCVMethod.ONES)


@pytest.mark.requirement("K11")
def test_life_cycle(path):
    with FileKeyStore.open(path, phrase(), clock=Clock()) as store:
        assert store.set_state("plant:kmc", State.SUSPENDED).state is State.SUSPENDED
    with FileKeyStore.open(path, phrase(), clock=Clock()) as store:
        with pytest.raises(KeyStoreError, match="plant:kmc: suspended, expected active"):
            store.find("plant:kmc")
        store.set_state("plant:kmc", State.ACTIVE)
        assert Key(VALUE, "x", "AES-128", Usage.MASTER_DERIVE) == store._key("plant:kmc")
        store.set_state("plant:kmc", State.RETIRED)
        with pytest.raises(KeyStoreError, match="retired, which is for good"):
            store.set_state("plant:kmc", State.ACTIVE)
        assert [entry.state for entry in store.entries()] == [State.RETIRED]
        with pytest.raises(KeyStoreError, match="not in this key store"):
            store.set_state("plant:none", State.ACTIVE)


@pytest.mark.requirement("K12")
def test_destroyed_key_is_gone(path):
    with FileKeyStore.open(path, phrase()) as store:
        key = store._key("plant:kmc")
        store.destroy("plant:kmc")
        assert not any(key.reveal())
        with pytest.raises(KeyStoreError, match="not in this key store"):
            store.find("plant:kmc")
        with pytest.raises(KeyStoreError, match="not in this key store"):
            store.destroy("plant:kmc")
    with FileKeyStore.open(path, phrase()) as store:
        assert store.entries() == []


def test_closing_wipes_every_key(path):
    store = FileKeyStore.open(path, phrase())
    key = store._key("plant:kmc")
    store.close()

    assert not any(key.reveal())
    with pytest.raises(KeyStoreError, match="holds 0 keys"):
        store.find("plant:kmc")


def test_custodians_are_kept(tmp_path):
    people = enrol([("ann", phrase("ann's phrase")), ("bob", phrase("bob's phrase"))])
    with new_store(tmp_path, custodians=people) as store:
        assert [person.name for person in store.custodians] == ["ann", "bob"]
    with reopened(tmp_path) as store:
        store.custodians[1].log_in(phrase("bob's phrase"))
        with pytest.raises(KeyStoreError, match="bob: wrong passphrase"):
            store.custodians[1].log_in(phrase("ann's phrase"))


def test_folder_is_synced_where_it_can_be(tmp_path, monkeypatch):
    monkeypatch.delattr(durable.os, "O_DIRECTORY", raising=False)
    durable.replace_file(tmp_path / "a", b"1")
    durable.replace_file(tmp_path / "a", b"2")

    assert (tmp_path / "a").read_bytes() == b"2"


@pytest.mark.requirement("K12")
def test_destruction_that_did_not_work_is_said(path, monkeypatch):
    with FileKeyStore.open(path, phrase()) as store:
        monkeypatch.setattr(store, "_write", lambda document: None)
        with pytest.raises(KeyStoreError, match="key plant:kmc is still in the file"):
            store.destroy("plant:kmc")


def test_card_secret_signs_nothing():
    from cardkit.crypto import MemoryKeyStore

    store = MemoryKeyStore({"test:adm": Secret(b"12345678", "adm")})
    for call in (lambda: store.sign_content("test:adm", b""), lambda: store.verify_content("test:adm", b"", b"")):
        with pytest.raises(KeyStoreError, match="usage card-secret, it is presented to a card and nothing else"):
            call()


def test_days_are_those_of_utc(path):
    """A station east of Greenwich must not lose a day of the cryptoperiod."""
    east = timezone(timedelta(hours=5))
    clock = Clock(datetime(2028, 1, 1, 4, 59, tzinfo=east))
    with FileKeyStore.open(path, phrase(), clock=clock) as store:
        store.find("plant:kmc")
        clock.now = datetime(2028, 1, 1, 5, 0, tzinfo=east)
        with pytest.raises(KeyStoreError, match="expired"):
            store.find("plant:kmc")
