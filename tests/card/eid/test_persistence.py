"""What outlives power: everything a command has done, nothing of one that was torn; and counters always."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card
from cardkit.virtual.chips import ChipDirectory

from . import structure

PIN = "313233343536FFFF"
TORN = {
    "piv": [
        "0020008008" + "30" * 8,  # a wrong PIN
        f"0020008008{PIN}",
        f"0024008010{PIN}3132333435363738",
        f"002C0080103132333435363738{PIN}",
    ],
    "pkcs15": [
        structure.file("5031", 16, sfi=3),
        "00240102083132333435363738",
        "002401010431323334",
    ],
}


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


@pytest.mark.parametrize(("image", "command"), [(image, one) for image, many in TORN.items() for one in many])
def test_a_torn_command_happened_or_did_not(image, command):
    whole = make_card(image, seed=1)
    before = dict(whole.memory())
    assert answers(whole, command)[:2] in ("90", "63")
    after = dict(whole.memory())
    for step in range(1, 9):
        card = make_card(image, seed=1)
        card.cut_at(step)
        if card.transmit(bytes.fromhex(command)):
            assert dict(card.memory()) == after
            break
        assert card.transmit(bytes.fromhex(command)) == b""
        card.power(cold=True)
        cells = {name: value for name, value in card.memory().items() if name not in structure.COUNTED}
        expected = [
            {name: value for name, value in state.items() if name not in structure.COUNTED} for state in (before, after)
        ]
        assert cells in expected
    else:
        pytest.fail("the command never ended")


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
