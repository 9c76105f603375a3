"""Each lie is told where it should be, once, and what the chip holds stays right."""

import pytest

from cardkit.virtual import ImageError, VirtualCard, make_card
from cardkit.virtual.desfire.lies import desfire_lies
from tests.card.desfire.host import FULL, Host, RefusedError

KEY = bytes(16)


def flow(card, opcode=0xAA):
    """A session with everything in it; returns what was believed."""
    host = Host(card)
    host.plain("ca01020303" + "81")
    host.plain("5a010203")
    host.authenticate(opcode, 0, KEY)
    host.send(0xCD, "01030000200000")
    host.send(0xCC, "02030000 00000000 e8030000 64000000 01")
    host.send(0x3D, "01000000100000", bytes(range(16)), FULL)
    found = [host.send(0xF5, "01"), host.send(0x64, "00"), host.send(0x51, mode=FULL, size=7)]
    found += [host.send(0x6C, "02", mode=FULL, size=4), host.send(0x6C, "02", mode=FULL, size=4)]
    host.send(0xBD, "01000000100000", mode=FULL, size=16)
    return [*found, host.send(0xBD, "01100000100000", mode=FULL, size=16)]


TRUTH = flow(make_card("desfire-ev2", seed=1))
UNSEEN = {"repeated-challenge", "uid-changes"}  # a session alone does not show them
WRONG_CONTENT = {"settings-weaker", "settings-larger", "key-version-lies", "value-lies", "other-uid"}

ELSEWHERE = {("wrong-crc", 0x71), ("counter-ahead", 0xAA)}  # lies about the other messaging
NAMES = sorted(set(desfire_lies()) - UNSEEN - {"believes-anybody"})
CASES = [(name, opcode) for name in NAMES for opcode in (0xAA, 0x71) if (name, opcode) not in ELSEWHERE]


@pytest.mark.parametrize(("name", "opcode"), CASES)
def test_a_lie_is_told(name, opcode):
    card = desfire_lies()[name](make_card("desfire-ev2", seed=1))
    try:
        believed = flow(card, opcode)
    except (AssertionError, RefusedError, IndexError, ValueError):
        believed = None
    assert card.fired
    assert (believed is not None) == (name in WRONG_CONTENT), "the host of the tests sees through it, or cannot"
    assert believed != TRUTH


def test_an_impostor_believes_anybody():
    card = desfire_lies()["believes-anybody"](make_card("desfire-ev2", seed=1))
    with pytest.raises(AssertionError, match="proven"):
        Host(card).authenticate(0x0A, 0, b"\x10" * 16)
    assert card.fired == 1


def test_unseen_lies():
    card = desfire_lies()["uid-changes"](make_card("desfire-ev1", seed=1))
    seen = set()
    for _ in range(3):
        seen.add(card.transmit(bytes.fromhex("FFCA000000")))
        card.power(cold=True)
    assert len(seen) == 3
    card = desfire_lies()["repeated-challenge"](make_card("desfire-ev1", seed=1))
    first = card.transmit(b"\x0a\x00")
    card.power(cold=True)
    assert card.transmit(b"\x0a\x00") == first
    card.power(cold=True)
    Host(card).authenticate(0x0A, 0, KEY)
    assert card.fired


def test_d40_lies():
    for name in ("wrong-crc", "wrong-mac", "bad-padding", "plain-for-enciphered"):
        card = desfire_lies()[name](make_card("desfire-ev1", seed=1))
        host = Host(card).authenticate(0x0A, 0, KEY)
        with pytest.raises((AssertionError, ValueError)):
            host.send(0x51, mode=FULL, size=7)
        assert card.fired, name


def test_only_transport_cards_lie_so():
    with pytest.raises(ImageError, match="expected a DESFire card, got image usim"):
        desfire_lies()["wrong-mac"](VirtualCard("usim", seed=1))
