"""Short messages: the published one, parts in any order, what a card sends, malformed ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.ota.sms import (
    Address,
    Part,
    UserData,
    command_messages,
    command_packet,
    deliver,
    response_data,
    submitted,
    user_data_of,
)
from cardkit.errors import EncodingError

REAL = json.loads((Path(__file__).parents[2] / "vectors" / "scp80.json").read_text(encoding="utf-8"))
unhex = bytes.fromhex


@pytest.mark.parametrize("entry", REAL, ids=lambda entry: entry["name"])
def test_message_is_the_published_one_but_for_its_length(entry):
    packet, published = unhex(entry["out"]["command_packet"]), unhex(entry["out"]["sms_deliver_tpdu"])
    (user_data,) = command_messages(packet)
    tpdu = deliver(user_data, Address("12345678"), unhex("22705200000000"))

    # The source writes the length of the header where that of all user data belongs (TS 23.040 9.2.3.16).
    assert published[16] == 3
    assert tpdu == published[:16] + bytes((len(user_data),)) + published[17:]
    assert command_packet([user_data_of(tpdu)]) == packet


@given(size=st.integers(0, 700), reference=st.integers(0, 600))
@settings(max_examples=40)
def test_parts_join_to_the_packet(size, reference):
    packet = bytes(place & 0xFF for place in range(size))
    messages = command_messages(packet, reference)

    assert all(len(message) <= 140 for message in messages)
    assert [len(message) for message in messages[:-1]] == [140] * (len(messages) - 1)
    assert command_packet(reversed(messages)) == packet


def test_parts_are_written_as_the_sheet_says():
    first, second, third = command_messages(bytes(132 + 134 + 1), 0x2A)

    assert (first[:8], second[:6], third) == (unhex("0700032A03017000"), unhex("0500032A0302"), unhex("0500032A030300"))
    assert len(command_messages(bytes(132 + 254 * 134))) == 255
    with pytest.raises(EncodingError, match=r"^packet of 34169 bytes: 256 messages, expected 255 at most$"):
        command_messages(bytes(132 + 254 * 134 + 1))


def test_reference_of_two_bytes_is_read():
    parts = [unhex("0A 0804 0102 02 02 7100"), unhex("06 0804 0102 02 02 BB"), unhex("08 0804 0102 02 01 7100 AA")]

    assert UserData.parse(parts[1]).part == Part(0x0102, 2, 2)
    assert response_data(parts[1:]) == unhex("027100AABB")


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], "no command packet begins here, expected element 70"),
        (["02710000"], "no command packet begins here, expected element 70"),
        (["0700032A02017000AA"], r"got parts 1 of 2 \(42\), expected all parts of one message"),
        (["0500032A0202AA"], "no command packet begins here"),
        (["0700032A02017000AA", "0500032B0202AA"], r"got parts 1 of 2 \(42\), 2 of 2 \(43\)"),
        (["0700032A02017000AA", "0500032A0202AA", "0500032A0202AA"], r"got parts 1 of 2 \(42\), 2 of 2 \(42\), 2 of 2"),
        (["0700032A02017000AA", "0500032A0302AA"], r"got parts 1 of 2 \(42\), 2 of 3 \(42\)"),
        (["0500032A0200AA"], "part 2A0200, expected reference, total and number"),
        (["0500032A0203AA"], "part 2A0203, expected reference, total and number"),
        (["0400022A02AA"], "part 2A02, expected reference, total and number"),
        ([""], "got 0 bytes, its length says 0"),
        (["0270"], "got 1 bytes, its length says 2"),
        (["027001AA"], "element 70 is cut short or there twice"),
        (["0170AA"], "element 70 is cut short or there twice"),
        (["0470007000AA"], "element 70 is cut short or there twice"),
    ],
)
def test_messages_that_do_not_belong_together_are_refused(messages, text):
    with pytest.raises(EncodingError, match=text):
        command_packet([unhex(message) for message in messages])


@pytest.mark.parametrize("period", [(0x41, ""), (0x51, "A7"), (0x49, "01020304050607"), (0x59, "01020304050607")])
@pytest.mark.parametrize("address", ["0A812143658709", "09812143658709", "0081"])
def test_messages_a_card_sends_are_read(period, address):
    first, validity = period
    tpdu = bytes((first,)) + b"\x2a" + unhex(address) + b"\x00\xf6" + unhex(validity) + unhex("05 027100 AABB")

    assert submitted([tpdu]) == unhex("027100AABB")


@pytest.mark.parametrize(
    ("tpdu", "text"),
    [
        ("", "0 bytes, it ends before its user data"),
        ("40", "1 bytes, it ends before its user data"),
        ("4008812143658700F6221010000000", "15 bytes, it ends before its user data"),
        ("420081", "first byte 42, expected an SMS-DELIVER or SMS-SUBMIT"),
        ("4000810000 22101000000000 04 02700000 00", "user data of 5 bytes, its length says 4"),
        ("0000810000 22101000000000 04 02700000", "first byte 00, its user data has no header"),
    ],
)
def test_malformed_messages_are_refused(tpdu, text):
    with pytest.raises(EncodingError, match=f"^short message: {text}$"):
        user_data_of(unhex(tpdu))


def test_user_data_longer_than_a_message_is_refused():
    assert len(deliver(bytes(140), Address("1", 0x91))) == 1 + 3 + 2 + 7 + 1 + 140
    with pytest.raises(EncodingError, match=r"^short message: 141 bytes of user data, expected 140 at most$"):
        deliver(bytes(141), Address("1"))


def test_odd_numbers_are_filled_up():
    assert Address("12345", 0x91).build() == unhex("0591214 3F5".replace(" ", ""))


@given(data=st.binary(max_size=40))
@settings(max_examples=50)
def test_any_bytes_are_read_or_refused(data):
    for read in (UserData.parse, user_data_of, lambda value: command_packet([value])):
        try:
            read(data)
        except EncodingError:
            continue
