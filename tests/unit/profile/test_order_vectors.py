"""Order files of production-files.json: what is read, what is quarantined, what refuses the file (production.md 9)."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import RecordError
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.normal import uz_apostrophe
from cardkit.profile.order import parse_order
from cardkit.profile.rowreader import WHOLE_ROW, BadRow
from cardkit.profile.schema import schema_of
from cardkit.profile.source import decode, without_bom

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-files.json").read_text(encoding="utf-8"))
ORDERS = [vector for vector in VECTORS if "layout" in vector["in"]]


def vectors_named(prefix):
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS if vector["name"].startswith(prefix)]


def house_form(table):
    """Return a vector's layout in our words: XML names its encoding here, and ``sensitive`` is a class."""
    if table["kind"] != "xml":
        return table
    fields = [
        {**{key: value for key, value in field.items() if key != "sensitive"}}
        | ({"class": "personal"} if field.get("sensitive") else {})
        for field in table["fields"]
    ]
    return table | {"encoding": "utf-8", "fields": fields}


def read(vector, *, live=False):
    layout = convert(house_form(vector["in"]["layout"]), Layout, "layout")
    data = bytes.fromhex(vector["in"]["file_hex"])
    return parse_order(layout, schema_of({}, layout, Path("profile.toml")), data, MemoryKeyStore(), live=live)


def plain(value):
    return value.isoformat() if isinstance(value, date | datetime) else value


def quarantine_entry(bad: BadRow):
    entry = {"row": bad.row_no, "code": bad.code}
    if bad.field != WHOLE_ROW:
        entry["field"] = bad.field
    if bad.first_row is not None:
        entry["first_row"] = bad.first_row
    return entry


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in ORDERS if "records" in v["out"]])
def test_order_is_read_as_the_vector_says(vector):
    order = read(vector)

    expected = vector["out"]
    assert expected["rows"] == order.rows
    assert expected["records"] == [{name: plain(value) for name, value in record.items()} for record in order.records]
    assert expected["quarantine"] == [quarantine_entry(bad) for bad in order.quarantined]
    assert expected.get("hash", order.totals.hash) == order.totals.hash
    assert expected.get("header", {}) == {name: plain(value) for name, value in order.header.items()}


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in ORDERS if "file_error" in v["out"]])
def test_order_is_refused_as_the_vector_says(vector):
    with pytest.raises(RecordError) as caught:
        read(vector)

    assert vector["out"]["file_error"] == caught.value.code
    for named in ("column", "declared", "found", "element"):
        assert str(vector["out"].get(named, "")) in str(caught.value)


def test_every_vector_of_these_kinds_is_used():
    assert (sum("records" in v["out"] for v in ORDERS), sum("file_error" in v["out"] for v in ORDERS)) == (23, 13)


def test_live_order_refuses_key_index_zero():
    (vector,) = [vector for vector in VECTORS if vector["name"] == "sim-header-key-zero-means-clear"]
    with pytest.raises(RecordError) as caught:
        read(vector, live=True)

    assert f"refused: {caught.value.code}" == vector["out"]["live_job"]


@pytest.mark.parametrize("vector", vectors_named("text-"))
def test_text_is_read_in_its_declared_encoding(vector):
    data = bytes.fromhex(vector["in"]["hex"])
    expected = vector["out"]
    if "error" in expected:
        with pytest.raises(RecordError) as caught:
            decode(data, vector["in"]["encoding"])
        assert expected["error"] == caught.value.code
    elif "text" in expected:
        assert expected["text"] == decode(data, vector["in"]["encoding"])
    else:
        assert expected == {encoding: decode(data, encoding) for encoding in expected}


@pytest.mark.parametrize("vector", vectors_named("uz-"))
def test_uzbek_apostrophes_come_to_one_form(vector):
    assert vector["out"]["text"] == uz_apostrophe(vector["in"]["text"])


def test_utf16_without_its_mark_is_not_guessed():
    layout = convert({"kind": "delimited", "encoding": "utf-16", "header": "names"}, Layout, "layout")
    with pytest.raises(RecordError, match="utf-16 needs its byte-order mark") as caught:
        without_bom(layout, "iccid\n".encode("utf-16-le"))

    assert caught.value.code == "ENCODING_BOM"
