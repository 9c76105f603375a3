"""Cells, envelopes and the data key file: nothing opens anywhere but where it was sealed."""

import hmac
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardkit.crypto import Key, Secret, Usage, datakey
from cardkit.crypto.cell import CellAddress, CellCipher
from cardkit.crypto.envelope import Direction, Envelope
from cardkit.crypto.pack import pack, unpack
from cardkit.errors import EncodingError, KeyStoreError

ADDRESS = CellAddress("plant-1", "B-2031-0001", 7, "data", 1)
NONCE = bytes(range(12))
VALUE = b"the whole record"


def field_key(first=0x40):
    return Key(bytes(range(first, first + 32)), "cells", "AES-256", Usage.FIELD_ENC)


def pipe_key():
    return Key(bytes(range(32)), "pipe", "AES-256", Usage.DATA_ENC)


def test_cell_is_laid_out_as_specified():
    cell = CellCipher(field_key()).seal(ADDRESS, VALUE, NONCE)
    associated = b"cardkit-cell-1\0plant-1\0B-2031-0001\0" + b"7\0data\0" + b"1"
    sealed = AESGCM(bytes(range(0x40, 0x60))).encrypt(NONCE, VALUE, associated)

    assert b"\x01" + NONCE + sealed == cell
    assert CellCipher(field_key()).open(ADDRESS, cell) == VALUE


@pytest.mark.requirement("D2")
@pytest.mark.parametrize(
    "change",
    [{"installation": "plant-2"}, {"batch": "B-2031-0002"}, {"record_no": 8}, {"field": "other"}, {"schema": 2},
     {"batch": "B-2031-0001\0x"}],
)  # fmt: skip
def test_cell_moved_elsewhere_does_not_open(change):
    cell = CellCipher(field_key()).seal(ADDRESS, VALUE, NONCE)
    with pytest.raises((KeyStoreError, EncodingError)):
        CellCipher(field_key()).open(ADDRESS._replace(**change), cell)


def test_changed_cell_or_key_does_not_open():
    cell = CellCipher(field_key()).seal(ADDRESS, VALUE, NONCE)
    for place in range(len(cell)):
        with pytest.raises((KeyStoreError, EncodingError)):
            CellCipher(field_key()).open(ADDRESS, cell[:place] + bytes([cell[place] ^ 0x80]) + cell[place + 1 :])
    for size in range(len(cell)):
        with pytest.raises((KeyStoreError, EncodingError)):
            CellCipher(field_key()).open(ADDRESS, cell[:size])
    with pytest.raises(KeyStoreError, match="another key, changed, or moved"):
        CellCipher(field_key(0x41)).open(ADDRESS, cell)


def test_cell_needs_the_right_key_and_nonce():
    with pytest.raises(KeyStoreError, match="a cell needs AES-256 for field-enc"):
        CellCipher(pipe_key())
    with pytest.raises(EncodingError, match="nonce of 8 bytes, expected 12"):
        CellCipher(field_key()).seal(ADDRESS, VALUE, bytes(8))


def test_envelopes_go_both_ways_in_order():
    ours, theirs = Envelope(pipe_key(), Direction.TO_WORKER), Envelope(pipe_key(), Direction.TO_WORKER)
    back, forth = Envelope(pipe_key(), Direction.TO_SUPERVISOR), Envelope(pipe_key(), Direction.TO_SUPERVISOR)

    assert [theirs.open(ours.seal(message)) for message in (b"one", b"two", b"")] == [b"one", b"two", b""]
    assert back.open(forth.seal(b"done")) == b"done"


def test_equal_messages_give_different_envelopes():
    sealer = Envelope(pipe_key(), Direction.TO_WORKER)

    assert sealer.seal(VALUE) != sealer.seal(VALUE)


@pytest.mark.parametrize("attack", ["repeated", "reordered", "reflected", "changed", "short"])
def test_envelope_that_is_not_the_next_one_is_refused(attack):
    sealer, opener = Envelope(pipe_key(), Direction.TO_WORKER), Envelope(pipe_key(), Direction.TO_WORKER)
    first, second = sealer.seal(b"one"), sealer.seal(b"two")
    if attack == "repeated":
        opener.open(first)
    given = {"repeated": first, "reordered": second, "reflected": first, "changed": first[:-1] + b"\0", "short": b"x"}
    if attack == "reflected":
        opener = Envelope(pipe_key(), Direction.TO_SUPERVISOR)
    with pytest.raises(KeyStoreError, match="changed, out of order, or sealed under another key"):
        opener.open(given[attack])


def test_envelope_needs_the_right_key():
    with pytest.raises(KeyStoreError, match="an envelope needs AES-256 for data-enc"):
        Envelope(field_key(), Direction.TO_WORKER)


def test_data_key_file_is_made_once(tmp_path):
    path = tmp_path / "store.key"
    first = datakey.load_or_create(path)

    assert first == datakey.load_or_create(path)
    assert [file.name for file in tmp_path.iterdir()] == ["store.key"]
    assert datakey.load_or_create(tmp_path / "other.key") != first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_data_key_file_is_its_owners_alone(tmp_path):
    datakey.load_or_create(tmp_path / "store.key")

    assert stat.S_IMODE((tmp_path / "store.key").stat().st_mode) == 0o600


def test_two_who_create_the_data_key_at_once_get_the_same(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: datakey.load_or_create(tmp_path / "store.key"), range(32)))

    assert all(key == keys[0] for key in keys)
    assert [file.name for file in tmp_path.iterdir()] == ["store.key"]


def test_data_key_without_hard_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)

    assert datakey.load_or_create(tmp_path / "store.key") == datakey.load_or_create(tmp_path / "store.key")


@pytest.mark.parametrize("content", [b"", b"cardkit-datakey-1\n" + bytes(31), b"cardkit-datakey-2\n" + bytes(32)])
def test_file_that_is_no_data_key_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "store.key"
    path.write_bytes(content)
    with pytest.raises(KeyStoreError, match=f"no data key file: {len(content)} bytes"):
        datakey.load_or_create(path)

    assert content == path.read_bytes()


def test_data_key_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(KeyStoreError, match="data key file"):
        datakey.load_or_create(tmp_path / "nowhere" / "store.key")


def test_derived_keys_differ_by_purpose_and_usage(tmp_path):
    master = datakey.load_or_create(tmp_path / "store.key")
    cells = datakey.derive(master, "cells:B1", "AES-256", Usage.FIELD_ENC)

    assert cells == datakey.derive(master, "cells:B1", "AES-256", Usage.FIELD_ENC)
    assert cells != datakey.derive(master, "cells:B2", "AES-256", Usage.FIELD_ENC)
    assert cells != datakey.derive(master, "cells:B1", "AES-256", Usage.DATA_ENC)
    assert cells != master
    with pytest.raises(KeyStoreError, match="deriving needs master-derive"):
        datakey.derive(cells, "x", "AES-256", Usage.DATA_ENC)
    with pytest.raises(KeyStoreError, match="32 bytes, AES-128 has 16"):
        datakey.derive(master, "x", "AES-128", Usage.DATA_ENC)


def test_packed_values_come_back():
    values = {
        "text": "Қазақстан", "number": -5, "bytes": b"\0\xff", "day": date(2004, 2, 29),
        "pin": Secret(b"1234", "pin1"), "key": Key(bytes(range(16)), "ki", "AES-128", Usage.CARD_KEY),
    }  # fmt: skip

    assert values == unpack(pack(values))
    assert pack(values) == pack(dict(reversed(values.items())))


@pytest.mark.parametrize("value", [1.5, None, [1], {"a": 1}, object(), 1 << 70])
def test_value_of_another_type_is_not_packed(value):
    with pytest.raises(EncodingError):
        unpack(pack({"x": value}))


def test_expanded_bytes_are_hkdf_of_the_context():
    key = Key(bytes(range(32)), "draws", "HMAC-256", Usage.MASTER_DERIVE)
    first = hmac.digest(bytes(range(32)), b"cardkit-expand-1\0B-1\x007\x01", "sha256")
    second = hmac.digest(bytes(range(32)), first + b"cardkit-expand-1\0B-1\x007\x02", "sha256")

    assert datakey.expand(key, b"B-1\x007", 40) == (first + second)[:40]
    with pytest.raises(KeyStoreError, match="deriving needs master-derive"):
        datakey.expand(Key(bytes(range(32)), "cells", "HMAC-256", Usage.DATA_MAC), b"B-1\x007", 40)
