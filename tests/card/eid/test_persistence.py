"""What outlives power: everything a command has done, nothing of one that was torn; and counters always."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card
from cardkit.virtual.chips import ChipDirectory

from . import structure

PIN = "313233343536FFFF"
FILES = [structure.directory("5015"), structure.file("5031", 8), structure.file("5032", 8), "00A4000C023F00"]
TORN = [
    ("piv", [], "0020008008" + "30" * 8),  # a wrong PIN
    ("piv", [], f"0020008008{PIN}"),
    ("piv", [], f"0024008010{PIN}3132333435363738"),
    ("piv", [], f"002C0080103132333435363738{PIN}"),
    ("piv", [], "00DB3FFF095C035FC10753023000"),
    ("piv", [], "0047009E05AC0380011100"),
    ("piv", [], "00FFFFFF13089B10" + "00" * 16),
    ("piv", ["0047009E05AC0380011100"], "00F6829E"),
    ("piv", ["0047009E05AC0380011100"], "00F6FF9E"),
    ("piv", [f"0020008008{PIN}"], "00FA0506"),
    ("pkcs15", [], structure.file("5031", 16, sfi=3)),
    ("pkcs15", [], "00240102083132333435363738"),
    ("pkcs15", [], "002401010431323334"),
    ("pkcs15", FILES, "00E40000025015"),
    ("pkcs15", ["002401010431323334"], "0024000120" + "31323334".ljust(32, "0") + "35363738".ljust(32, "0")),
]


def answers(card, command):
    return card.transmit(bytes.fromhex(command)).hex().upper()


@pytest.mark.parametrize("image", ["piv", "pkcs15"])
def test_a_chip_in_a_file_is_the_same_chip(tmp_path, image):
    chips = ChipDirectory(tmp_path, image, seed=1)
    card = chips.fresh()
    structure.first_secret(card)
    again = chips.open(card.serial)
    assert again.memory() == card.memory()
    assert again.serial == card.serial


def settled(card):
    """What lies in the cells, but for tries left, which go down at once, and the journal."""
    cells = {name: value for name, value in card.memory().items() if name != "journal"}
    return {name: value[1:] if name in ("pin", "puk") else value for name, value in cells.items()}


@pytest.mark.parametrize(("image", "before", "command"), TORN)
def test_a_torn_command_happened_or_did_not(image, before, command):
    whole = structure.opened(image, before)
    old = settled(whole)
    assert answers(whole, command)[-4:-2] in ("90", "63")
    new = settled(whole)
    for step in range(1, 20):
        card = structure.opened(image, before)
        card.cut_at(step)
        if card.transmit(bytes.fromhex(command)):
            assert settled(card) == new
            break
        assert card.transmit(bytes.fromhex(command)) == b""
        card.power(cold=True)
        assert settled(card) in (old, new)
    assert step < 19


def test_a_try_is_taken_before_the_comparison():
    card = make_card("piv", seed=1)
    card.cut_at(2)
    assert answers(card, f"0020008008{PIN}") == ""
    card.power(cold=True)
    assert answers(card, "0020008000") == "63C2"
    assert answers(card, f"0020008008{PIN}") == "9000"
    card.power(cold=True)
    assert answers(card, "0020008000") == "63C3"


@pytest.mark.parametrize("step", range(1, 12))
def test_a_torn_factory_reset_leaves_the_old_chip(step):
    card = structure.blocked_piv()
    before = dict(card.memory())
    card.cut_at(step)
    done = card.transmit(bytes.fromhex("00FB0000"))
    card.power(cold=True)
    born = dict(make_card("piv", seed=1).memory())
    assert dict(card.memory()) == (born if done else before)


@settings(max_examples=120, deadline=None)
@given(image=st.sampled_from(["piv", "pkcs15"]), commands=st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_get_a_status_word(image, commands):
    card = make_card(image, seed=1)
    for command in commands:
        assert len(card.transmit(command)) >= 2


INSTRUCTIONS = [
    0x20,
    0x22,
    0x24,
    0x2A,
    0x2C,
    0x46,
    0x84,
    0x87,
    0x88,
    0xA4,
    0xB0,
    0xCB,
    0xD6,
    0xDB,
    0xE0,
    0xE4,
    0xF7,
    0xFE,
]
TEMPLATES = ["", "7C", "6F", "62", "5C", "7C0482008100", "6F0C820101830200018102FFFF", "5C035FC102", "4D", "FF" * 9]


@settings(max_examples=200, deadline=None)
@given(
    image=st.sampled_from(["piv", "pkcs15"]),
    instruction=st.sampled_from(INSTRUCTIONS),
    p1=st.sampled_from([0, 1, 0x3F, 0x41, 0x81, 0xFF]),
    p2=st.sampled_from([0, 1, 0x80, 0x9A, 0x9B, 0xB6, 0xFF]),
    start=st.sampled_from(TEMPLATES),
    rest=st.binary(max_size=40),
)
def test_any_data_in_a_known_command_get_a_status_word(image, instruction, p1, p2, start, rest):
    card = make_card(image, seed=1)
    data = bytes.fromhex(start) + rest
    for lead in ((), ("0047009A05AC0380011100",)):
        for command in lead:
            card.transmit(bytes.fromhex(command))
        answer = card.transmit(bytes((0, instruction, p1, p2, len(data))) + data + b"\x00")
        assert 2 <= len(answer) <= 258
        assert answer[-2] in (0x61, 0x63, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6D, 0x6E, 0x90)


def test_endless_chaining_is_bounded():
    card = make_card("piv", seed=1)
    part = bytes((0x10, 0xDB, 0x3F, 0xFF, 0xFF)) + bytes(255)
    replies = [card.transmit(part).hex() for _ in range(70)]
    assert "6700" in replies
    assert set(replies) == {"9000", "6700"}
