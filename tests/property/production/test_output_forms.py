"""Whatever stands in a cell: an output file that is written is read back the same, or it is not written."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import RecordError
from cardkit.production.output.cells import writer
from cardkit.production.output.forms import form_of
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.order import parse_order
from cardkit.profile.schema import schema_of

TEXT = {"type": "text", "min": 0, "max": 60}
FORMS = {
    "quoted": {"kind": "delimited", "encoding": "utf-8", "sep": ";", "quote": '"', "header": "names",
               "fields": [TEXT | {"name": "a", "at": 2}, TEXT | {"name": "b", "at": 1}]},
    "plain": {"kind": "delimited", "encoding": "utf-16-le", "newline": "crlf", "sep": "\t", "header": "names",
              "fields": [TEXT | {"name": "a", "at": 1}, TEXT | {"name": "b", "at": 2}]},
    "fixed": {"kind": "fixed", "encoding": "utf-8", "record_bytes": 90, "newline": "lf",
              "fields": [TEXT | {"name": "a", "bytes": [1, 60], "pad": "right"},
                         TEXT | {"name": "b", "bytes": [61, 30], "pad": "left", "fill": "*"}]},
    "sections": {"kind": "sections", "encoding": "utf-8", "sep": "|", "rows": "Var_Out",
                 "header": {"fields": ["batch"]}, "fields": [TEXT | {"name": "a"}, TEXT | {"name": "b"}]},
    "xml": {"kind": "xml", "encoding": "utf-8", "record": "/o/c", "header": {"fields": ["batch"]},
            "fields": [TEXT | {"name": "a", "at": "@a"}, TEXT | {"name": "b", "at": "x/b"}]},
}  # fmt: skip
LAYOUTS = {name: convert(table | {"direction": "out"}, Layout, name) for name, table in FORMS.items()}
HARD = st.text("ab \"';|\t\n\r<&>]=-@+*,\u2028\u0085\ufffe\u00e9\U0001f600", max_size=12)
CELLS = st.one_of(HARD, st.text(st.characters(codec="utf-8"), max_size=20))


@given(st.sampled_from(sorted(FORMS)), st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4), st.text("ab<&\"'"))
def test_what_is_written_is_read_back(kind: str, rows: list[tuple[str, str]], batch: str) -> None:
    layout = LAYOUTS[kind]
    schema = schema_of({}, layout, Path("t.toml"))
    form = form_of(layout)
    write = {name: writer(name, field, None) for name, field in schema.fields.items()}
    text, kept = form.head({"batch": batch} if layout.header_fields else {}, len(rows)), []
    for a, b in rows:
        values = {"a": a, "b": b}
        order = ("b", "a") if kind == "quoted" else ("a", "b")
        try:
            text += form.row([write[name](values[name]) for name in order])
        except RecordError:
            continue
        kept.append(values)
    text += form.foot({})
    if not kept:
        return

    order_read = parse_order(layout, schema, text.encode(layout.encoding), MemoryKeyStore())
    assert [dict(record) for record in order_read.records] == kept
    assert order_read.quarantined == []
