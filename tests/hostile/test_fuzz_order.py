"""Order files mutated from valid ones: an order whose rows add up, or one declared error, and no secret in either.

CARDKIT_FUZZ=200000 sets the number of inputs.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from cardkit.crypto import Secret
from cardkit.errors import RecordError
from cardkit.profile import load_profile
from cardkit.profile.document import convert
from cardkit.profile.layout import Layout
from cardkit.profile.order import Order, parse_order
from cardkit.profile.schema import schema_of

INPUTS = int(os.environ.get("CARDKIT_FUZZ", "20000"))
PROFILE = load_profile("sim/usim-test")
KEYSTORE = PROFILE.test_keystore()
CODES = {
    "FIELD_COUNT", "CHARSET", "LENGTH", "CHECK_DIGIT", "DATE", "ENUM", "CONST", "RECORD_LENGTH", "DUPLICATE",
}  # fmt: skip
FILE_CODES = {
    "ENCODING", "ENCODING_BOM", "COLUMN_UNKNOWN", "COLUMN_MISSING", "COUNT", "HASH_TOTAL", "TRAILER_MISSING", "EMPTY",
    "HEADER", "QUOTE", "LINE", "XML", "XML_DOCTYPE", "ELEMENT_UNKNOWN",
}  # fmt: skip
HARD = [
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\n\n", b"\r\n", b",", b",,", b";", b'"', b'""',
    b" ", b"8,99990E+18", "\u0663".encode(), "\u2028".encode(), b"\x85", b"-1", b"9" * 40, b"A" * 500, b"T;3;73",
]  # fmt: skip


def real_order() -> bytes:
    """Return the first rows of the real order."""
    lines = (PROFILE.path.parent / "order.csv").read_bytes().splitlines()
    return b"\n".join(lines[:6]) + b"\n"


def quoted_order() -> bytes:
    rows = [line.split(b",") for line in real_order().splitlines()]
    return b"\r\n".join(b";".join(b'"' + cell + b'"' for cell in row) for row in rows)


FIXED = {
    "kind": "fixed", "encoding": "cp1251", "record_bytes": 40,
    "fields": [
        {"name": "doc", "bytes": [1, 9], "type": "ascii", "key": "doc"},
        {"name": "name", "bytes": [10, 20], "type": "text", "pad": "right"},
        {"name": "birth", "bytes": [30, 8], "type": "date", "format": "%Y%m%d"},
        {"name": "sex", "bytes": [38, 1], "type": "enum", "values": ["M", "F", "X"]},
        {"name": "rfu", "bytes": [39, 2], "type": "const", "value": "  "},
    ],
}  # fmt: skip
FIXED_ROWS = (
    b"UT0000001\xc8\xc2\xc0\xcd\xce\xc2\xc0 \xa8\xcb\xca\xc0        19920229F  \n"
    b"UT0000002\xcf\xc5\xd2\xd0\xce\xc2              19851231M  \n"
)
HEADED = {
    "kind": "delimited", "encoding": "ascii", "sep": " ",
    "header": {"fields": ["batch", "timestamp", "quantity", "product", "auc_key"], "optional": ["auc_key"]},
    "totals": {"count": "header.quantity", "hash": {"field": "iccid", "of": "trailer.hash"}},
    "trailer": {"prefix": "T", "sep": ";", "fields": ["hash"]},
    "fields": [
        {"name": "iccid", "at": 1, "type": "digits", "min": 19, "max": 20, "check": "luhn", "key": "iccid"},
        {"name": "serial", "at": 2, "type": "base64"},
        {"name": "count", "at": 3, "type": "number", "max": 6},
    ],
}  # fmt: skip
HEADED_ROWS = b"00233 141114091800 2 0605\n8999901000000000013 QUJD 000042\n8999901000000000021 QUI= 7\nT;34\n"


SECTIONS = {
    "kind": "sections", "encoding": "ascii", "sep": " ", "rows": "Var_Out", "names": "any-case",
    "header": {"fields": ["quantity", "batch"], "optional": ["batch"]}, "totals": {"count": "header.quantity"},
    "fields": HEADED["fields"][:1],
}  # fmt: skip
SECTION_ROWS = b"*HEADER\nQuantity: 2\nBatch: B7\n*OUT\nVar_Out: ICCID\n8999901000000000013\n8999901000000000021\n"
MARKUP = {
    "kind": "xml", "encoding": "utf-8", "record": "/order/card",
    "fields": [HEADED["fields"][0] | {"at": "@iccid"}, {"name": "name", "at": "sim/name", "type": "text"}],
}  # fmt: skip
MARKUP_ROWS = (
    b'<?xml version="1.0"?>\n<order><card iccid="8999901000000000013"><sim><name>A &amp; B</name></sim></card>\n'
    b'<card iccid="8999901000000000021"><sim><name>C</name></sim></card></order>\n'
)


def layout_of(**changes) -> Layout:
    return convert({"kind": "delimited", "encoding": "utf-8", "header": "names", **changes}, Layout, "layout")


def stand_alone(table):
    layout = convert(table, Layout, "layout")
    return layout, schema_of({}, layout, Path("profile.toml"))


FORMS = {
    "real": (PROFILE.layout, PROFILE.record, real_order()),
    "quoted": (layout_of(sep=";", quote='"'), PROFILE.record, quoted_order()),
    "utf-16": (layout_of(encoding="utf-16"), PROFILE.record, real_order().decode().encode("utf-16")),
    "fixed": (*stand_alone(FIXED), FIXED_ROWS),
    "headed": (*stand_alone(HEADED), HEADED_ROWS),
    "sections": (*stand_alone(SECTIONS), SECTION_ROWS),
    "xml": (*stand_alone(MARKUP), MARKUP_ROWS),
}


def mutated(rng: random.Random, data: bytes) -> bytes:
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(result) + 1)
        kind = rng.randrange(5)
        if kind == 0 and place < len(result):
            result[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            result[place : place + rng.randrange(4)] = rng.choice(HARD)
        elif kind == 2:
            del result[place : place + rng.choice((1, 2, 30))]
        elif kind == 3:
            source = rng.randrange(len(result) + 1)
            result[place:place] = result[source : source + rng.choice((1, 19, 60, 400))]
        else:
            lines = bytes(result).split(b"\n")
            rng.shuffle(lines)
            result = bytearray(b"\n".join(lines))
    return bytes(result)


def needles(data: bytes) -> list[str]:
    """Return pieces of the secrets in a valid order of the real profile, long enough to be no accident."""
    order = parse_order(PROFILE.layout, PROFILE.record, data, KEYSTORE)
    found = []
    for record in order.records:
        for value in record.values():
            if isinstance(value, Secret) and len(value) >= 8:
                with value.reveal() as clear:
                    text = clear.decode("ascii") if len(value) == 8 and clear.isdigit() else clear.hex()
                found.append(text[-12:].upper())
    return found


def outcome(seed: int, form: str, data: bytes) -> Order | RecordError:
    """Return the order or its refusal; any other error fails the test with its seed."""
    layout, schema, _ = FORMS[form]
    try:
        return parse_order(layout, schema, data, KEYSTORE)
    except RecordError as error:
        return error
    except Exception as error:
        raise AssertionError(f"seed {seed}, {form}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("form", FORMS)
def test_mutated_order_adds_up_or_is_refused(form):
    data = FORMS[form][2]
    secrets = needles(real_order())
    orders = 0
    for seed in range(INPUTS * 5 // 8 // len(FORMS)):
        result = outcome(seed, form, mutated(random.Random(seed), data))
        if isinstance(result, RecordError):
            assert result.code in FILE_CODES, (seed, str(result))
            assert len(str(result).splitlines()) == 1, seed
            shown = str(result)
        else:
            orders += 1
            assert result.rows == len(result.records) + len(result.quarantined), seed
            assert {bad.code for bad in result.quarantined} <= CODES, seed
            numbers = [record.row_no for record in result.records] + [bad.row_no for bad in result.quarantined]
            assert sorted(numbers) == list(range(1, result.rows + 1)), seed
            shown = repr(result.quarantined)
        leaked = [needle for needle in secrets if needle in shown.upper()]
        assert not leaked, seed

    # Totals and markup refuse most changed files, as they should; the others quarantine rows.
    assert orders > INPUTS * 5 // 8 // len(FORMS) / {"headed": 8, "sections": 20, "xml": 20}.get(form, 3)


@pytest.mark.parametrize("form", FORMS)
def test_unchanged_order_is_right(form):
    order = outcome(0, form, FORMS[form][2])

    assert (0, order.rows) == (len(order.quarantined), len(order.records))


def test_the_needles_are_found_where_they_are():
    assert len(needles(real_order())) == 5 * 5
    assert needles(real_order())[0] in real_order().decode().upper()
