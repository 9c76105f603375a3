"""What the strategies make is valid, and covers what they promise."""

from __future__ import annotations

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from cardkit.apdu import Case, CommandAPDU, ResponseAPDU
from cardkit.encoding import tlv
from cardkit.errors import ProfileError
from cardkit.profile.field import Field
from cardkit.profile.reading import reader
from cardkit.profile.record import RecordSchema
from cardkit.testing import strategies
from cardkit.transport.loopback import LoopbackConnection

SEARCH = settings(max_examples=3000, database=None, derandomize=True, phases=[Phase.generate])

FIELDS = {
    "iccid": Field(type="digits", min=19, max=20, check="luhn"),
    "amount": Field(type="number", max=6),
    "label": Field(type="ascii", min=0, max=12),
    "name": Field(type="text", max=26),
    "adm1": Field(type="hex", bytes=8, class_="secret"),
    "blob": Field(type="hex"),
    "photo": Field(type="base64"),
    "ki": Field(type="key", algorithm="AES-128"),
    "kic": Field(type="key", algorithm="3DES-128"),
    "kid": Field(type="key", algorithm="3DES-192"),
    "born": Field(type="date", format="%d.%m.%Y"),
    "expires": Field(type="date", format="%y%m"),
    "plan": Field(type="enum", values=("A", "B")),
    "issuer": Field(type="const", value="X"),
}


@given(strategies.commands(max_nc=300, max_ne=300))
def test_commands_survive_the_wire(command):
    assert CommandAPDU.parse(command.encode()).shape == command.shape


@pytest.mark.parametrize("case", list(Case))
def test_commands_come_in_every_case(case):
    assert (
        find(
            strategies.commands(max_nc=300, max_ne=300),
            lambda command: command.case is case,
            settings=SEARCH,
        ).case
        is case
    )


class Answering:
    """A card that answers what it was given."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def atr(self) -> bytes:
        return b"\x3b\x00"

    def power(self, cold: bool) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        return self.answer


@given(strategies.responses())
def test_responses_pass_the_link_check(response):
    wire = response.data + response.sw.to_bytes(2, "big")
    link = LoopbackConnection(Answering(wire))
    assert ResponseAPDU.parse(link.transmit(b"\x00\xb0\x00\x00\x00")) == response


@given(st.lists(strategies.tlvs(), max_size=3))
def test_tlvs_are_read_back_as_made(items):
    assert list(tlv.parse(b"".join(item.build() for item in items))) == items


@pytest.mark.parametrize(
    "wanted",
    [
        lambda item: item.constructed and any(child.constructed for child in item.children()),
        lambda item: item.tag > 0xFFFF,
        lambda item: item.length_size == 3,
    ],
    ids=["nested twice", "three-byte tag", "length longer than needed"],
)
def test_tlvs_come_in_every_form(wanted):
    assert wanted(find(strategies.tlvs(), wanted, settings=SEARCH))


@settings(max_examples=60)
@given(strategies.records(RecordSchema(FIELDS)))
def test_records_are_accepted_field_by_field(row):
    assert list(row) == list(FIELDS)
    for name, text in row.items():
        reader(name, FIELDS[name], None)(text)


@settings(max_examples=60)
@given(strategies.records(RecordSchema(FIELDS)))
def test_made_up_text_is_no_spreadsheet_formula(row):
    assert [row[name] for name in ("label", "name") if row[name][:1] in ("=", "+", "-", "@")] == []


def test_a_wrapped_field_is_refused_by_name():
    schema = RecordSchema({"ki": Field(type="key", algorithm="AES-128", transport="order:kek-1")})
    with pytest.raises(ProfileError, match=r"record\.ki: wrapped under order:kek-1"):
        strategies.records(schema)
