"""An order read by other processes: the same batch as one read here, all of it or nothing."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.errors import EncodingError, RecordError, StoreError
from cardkit.production import Imported, Store, batches, check_batch, import_batch, open_store
from cardkit.production.input import processes, reading
from cardkit.production.quarantine import quarantine_path
from cardkit.production.sealing import SealingKeys
from cardkit.production.store import schema
from cardkit.profile import Profile, load_profile, open_order
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.rowreader import bound_to
from cardkit.profile.schema import schema_of
from tests.unit.production.orderlines import NAMES, iccid, line

PROFILE = load_profile("sim/usim-test")
KEYS = PROFILE.test_keystore()
READERS = 2
TRANSPORT = bytes(range(0x40, 0x50))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as opened:
        yield opened


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 3)


def take(store: Store, path: Path, readers: int) -> Imported:
    with open_order(PROFILE, path, KEYS) as rows:
        return import_batch(store, PROFILE, rows, KEYS, path, quarantine=quarantine_path(path), processes=readers)


def contents(store: Store, batch: str) -> list[tuple[int, bytes]]:
    """Row numbers and records in clear."""
    lot, vault = store.batch(batch), store.vault.batch(batch)
    columns = select(schema.record.c.row_no, schema.record.c.data_enc).where(schema.record.c.batch_id == lot.id)
    with store.reading() as connection:
        return [(row.row_no, vault.open(row.row_no, "record", row.data_enc)) for row in connection.execute(columns)]


@pytest.mark.usefixtures("small_pieces")
def test_the_same_batch_as_one_read_here(tmp_path: Path) -> None:
    rows = [line(row) for row in range(1, 24)]
    rows[4], rows[11], rows[20] = line(5, ki="4ADD1D0011223344"), "1,2\n", line(21, imsi="00101x")
    found = []
    for readers in (1, READERS):
        folder = tmp_path / str(readers)
        folder.mkdir()
        path = folder / "lot.csv"
        path.write_text(NAMES + "".join(rows), encoding="utf-8")
        with open_store(f"sqlite:///{folder / 'a.db'}", operator="ana", create=True) as store:
            done = take(store, path, readers)
            assert (done.rows, done.imported, check_batch(store)) == (23, 20, [])
            refused = quarantine_path(path).read_text(encoding="utf-8")
            digests = {store.vault.business_key("iccid", line(row).partition(",")[0]) for row in (1, 23)}
            with store.reading() as connection:
                assert digests < set(connection.scalars(select(schema.record_key.c.digest)))
            found.append((done, contents(store, "lot"), refused))

    assert found[0] == found[1]
    assert [row for row, _ in found[0][1]] == [row for row in range(1, 24) if row not in (5, 12, 21)]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("text", "code"),
    [("".join(line(row) for row in (*range(1, 9), 2)), "DUPLICATE"), (line(1) * 2 + "\xff\n", "ENCODING")],
    ids=["twice in different pieces", "a byte that is no text"],
)
def test_nothing_of_a_refused_order_is_kept(store: Store, tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "lot.csv"
    path.write_bytes((NAMES + text).encode("latin-1"))
    with pytest.raises(RecordError) as caught:
        take(store, path, READERS)
    assert (caught.value.code, batches(store)) == (code, [])


@pytest.mark.usefixtures("small_pieces")
def test_a_process_that_ends_early_undoes_the_import(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lot.csv"
    path.write_text(NAMES + "".join(line(row) for row in range(1, 3000)), encoding="utf-8")
    begin = processes.OrderReaders.pieces

    def killed(readers: processes.OrderReaders) -> Iterator[object]:
        for number, piece in enumerate(begin(readers)):
            if number == 2:
                readers._processes[1].kill()
            yield piece

    monkeypatch.setattr(processes.OrderReaders, "pieces", killed)
    with pytest.raises(StoreError, match="has ended; nothing is imported"):
        take(store, path, READERS)
    assert batches(store) == []


def test_what_a_reader_is_told_is_not_in_clear(tmp_path: Path) -> None:
    keys = SealingKeys(
        "i",
        "B",
        Key(bytes(range(32)), "c", "AES-256", Usage.FIELD_ENC),
        Key(b"d" * 32, "d", "HMAC-256", Usage.DUP_DIGEST),
    )
    path = tmp_path / "lot.csv"
    path.write_text(NAMES + line(1), encoding="utf-8")
    with open_order(PROFILE, path, KEYS) as order, processes.OrderReaders(order, keys, 1) as readers:
        sealed = readers._setup + readers._sealed(1, line(1).encode())
    assert [secret for secret in (bytes(range(32)), b"d" * 32, line(1).encode()[:40]) if secret in sealed] == []


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("readers", [1, READERS])
def test_a_purged_batch_gets_no_key_again(store: Store, tmp_path: Path, readers: int) -> None:
    path = tmp_path / "lot.csv"
    path.write_text(NAMES + line(1), encoding="utf-8")
    take(store, path, 1)
    assert store.vault.destroy("lot")
    with pytest.raises(RecordError) as caught:
        take(store, path, readers)
    assert caught.value.code == "SEEN"
    assert not store.vault.destroy("lot")


def test_keys_of_another_form_are_refused() -> None:
    with pytest.raises(EncodingError, match="other values than those of a batch"):
        SealingKeys.from_bytes(bytes.fromhex("81a16101"))


def wrapped_profile() -> Profile:
    """The product with an order whose Ki and PIN come under a transport key, bound to order, column and ICCID."""
    table = {
        "kind": "delimited", "encoding": "ascii", "header": {"fields": ["batch", "transport_key"]}, "identity": "iccid",
        "fields": [{"name": name, "at": at} for at, name in enumerate(("iccid", "ki", "pin1"), 1)],
    }  # fmt: skip
    wrapped = {"transport": "header.transport_key", "wrap": "aes-gcm"}
    rules = {
        "iccid": {"type": "digits", "min": 19, "max": 20, "check": "luhn", "key": "iccid"},
        "ki": {"type": "key", "algorithm": "AES-128"} | wrapped,
        "pin1": {"type": "digits", "min": 4, "max": 8, "class": "secret"} | wrapped,
    }
    layout = convert(table, Layout, "layout")
    return dataclasses.replace(PROFILE, layout=layout, record=schema_of(rules, layout, Path("profile.toml")))


def wrapped_line(row: int, ki: bytes, pin: bytes) -> str:
    number, cells = iccid(row), []
    for column, value in (("ki", ki), ("pin1", pin)):
        nonce = bytes((row,)) * 12
        sealed = AESGCM(TRANSPORT).encrypt(nonce, value, bound_to("B7", column, number))
        cells.append((nonce + sealed).hex())
    return f"{number},{','.join(cells)}\n"


@pytest.mark.usefixtures("small_pieces")
def test_values_under_a_transport_key_are_opened_here_and_read_there(tmp_path: Path) -> None:
    profile = wrapped_profile()
    keys = MemoryKeyStore({"order:transport_key-3": Key(TRANSPORT, "tk", "AES-128", Usage.TRANSPORT_IN)})
    rows = [wrapped_line(row, bytes(range(row, row + 16)), b"2437") for row in range(1, 10)]
    rows[2] = wrapped_line(3, bytes(15), b"2437")  # not as long as a key
    rows[4] = rows[4].replace(iccid(5), iccid(6))  # values of another card's row
    rows[6] = wrapped_line(7, bytes(16), b"24a7")
    rows[7] = "1,2\n"
    found = []
    for readers in (1, READERS):
        path = tmp_path / str(readers) / "lot.csv"
        path.parent.mkdir()
        path.write_text("B7,3\n" + "".join(rows), encoding="ascii")
        with (
            open_store(f"sqlite:///{path.parent / 'a.db'}", operator="ana", create=True) as store,
            open_order(profile, path, keys) as order,
        ):
            assert order.reader.wrapped == ("ki", "pin1")
            done = import_batch(store, profile, order, keys, path, processes=readers)
            refused = [(bad.row_no, bad.field, bad.code) for bad in done.quarantined]
            found.append((refused, contents(store, "lot")))

    assert found[0] == found[1]
    assert found[0][0] == [
        (3, "ki", "LENGTH"),
        (5, "ki", "KEY_UNWRAP"),
        (7, "pin1", "CHARSET"),
        (8, "(row)", "FIELD_COUNT"),
    ]
    assert [row for row, _ in found[0][1]] == [1, 2, 4, 6, 9]


OPENED_FOR_WRITING = """
import os, sys
from pathlib import Path

written = []

def note(event, words):
    if event == "open" and isinstance(words[2], int) and words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(words[0]))

def main(path, readers):
    from cardkit.production import import_batch, open_store
    from cardkit.production.quarantine import quarantine_path
    from cardkit.profile import load_profile, open_order

    profile = load_profile("sim/usim-test")
    keys = profile.test_keystore()
    with open_store(f"sqlite:///{path}.db", operator="ana", create=True) as store:
        sys.addaudithook(note)
        with open_order(profile, path, keys) as rows:
            import_batch(store, profile, rows, keys, path, quarantine=quarantine_path(Path(path)), processes=readers)
    print("\\\\n".join(written))

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
"""


@pytest.mark.requirement("D5")
@pytest.mark.parametrize("readers", [1, READERS])
def test_an_import_writes_no_file_of_its_own(tmp_path: Path, readers: int) -> None:
    path, script = tmp_path / "lot.csv", tmp_path / "importing.py"
    path.write_text(NAMES + line(1) + "1,2\\n" + line(3), encoding="utf-8")
    script.write_text(OPENED_FOR_WRITING, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-B", str(script), str(path), str(readers)], capture_output=True, text=True, check=True
    )
    names = {Path(name).name for name in done.stdout.splitlines()} - {"null"}
    assert names, "the quarantine file is written, so that something must have been seen"
    assert [name for name in names if ".quarantine.csv" not in name] == []


def test_challenges_are_a_rows_own_and_the_same_at_a_second_try(store: Store) -> None:
    for name in ("B-1", "B-2"):
        store.vault.sealing_keys(name)
    first, again = store.vault.batch("B-1"), store.vault.batch("B-1")
    drawn = [first.draws(1)(48), first.draws(2)(48), store.vault.batch("B-2").draws(1)(48)]
    assert len(set(drawn)) == 3
    assert again.draws(1)(48) == drawn[0]
