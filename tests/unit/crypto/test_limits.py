"""The last value that is taken and the first that is not, and what an error says of the latter."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.blockpolicy import algorithm_of, header_for
from cardkit.crypto.cardkeys import CardKey, CardKeySet, KeySetSpec, Role, Scheme, parse_key_set
from cardkit.crypto.cell import CellAddress, CellCipher
from cardkit.crypto.components import combine
from cardkit.crypto.digest import dup_digest
from cardkit.crypto.diversify import an10922
from cardkit.crypto.filestore import FileKeyStore, inventory, unlocking
from cardkit.crypto.keyblock import LONGEST, Header, read_block, write_block
from cardkit.crypto.keymaking import stored_key
from cardkit.crypto.management import NewKey
from cardkit.crypto.marker import Binding, same_binding
from cardkit.crypto.operations import check_card_key, wrap_clear
from cardkit.crypto.pack import pack, unpack
from cardkit.crypto.statickey import ClearKey
from cardkit.crypto.testkeys import CARD_DEFAULTS, known_test_key
from cardkit.errors import EncodingError, KeyStoreError
from tests.unit.crypto.storefiles import NEW, VALUE, phrase

GP_KEY = bytes(range(0x40, 0x50))
CELLS = Key(bytes(range(0x40, 0x60)), "cells", "AES-256", Usage.FIELD_ENC)
ADDRESS = CellAddress("plant-1", "B1", 7, "data", 1)


def block_key(value, algorithm):
    return ClearKey(Key(value, "kbpk", algorithm, Usage.BLOCK_PROTECTION))


KBPK = block_key(bytes(range(32)), "AES-256")


# Markers


def test_binding_holds_a_u64_and_a_u32():
    assert Binding("b", 0, 0).message() == b"cardkit-marker-1\0b\0" + bytes(12)
    assert Binding("b", (1 << 64) - 1, (1 << 32) - 1).message() == b"cardkit-marker-1\0b\0" + b"\xff" * 12


@pytest.mark.parametrize(("record_no", "token"), [(-1, 0), (1 << 64, 0), (0, -1), (0, 1 << 32)])
def test_binding_beyond_them(record_no, token):
    with pytest.raises(EncodingError, match=rf"^marker: record {record_no} or token {token} is out of range"):
        Binding("b", record_no, token).message()


@pytest.mark.parametrize("batch", ["", "a\0b"])
def test_batch_without_a_name_of_its_own(batch):
    with pytest.raises(EncodingError, match=r"^marker: batch must be a name without NUL, got an empty one or a NUL$"):
        Binding(batch, 1, 1).message()


@pytest.mark.parametrize("versions", [(1, 2), (2, 1), (2, 2)])
def test_markers_of_a_version_that_is_not_ours_bind_nothing(versions):
    left, right = (bytes((version, 1)) + bytes(16) for version in versions)

    assert not same_binding(left, right)


# Cells, digests, packed values


def test_empty_cell_and_what_is_too_short_for_one():
    cell = CellCipher(CELLS).seal(ADDRESS, b"", bytes(12))

    assert len(cell) == 29
    assert CellCipher(CELLS).open(ADDRESS, cell) == b""
    with pytest.raises(EncodingError, match=r"^cell 'data' of record 7: 28 bytes are no cell, version 1$"):
        CellCipher(CELLS).open(ADDRESS, cell[:-1])
    with pytest.raises(KeyStoreError, match="does not open under cells: another key, changed, or moved"):
        CellCipher(CELLS).open(ADDRESS, cell[:-1] + bytes((cell[-1] ^ 1,)))


@pytest.mark.parametrize("field", ["installation", "batch", "field"])
def test_cell_where_a_name_holds_a_nul(field):
    address = ADDRESS._replace(**{field: "a\0b"})
    with pytest.raises(EncodingError, match=r"^cell '.*' of record 7: a name holds a NUL$"):
        address.associated_data()


@pytest.mark.parametrize(("kind", "value"), [("a\0b", "1"), ("iccid", "1\0")])
def test_digest_of_what_could_mean_two_things(kind, value):
    key = Key(bytes(range(32)), "dup", "HMAC-256", Usage.DUP_DIGEST)
    with pytest.raises(EncodingError, match=r"^duplicate digest of '.*': kind and value must not hold a NUL$"):
        dup_digest(key, kind, value)


def test_what_is_not_packed():
    with pytest.raises(EncodingError, match=r"^cannot pack a object$"):
        pack({"x": object()})  # type: ignore[dict-item]
    with pytest.raises(EncodingError, match=r"^packed values: .*ints"):
        pack({"x": 1 << 70})


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (bytes.fromhex("81A178C70109AA"), "packed values: EncodingError: not the packed form"),
        (b"\x91\x01", "packed values: ValidationError: not the packed form"),
        (b"\x81", "packed values: DecodeError: not the packed form"),
    ],
)
def test_what_is_not_unpacked(data, text):
    with pytest.raises(EncodingError, match=f"^{text}$"):
        unpack(data)


# Keys


def test_key_versions_are_one_byte():
    assert Key(GP_KEY, "k", "AES-128", Usage.KEK, kvn=0).kvn == 0
    assert Key(GP_KEY, "k", "AES-128", Usage.KEK, kvn=255).kvn == 255


def test_unknown_algorithms_are_named_with_those_there_are():
    known = "AES-128, AES-192, AES-256, 3DES-128, 3DES-192, HMAC-256"
    with pytest.raises(KeyStoreError, match=f"^key k: algorithm 'DES', expected one of {known}, "):
        Key(GP_KEY, "k", "DES", Usage.KEK)
    with pytest.raises(KeyStoreError, match=f"^key k: algorithm 'DES', expected one of {known}, EC-P256, "):
        stored_key("k", "DES", Usage.KEK, GP_KEY, None)
    with pytest.raises(KeyStoreError, match=f"^key: algorithm 'DES', expected one of {known}, EC-P256, "):
        FileKeyStore.generate(None, NewKey("plant:k", "DES", Usage.KEK))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "why"), [(b"", None), (b"\x05", "one repeated byte"), (b"\x05\x06", "counting bytes")]
)
def test_the_shortest_test_keys(value, why):
    assert known_test_key(value) == why


@pytest.mark.parametrize("same", [(0, 1), (1, 2)])
def test_three_keys_of_which_two_undo_each_other(same):
    """3DES with K1 = K2 or K2 = K3 is DES; with K1 = K3 it has two keys."""
    parts = [bytes((first,)) * 8 for first in (1, 2, 4)]
    parts[same[0]] = parts[same[1]]
    with pytest.raises(KeyStoreError, match=r"^key k: equal halves make 3DES single DES$"):
        Key(b"".join(parts), "k", "3DES-192", Usage.KEK)
    assert Key(parts[0] + b"\x08" * 8 + parts[0], "k", "3DES-192", Usage.KEK).bits == 192


def test_one_byte_to_diversify_with():
    """AN10922 takes 1 to 31 bytes: none gives the master's own key to every card."""
    master = ClearKey(Key(GP_KEY, "m", "AES-128", Usage.MASTER_DERIVE))

    assert len(an10922(master, b"\x01")) == 16
    with pytest.raises(KeyStoreError, match="0 bytes"):
        an10922(master, b"")


def test_key_that_fills_its_blocks_gets_no_padding():
    dek = ClearKey(Key(GP_KEY, "dek", "AES-128", Usage.SECURE_CHANNEL))
    sizes = {
        algorithm: len(wrap_clear(dek, Key(bytes(range(size)), "k", algorithm, Usage.CARD_KEY)).cryptogram)
        for algorithm, size in (("AES-128", 16), ("AES-192", 24), ("AES-256", 32))
    }

    assert sizes == {"AES-128": 16, "AES-192": 32, "AES-256": 32}


def test_components_that_cancel_each_other():
    one, two, three = (Secret(bytes((value,)) * 16, "c") for value in (1, 2, 3))
    with pytest.raises(KeyStoreError, match=r"^components: the result is all zero$"):
        combine([one, two, three])
    with pytest.raises(KeyStoreError, match=r"^components: the same component twice$"):
        combine([one, two, one])


@pytest.mark.parametrize("scheme", [Scheme.KDF3, Scheme.VISA2])
def test_a_key_that_diversifies_nothing_is_named(scheme):
    text = f"^key test:one: usage sign, diversification {scheme} needs master-derive or secure-channel$"
    with pytest.raises(KeyStoreError, match=text):
        check_card_key(CardKey("test:one", scheme, bytes(10), Role.ENC), Usage.SIGN, "PUT KEY", (Usage.CARD_KEY,))


# Key sets


@pytest.mark.parametrize(
    "text",
    ["30=plant:kmc", "00=plant:a,plant:b,plant:c", "FF=plant:kmc/kdf3", "01=plant:a,plant:a,plant:b/visa2",
     "01=plant:b,plant:a,plant:a/emv", "20=plant:kmc/template:$u0$k"],
)  # fmt: skip
def test_key_set_is_written_as_it_is_read(text):
    assert str(parse_key_set(text)) == text


def test_key_set_with_a_scheme_nobody_knows():
    with pytest.raises(
        KeyStoreError, match=r"^key set '30=plant:kmc/kdf9': scheme 'kdf9', expected one of none, emv, "
    ):
        parse_key_set("30=plant:kmc/kdf9")


def test_key_set_of_one_card():
    spec = KeySetSpec(1, "p:a", "p:b", "p:c", Scheme.TEMPLATE, "$u0")
    keys = [CardKey(f"p:{name}", Scheme.TEMPLATE, b"kdd", role, "$u0") for name, role in zip("abc", Role, strict=True)]

    assert spec.for_card(b"kdd") == CardKeySet(1, *keys)


# Key blocks


def test_length_of_an_optional_block_is_short_as_long_as_it_can():
    """A block of 255 characters has two digits of length, one more has four behind a length of its own (X9.143)."""
    key = Secret(GP_KEY, "key")
    short = Header("D", "K0", "A", "N", optional=(("CT", "x" * 251), ("PB", "0" * 13)))
    long = Header("D", "K0", "A", "N", optional=(("CT", "x" * 252), ("PB", "0" * 6)))
    for header, expected in ((short, "CTFFxxxx"), (long, "CT000401")):
        text = write_block(KBPK, header, key, os.urandom)

        assert text[16:24] == expected
        assert read_block(KBPK, text).header == header


def test_longest_block():
    """16 characters of header, the optional block, 48 bytes of key and 16 of MAC in hex: 9,984 is the last multiple."""
    key, room = Secret(GP_KEY, "key"), 9984 - 16 - 128 - 10
    header = Header("D", "K0", "A", "N", optional=(("CT", "x" * room),))

    assert len(write_block(KBPK, header, key, os.urandom)) == 9984
    with pytest.raises(KeyStoreError, match=rf"^key block: 10000 characters, expected {LONGEST} at most$"):
        write_block(KBPK, replace(header, optional=(("CT", "x" * (room + 16)),)), key, os.urandom)


@pytest.mark.parametrize("optional", [(("PB", "0" * 12),), (("CT", ""), ("PB", "0" * 8))])
def test_optional_block_may_be_empty(optional):
    header = Header("D", "K0", "A", "N", optional=optional)
    text = write_block(KBPK, header, Secret(GP_KEY, "key"), os.urandom)

    assert read_block(KBPK, text).header == header


def test_longest_block_of_all():
    """Version E has no whole blocks to keep to: 9,999 characters are possible, and read."""
    header = Header("E", "K0", "A", "N", optional=(("CT", "x" * 9905),))
    text = write_block(KBPK, header, Secret(GP_KEY, "key"), os.urandom)

    assert len(text) == LONGEST
    assert read_block(KBPK, text, versions=("E",)).header == header


def test_length_of_a_length_has_two_hex_digits():
    """Sixteen digits of length are odd but allowed: the block is read as far as its MAC, which is wrong."""
    optional = "CT0010" + "0000000000000020" + "x" * 10
    text = "D0144K0AN00N0100" + optional + "00" * 48
    with pytest.raises(KeyStoreError, match="the MAC is wrong"):
        read_block(KBPK, text)


def test_key_of_one_byte_and_of_none():
    """An HMAC key has any length: two of length, one of key, and padding up to the block."""
    header = Header("D", "M7", "H", "C")
    text = write_block(KBPK, header, Secret(b"\x05", "key"), os.urandom)
    block = read_block(KBPK, text)

    assert len(text) == 16 + 2 * 16 + 2 * 16
    assert (block.key, block.key.name) == (Secret(b"\x05", "expected"), "key block M7")
    with pytest.raises(KeyStoreError, match="a key of 0 bits"):
        read_block(KBPK, write_block(KBPK, header, Secret(b"", "key"), os.urandom))


def test_context_of_a_block_is_kept():
    header = Header("D", "K0", "A", "N", context="2")
    text = write_block(KBPK, header, Secret(GP_KEY, "key"), os.urandom)

    assert text[14] == "2"
    assert read_block(KBPK, text).header == header


@pytest.mark.parametrize(
    ("protecting", "bytes_", "version", "algorithm", "size"),
    [("3DES-192", 24, "B", "T", 24), ("3DES-128", 16, "B", "T", 16), ("AES-128", 16, "D", "T", 24)],
)
def test_key_travels_under_one_as_strong(protecting, bytes_, version, algorithm, size):
    """NIST SP 800-57 part 1: 80 and 112 bits for 3DES with two and three keys, 128 for the shortest AES."""
    kbpk, key = block_key(bytes(range(bytes_)), protecting), Secret(bytes(range(size)), "key")
    text = write_block(kbpk, Header(version, "K0", algorithm, "N"), key, os.urandom)

    assert read_block(kbpk, text).key == key


@pytest.mark.parametrize(("algorithm", "size"), [("R", 16), ("A", 20), ("E", 32)])
def test_block_of_an_algorithm_that_is_not_imported(algorithm, size):
    with pytest.raises(KeyStoreError, match=f"^key block: algorithm {algorithm} of {8 * size} bits is not imported$"):
        algorithm_of(Header("D", "K0", algorithm, "N"), size)


@pytest.mark.parametrize("algorithm", ["EC-P256", "RSA-2048"])
def test_key_without_a_usage_in_blocks(algorithm):
    with pytest.raises(KeyStoreError, match=f"^key block: a key {algorithm} for kek has no TR-31 usage$"):
        header_for(Usage.KEK, algorithm, "AES-256")


# Stores


def test_published_keys_are_named_by_their_references():
    store = MemoryKeyStore.with_published_test_keys()

    assert {reference: store._keys[reference].name for reference in CARD_DEFAULTS} == {
        name: name for name in CARD_DEFAULTS
    }


def test_a_reference_may_hold_more_colons():
    MemoryKeyStore({"test:a:": Secret(b"1", "x")})
    assert NewKey("test:a:", "AES-128", Usage.KEK).reference == "test:a:"
    with pytest.raises(KeyStoreError, match="expected scheme:name"):
        MemoryKeyStore({":a:b": Secret(b"1", "x")})


def test_key_file_keeps_version_usage_and_names(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(
        'kind = "TEST"  # ключи\n[test]\n'
        f'a = {{ usage = "kek", algorithm = "AES-128", hex = "{GP_KEY.hex()}", kvn = 7 }}\n'
        'b = { usage = "card-secret", hex = "31323334" }\n',
        encoding="utf-8",
    )
    store = MemoryKeyStore.from_toml(path)
    facts = store.find("test:a")

    assert (facts.algorithm, facts.usage, facts.kvn) == ("AES-128", Usage.KEK, 7)
    assert [store._keys[name].name for name in ("test:a", "test:b")] == ["test:a", "test:b"]


def test_key_file_with_a_wrong_entry_is_named(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(
        'kind = "TEST"\n[test]\n'
        'a = { usage = "kek", algorithm = "AES-128", hex = "9A1C5F7703E2D4B86C21F0A97E3344D1" }\n',
        encoding="utf-8",
    )
    with pytest.raises(KeyStoreError) as caught:
        MemoryKeyStore.from_toml(path)
    assert str(caught.value).startswith(f"{path}: test:a: not an obvious test key")


@pytest.mark.usefixtures("cheap")
def test_inventory_of_a_live_store_is_sorted(tmp_path):
    path = tmp_path / "a.keys"
    names = ["plant:c", "plant:a", "plant:b"]
    with FileKeyStore.create(path, "LIVE", phrase()) as store:
        for name in names:
            store.import_key(replace(NEW, reference=name), bytearray(VALUE))
        assert [entry.reference for entry in store.entries()] == sorted(names)
    kind, entries = inventory(path)

    assert kind == "LIVE"
    assert [entry.reference for entry in entries] == sorted(names)


@pytest.mark.usefixtures("cheap")
def test_wrong_files_are_named(tmp_path):
    path = tmp_path / "a.keys"
    FileKeyStore.create(path, "TEST", phrase()).close()
    with pytest.raises(KeyStoreError) as caught:
        FileKeyStore.open(path, phrase("another passphrase"))
    assert str(caught.value) == f"{path}: wrong passphrase or shares, or the file was changed"
    path.write_bytes(b"{}")
    for call in (lambda: FileKeyStore.open(path, phrase()), lambda: inventory(path), lambda: unlocking(path)):
        with pytest.raises(KeyStoreError) as caught:
            call()
        assert str(caught.value) == f"{path}: no key store, or not of version 1"
