"""The file of a key store: what is changed, forged or no store at all is refused."""

import json
from pathlib import Path

import pytest

from cardkit.crypto import Usage, filestore
from cardkit.crypto.filestore import FileKeyStore, inventory, unlocking
from cardkit.crypto.management import NewKey
from cardkit.errors import KeyStoreError
from tests.unit.crypto.storefiles import new_store, phrase

pytestmark = pytest.mark.usefixtures("cheap")


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
    (tmp_path / "a.keys").write_bytes(b"{}" + b" " * 8)
    with pytest.raises(KeyStoreError, match="no key store, or not of version 1"):
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
