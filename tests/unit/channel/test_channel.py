"""Commands reach the card in the form its protocol carries (ISO/IEC 7816-3 12.2, ETSI TS 102 221 7.3)."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.channel import Channel
from cardkit.channel.chase import MOST_ROUNDS
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProtocolError, StatusError
from cardkit.transport.loopback import LoopbackConnection

SELECT = CommandAPDU(0x00, 0xA4, 0x00, 0x04, bytes.fromhex("3F00"), 256)
READ = CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=10)
VERIFY = CommandAPDU(0x00, 0x20, 0x00, 0x01, (Secret(b"1234FFFF", "pin1"),))


def sent(channel: Channel) -> list[str]:
    return channel.connection._card.sent


@pytest.mark.parametrize(
    ("command", "t0", "t1"),
    [
        (CommandAPDU(0x00, 0x44, 0, 0), "00440000", "00440000"),
        (READ, "00B000000A", "00B000000A"),
        (CommandAPDU(0x00, 0xB0, 0, 0, ne=256), "00B0000000", "00B0000000"),
        (CommandAPDU(0x00, 0xD6, 0, 0, b"\x01\x02"), "00D60000020102", "00D60000020102"),
        (SELECT, "00A40004023F00", "00A40004023F0000"),
        (VERIFY, "00200001083132333446464646", "00200001083132333446464646"),
    ],
    ids=["case-1", "case-2", "case-2-256", "case-3", "case-4-loses-le-at-t0", "secret-parts"],
)
def test_short_cases_go_out_as_each_protocol_carries_them(scripted, command, t0, t1):
    for is_t0, expected in ((True, t0), (False, t1)):
        channel = scripted((expected, "9000"), t0=is_t0)
        assert channel.send(command) == ResponseAPDU(b"", 0x9000)


def test_61xx_after_case_4_fetches_what_was_asked_for(scripted):
    channel = scripted(("00A40004023F00", "6105"), ("00C0000005", "AABBCCDDEE9000"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(bytes.fromhex("AABBCCDDEE"), 0x9000)


def test_get_response_asks_for_no_more_than_ne(scripted):
    command = CommandAPDU(0x00, 0x88, 0, 0, b"\x01", 3)
    channel = scripted(("008800000101", "6120"), ("00C0000003", "AABBCC611D"), t0=True)
    assert channel.send(command) == ResponseAPDU(bytes.fromhex("AABBCC"), 0x611D)


def test_61xx_of_a_get_response_is_followed_and_joined(scripted):
    channel = scripted(("00A40004023F0000", "01026102"), ("00C0000002", "03046100"), ("00C0000000", "05069000"))
    assert channel.send(SELECT) == ResponseAPDU(bytes.fromhex("010203040506"), 0x9000)


def test_6cxx_repeats_a_read_once_with_the_right_length(scripted):
    channel = scripted(("00B000000A", "6C04"), ("00B0000004", "010203049000"), t0=True)
    assert channel.send(READ) == ResponseAPDU(bytes.fromhex("01020304"), 0x9000)


def test_6c00_means_256(scripted):
    channel = scripted(("00B000000A", "6C00"), ("00B0000000", "00" * 256 + "9000"))
    assert channel.send(READ) == ResponseAPDU(bytes(256), 0x9000)


def test_a_second_6cxx_is_reported_not_followed(scripted):
    channel = scripted(("00B000000A", "6C04"), ("00B0000004", "6C03"))
    assert channel.send(READ) == ResponseAPDU(b"", 0x6C03)


def test_6cxx_to_a_t0_command_with_data_is_a_status(scripted):
    channel = scripted(("00A40004023F00", "6C05"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(b"", 0x6C05)


def test_6cxx_to_get_response_is_repeated_once(scripted):
    channel = scripted(("00A40004023F00", "6110"), ("00C0000010", "6C02"), ("00C0000002", "AABB9000"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(b"\xaa\xbb", 0x9000)


@pytest.mark.parametrize("status", ["6105", "9F05"])
def test_61xx_stays_a_status_where_no_data_was_wanted(scripted, status):
    channel = scripted(("A0D600000101", status), t0=True)
    assert channel.send(CommandAPDU(0xA0, 0xD6, 0, 0, b"\x01")).sw == int(status, 16)


def test_9fxx_is_followed_in_class_a0(scripted):
    channel = scripted(("A0A40000023F00", "9F02"), ("A0C0000002", "01029000"), t0=True)
    assert channel.send(CommandAPDU(0xA0, 0xA4, 0, 0, b"\x3f\x00", 256)).data == b"\x01\x02"


def test_9fxx_is_a_status_outside_class_a0(scripted):
    channel = scripted(("00A40004023F00", "9F02"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(b"", 0x9F02)


def test_data_behind_a_warning_is_fetched_at_t0_and_the_warning_reported(scripted):
    channel = scripted(("00A40004023F00", "6283"), ("00C0000000", "6C02"), ("00C0000002", "62009000"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(b"\x62\x00", 0x6283)


def test_a_warning_without_data_behind_it_is_reported_alone(scripted):
    channel = scripted(("00A40004023F00", "63C2"), ("00C0000000", "6985"), t0=True)
    assert channel.send(SELECT) == ResponseAPDU(b"", 0x63C2)


def test_a_retry_counter_costs_no_extra_command(scripted):
    channel = scripted(("00200001083132333446464646", "63C2"), t0=True)
    assert channel.send(VERIFY).sw == 0x63C2
    assert len(sent(channel)) == 1


def test_an_error_in_the_middle_of_a_chase_keeps_status_and_data(scripted):
    channel = scripted(("00A40004023F0000", "016101"), ("00C0000001", "6F00"))
    assert channel.send(SELECT) == ResponseAPDU(b"\x01", 0x6F00)


class Endless:
    """Always has more."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.count = 0

    def atr(self) -> bytes:
        return b"\x3b\x00"

    def power(self, cold: bool) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        return self.answer


@pytest.mark.parametrize(
    ("answer", "fault", "commands"),
    [
        (b"\x61\x01", "sends none", 2),
        (b"\x00\x61\x01", "300 rounds", MOST_ROUNDS + 1),
        (bytes(256) + b"\x61\x00", "65,536 bytes", 257),
    ],
)
def test_a_card_that_never_ends_is_given_up(answer, fault, commands):
    card = Endless(answer)
    with pytest.raises(ProtocolError, match=fault):
        Channel(LoopbackConnection(card)).send(SELECT)
    assert card.count == commands


def test_endless_6cxx_ends_after_one_repeat():
    card = Endless(b"\x6c\x01")
    assert Channel(LoopbackConnection(card)).send(READ).sw == 0x6C01
    assert card.count == 2


def test_extended_length_goes_out_whole_where_card_and_protocol_take_it(scripted):
    wire = "00D60000 000100" + "00" * 256
    channel = scripted((wire, "9000"), extended=True)
    assert channel.send(CommandAPDU(0, 0xD6, 0, 0, bytes(256))).sw == 0x9000


def test_extended_6cxx_corrects_both_length_bytes(scripted):
    channel = scripted(("00B00000 001000", "6C08"), ("00B00000 000008", "00" * 8 + "9000"), extended=True)
    assert channel.send(CommandAPDU(0, 0xB0, 0, 0, ne=4096)).data == bytes(8)


@pytest.mark.parametrize("options", [{}, {"t0": True, "extended": True}])
def test_a_long_expectation_becomes_a_short_one_and_a_chase(scripted, options):
    channel = scripted(("00B0000000", "016102"), ("00C0000002", "02039000"), **options)
    assert channel.send(CommandAPDU(0, 0xB0, 0, 0, ne=1000)).data == bytes.fromhex("010203")


def test_long_data_is_chained_where_the_card_takes_chaining(scripted):
    data = bytes(range(256)) + b"\xaa" * 255
    channel = scripted(
        ("10E20000 FF" + data[:255].hex(), "9000"),
        ("10E20000 FF" + data[255:510].hex(), "9000"),
        ("00E20000 01" + data[510:].hex() + "00", "019000"),
        chaining=True,
    )
    assert channel.send(CommandAPDU(0, 0xE2, 0, 0, data, 256)) == ResponseAPDU(b"\x01", 0x9000)


def test_a_refused_link_ends_the_chain(scripted):
    channel = scripted(("90E20000 FF" + "00" * 255, "6A80"), chaining=True)
    assert channel.send(CommandAPDU(0x80, 0xE2, 0, 0, bytes(300))).sw == 0x6A80
    assert len(sent(channel)) == 1


@pytest.mark.parametrize(
    ("cla", "options"), [(0x00, {}), (0x00, {"t0": True, "extended": True}), (0xA0, {"chaining": True})]
)
def test_long_data_without_a_way_is_refused_before_anything_is_sent(scripted, cla, options):
    channel = scripted(**options)
    with pytest.raises(EncodingError):
        channel.send(CommandAPDU(cla, 0xD6, 0, 0, bytes(256)))
    assert sent(channel) == []


def test_require_returns_data_or_names_command_and_status(scripted):
    channel = scripted(("00B000000A", "019000"), ("00B000000A", "6982"))
    assert channel.require(READ) == b"\x01"
    with pytest.raises(StatusError, match=r"command 00 B0 00 00: card answered 6982.*expected 9000") as caught:
        channel.require(READ)
    assert caught.value.sw == 0x6982


def test_require_accepts_the_status_words_it_is_told(scripted):
    channel = scripted(("00B000000A", "016282"))
    assert channel.require(READ, ok=(0x9000, 0x6282)) == b"\x01"


def test_an_error_shows_no_command_data(scripted):
    channel = scripted(("00200001083132333446464646", "6983"))
    with pytest.raises(StatusError) as caught:
        channel.require(VERIFY)
    assert "31323334" not in str(caught.value)


def test_reset_reaches_the_card(scripted):
    channel = scripted()
    assert channel.reset(cold=False) == channel.atr == bytes.fromhex("3B00")
    assert channel.connection._card.resets == [True, False]


def test_a_further_channel_is_opened_used_and_closed(scripted):
    basic = scripted(("0070000001", "029000"), ("02B000000A", "AA9000"), ("02C0000001", "BB9000"), ("00708002", "9000"))
    further = basic.open_channel()
    basic.connection._card.script[0] = ("02B000000A", "AA6101")
    assert further.number == 2
    assert further.send(READ).data == b"\xaa\xbb"
    basic.close_channel(2)
    assert basic.connection._card.script == []


@pytest.mark.parametrize("answer", ["9000", "009000", "149000", "01019000"])
def test_an_impossible_channel_number_is_refused(scripted, answer):
    with pytest.raises(ProtocolError, match="MANAGE CHANNEL"):
        scripted(("0070000001", answer)).open_channel()


def test_no_channel_left_is_a_status_error(scripted):
    with pytest.raises(StatusError, match="MANAGE CHANNEL"):
        scripted(("0070000001", "6A81")).open_channel()


def test_a_channel_number_out_of_range_is_refused(scripted):
    with pytest.raises(EncodingError, match="logical channel 20"):
        scripted(number=20)
