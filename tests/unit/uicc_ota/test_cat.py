"""The toolkit: what a card may ask, what a station answers, and a card that never stops."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.cat import (
    Envelope,
    ProactiveCommand,
    Reply,
    Result,
    Tag,
    Terminal,
    Type,
    envelope,
    fetch,
    object_,
    sms_pp_download,
    station_reply,
    terminal_profile,
    terminal_response,
)
from cardkit.errors import EncodingError, ProtocolError, StatusError

unhex = bytes.fromhex


def asked(kind: int, objects: str = "", *, details="8103", number=1, qualifier=0) -> bytes:
    value = unhex(details) + bytes((number, kind, qualifier)) + unhex("82028182") + unhex(objects)
    length = bytes((len(value),)) if len(value) < 0x80 else b"\x81" + bytes((len(value),))
    return b"\xd0" + length + value


class Talkative:
    """Says what is in its list, one thing after each answer; after the last, it repeats `sw`."""

    def __init__(self, *queue: bytes, data: bytes = b"", sw: int = 0x9000) -> None:
        self.queue, self.data, self.sw = list(queue), data, sw
        self.seen: list[str] = []

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        self.seen.append(command.encode().hex().upper())
        data = self.data if command.ins not in (0x12, 0x14) else b""
        if command.ins == 0x12:
            data = self.queue.pop(0)
        waits = self.queue and command.ins != 0x12
        return ResponseAPDU(data, 0x9100 | len(self.queue[0]) & 0xFF if waits else self.sw)


def test_profile_settles_what_the_card_asks():
    menu, interval = asked(0x25, "8504 54657374"), asked(0x03, "8402 011E", number=2)
    card = Talkative(menu, interval)
    terminal = Terminal(card)

    assert [command.name for command in terminal.profile(b"\xff")] == ["SET UP MENU", "POLL INTERVAL"]
    assert card.seen == [
        "8010000001FF",
        "80120000" + f"{len(menu):02X}",
        "801400000C" + "8103012500" + "82028281" + "830100",
        "80120000" + f"{len(interval):02X}",
        "8014000010" + "8103020300" + "82028281" + "830100" + "8402011E",
    ]
    card.queue = [asked(0x05)]
    assert [command.type for command in terminal.profile()] == [Type.SET_UP_EVENT_LIST]
    assert len(terminal.commands) == 3


def test_quiet_card_is_left_in_peace():
    card = Talkative(data=b"\x01")
    terminal = Terminal(card)

    assert terminal.require(CommandAPDU(0x80, 0xC2, 0, 0, b"x"), "ENVELOPE") == b"\x01"
    assert (len(card.seen), terminal.commands) == (1, [])
    terminal.settle(0x9000)
    assert len(card.seen) == 1


def test_long_commands_are_fetched_whole():
    command = asked(0x21, "8D8180" + "04" + "41" * 127)
    big = asked(0x21, "8D81F1" + "04" + "41" * 240)
    assert len(big) == 256
    card = Talkative(command, big)
    Terminal(card).profile()

    assert [line for line in card.seen if line.startswith("8012")] == [f"80120000{len(command):02X}", "8012000000"]


def test_twenty_things_are_answered_and_no_more():
    card = Talkative(*[asked(0x02)] * 20)
    assert len(Terminal(card).profile()) == 20

    endless = Talkative(*[asked(0x02)] * 30)
    with pytest.raises(ProtocolError, match=r"^card asked for 20 things in a row and wants another$"):
        Terminal(endless).profile()
    assert len(endless.seen) == 41


def test_status_words_that_refuse():
    with pytest.raises(StatusError, match=r"^TERMINAL PROFILE: card answered 9300"):
        Terminal(Talkative(sw=0x9300)).profile()
    assert Terminal(Talkative(sw=0x6200)).require(terminal_profile(), "x", 0x6200) == b""
    with pytest.raises(StatusError, match=r"^x: card answered 6300"):
        Terminal(Talkative(sw=0x6300)).require(terminal_profile(), "x", 0x6200)

    class Refusing(Talkative):
        def send(self, command):
            answer = super().send(command)
            return ResponseAPDU(b"", 0x6F00) if command.ins == self.at else answer

    for at, name in ((0x12, "FETCH"), (0x14, "TERMINAL RESPONSE to MORE TIME")):
        card = Refusing(asked(0x02))
        card.at = at
        with pytest.raises(StatusError, match=f"^{name}: card answered 6F00"):
            Terminal(card).profile()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "got nothing, expected one template D0"),
        ("D100", "got D100, expected one template D0"),
        ("D000D000", "got D000, expected one template D0"),
        ("D000", "command details of 0 bytes, expected 3"),
        ("D0040102 0125", "command details of 2 bytes, expected 3"),
        ("D005010301", "announces 5 bytes, 3 are there"),
        ("D0028103", "has 0 of 3 bytes"),
    ],
)
def test_what_is_no_command_is_refused(data, text):
    with pytest.raises(EncodingError, match=text):
        ProactiveCommand.parse(unhex(data))
    with pytest.raises(ProtocolError, match=text):
        Terminal(Talkative(unhex(data) or b"")).settle(0x9100)


@pytest.mark.parametrize("details", ["8103", "0103"])
def test_both_forms_of_tags_are_read(details):
    command = ProactiveCommand.parse(asked(0x13, "8B02AABB", details=details, number=7, qualifier=1))

    assert (command.number, command.type, command.qualifier, command.name) == (7, 0x13, 1, "SEND SMS")
    assert (command.value(Tag.SMS_TPDU), command.value(Tag.TEXT)) == (b"\xaa\xbb", None)
    assert ProactiveCommand.parse(asked(0x7E)).name == "command type 7E"


DONE_TYPES = {0x01, 0x02, 0x03, 0x04, 0x05, 0x13, 0x20, 0x21, 0x25, 0x27, 0x28}
NO_USER_TYPES = {0x22, 0x23, 0x24}
UNABLE_TYPES = {0x10, 0x11, 0x12, 0x15, 0x26}


@pytest.mark.parametrize("kind", [*Type, 0x7E, 0x30])
def test_what_a_station_answers(kind):
    reply = station_reply(ProactiveCommand.parse(asked(kind)))

    if kind in DONE_TYPES:
        assert reply == Reply(Result.DONE)
    elif kind in NO_USER_TYPES:
        assert reply == Reply(Result.NO_USER)
    elif kind in UNABLE_TYPES:
        assert reply == Reply(Result.UNABLE_NOW, b"\x00")
    else:
        assert reply == Reply(Result.BEYOND)


def test_timers_are_named_in_the_answer():
    command = ProactiveCommand.parse(asked(0x27, "A40101 A503000010"))
    response = terminal_response(command, station_reply(command))

    assert bytes(response.data).hex().upper() == "8103012700" + "82028281" + "830100" + "A40101"


def test_another_answer_may_be_given():
    card = Talkative(asked(0x23))
    text = object_(Tag.TEXT, b"\x0442")
    Terminal(card, lambda command: Reply(Result.DONE, objects=(text,))).profile()

    assert card.seen[-1] == "8014000011" + "8103012300" + "82028281" + "830100" + "8D03" + "043432"


def test_commands_are_written_as_the_sheet_says():
    assert terminal_profile().encode() == unhex("8010000014" + "FF" * 20)
    assert [fetch(length).encode().hex() for length in (0, 1, 255)] == ["8012000000", "8012000001", "80120000ff"]
    tpdu = bytes(160)
    assert sms_pp_download(tpdu, b"\x91\x77").encode() == unhex(
        "80C20000AE" + "D181AB" + "82028381" + "06029177" + "8B81A0" + "00" * 160 + "00"
    )
    assert envelope(Envelope.EVENT, [object_(Tag.DEVICES, b"\x82\x81")]).encode() == unhex("80C2000006D6048202828100")
