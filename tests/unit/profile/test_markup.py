"""Orders in XML: streamed, no DOCTYPE, nothing that the layout does not name (production.md 9)."""

from pathlib import Path

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import ProfileError, RecordError
from cardkit.profile import source
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.order import parse_order
from cardkit.profile.schema import schema_of

TABLE = {
    "kind": "xml", "encoding": "utf-8", "record": "/order/cards/card",
    "header": {"fields": ["batch", "quantity"], "optional": ["batch"]},
    "totals": {"count": "header.quantity"},
    "fields": [
        {"name": "iccid", "at": "sim/iccid", "type": "digits", "min": 4, "max": 20},
        {"name": "imsi", "at": "sim/@imsi", "type": "digits"},
        {"name": "name", "at": "@name", "type": "text", "max": 20},
        {"name": "note", "type": "text", "min": 0, "max": 20},
    ],
}  # fmt: skip


def card(iccid="8999", name="A", note="", imsi="1"):
    return f'<card name="{name}"><sim imsi="{imsi}"><iccid>{iccid}</iccid></sim><note>{note}</note></card>'


def order_of(*cards, quantity=None, head='<?xml version="1.0" encoding="UTF-8"?>'):
    inner = "\n ".join(cards)
    return f'{head}<order quantity="{len(cards) if quantity is None else quantity}"><cards>{inner}</cards></order>'


def read(text, **changes):
    layout = convert(TABLE | changes, Layout, "layout")
    data = text if isinstance(text, bytes) else text.encode()
    return parse_order(layout, schema_of({}, layout, Path("profile.toml")), data, MemoryKeyStore())


@pytest.mark.parametrize("size", [1, 3, 1 << 16])
def test_elements_and_attributes_at_any_depth_are_the_cells(monkeypatch, size):
    monkeypatch.setattr(source, "CHUNK_BYTES", size)
    order = read(order_of(card("8999", "\u0416\u0430\u043d", "a &lt;b&gt; &#x2019;"), card("9000", imsi="2")))

    assert [dict(record) for record in order.records] == [
        {"iccid": "8999", "imsi": "1", "name": "\u0416\u0430\u043d", "note": "a <b> \u2019"},
        {"iccid": "9000", "imsi": "2", "name": "A", "note": ""},
    ]
    assert order.header == {"batch": None, "quantity": 2}


def test_bad_rows_are_quarantined_with_their_line():
    order = read(order_of(card(), card("89x9"), card().replace("<note></note>", ""), card().replace("/card", "/card")
                          .replace("<note></note>", "<note></note><note>2</note>"), quantity=4))  # fmt: skip

    assert [(bad.line, bad.field, bad.code, bad.message) for bad in order.quarantined] == [
        (2, "iccid", "CHARSET", "expected the digits 0 to 9 only"),
        (3, "(row)", "FIELD_COUNT", 'no "note"'),
        (4, "(row)", "FIELD_COUNT", '"note" a second time'),
    ]
    assert len(order.records) == 1


def test_the_file_is_in_the_declared_encoding():
    text = order_of(card(name="\u0401"), head='<?xml version="1.0" encoding="windows-1251"?>')

    assert [record["name"] for record in read(text.encode("cp1251"), encoding="cp1251").records] == ["\u0401"]
    with pytest.raises(RecordError, match="the file says windows-1251, the layout declares utf-8"):
        read(order_of(card(), head='<?xml version="1.0" encoding="windows-1251"?>'))
    with pytest.raises(RecordError) as caught:
        read(text.encode("cp1251"))
    assert caught.value.code == "ENCODING"


DEEP = "<card name='A'>" + "<sim imsi='1'>" * 20
LAUGHS = '<!DOCTYPE order [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (order_of(card(), head=LAUGHS), "XML_DOCTYPE", "line 1: a DOCTYPE; none is read"),
        (order_of(card(), head="<!DOCTYPE order SYSTEM 'file:///etc/passwd'>"), "XML_DOCTYPE", "DOCTYPE"),
        (order_of(card("&a;")), "XML", "undefined entity"),
        (order_of(card(), quantity=3), "COUNT", "header.quantity declares 3, the rows give 1"),
        (order_of(), "EMPTY", "no data row"),
        (order_of(card()).replace(' quantity="1"', ""), "HEADER", 'no attribute "quantity"'),
        (order_of(card()).replace("quantity", "amount"), "HEADER", 'no attribute "quantity"'),
        (order_of(card()).replace("<cards>", '<cards n="1">'), "ELEMENT_UNKNOWN", 'attribute "n": not in the layout'),
        (order_of(card()).replace("name=", "nom="), "ELEMENT_UNKNOWN", 'attribute "nom": not in the layout'),
        (order_of(card()).replace("note>", "cvv>"), "ELEMENT_UNKNOWN", 'element "cvv": not in the layout'),
        (order_of(card() + "<carte/>"), "ELEMENT_UNKNOWN", 'element "carte": not in the layout'),
        (order_of(card() + "card"), "ELEMENT_UNKNOWN", "text between elements"),
        (order_of(card()).replace("order", "orders"), "ELEMENT_UNKNOWN", 'element "orders": not in the layout'),
        (order_of(card())[:-9], "XML", "not XML"),
        (order_of(card()) + "<order/>", "XML", "not XML"),
        ("8999,1\n", "XML", "not XML"),
        (order_of(card(DEEP)), "ELEMENT_UNKNOWN", "element"),
        (order_of(card("9" * 70_000)), "XML", "a value of more than 65536 characters"),
        (order_of(card(name="A" * 1_200_000)), "XML", "a tag or value without end"),
    ],
)
def test_what_is_no_order_is_refused_whole(text, code, message):
    with pytest.raises(RecordError) as caught:
        read(text)

    assert (caught.value.code, message in str(caught.value)) == (code, True), str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"record": "card"}, 'kind "xml" needs "record", the path of a row'),
        ({"fields": []}, 'kind "xml" needs "fields"'),
        ({"fields": [{"name": "a", "at": 1, "type": "digits"}]}, '"at" is a path for kind "xml", else a number'),
        ({"fields": [{"name": "a", "at": "@@b", "type": "digits"}]}, '"at" is "@@b", expected names of elements'),
        ({"fields": [{"name": "a", "at": "b", "type": "digits"}, {"name": "b", "type": "digits"}]},
         '"fields" names one place twice'),
        ({"quote": '"'}, '"quote" is for kind "delimited"'),
        ({"totals": {"count": "/order/cards"}}, "is no value of the header or trailer"),
    ],
)  # fmt: skip
def test_layout_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ProfileError) as caught:
        convert(TABLE | changes, Layout, "layout")

    assert message in str(caught.value)
