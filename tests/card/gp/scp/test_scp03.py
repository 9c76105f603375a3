"""SCP03, every `i`, key size and level (Amendment D); S16 beyond the recorded sessions against conftest.py's host."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual.gp import crypto
from cardkit.virtual.gp.protection import Command
from cardkit.virtual.gp.session import State

AID = bytes.fromhex("A000000151000000")
OK = b"\x90\x00"
ALL_I = [0x00, 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x60, 0x61, 0x70, 0x71]
COMMANDS = [
    Command(0x80, 0xF2, 0x80, 0x02, b""),
    Command(0x80, 0xF2, 0x80, 0x02, b"\x4f\x00"),
    Command(0x00, 0xE2, 0x00, 0x00, bytes(15)),
    Command(0x81, 0xE2, 0x00, 0x01, bytes(16)),
    Command(0xC0, 0xE2, 0x00, 0x02, b"\x80" * 223),
    Command(0x80, 0xE2, 0x80, 0x03, bytes(300), extended=True),
    Command(0x00, 0xCA, 0x00, 0x66, b"", extended=True),
    Command(0x80, 0xE6, 0x0C, 0x00, bytes(248)),  # segments joined: with its MAC one byte more than a short Lc can say
    Command(0x80, 0xE6, 0x0C, 0x00, bytes(247)),
]
ANSWERS = [(b"", OK), (b"a", OK), (bytes(15), b"\x62\x83"), (bytes(16), b"\x63\x10"), (bytes(600), OK)]
ERROR = b"\x6a\x88"


def levels(i):
    return [0, 1, 3, *([0x11, 0x13] if i & 0x20 else []), *([0x33] if i & 0x40 else [])]


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize(("i", "level"), [(i, level) for i in ALL_I for level in levels(i)])
def test_every_case_in_every_session(host, i, level, size):
    opened = host(3, i, size=size).open(level)
    for command in COMMANDS:
        for data, status in ANSWERS if command is COMMANDS[1] else ANSWERS[:1]:
            assert opened.send(command) == command.data
            body = opened.channel.wrap_response(data, status)
            assert (opened.read(body, status) if level & 0x10 else body) == data
    opened.send(COMMANDS[0])
    assert opened.channel.wrap_response(b"lost", ERROR) == (b"" if level & 0x10 else b"lost")
    assert opened.send(COMMANDS[2]) == COMMANDS[2].data


@pytest.mark.parametrize("i", ALL_I)
def test_levels_that_the_parameter_does_not_have_are_refused(host, refusal, i):
    waiting = host(3, i)
    waiting.initialize_update()
    for level in set(range(256)) - set(levels(i)):
        assert refusal(waiting.channel.open, waiting.external_authenticate(level)) == "6A86"
    assert waiting.key_set.failures == 0
    assert waiting.channel.state is State.INITIATED


def test_sixteen_byte_mode_by_hand(host):
    """Amendment D 6.2 with 16-byte challenges, cryptograms and MACs, i=01, AES-256: no primitive but CMAC."""
    opened = host(3, 0x01, size=32)
    answer = opened.initialize_update()
    assert len(answer) == 45
    context = bytes(range(0x10, 0x20)) + answer[13:29]
    label = bytes(11) + b"\x06\x00" + b"\x01\x00"
    mac = b"".join(crypto.aes_cmac(opened.keys[1], label + bytes((n,)) + context) for n in (1, 2))
    card, host_cryptogram = (
        crypto.aes_cmac(mac, bytes(11) + bytes((constant, 0, 0, 0x80, 1)) + context) for constant in (0, 1)
    )
    assert answer[29:] == card
    chain = crypto.aes_cmac(mac, bytes(16) + bytes.fromhex("8482010020") + host_cryptogram)
    opened.channel.open(Command(0x84, 0x82, 1, 0, host_cryptogram + chain))
    chain = crypto.aes_cmac(mac, chain + bytes.fromhex("84F2800212") + b"\x4f\x00")
    assert opened.channel.unwrap(Command(0x84, 0xF2, 0x80, 2, b"\x4f\x00" + chain)) == b"\x4f\x00"


def test_the_mode_shows_in_the_length_of_the_challenge(host, refusal):
    for i, right in ((0x70, 8), (0x71, 16)):
        waiting = host(3, i)
        for size in (0, 7, 8, 9, 16, 17, 32):
            command = Command(0x80, 0x50, 0x30, 0, bytes(size))
            if size == right:
                assert len(waiting.channel.open(command)) in (32, 48)
            else:
                assert refusal(waiting.channel.open, command) == "6700"


def test_the_counter_moves_with_every_greeting_and_is_the_one_used(host):
    waiting = host(3, 0x10, counter=9)
    for counter in (10, 11):
        answer = waiting.initialize_update()
        sequence = counter.to_bytes(3, "big")
        assert answer[-3:] == sequence
        assert answer[13:21] == crypto.kdf(waiting.keys[0], 2, sequence + AID, 8)
    assert waiting.key_set.counter_bytes == sequence


def test_a_random_challenge_leaves_the_counter(host):
    waiting = host(3, 0x60, counter=9)
    assert len(waiting.initialize_update()) == 29
    assert waiting.key_set.counter == 9


def test_the_counter_stops_at_its_end(host, refusal):
    waiting = host(3, 0x70, counter=0xFFFFFE)
    assert waiting.initialize_update()[-3:] == b"\xff\xff\xff"
    assert refusal(waiting.initialize_update) == "6985"
    assert waiting.channel.state is State.NONE


def test_a_card_may_show_the_counter_before_the_increment(host):
    waiting = host(3, 0x10, counter=9, old_counter=True)
    answer = waiting.initialize_update()
    assert answer[-3:] == b"\x00\x00\x09"
    assert answer[13:21] == crypto.kdf(waiting.keys[0], 2, b"\x00\x00\x09" + AID, 8)
    assert waiting.key_set.counter == 10


def test_empty_data_move_the_encryption_counter(host):
    opened = host(3, 0x70).open(3)
    for _ in range(3):
        opened.send(COMMANDS[0])
    assert opened.counter == 3
    assert opened.send(COMMANDS[1]) == COMMANDS[1].data


def test_a_card_may_count_commands_with_data_only(host):
    opened = host(3, 0x70, counter_data_only=True).open(3)
    opened.send(COMMANDS[0])
    opened.counter -= 1
    assert opened.send(COMMANDS[1]) == COMMANDS[1].data


def test_empty_data_may_be_encrypted(host):
    opened = host(3, 0x70).open(0x33)
    opened.counter += 1
    padding = crypto.aes_cbc(opened.enc, crypto.pad80(b"", 16), opened.iv(0))
    assert opened.channel.unwrap(opened.mac_only(COMMANDS[0], padding)) == b""
    assert opened.read(opened.channel.wrap_response(b"x", OK), OK) == b"x"


def test_lc_of_three_bytes_is_covered_as_such(host, refusal):
    opened = host(3, 0x70).open(1)
    wrapped = opened.wrap(COMMANDS[1]._replace(extended=True))
    assert refusal(opened.channel.unwrap, wrapped._replace(extended=False)) == "6982"


@pytest.mark.parametrize("clear", [bytes(16), b"\x01" * 16, b"\x80" + bytes(31)])
def test_wrong_padding_ends_the_session(host, refusal, clear):
    opened = host(3, 0x70).open(3)
    opened.counter += 1
    data = crypto.aes_cbc(opened.enc, clear, opened.iv(0))
    assert refusal(opened.channel.unwrap, opened.mac_only(COMMANDS[1], data)) == "6982"
    assert opened.channel.state is State.ABORTED


def test_ciphertext_of_no_whole_blocks_ends_the_session(host, refusal):
    opened = host(3, 0x70).open(3)
    assert refusal(opened.channel.unwrap, opened.mac_only(COMMANDS[1], bytes(15))) == "6982"


def test_static_dek_opens_sensitive_data(host, refusal):
    opened = host(3, 0x70, size=24).open(1)
    assert opened.channel.decrypt_sensitive(crypto.aes_cbc(opened.keys[2], bytes(range(32)))) == bytes(range(32))
    assert opened.channel.sensitive_block == 16
    for wrong in (b"", bytes(8), bytes(17)):
        assert refusal(opened.channel.decrypt_sensitive, wrong) == "6A80"


@pytest.mark.parametrize("i", [0x70, 0x71])
def test_every_bit_of_every_mac_counts(host, refusal, i):
    for bit in range(128 if i & 1 else 64):
        opened = host(3, i).open(1)
        wrapped = opened.wrap(COMMANDS[1])
        flipped = int.from_bytes(wrapped.data, "big") ^ 1 << bit
        wrong = wrapped._replace(data=flipped.to_bytes(len(wrapped.data), "big"))
        assert refusal(opened.channel.unwrap, wrong) == "6982"
        assert refusal(opened.channel.unwrap, wrapped) == "6982"


@pytest.mark.parametrize("part", ["cla", "ins", "p1", "p2"])
def test_every_byte_of_the_header_is_covered(host, refusal, part):
    opened = host(3, 0x70).open(1)
    wrapped = opened.wrap(COMMANDS[1])
    assert refusal(opened.channel.unwrap, wrapped._replace(**{part: getattr(wrapped, part) ^ 0x80})) == "6982"


def test_the_logical_channel_is_not_covered(host):
    opened = host(3, 0x70).open(1)
    for channel in (0x85, 0x87, 0xE0, 0xEF):
        assert opened.channel.unwrap(opened.wrap(COMMANDS[1])._replace(cla=channel)) == COMMANDS[1].data


@settings(max_examples=60, deadline=None)
@given(commands=st.lists(st.binary(max_size=60), min_size=1, max_size=6), at=st.integers(0), flip=st.integers(1, 255))
def test_any_byte_changed_ends_the_session_and_nothing_else_does(host, refusal, commands, at, flip):
    opened = host(3, 0x70).open(0x33)
    for data in commands:
        command = Command(0x80, 0xE2, 0, 0, data)
        assert opened.send(command) == data
        assert opened.read(opened.channel.wrap_response(data, OK), OK) == data
    wrapped = opened.wrap(Command(0x80, 0xE2, 0x80, 0, commands[0]))
    position = at % len(wrapped.data)
    wrong = bytearray(wrapped.data)
    wrong[position] ^= flip
    assert refusal(opened.channel.unwrap, wrapped._replace(data=bytes(wrong))) == "6982"
    assert opened.channel.state is State.ABORTED


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), cla=st.integers(0, 255), extended=st.booleans())
def test_no_bytes_but_the_hosts_are_accepted(host, refusal, data, cla, extended):
    opened = host(3, 0x71).open(3)
    assert refusal(opened.channel.unwrap, Command(cla, 0xE2, 0, 0, data, extended)) == "6982"


# BEGIN and END R-MAC SESSION (7.1.3, 7.1.4)


def begin(opened, p1, data=b""):
    opened.channel.begin_r_mac(p1, 1, opened.send(Command(0x80, 0x7A, p1, 1, data)))
    opened.level |= p1


@pytest.mark.parametrize(("level", "steps"), [(1, [0x10]), (3, [0x10]), (3, [0x30]), (3, [0x10, 0x30]), (0x13, [0x30])])
def test_begin_raises_the_level_and_end_takes_it_back(host, level, steps):
    opened = host(3, 0x70).open(level)
    for p1 in steps:
        begin(opened, p1, b"\x02ab")
        assert opened.read(opened.channel.wrap_response(b"", OK), OK) == b""
        assert opened.channel.level == level | p1 | 0x80
        opened.send(COMMANDS[1])
        assert opened.read(opened.channel.wrap_response(b"xyz", OK), OK) == b"xyz"
    opened.send(Command(0x80, 0x78, 0, 3, b""))
    assert opened.channel.end_r_mac(0, 3) == b""
    assert opened.channel.level == level | 0x80


@pytest.mark.parametrize(
    ("i", "level", "p1", "expected"),
    [
        (0x70, 0, 0x10, "6985"),
        (0x70, 1, 0x30, "6985"),
        (0x70, 0x11, 0x10, "6985"),
        (0x70, 0x33, 0x10, "6985"),
        (0x70, 0x33, 0x30, "6985"),
        (0x10, 1, 0x10, "6985"),
        (0x30, 3, 0x30, "6985"),
        (0x70, 1, 0x00, "6A86"),
        (0x70, 1, 0x20, "6A86"),
    ],
)
def test_begin_refuses_without_ending_the_session(host, refusal, i, level, p1, expected):
    opened = host(3, i).open(level)
    assert refusal(opened.channel.begin_r_mac, p1, 1, b"") == expected
    assert refusal(opened.channel.begin_r_mac, 0x10, 2, b"") == "6A86"
    assert refusal(opened.channel.end_r_mac, 0, 3) == "6A88"
    assert refusal(opened.channel.end_r_mac, 0, 1) == "6A86"
    assert opened.send(COMMANDS[1]) == COMMANDS[1].data
