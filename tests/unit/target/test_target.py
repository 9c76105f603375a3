"""One string names a card anywhere; feeders give fresh chips."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.errors import EncodingError, NoCardError, ProfileError
from cardkit.target import Card, Feeder, Scheme, Target, open_card, open_connection, parse, parse_one
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.meter import MeterConnection
from cardkit.transport.redact import ShowAll

SELECT_MF = CommandAPDU(0x00, 0xA4, 0x00, 0x04, bytes.fromhex("3F00"), 256)
READ_CHIP = CommandAPDU(0x00, 0xB0, 0x8A, 0x00, ne=8)


def serial(card: Card) -> bytes:
    return card.channel.require(READ_CHIP)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pcsc:0", [Target(Scheme.PCSC, "0")]),
        ("pcsc:Some Reader 00 00", [Target(Scheme.PCSC, "Some Reader 00 00")]),
        ("virtual:usim", [Target(Scheme.VIRTUAL, "usim")]),
        ("virtual:usim*2", [Target(Scheme.VIRTUAL, "usim", copy, 2) for copy in (0, 1)]),
        ("virtual:usim@chips/a", [Target(Scheme.VIRTUAL, "usim", directory=Path("chips/a"))]),
        ("virtual:usim*1@d", [Target(Scheme.VIRTUAL, "usim", directory=Path("d"))]),
        ("virtual:usim#0A0B@d", [Target(Scheme.VIRTUAL, "usim", directory=Path("d"), serial=b"\x0a\x0b")]),
        ("replay:C:\\traces\\a.jsonl", [Target(Scheme.REPLAY, "C:\\traces\\a.jsonl")]),
        ("meter:usim", [Target(Scheme.METER, "usim")]),
    ],
)
def test_each_form_is_read(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "usim",
        "virtual",
        "virtual:",
        "pcsc:",
        "usb:0",
        "virtual:usim*",
        "virtual:usim*0",
        "virtual:usim*999",
        "virtual:usim*2#0A0B",
        "virtual:usim#0",
        "virtual:usim@",
        "virtual:*4",
        "PCSC:0",
    ],
)
def test_other_forms_are_refused_in_one_line(text):
    with pytest.raises(EncodingError, match=r"expected pcsc:INDEX") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_several_readers_are_not_one():
    with pytest.raises(EncodingError, match="got 2 readers, expected one"):
        parse_one("virtual:usim*2")


def test_a_virtual_card_answers_with_its_image_atr():
    with open_card("virtual:usim") as card:
        assert card.atr.hex().upper() == "3B9F968091FE1FC78031A073BE21136743565531000001C7"
        assert card.reader == "virtual:usim"
        assert card.protocol == TransmissionProtocol.T1
        assert card.channel.require(SELECT_MF)[0] == 0x62
        assert card.reset() == card.atr
        card.confirm_presence()


@pytest.mark.parametrize(("image", "protocol"), [("usim", 0), ("usim", 1), ("sim2g", None)])
def test_the_protocol_is_that_of_the_card(image, protocol):
    wanted = None if protocol is None else TransmissionProtocol(protocol)
    with open_card(f"virtual:{image}", protocol=wanted) as card:
        assert card.protocol == (protocol or TransmissionProtocol.T0)
        select = CommandAPDU(0xA0, 0xA4, 0, 0, b"\x3f\x00", 256) if image == "sim2g" else SELECT_MF
        assert card.channel.require(select)


def test_an_unknown_image_is_one_line():
    with pytest.raises(ProfileError, match=r"virtual:nope: image 'nope'"):
        open_connection("virtual:nope")


def test_chips_of_a_seed_come_again_and_differ_from_each_other():
    def serials(seed: int, copy: int, first: int = 0) -> list[bytes]:
        feeder = Feeder(parse("virtual:usim*2")[copy], seed=seed, first=first)
        return [serial(Card(feeder.next_connection())) for _ in range(3)]

    assert serials(1, 0) == serials(1, 0)
    assert serials(1, 0, first=1)[:2] == serials(1, 0)[1:]
    assert len({*serials(1, 0), *serials(1, 1), *serials(2, 0)}) == 9


def test_fresh_chips_differ_without_a_seed():
    feeder = Feeder("virtual:usim")
    assert len({serial(Card(feeder.next_connection())) for _ in range(5)}) == 5


def test_a_directory_keeps_its_chips(tmp_path):
    text = f"virtual:usim@{tmp_path}"
    feeder = Feeder(text, seed=7)
    made = [serial(Card(feeder.next_connection())) for _ in range(3)]
    again = Feeder(text, again=True)
    assert sorted(serial(Card(again.next_connection())) for _ in range(3)) == sorted(made)
    with pytest.raises(NoCardError, match="no further card"):
        again.next_connection()
    with open_card(f"virtual:usim#{made[1].hex()}@{tmp_path}") as card:
        assert serial(card) == made[1]


def test_copies_share_out_the_chips_of_their_directory(tmp_path):
    feeder = Feeder(f"virtual:usim@{tmp_path}")
    made = {serial(Card(feeder.next_connection())) for _ in range(5)}
    shares = []
    for target in parse(f"virtual:usim*2@{tmp_path}"):
        share = Feeder(target, again=True)
        shares.append({serial(Card(connection)) for connection in iter_cards(share)})
    assert shares[0] | shares[1] == made
    assert not shares[0] & shares[1]


def iter_cards(feeder: Feeder):
    while True:
        try:
            yield feeder.next_connection()
        except NoCardError:
            return


def test_opened_singly_a_directory_means_the_chip_that_lies_there(tmp_path):
    text = f"virtual:usim@{tmp_path}"
    with open_card(text) as card:
        first = serial(card)
    with open_card(text) as card:
        assert serial(card) == first
    Feeder(text).next_connection()
    with pytest.raises(EncodingError, match="2 chips lie there"):
        open_card(text)


def test_a_missing_chip_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"virtual:usim#0000000000000001@"):
        open_card(f"virtual:usim#0000000000000001@{tmp_path}")


def test_there_is_nothing_to_present_again_without_a_directory():
    with pytest.raises(EncodingError, match="@DIR"):
        Feeder("virtual:usim", again=True)


def test_a_trace_is_recorded_and_presented_once(tmp_path):
    path = tmp_path / "trace.jsonl"
    with path.open("w", encoding="utf-8") as sink, open_card("virtual:usim", trace=sink, redactor=ShowAll()) as card:
        answer = card.channel.send(SELECT_MF)
    with open_card(f"replay:{path}") as card:
        assert card.channel.send(SELECT_MF) == answer
    feeder = Feeder(f"replay:{path}")
    assert Card(feeder.next_connection()).channel.send(SELECT_MF) == answer
    with pytest.raises(NoCardError):
        feeder.next_connection()


def test_by_default_a_trace_shows_no_data(tmp_path):
    sink = io.StringIO()
    with open_card("virtual:usim", trace=sink) as card:
        chip = serial(card)
    assert chip.hex().upper() not in sink.getvalue()
    assert "<8:DATA>9000" in sink.getvalue()


def test_a_meter_counts_a_virtual_card():
    with open_card("meter:usim") as card:
        card.channel.require(SELECT_MF)
        assert isinstance(card.connection, MeterConnection)
        report = card.connection.report()
    assert (report.apdus, report.bytes_in) == (1, 8)
    assert len(list(islice(report.prices, 20))) == 10


@pytest.mark.parametrize(
    ("atr", "extended", "chaining"),
    [
        ("3B9F968091FE1FC78031A073BE21136743565531000001C7", False, False),
        ("3B068073 0000C0".replace(" ", ""), False, False),
        ("3B058073 0000C0".replace(" ", ""), True, True),
        ("3B058073000040", True, False),
        ("3B058073000080", False, True),
        ("3BFF", False, False),
    ],
    ids=["usim", "malformed", "both", "extended", "chaining", "no-atr"],
)
def test_the_channel_can_what_the_historical_bytes_declare(atr, extended, chaining):
    class Chip:
        def atr(self) -> bytes:
            return bytes.fromhex(atr)

        def power(self, cold: bool) -> None:
            pass

        def transmit(self, command: bytes) -> bytes:
            return b"\x90\x00"

    channel = Card(LoopbackConnection(Chip())).channel
    assert (channel.extended, channel.chaining) == (extended, chaining)
