"""Whatever is sent, the card answers with two bytes at least, and what it holds stays readable."""

import dataclasses

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cardkit.virtual import GpCard, load_image, make_card
from cardkit.virtual.errors import StatusWordError, WriteFailedError
from cardkit.virtual.gp import cap, parameters
from cardkit.virtual.gp.keysets import RetryPolicy
from cardkit.virtual.gp.registry import Registry

from .conftest import ISD, Terminal, cmac, lv, tlv

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
INSTRUCTIONS = [0x50, 0x82, 0x88, 0x2A, 0x70, 0x78, 0x7A, 0xA4, 0xC0, 0xCA, 0xCB, 0xD8, 0xE2, 0xE4, 0xE6, 0xE8, 0xF0,
                0xF1, 0xF2]  # fmt: skip
BYTES = st.binary(max_size=40)
PIECES = st.lists(
    st.sampled_from([
        bytes.fromhex(lv(ISD)), bytes.fromhex(tlv("4F", ISD)), bytes.fromhex("4F00"), b"\x00", b"\x00\x00",
        bytes.fromhex("C900"), bytes.fromhex("8810"), bytes(16), b"\x03", b"\x00\x70", b"\x00\xb9\x02\xb9\x00",
        bytes.fromhex("A60483021101"), bytes.fromhex("BF2100"), b"\x81\x13", b"\x30", b"\xd2\x01\x30", b"\xe2\x00",
    ]),
    max_size=6,
).map(b"".join)  # fmt: skip


def whole(card):
    """Every entry of the registry can be read, and there is one issuer security domain."""
    registry = Registry(card.chip.journal)
    assert registry.isd.aid
    assert all(card.chip.keys(entry.aid).ring() for entry in registry if entry.is_domain)


@QUICK
@given(st.lists(BYTES, max_size=6))
@example([bytes.fromhex("00A4040000"), bytes.fromhex("80500000080000000000000000"), b"", b"\x80"])
@example([bytes.fromhex("80CA0066000000"), bytes.fromhex("80CA00660000010000"), bytes.fromhex("8000000000FFFF")])
def test_any_bytes(commands):
    for protocol in (0, 1):
        card = make_card("gp-scp02", seed=1, protocol=protocol)
        for command in commands:
            assert len(card.transmit(command)) >= 2
        whole(card)


@QUICK
@given(st.lists(st.tuples(st.sampled_from(INSTRUCTIONS), st.integers(0, 255), st.integers(0, 255), PIECES | BYTES),
                min_size=1, max_size=8))  # fmt: skip
def test_any_commands_in_a_session(commands):
    terminal = Terminal(make_card("gp-scp03", seed=1))
    for ins, p1, p2, data in commands:
        if not terminal.level and not terminal.card.chip.terminated and not terminal.card.chip.locked:
            assert terminal.open() in ("9000", "6983")
        answer = terminal.send(bytes((0x80, ins, p1, p2)), data)
        assert len(answer) >= 4
        if answer == "6982" or ins in (0x50, 0x82, 0x88, 0x2A):
            terminal.level = 0
    whole(terminal.card)
    terminal.card.power(cold=True)
    assert terminal.raw("00CA9F7F00").endswith("9000")


def refusal_of(read, data):
    """The status word it is refused with, or None."""
    try:
        read(data)
    except StatusWordError as refusal:
        return refusal.sw.hex()
    return None


HEADER = bytes.fromhex("01000EDECAFFED010204000105")


@QUICK
@given(st.binary(max_size=60) | st.binary(max_size=30).map(HEADER.__add__))
def test_any_code(block):
    assert refusal_of(cap.walk, block) in (None, "6a80")


@QUICK
@given(st.binary(max_size=40))
def test_any_parameters(data):
    assert {refusal_of(parameters.parse, data), refusal_of(parameters.parse_domain, data)} <= {None, "6a80"}


def test_a_write_error_while_authenticating_gives_no_try_back(terminal):
    def fail(cell, value):
        raise WriteFailedError(f"{cell}: {len(value)} bytes")

    terminal.select()
    greeting = terminal.greet()
    terminal.card.chip.memory.intercept = fail
    assert terminal.authenticate(greeting) == "6581"
    terminal.card.chip.memory.intercept = None
    assert terminal.open() == "9000"


@pytest.mark.parametrize("size", [1, 5, 247])
def test_every_flipped_bit_of_a_mac_ends_the_session(opened, size):
    body = bytes(size)
    header = bytes((0x84, 0xCA, 0x00, 0x66)) + bytes((size + 8,))
    good = header + body + cmac(opened.mac, opened.chain + header + body)[:8]
    for bit in (0, 7, 63, 64, 71):
        wrong = bytearray(good)
        wrong[-1 - bit // 8] ^= 1 << bit % 8
        assert opened.card.transmit(bytes(wrong)) == bytes.fromhex("6982")
        assert opened.card.transmit(good) == bytes.fromhex("6982"), "aborted"
        assert opened.open() == "9000"
        header_chain = cmac(opened.mac, opened.chain + header + body)
        good = header + body + header_chain[:8]


def image_with(**policy):
    return dataclasses.replace(load_image("gp-scp03"), retry=RetryPolicy(**policy))


def test_a_card_that_locks_itself():
    terminal = Terminal(GpCard(image_with(limit=10, lock_card_after=3), seed=1))
    for _ in range(3):
        terminal.select()
        assert terminal.authenticate(terminal.greet(), 1, (bytes(16),) * 3) == "6300"
    assert terminal.select().endswith("6283")
    assert terminal.open(aid=None) == "9000"
    assert terminal("80F0800F00") == "9000"


def test_a_card_that_takes_its_time():
    """The delay grows and is told to judges; nobody waits."""
    terminal = Terminal(GpCard(image_with(delay_s=(1, 5, 30)), seed=1))
    told = []
    for _ in range(4):
        terminal.select()
        assert terminal.authenticate(terminal.greet(), 1, (bytes(16),) * 3) == "6300"
        told.append(terminal.card.delay_s())
    assert told == [1, 5, 30, 30]
    assert terminal.open() == "9000"
    assert terminal.card.delay_s() == 0


def test_a_card_that_counts_greetings():
    terminal = Terminal(GpCard(image_with(limit=3, on="iu"), seed=1))
    terminal.select()
    assert [terminal.greet()[-2:].hex() for _ in range(4)] == ["9000"] * 3 + ["6983"]


def test_r_mac_is_begun_and_ended(opened):
    """Amendment D 7.1.3: only responses change; their MAC chains on the command's."""
    assert opened("80CA00D300") == "D301819000"
    answer = opened("807A1001")
    body, status = bytes.fromhex(answer[:-4]), bytes.fromhex(answer[-4:])
    assert body == cmac(opened.rmac, opened.chain + status)[:8]
    opened.level |= 0x10
    assert opened("80CA00D300") == "D301919000"
    opened.level = 1
    assert opened("80780003") == "9000"
    assert opened("80CA00D300") == "D301819000"
