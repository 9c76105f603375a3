"""Records: immutable, silent about their values, and the same bytes each time they are packed."""

import copy
import dataclasses
import pickle
from datetime import date

import msgspec
import pytest

from cardkit.crypto import Key, Secret, Usage
from cardkit.errors import EncodingError, ProfileError
from cardkit.profile import Record, RecordSchema
from cardkit.profile.field import Field

SCHEMA = RecordSchema(
    {
        "doc": Field(type="ascii", key="doc"),
        "state": Field(type="ascii", key="doc"),
        "birth": Field(type="date", format="%Y%m%d"),
        "serial": Field(type="hex"),
        "count": Field(type="number", max=9),
        "pin1": Field(type="digits", class_="secret"),
        "ki": Field(type="key", algorithm="AES-128"),
    }
)
VALUES = {
    "doc": "ut0000001",
    "state": "UTO",
    "birth": date(1992, 2, 29),
    "serial": b"\x00\xff",
    "count": 12,
    "pin1": Secret(b"73519284", "pin1"),
    "ki": Key(bytes(range(0x40, 0x50)), "ki", "AES-128", Usage.CARD_KEY, kvn=0x30),
}
RECORD = Record(SCHEMA, VALUES, 42)


def test_business_key_of_two_fields_is_joined_in_schema_order_in_capitals():
    assert RECORD.business_keys() == {"doc": "UT0000001|UTO"}


def test_record_comes_back_from_its_canonical_form():
    packed = RECORD.to_canonical()
    again = Record.from_canonical(SCHEMA, packed)

    assert dict(again) == VALUES
    assert again.row_no == 42
    assert list(SCHEMA.fields) == list(again)
    assert (
        again["ki"].kvn, again["ki"].algorithm, again["ki"].usage, again["ki"].name,
    ) == (0x30, "AES-128", Usage.CARD_KEY, "ki")  # fmt: skip


def test_canonical_form_does_not_depend_on_the_order_of_values():
    backwards = Record(SCHEMA, dict(reversed(VALUES.items())), 42)

    assert RECORD.to_canonical() == backwards.to_canonical()


def test_record_of_another_schema_is_refused():
    with pytest.raises(ProfileError, match="record of row 42: its fields are not those of this profile"):
        Record.from_canonical(RecordSchema({"doc": Field(type="ascii")}), RECORD.to_canonical())


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"\x81\xa6row_no\x01\x00", b"\x81\xa6row_no\xa1x", b"\x81\xa6row_no\x90",
     b"\x81\xa1a\xc7\x02\x02\xff\xff",
     b"\x81\xa1a\xd4\x07\x00", b"\x81\xa1a\xc7\x03\x01abc", b"\x91" * 5000],
)  # fmt: skip
def test_bytes_that_are_no_record_are_refused(data):
    with pytest.raises((EncodingError, ProfileError)):
        Record.from_canonical(SCHEMA, data)


@pytest.mark.parametrize(
    "leak",
    [copy.deepcopy, pickle.dumps, msgspec.json.encode, msgspec.to_builtins, msgspec.msgpack.encode, hash],
)
def test_record_cannot_be_copied_out(leak):
    with pytest.raises(TypeError):
        leak(RECORD)


def test_record_shows_no_value():
    assert "<Record row 42, 7 fields>" == repr(RECORD) == str(RECORD)


def test_record_cannot_be_changed():
    with pytest.raises(TypeError):
        RECORD["doc"] = "other"
    with pytest.raises(AttributeError):
        RECORD.extra = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCHEMA.fields = {}
