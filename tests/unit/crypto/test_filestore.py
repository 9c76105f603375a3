"""The encrypted key file: opens for the right people only, notices every change, keeps test and live keys apart."""

import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cardkit.crypto import Key, Secret, Usage, durable, filestore, passphrase
from cardkit.crypto.custodians import enrol
from cardkit.crypto.filestore import FileKeyStore, inventory, unlocking
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.keyblock import Header, write_block
from cardkit.crypto.management import KeyEntry, NewKey, State
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import KeyStoreError

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
GP_KEY = bytes(range(0x40, 0x50))
NEW = NewKey("plant:kmc", "AES-128", Usage.MASTER_DERIVE, "acme", 0x30, not_after=date(2027, 12, 31), custodian="ann")


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Passphrases are stretched with the least cost, so that tests are fast."""
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    monkeypatch.setitem(passphrase.COSTS, "scrypt", {"n": 2, "r": 8, "p": 1})


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def phrase(text="correct horse"):
    return Secret(text.encode(), "passphrase")


def new_store(folder, kind="TEST", **options):
    return FileKeyStore.create(folder / "a.keys", kind, phrase(), clock=Clock(), **options)


def reopened(folder, clock=None):
    return FileKeyStore.open(folder / "a.keys", phrase(), clock=clock or Clock())


@pytest.fixture
def path(tmp_path):
    with new_store(tmp_path) as store:
        store.import_key(NEW, bytearray(VALUE))
    return tmp_path / "a.keys"


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


def leaves(value, at=()):
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*at, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*at, index))
    else:
        yield at, value


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value is None:
        return 7
    return ("1" if value[:1] != "1" else "2") + value[1:] if value else "x"


def test_every_changed_field_is_noticed(path):
    document = json.loads(path.read_text())
    places = [at for at, _ in leaves(document)]
    assert len(places) > 25
    for at in places:
        copy = json.loads(path.read_text())
        target = copy
        for step in at[:-1]:
            target = target[step]
        target[at[-1]] = changed(target[at[-1]])
        path.with_name("b.keys").write_text(json.dumps(copy))
        with pytest.raises(KeyStoreError):
            FileKeyStore.open(path.with_name("b.keys"), phrase())


def test_order_and_blanks_of_the_json_mean_nothing(path):
    document = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(document.items())), indent=3))

    FileKeyStore.open(path, phrase()).close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no key store"),
        (b"\xff\xfe", "no key store"),
        (b"[]", "no key store"),
        (b"{}", "no key store, or not of version 1"),
        (b'{"format": "cardkit-keystore", "version": 2}', "not of version 1"),
        (b'{"format": "cardkit-keystore", "version": 1}', "no key store: Object missing required field"),
        (b"[" * 5000, "no key store"),
    ],
)
def test_file_that_is_no_key_store_is_refused(tmp_path, content, message):
    path = tmp_path / "a.keys"
    path.write_bytes(content)
    for call in (lambda: FileKeyStore.open(path, phrase()), lambda: inventory(path), lambda: unlocking(path)):
        with pytest.raises(KeyStoreError, match=message):
            call()


def test_unknown_field_is_refused(path):
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "note": 1}))
    with pytest.raises(KeyStoreError, match="unknown field"):
        inventory(path)


def test_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cardkit.crypto.filestoreformat.MOST_BYTES", 10)
    (tmp_path / "a.keys").write_bytes(b"{" + b" " * 10)
    with pytest.raises(KeyStoreError, match="11 bytes, a key store has 10 at most"):
        inventory(tmp_path / "a.keys")


def test_label_twice_is_refused(path):
    document = json.loads(path.read_text())
    document["entries"] *= 2
    path.write_text(json.dumps(document))
    with pytest.raises(KeyStoreError, match="a label twice"):
        inventory(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(KeyStoreError, match=r"none: key store: No such file"):
        FileKeyStore.open(tmp_path / "none", phrase())


def test_store_is_never_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(KeyStoreError, match="is there already"):
        FileKeyStore.create(path, "TEST", phrase())
    with pytest.raises(KeyStoreError, match="is there already"):
        FileKeyStore.create_shared(path, "TEST", 2, 3)
    assert path.read_bytes() == before


def test_short_passphrase_is_refused(tmp_path):
    with pytest.raises(KeyStoreError, match="7 bytes, expected 8 or more"):
        FileKeyStore.create(tmp_path / "a.keys", "TEST", phrase("1234567"))
    FileKeyStore.create(tmp_path / "a.keys", "TEST", phrase("12345678")).close()


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


def test_card_secrets_are_no_keys():
    with pytest.raises(KeyStoreError, match="for values in an order"):
        NewKey("plant:pin", "AES-128", Usage.CARD_SECRET)


KEYS = json.loads((Path(__file__).parents[2] / "vectors" / "security-keys.json").read_text(encoding="utf-8"))


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


def test_keys_past_their_time_or_not_active_are_not_used(path):
    clock = Clock(datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    with FileKeyStore.open(path, phrase(), clock=clock) as store:
        assert store.kcv("plant:kmc", KCVMethod.ONES)
        clock.now = datetime(2028, 1, 1, tzinfo=UTC)
        with pytest.raises(KeyStoreError, match="plant:kmc: expired on 2027-12-31"):
            store.kcv("plant:kmc", KCVMethod.ONES)


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


PROTECTION = NewKey("order:kbpk", "AES-256", Usage.BLOCK_PROTECTION)
KBPK = bytes.fromhex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6")


def block(usage="K0", mode="B", exportability="E", algorithm="A", value=VALUE):
    kbpk = ClearKey(Key(KBPK, "kbpk", "AES-256", Usage.BLOCK_PROTECTION))
    header = Header("D", usage, algorithm, mode, exportability=exportability)
    return write_block(kbpk, header, Secret(value, "key"), os.urandom)


@pytest.fixture
def protected(tmp_path):
    with new_store(tmp_path, "LIVE") as store:
        store.import_key(PROTECTION, bytearray(KBPK))
        yield store


@pytest.mark.parametrize(
    ("usage", "mode", "purpose"),
    [("K0", "B", Usage.KEK), ("K0", "N", Usage.KEK), ("K0", "D", Usage.TRANSPORT_IN), ("K0", "E", Usage.TRANSPORT_OUT),
     ("K1", "B", Usage.BLOCK_PROTECTION), ("D0", "B", Usage.DATA_ENC), ("M0", "C", Usage.DATA_MAC),
     ("M8", "N", Usage.DATA_MAC), ("E0", "X", Usage.MASTER_DERIVE), ("E6", "N", Usage.MASTER_DERIVE),
     ("B3", "X", Usage.MASTER_DERIVE), ("P0", "B", Usage.PIN_ENC), ("S0", "S", Usage.SIGN)],
)  # fmt: skip
def test_key_block_is_imported_for_its_purpose_only(protected, usage, mode, purpose):
    text = block(usage, mode)
    wrong = Usage.FIELD_ENC
    with pytest.raises(KeyStoreError, match=f"usage field-enc, the key block says {purpose}"):
        protected.import_block(NewKey("order:x", "AES-128", wrong), text, "order:kbpk")
    entry = protected.import_block(NewKey("order:x", "AES-128", purpose), text, "order:kbpk")

    assert entry.usage is purpose
    assert Key(VALUE, "x", "AES-128", purpose) == protected._key("order:x")


@pytest.mark.parametrize(
    ("new", "text", "message"),
    [
        ({}, block("C0"), "usage C0 is not one cardkit has a purpose for"),
        ({}, block("E7"), "usage E7 is not one"),
        ({}, block("K0", "X"), "usage K0 with mode X, expected one of B, N, D, E|BNDE"),
        ({"usage": Usage.DATA_MAC}, block("M6", "G"), "mode G"),
        ({"algorithm": "AES-256"}, block(), "AES-256, the key block says AES-128"),
        ({"algorithm": "AES-128"}, block(algorithm="T"), "AES-128, the key block says 3DES-128"),
        ({"algorithm": "HMAC-256"}, block(algorithm="H", value=VALUE), "algorithm H of 128 bits is not imported"),
        ({"exportable": True}, block(exportability="N"), "the key block says N: it stays in"),
        ({"exportable": True}, block(exportability="S"), "the key block says S: it stays in"),
        ({}, block(value=GP_KEY), "a known test key"),
        ({}, block()[:-1] + "0", "the MAC is wrong|length"),
    ],
)
def test_key_block_that_does_not_fit_is_refused(protected, new, text, message):
    terms = {"algorithm": "AES-128", "usage": Usage.KEK, **new}
    with pytest.raises(KeyStoreError, match=message):
        protected.import_block(NewKey("order:x", **terms), text, "order:kbpk")
    assert protected.references() == ["order:kbpk"]


def test_key_block_is_protected_by_a_protection_key_only(protected):
    protected.import_key(NewKey("plant:kek", "AES-128", Usage.KEK, exportable=True), bytearray(VALUE))
    with pytest.raises(KeyStoreError, match="usage kek, protecting a key block needs block-protection"):
        protected.import_block(NewKey("order:x", "AES-128", Usage.KEK), block(), "plant:kek")
    with pytest.raises(KeyStoreError, match="usage kek, protecting a key block needs block-protection"):
        protected.export_block("plant:kek", "plant:kek")


@pytest.mark.parametrize("usage", [Usage.KEK, Usage.TRANSPORT_IN, Usage.TRANSPORT_OUT, Usage.MASTER_DERIVE,
                                   Usage.DATA_ENC, Usage.DATA_MAC, Usage.PIN_ENC, Usage.BLOCK_PROTECTION])  # fmt: skip
@pytest.mark.parametrize("algorithm", ["AES-128", "3DES-128"])
def test_exported_key_is_imported_again(protected, tmp_path, usage, algorithm):
    new = NewKey("plant:x", algorithm, usage, exportable=True)
    protected.import_key(new, bytearray(VALUE))
    text = protected.export_block("plant:x", "order:kbpk")
    with FileKeyStore.create(tmp_path / "b.keys", "LIVE", phrase()) as other:
        other.import_key(PROTECTION, bytearray(KBPK))
        other.import_block(new, text, "order:kbpk")
        assert protected._key("plant:x") == other._key("plant:x")


def test_block_under_a_3des_key_is_version_b(protected):
    protected.import_key(NewKey("order:zcmk", "3DES-192", Usage.BLOCK_PROTECTION), bytearray(KBPK[:24]))
    protected.import_key(NewKey("plant:x", "3DES-128", Usage.MASTER_DERIVE, exportable=True), bytearray(VALUE))
    text = protected.export_block("plant:x", "order:zcmk")

    assert text[0] + text[5:16] == "BE6TX00E0000"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({}, "plant:x: not exportable"),
        ({"usage": Usage.CARD_KEY, "exportable": True}, "a key AES-128 for card-key has no TR-31 usage"),
        ({"algorithm": "EC-P256", "usage": Usage.SIGN, "exportable": True}, "no TR-31 usage|private key"),
    ],
)
def test_keys_that_stay_in(protected, new, message):
    terms = {"algorithm": "AES-128", "usage": Usage.KEK, **new}
    protected.generate(NewKey("plant:x", **terms))
    with pytest.raises(KeyStoreError, match=message):
        protected.export_block("plant:x", "order:kbpk")


def test_private_key_in_a_published_block_is_imported(tmp_path):
    vectors = json.loads((Path(__file__).parents[2] / "vectors" / "security-tr31.json").read_text(encoding="utf-8"))
    given = next(v for v in vectors if v["name"] == "tr31-ANSI-X9.143-8.6")["in"]
    with new_store(tmp_path) as store:
        store.import_key(PROTECTION, bytearray.fromhex(given["kbpk"]))
        entry = store.import_block(NewKey("order:sign", "EC-P256", Usage.SIGN), given["block"], "order:kbpk")
        assert (entry.algorithm, len(store.sign_content("order:sign", b"m"))) == ("EC-P256", 64)


def test_folder_is_synced_where_it_can_be(tmp_path, monkeypatch):
    monkeypatch.delattr(durable.os, "O_DIRECTORY", raising=False)
    durable.replace_file(tmp_path / "a", b"1")
    durable.replace_file(tmp_path / "a", b"2")

    assert (tmp_path / "a").read_bytes() == b"2"


def test_dates_of_a_forged_file_do_not_crash():
    with pytest.raises(KeyStoreError, match="date '2026-13-01', expected YYYY-MM-DD"):
        filestore._date("2026-13-01")
    with pytest.raises(KeyStoreError, match="time 'x', expected"):
        filestore._time("x")


def test_store_id_of_a_forged_file_is_refused(path):
    path.write_text(path.read_text().replace(json.loads(path.read_text())["id"], "not hex"))
    with pytest.raises(KeyStoreError, match="key store id 'not hex': expected hex digits"):
        FileKeyStore.open(path, phrase())


def forged(path, **fields):
    """Return the path of a file whose MAC is right and whose one entry holds these fields: only its owner can do so."""
    from msgspec.structs import replace

    from cardkit.crypto.filestoreformat import parse

    with FileKeyStore.open(path, phrase()) as store:
        entry = replace(store._document.entries[0], **fields)
        clear = store._sealer.open(store._document.entries[0])
        store._write(replace(store._document, entries=(store._sealer.seal(entry, clear),)))
    assert parse(path.read_bytes(), "").entries[0].ct
    return path


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"algorithm": "AES-512"}, "algorithm 'AES-512', expected one of AES-128"),
        ({"algorithm": "AES-256"}, "16 bytes, AES-256 has 32"),
        ({"algorithm": "EC-P256"}, "usage master-derive, a private key is for|PKCS#8"),
        ({"kvn": 256}, "version 256, expected 0 to 255"),
    ],
)
def test_entry_that_is_no_key_is_refused(path, fields, message):
    forged(path, **fields)
    with pytest.raises(KeyStoreError, match=message):
        FileKeyStore.open(path, phrase())


def test_private_key_of_another_curve_than_announced_is_refused(tmp_path):
    value = (Path(__file__).parents[2] / "vectors" / "keys" / "ec-p256.der").read_bytes()
    with new_store(tmp_path) as store, pytest.raises(KeyStoreError, match="plant:x: EC-P256, expected EC-P384"):
        store.import_key(NewKey("plant:x", "EC-P384", Usage.SIGN), bytearray(value))


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
