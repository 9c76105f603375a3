"""An order goes into the store row by row: all of it or nothing, with flat memory, refused rows in a file beside it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cardkit.errors import EncodingError, RecordError, StoreError
from cardkit.production import Imported, Store, batches, check_batch, import_batch, open_store
from cardkit.production.input import reading
from cardkit.production.quarantine import quarantine_path
from cardkit.production.sealing import NewRecord, RowSealer
from cardkit.production.store import Clocks, schema
from cardkit.production.store.orders import NewBatch, add_batch, add_sealed, new_keys
from cardkit.profile import load_profile, open_order
from tests.unit.production.conftest import both_stores
from tests.unit.production.founding import NEW_STORE
from tests.unit.production.orderlines import NAMES, iccid, line

PROFILE = load_profile("sim/usim-test")
KEYS = PROFILE.test_keystore()

Take = Callable[[str, str], Imported]


@pytest.fixture
def store(tmp_path: Path, dialect: str) -> Iterator[Store]:
    with NEW_STORE[dialect](tmp_path / "a.db", persons=1, clocks=Clocks()) as opened:
        yield opened


@pytest.fixture
def take(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Import an order given as text, two rows at a time."""
    monkeypatch.setattr(reading, "PIECE", 2)

    def import_text(name: str, text: str) -> Imported:
        path = tmp_path / f"{name}.csv"
        path.write_text(NAMES + text, encoding="utf-8")
        with open_order(PROFILE, path, KEYS) as rows:
            return import_batch(store, PROFILE, rows, KEYS, path, quarantine=quarantine_path(path))

    return import_text


def counted(store: Store) -> list[int]:
    tables = (schema.batch, schema.record, schema.record_key, schema.prepared, schema.quarantine)
    with store.reading() as connection:
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


@both_stores
def test_rows_of_many_pieces_become_one_batch(store: Store, take: Take) -> None:
    done = take("lot", "".join(line(row) for row in range(1, 8)))

    assert (done.batch, done.state, done.rows, done.imported, done.quarantined) == ("lot", "OPEN", 7, 7, ())
    assert counted(store) == [1, 7, 21, 0, 0]
    assert check_batch(store) == []


@pytest.mark.requirement("P9")
@both_stores
@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (line(1) + line(2) + line(3) + line(1, imsi="001010000000009", msisdn="9990109"), "DUPLICATE",
         "row 4: iccid is that of row 1"),
        (line(1) + line(2, iccid=iccid(1)), "DUPLICATE", "row 2: iccid is that of row 1"),
        (line(1) + line(2) + line(1) + line(2), "DUPLICATE", "row 3: iccid is that of row 1; 6 such keys in all"),
        (line(1) + line(2) + line(3) + line(4) + line(50), "HISTORY",
         "row 5: iccid was imported before (batch old, row 1)"),
        (line(1) + line(51) + line(50), "HISTORY",
         "row 2: iccid was imported before (batch old, row 2); 6 such keys in all"),
        (line(1) + line(2) + line(3, imsi="001010000000051"), "HISTORY",
         "row 3: imsi was imported before (batch old, row 2)"),
        (line(1) + line(2) + line(3)[:-2] + "\xff\n", "ENCODING", ""),
        (line(1, iccid="1") + line(2, imsi=""), "EMPTY", "no good row among 2"),
    ],
    ids=[
        "twice in file", "twice in a piece", "several twice", "history", "several in history",
        "history of another key", "encoding", "nothing good",
    ],
)  # fmt: skip
def test_nothing_of_a_refused_order_is_kept(
    store: Store, take: Take, tmp_path: Path, text: str, code: str, message: str
) -> None:
    take("old", line(50) + line(51))
    before, files = counted(store), sorted(tmp_path.glob("*quarantine*"))
    if code == "ENCODING":
        (tmp_path / "new.csv").write_bytes((NAMES + text).encode("latin-1"))
        with pytest.raises(RecordError) as caught, open_order(PROFILE, tmp_path / "new.csv", KEYS) as rows:
            import_batch(store, PROFILE, rows, KEYS, tmp_path / "new.csv")
    else:
        with pytest.raises(RecordError) as caught:
            take("new", text)

    assert (caught.value.code, message in str(caught.value)) == (code, True), str(caught.value)
    assert (counted(store), batches(store)) == (before, ["old"])
    assert sorted(tmp_path.glob("*quarantine*")) == files
    assert check_batch(store) == []


@both_stores
def test_refused_rows_lie_in_a_file_beside_the_order(store: Store, take: Take, tmp_path: Path) -> None:
    text = line(1) + line(2, ki="4ADD1D0011223344") + "1,2\n" + line(4, imsi="00101x") + line(5)
    done = take("lot", text)

    assert (tmp_path / "lot.csv.quarantine.csv").read_text(encoding="utf-8") == (
        "row,line,field,code,message\n"
        '2,3,ki,LENGTH,"got 8 bytes, expected 16"\n'
        '3,4,(row),FIELD_COUNT,"got 2 fields, expected 10"\n'
        "4,5,imsi,CHARSET,expected the digits 0 to 9 only\n"
    )
    assert (done.rows, done.imported, len(done.quarantined)) == (5, 2, 3)
    assert counted(store) == [1, 2, 6, 0, 3]


def test_an_order_without_refused_rows_has_no_quarantine_file(take: Take, tmp_path: Path) -> None:
    take("lot", line(1))

    assert list(tmp_path.glob("*quarantine*")) == []


def new_batch() -> NewBatch:
    return NewBatch("lot", "p", 1, "p", b"p" * 32, b"k" * 32, "lot.csv", b"s" * 32)


@pytest.mark.parametrize("kinds", [("imsi",), (), ("imsi", "iccid")])
def test_records_of_one_batch_have_business_keys_of_the_same_kinds(store: Store, kinds: tuple[str, ...]) -> None:
    first, second = ({"iccid": "1", "imsi": "2"}, dict.fromkeys(kinds, "3"))
    with pytest.raises(EncodingError, match="as in the rows before"):
        add_batch(store, new_batch(), [NewRecord(1, b"r", first), NewRecord(2, b"r", second)])
    sealer = RowSealer(new_keys(store, new_batch()))
    pieces = []
    for row_no, keys in enumerate((first, second), 1):
        sealer.add_packed(row_no, b"r", keys)
        pieces.append(sealer.taken())
    with pytest.raises(StoreError, match=r"expected .* in all"):
        add_sealed(store, new_batch(), pieces)
    assert batches(store) == []


def peak_of(folder: Path, rows: int) -> int:
    path = folder / f"lot-{rows}.csv"
    path.write_text(NAMES + "".join(line(row) for row in range(1, rows + 1)), encoding="ascii")
    with open_store(f"sqlite:///{folder / f'{rows}.db'}", operator="ana", create=True) as store:
        tracemalloc.start()
        try:
            with open_order(PROFILE, path, KEYS) as order:
                assert import_batch(store, PROFILE, order, KEYS, path).imported == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_does_not_grow_with_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 50)
    peak_of(tmp_path, 10)
    few, many = peak_of(tmp_path, 800), peak_of(tmp_path, 3200)

    assert many < 1.25 * few, (few, many)
