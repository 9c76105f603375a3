"""Orders are read piece by piece: the pieces' size changes nothing, and memory does not grow with the rows."""

import hashlib
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import RecordError
from cardkit.profile import source
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.order import OrderRows, parse_order
from cardkit.profile.record import RecordSchema
from cardkit.profile.rowreader import BadRow
from cardkit.profile.schema import schema_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-files.json").read_text(encoding="utf-8"))
ORDERS = [v for v in VECTORS if "layout" in v["in"] and v["in"]["layout"]["kind"] in ("delimited", "fixed")]


def outcome(vector):
    layout = convert(vector["in"]["layout"], Layout, "layout")
    data = bytes.fromhex(vector["in"]["file_hex"])
    try:
        order = parse_order(layout, schema_of({}, layout, Path("profile.toml")), data, MemoryKeyStore())
    except RecordError as error:
        return error.code, str(error)
    return [dict(record) for record in order.records], order.quarantined, order.totals, order.sha256


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in ORDERS])
def test_size_of_the_pieces_changes_nothing(monkeypatch, vector):
    whole = outcome(vector)
    for size in (1, 2, 5):
        monkeypatch.setattr(source, "CHUNK_BYTES", size)
        assert whole == outcome(vector)


LAYOUT = convert({"kind": "delimited", "encoding": "utf-8", "header": "names"}, Layout, "layout")
SCHEMA = schema_of(
    {"iccid": {"type": "digits"}, "ki": {"type": "hex", "bytes": 16, "class": "secret"}}, LAYOUT, Path("p")
)


def lines(rows):
    return b"iccid,ki\n" + b"".join(b"%019d,%032X\n" % (row, row) for row in range(rows))


def rows_of(stream, layout=LAYOUT, schema: RecordSchema = SCHEMA):
    return OrderRows(layout, schema, stream, MemoryKeyStore())


class Generated(io.RawIOBase):
    """A file of many rows that lies nowhere."""

    def __init__(self, rows):
        self.rows = rows
        self.pieces = iter(())

    def seek(self, place, whence=0):
        self.pieces = (lines(0) if row == 0 else b"%019d,%032X\n" % (row, row) for row in range(self.rows + 1))
        self.count = 0
        return 0

    def tell(self):
        return self.count

    def read(self, size=-1):
        piece = b"".join(piece for _, piece in zip(range(size // 60), self.pieces, strict=False))
        self.count += len(piece)
        return piece


def peak_of(rows):
    tracemalloc.start()
    try:
        assert sum(not isinstance(row, BadRow) for row in rows_of(Generated(rows))) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows():
    peak_of(100)
    few, many = peak_of(2_000), peak_of(8_000)

    assert many < 1.25 * few, (few, many)


def test_digest_is_that_of_the_file_and_there_before_the_rows():
    data = lines(3)
    rows = rows_of(io.BytesIO(data))

    assert rows.sha256 == hashlib.sha256(data).digest()
    with pytest.raises(RecordError, match="has not been read to its end"):
        _ = rows.totals
    assert len(list(rows)) == rows.totals.count == 3


def test_a_file_that_changes_while_it_is_read_is_refused(monkeypatch):
    monkeypatch.setattr(source, "CHUNK_BYTES", 16)
    stream = io.BytesIO(lines(3))
    rows = rows_of(stream)
    stream.getbuffer()[-2:-1] = b"7"

    with pytest.raises(RecordError, match="the file changed while it was read"):
        list(rows)


def test_a_line_without_end_is_refused():
    with pytest.raises(RecordError, match="a line of more than 1048576 characters") as caught:
        list(rows_of(io.BytesIO(lines(1) + b"9" * (3 << 20))))

    assert caught.value.code == "LINE"


def test_wrong_byte_is_named_by_its_line_and_place(monkeypatch):
    for size in (7, 1 << 16):
        monkeypatch.setattr(source, "CHUNK_BYTES", size)
        with pytest.raises(RecordError, match="line 3: byte 64 of the file is not utf-8"):
            list(rows_of(io.BytesIO(lines(1) + b"1\xe9,00\n")))
