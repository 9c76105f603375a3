"""The slot for secure messaging: what goes through it, and what the card sees (GPCS 11.1.5, 11.7)."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProtocolError, SecureMessagingError

GET_DATA = CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=256)


class Marking:
    """Secure messaging that anyone can follow: a byte EE ends a command, a byte DD ends an answer."""

    def __init__(self) -> None:
        self.seen: list[CommandAPDU] = []

    def wrap(self, command):
        self.seen.append(command)
        data = command.data if isinstance(command.data, bytes) else b"?" * command.nc
        return CommandAPDU(
            command.cla | 4, command.ins, command.p1, command.p2, data + b"\xee", command.ne, command.extended
        )

    def unwrap(self, response):
        if response.data[-1:] != b"\xdd":
            raise SecureMessagingError("no DD")
        return ResponseAPDU(response.data[:-1], response.sw)


def secured(channel):
    channel.secure = Marking()
    return channel


def test_a_command_goes_out_wrapped_and_its_answer_comes_back_unwrapped(scripted):
    channel = secured(scripted(("84CA006601EE00", "6601DD9000")))
    assert channel.send(GET_DATA) == ResponseAPDU(b"\x66\x01", 0x9000)


def test_an_empty_slot_leaves_commands_alone(scripted):
    channel = scripted(("80CA006600", "66019000"))
    assert channel.secure is None
    assert channel.send(GET_DATA).data == b"\x66\x01"


def test_a_failed_check_reaches_the_caller(scripted):
    with pytest.raises(SecureMessagingError):
        secured(scripted(("84CA006601EE00", "66019000"))).send(GET_DATA)


@pytest.mark.parametrize(("number", "cla", "get_response"), [(1, "85", "01"), (4, "E0", "40"), (19, "EF", "4F")])
def test_the_channel_number_is_put_in_after_protection(scripted, number, cla, get_response):
    channel = secured(
        scripted((f"{cla}CA006601EE00", "666102"), (f"{get_response}C0000002", "01DD9000"), number=number)
    )
    assert channel.send(GET_DATA).data == b"\x66\x01"
    assert channel.secure.seen == [GET_DATA]


def test_an_answer_is_collected_before_it_is_unwrapped_and_get_response_goes_plain(scripted):
    channel = secured(scripted(("84CA006601EE", "6103"), ("00C0000003", "6601DD9000"), t0=True))
    assert channel.send(GET_DATA).data == b"\x66\x01"


def test_the_mac_of_a_command_that_expects_nothing_is_fetched(scripted):
    channel = secured(scripted(("84F0800F01EE", "6101"), ("00C0000001", "DD9000"), t0=True))
    assert channel.send(CommandAPDU(0x80, 0xF0, 0x80, 0x0F)) == ResponseAPDU(b"", 0x9000)


def test_a_protected_command_is_never_sent_twice(scripted):
    channel = secured(scripted(("84CA006601EE00", "6C02")))
    with pytest.raises(SecureMessagingError):
        channel.send(GET_DATA)


def test_an_unprotected_command_of_a_session_is_repeated_as_6cxx_says(scripted):
    class Plain(Marking):
        def wrap(self, command):
            return command

    channel = scripted(("80CA006600", "6C02"), ("80CA006602", "66DD9000"), t0=True)
    channel.secure = Plain()
    assert channel.send(GET_DATA).data == b"\x66"


@pytest.mark.parametrize("ne", [256, 65_536])
def test_a_command_is_given_its_length_form_before_a_mac_covers_it(scripted, ne):
    channel = secured(scripted(("84CA006601EE00", "DD9000")))
    channel.send(CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=ne, extended=True))
    assert channel.secure.seen == [GET_DATA]


def test_where_the_card_takes_extended_length_the_form_stays(scripted):
    channel = secured(scripted(("84CA0066 000001 EE 0000", "DD9000"), extended=True))
    command = CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=65_536)
    channel.send(command)
    assert channel.secure.seen == [command]


def test_a_command_that_grows_over_255_bytes_is_chained(scripted):
    channel = secured(scripted(("94E28800 FF" + "00" * 255, "9000"), ("84E28800 01 EE 00", "DD9000"), chaining=True))
    assert channel.send(CommandAPDU(0x80, 0xE2, 0x88, 0x00, bytes(255), 256)).sw == 0x9000


def test_manage_channel_is_never_protected(scripted):
    channel = secured(scripted(("0070000001", "029000"), ("00708002", "9000")))
    further = channel.open_channel()
    assert (further.number, further.secure) == (2, None)
    channel.close_channel(2)
    assert channel.secure.seen == []


def test_segments_say_in_p1_that_more_follows(scripted):
    channel = scripted(
        ("80D88081 FF" + "11" * 255, "9000"), ("80D88081 FF" + "11" * 255, "9000"), ("80D80081 01 11 00", "7F9000")
    )
    response = channel.send_segments(CommandAPDU(0x80, 0xD8, 0x00, 0x81, b"\x11" * 511, 256))
    assert response == ResponseAPDU(b"\x7f", 0x9000)


def test_segments_are_protected_once_as_a_whole(scripted):
    channel = secured(scripted(("84D88081 FF" + "11" * 255, "9000"), ("84D80081 01 EE 00", "7FDD9000")))
    command = CommandAPDU(0x80, 0xD8, 0x00, 0x81, b"\x11" * 255, 65_536, extended=True)
    assert channel.send_segments(command) == ResponseAPDU(b"\x7f", 0x9000)
    assert channel.secure.seen == [CommandAPDU(0x80, 0xD8, 0x00, 0x81, b"\x11" * 255, 256)]


@pytest.mark.parametrize(
    ("length", "size", "segments"),
    [(0, 255, []), (255, 255, []), (8, 8, []), (9, 8, [8]), (16, 8, [8]), (17, 8, [8, 8]), (1, 1, []), (2, 1, [1])],
)
def test_segments_are_as_long_as_the_card_takes(scripted, length, size, segments):
    data = bytes(range(length))
    at, script = 0, []
    for part in segments:
        script.append((f"80E68200{part:02X}" + data[at : at + part].hex(), "9000"))
        at += part
    rest = data[at:]
    script.append(("80E60200" + (f"{len(rest):02X}{rest.hex()}" if rest else ""), "9000"))
    channel = scripted(*script)
    assert channel.send_segments(CommandAPDU(0x80, 0xE6, 0x02, 0x00, data), size=size).sw == 0x9000
    assert channel.connection._card.script == []


def test_a_refused_segment_ends_the_command(scripted):
    channel = scripted(("80E68200 FF" + "00" * 255, "6A80"))
    assert channel.send_segments(CommandAPDU(0x80, 0xE6, 0x02, 0x00, bytes(256), 256)) == ResponseAPDU(b"", 0x6A80)


def test_data_in_answer_to_a_part_breaks_the_rules(scripted):
    channel = scripted(("80E68200 FF" + "00" * 255, "009000"))
    with pytest.raises(ProtocolError, match=r"E6.*1 bytes to a part"):
        channel.send_segments(CommandAPDU(0x80, 0xE6, 0x02, 0x00, bytes(256), 256))


@pytest.mark.parametrize(("p1", "size", "fault"), [(0x80, 255, "P1 bit 8"), (0, 0, "0 bytes"), (0, 256, "256 bytes")])
def test_impossible_segments_are_refused_before_anything_is_wrapped_or_sent(scripted, p1, size, fault):
    channel = secured(scripted())
    with pytest.raises(EncodingError, match=fault):
        channel.send_segments(CommandAPDU(0x80, 0xE6, p1, 0x00, bytes(300)), size=size)
    assert channel.secure.seen == channel.connection._card.sent == []


def test_secret_parts_reach_the_card_in_segments(scripted):
    command = CommandAPDU(0x80, 0xE2, 0x08, 0x00, (b"\x01", Secret(b"\x02" * 255, "pin")))
    channel = scripted(("80E28800 FF01" + "02" * 254, "9000"), ("80E20800 0102", "9000"))
    assert channel.send_segments(command).sw == 0x9000
