"""SCP01 and SCP02, every `i` and level (GPCS D, E).

No published vector exists for SCP02 without ICV encryption beside i=14, for the unmodified APDU, for implicit sessions,
and for BEGIN and END R-MAC SESSION: there the evidence is the host of conftest.py, written out from the clauses, and
the computations below.
"""

import itertools

import pytest

from cardkit.virtual.gp import crypto
from cardkit.virtual.gp.keysets import CardKeyEntry
from cardkit.virtual.gp.protection import Command
from cardkit.virtual.gp.session import State

AID = bytes.fromhex("A000000151000000")
OK = b"\x90\x00"
EXPLICIT = [0x04, 0x05, 0x06, 0x07, 0x14, 0x15, 0x16, 0x17, 0x25, 0x35, 0x45, 0x55, 0x65, 0x75, 0x24, 0x36]
IMPLICIT = [0x0A, 0x0B, 0x1A, 0x1B, 0x2A, 0x3B, 0x03, 0x12]
COMMANDS = [
    Command(0x80, 0xF2, 0x80, 0x02, b""),
    Command(0x80, 0xF2, 0x80, 0x02, b"\x4f\x00"),
    Command(0x80, 0xE2, 0x00, 0x00, bytes(15)),
    Command(0x00, 0xE2, 0x00, 0x01, bytes(16)),
    Command(0x81, 0xE2, 0x00, 0x02, b"\x80" * 239),
    Command(0xC3, 0xE2, 0x80, 0x03, b"\x01"),
    Command(0x80, 0xE2, 0x80, 0x03, bytes(300), extended=True),
    Command(0x80, 0xE2, 0x80, 0x03, b"\x01\x02", extended=True),
    Command(0x80, 0xE6, 0x0C, 0x00, bytes(248)),  # segments joined: with its MAC one byte more than a short Lc can say
    Command(0x80, 0xE6, 0x0C, 0x00, bytes(247)),
]


def levels(scp, i):
    return [0, 1, 3, *([0x10, 0x11, 0x13] if scp == 2 and i & 0x20 else [])]


MATRIX = [
    (scp, i, level) for scp, all_i in ((1, (0x05, 0x15)), (2, EXPLICIT)) for i in all_i for level in levels(scp, i)
]


@pytest.mark.parametrize(("scp", "i", "level"), MATRIX)
def test_every_case_in_every_session(host, scp, i, level):
    opened = host(scp, i).open(level)
    for command in COMMANDS:
        if scp == 2 or len(command.data) < 240:  # SCP01 frames encrypted data with one byte of length
            assert opened.send(command) == command.data
    assert opened.channel.state is State.OPEN


@pytest.mark.parametrize(("scp", "i"), [(1, 0x05), *((2, i) for i in EXPLICIT)])
def test_levels_that_the_parameter_does_not_have_are_refused(host, refusal, scp, i):
    waiting = host(scp, i)
    waiting.initialize_update()
    for level in set(range(256)) - set(levels(scp, i)):
        assert refusal(waiting.channel.open, waiting.external_authenticate(level)) == "6A86"
    assert waiting.key_set.failures == 0
    assert waiting.channel.state is State.INITIATED


def test_without_icv_encryption_the_icv_is_the_mac_before(host):
    """E.4.4 by hand: i=05, two commands after EXTERNAL AUTHENTICATE."""
    opened = host(2, 0x05)
    opened.initialize_update()
    authenticate = opened.external_authenticate(1)
    opened.channel.open(authenticate)
    icv = authenticate.data[8:]
    for command in (Command(0x84, 0xCA, 0, 0x66, b""), Command(0x84, 0xE2, 0, 0, b"abc")):
        size = bytes((len(command.data) + 8,))
        message = bytes((0x84, command.ins, command.p1, command.p2)) + size + command.data
        icv = crypto.retail_mac(opened.mac, message, icv)
        assert opened.channel.unwrap(command._replace(data=command.data + icv)) == command.data


def test_unmodified_apdu_is_covered_as_it_was(host):
    """E.4.4 by hand: i=06, CLA 80 and the Lc of the plain command; 00 without data."""
    opened = host(2, 0x07)
    opened.initialize_update()
    cryptogram = opened.host_cryptogram
    icv = crypto.retail_mac(opened.mac, bytes.fromhex("8082010008") + cryptogram)
    opened.channel.open(Command(0x84, 0x82, 1, 0, cryptogram + icv))
    for lc, data in (("00", b""), ("03", b"abc")):
        icv = crypto.retail_mac(opened.mac, bytes.fromhex("80E20000" + lc) + data, icv)
        assert opened.channel.unwrap(Command(0x84, 0xE2, 0, 0, data + icv)) == data


def test_one_base_key_serves_as_all_three(host, refusal):
    opened = host(2, 0x14)
    opened.key_set.keys = {1: opened.key_set.keys[1]}
    opened.open(3)
    assert opened.send(COMMANDS[1]) == COMMANDS[1].data
    incomplete = host(2, 0x15)
    del incomplete.key_set.keys[3]
    assert refusal(incomplete.initialize_update) == "6A88"


def test_the_counter_counts_sessions_not_greetings(host, refusal):
    opened = host(2, 0x15, counter=7)
    assert opened.initialize_update()[12:14] == b"\x00\x07"
    assert opened.initialize_update()[12:14] == b"\x00\x07"
    wrong = opened.external_authenticate(1)
    wrong = wrong._replace(data=bytes(8) + wrong.data[8:])
    assert refusal(opened.channel.open, wrong) == "6300"
    assert opened.key_set.counter == 7
    opened.open(1)
    assert opened.key_set.counter == 8


def test_the_counter_stops_before_its_end(host, refusal):
    opened = host(2, 0x15, counter=0x7FFF)
    assert refusal(opened.initialize_update) == "6985"


def test_pseudo_random_challenge_is_a_mac_over_the_aid(host):
    opened = host(2, 0x55)
    answer = opened.initialize_update()
    assert answer[14:20] == crypto.retail_mac(opened.mac, AID)[:6]


def test_session_dek_opens_sensitive_data(host, refusal):
    opened = host(2, 0x15).open(1)
    secret = bytes(range(16))
    assert opened.channel.decrypt_sensitive(crypto.des3_ecb(opened.dek, secret)) == secret
    assert opened.channel.sensitive_block == 8
    for wrong in (b"", bytes(7), bytes(17)):
        assert refusal(opened.channel.decrypt_sensitive, wrong) == "6A80"
    old = host(1, 0x15).open(1)
    assert old.channel.decrypt_sensitive(crypto.des3_ecb(old.keys[2], secret)) == secret


def test_scp01_takes_a_key_index_of_0_or_1(host, refusal):
    waiting = host(1, 0x05)
    for index, expected in ((0, None), (1, None), (2, "6A86")):
        command = Command(0x80, 0x50, 0x30, index, waiting.host_challenge)
        if expected is None:
            assert len(waiting.channel.open(command)) == 28
        else:
            assert refusal(waiting.channel.open, command) == expected


def test_empty_data_may_be_encrypted(host):
    for scp, block in ((1, b"\x00\x80"), (2, b"\x80\x00")):
        opened = host(scp, 0x15).open(3)
        wrapped = opened.wrap(COMMANDS[0])
        padding = crypto.des3_cbc(opened.enc, block + bytes(6))
        assert opened.channel.unwrap(wrapped._replace(data=padding + wrapped.data)) == b""


WRONG_PADDING = [
    (1, "0F00000000000000"),
    (1, "0261628100000000"),
    (1, "0061628000000000"),
    (2, "6162630000000000"),
    (2, "0000000000000000"),
    (2, "6162636465666768"),
]


@pytest.mark.parametrize(("scp", "clear"), WRONG_PADDING)
def test_wrong_padding_ends_the_session(host, refusal, scp, clear):
    opened = host(scp, 0x15).open(3)
    data = crypto.des3_cbc(opened.enc, bytes.fromhex(clear))
    wrapped = opened.wrap(COMMANDS[1])
    assert refusal(opened.channel.unwrap, wrapped._replace(data=data + wrapped.data[-8:])) == "6982"
    assert opened.channel.state is State.ABORTED


@pytest.mark.parametrize("scp", [1, 2])
def test_ciphertext_of_no_whole_blocks_ends_the_session(host, refusal, scp):
    opened = host(scp, 0x15).open(3)
    wrapped = opened.wrap(COMMANDS[1])
    assert refusal(opened.channel.unwrap, wrapped._replace(data=wrapped.data[1:])) == "6982"


@pytest.mark.parametrize(("scp", "i"), [(1, 0x05), (1, 0x15), (2, 0x04), (2, 0x16), (2, 0x35)])
def test_every_bit_of_every_mac_counts(host, refusal, scp, i):
    for bit in range(64):
        opened = host(scp, i).open(1)
        wrapped = opened.wrap(COMMANDS[1])
        flipped = int.from_bytes(wrapped.data, "big") ^ 1 << bit
        wrong = wrapped._replace(data=flipped.to_bytes(len(wrapped.data), "big"))
        assert refusal(opened.channel.unwrap, wrong) == "6982"
        assert refusal(opened.channel.unwrap, wrapped) == "6982"


# R-MAC


@pytest.mark.parametrize("i", [0x25, 0x35, 0x24, 0x36])
@pytest.mark.parametrize("level", [0x10, 0x11, 0x13])
def test_r_mac_of_every_answer(host, i, level):
    opened = host(2, i).open(level)
    answers = [
        (b"", OK),
        (b"a", OK),
        (bytes(248), OK),
        (bytes(256), b"\x62\x83"),
        (b"more", b"\x63\x10"),
        (b"", b"\x6a\x88"),
    ]
    for command, (data, status) in itertools.product(COMMANDS[:3], answers):
        opened.send(command)
        assert opened.channel.wrap_response(data, status) == data + opened.r_mac(data, status)


def test_an_error_covers_no_data_and_may_carry_no_r_mac(host):
    for carries in (True, False):
        opened = host(2, 0x35, rmac_on_error=carries).open(0x11)
        opened.send(COMMANDS[1])
        value = opened.r_mac(b"", b"\x6a\x88")
        assert opened.channel.wrap_response(b"data", b"\x6a\x88") == (value if carries else b"")
        opened.send(COMMANDS[1])
        assert opened.channel.wrap_response(b"data", OK) == b"data" + opened.r_mac(b"data", OK)


def begin(opened, p1, data=b"\x03abc"):
    command = Command(0x80, 0x7A, p1, 1, data)
    opened.channel.begin_r_mac(p1, 1, opened.send(command))


@pytest.mark.parametrize("level", [0, 1, 3])
def test_begin_r_mac_covers_itself_and_starts_from_external_authenticate(host, level):
    opened = host(2, 0x35).open(level)
    opened.send(COMMANDS[1])
    assert opened.channel.wrap_response(b"before", OK) == b"before"
    begin(opened, 0x10)
    assert opened.channel.wrap_response(b"", OK) == opened.r_mac(b"", OK)
    opened.send(COMMANDS[1])
    assert opened.channel.wrap_response(b"xy", OK) == b"xy" + opened.r_mac(b"xy", OK)
    assert opened.channel.level == 0x90 | level
    last = opened.ricv
    opened.send(Command(0x80, 0x78, 0, 1, b""))
    assert opened.channel.wrap_response(opened.channel.end_r_mac(0, 1), OK) == last
    opened.send(Command(0x80, 0x78, 0, 3, b""))
    assert opened.channel.wrap_response(opened.channel.end_r_mac(0, 3), OK) == last
    assert opened.channel.level == 0x80 | level


def test_r_mac_on_demand_is_answered_by_end_only(host, refusal):
    opened = host(2, 0x25).open(1)
    begin(opened, 0x00)
    assert opened.channel.wrap_response(b"", OK) == b""
    opened.r_mac(b"", OK)
    opened.send(COMMANDS[1])
    assert opened.channel.wrap_response(b"data", OK) == b"data"
    total = opened.r_mac(b"data", OK)
    opened.send(Command(0x80, 0x78, 0, 3, b""))
    assert opened.channel.end_r_mac(0, 3) == total
    assert refusal(opened.channel.end_r_mac, 0, 3) == "6A88"


def test_begin_and_end_refuse_without_ending_the_session(host, refusal):
    opened = host(2, 0x35).open(1)
    for p1, p2, data, expected in (
        (0x30, 1, b"", "6A86"),
        (0x10, 0, b"", "6A86"),
        (0x10, 1, b"\x02abc", "6A80"),
        (0x10, 1, bytes((25,)) + bytes(25), "6A80"),
    ):
        assert refusal(opened.channel.begin_r_mac, p1, p2, data) == expected
    assert refusal(opened.channel.end_r_mac, 0, 3) == "6A88"
    begin(opened, 0x10)
    assert refusal(opened.channel.begin_r_mac, 0x10, 1, b"") == "6985"
    assert refusal(opened.channel.end_r_mac, 0, 2) == "6A86"
    assert refusal(opened.channel.end_r_mac, 1, 3) == "6A86"
    assert opened.channel.state is State.OPEN
    for scp in (1, 2):
        without = host(scp, 0x15).open(1)
        assert refusal(without.channel.begin_r_mac, 0x10, 1, b"") == "6D00"
        assert refusal(without.channel.end_r_mac, 0, 3) == "6D00"


# Implicit sessions


@pytest.mark.parametrize("i", IMPLICIT)
def test_the_first_c_mac_opens_an_implicit_session(host, refusal, i):
    opened = host(2, i, counter=5)
    assert refusal(opened.initialize_update) == "6985"
    opened.open_implicitly(5)
    for command in COMMANDS:
        assert opened.send(command) == command.data
    assert (opened.channel.level, opened.key_set.counter) == (0x81, 6)


def test_implicit_c_mac_by_hand(host):
    """E.3.2, E.4.1: i=1A, one base key; ICV over the AID, not encrypted; then the encrypted MAC before."""
    opened = host(2, 0x1A, counter=0x0102)
    base = opened.keys[0]
    mac = crypto.des3_cbc(base, bytes.fromhex("0101 0102") + bytes(12))
    icv = crypto.retail_mac(mac, bytes.fromhex("80E2000001") + b"x", crypto.retail_mac(mac, AID))
    assert opened.channel.unwrap(Command(0x84, 0xE2, 0, 0, b"x" + icv)) == b"x"
    icv = crypto.retail_mac(mac, bytes.fromhex("80E2000101") + b"y", crypto.des_ecb(mac[:8], icv))
    assert opened.channel.unwrap(Command(0x84, 0xE2, 0, 1, b"y" + icv)) == b"y"
    dek = crypto.des3_cbc(base, bytes.fromhex("0181 0103") + bytes(12))
    assert opened.channel.decrypt_sensitive(crypto.des3_cbc(dek, bytes(16))) == bytes(16)


def test_a_plain_command_keeps_the_right_and_the_next_c_mac_opens_a_new_session(host):
    opened = host(2, 0x0B).open_implicitly(0)
    opened.send(COMMANDS[1])
    assert opened.channel.unwrap(COMMANDS[1]) == COMMANDS[1].data
    assert opened.channel.level == 0x80
    assert opened.key_set.counter == 1
    opened.open_implicitly(1)
    assert opened.send(COMMANDS[2]) == COMMANDS[2].data
    assert (opened.channel.level, opened.key_set.counter) == (0x81, 2)


def test_a_wrong_first_c_mac_leaves_the_counter_and_costs_a_try(host, refusal):
    opened = host(2, 0x1A).open_implicitly(0)
    wrapped = opened.wrap(COMMANDS[1])
    wrong = wrapped._replace(data=wrapped.data[:-1] + bytes((wrapped.data[-1] ^ 1,)))
    assert refusal(opened.channel.unwrap, wrong) == "6982"
    assert (opened.key_set.counter, opened.key_set.failures, opened.channel.level) == (0, 1, 0)
    assert opened.channel.unwrap(wrapped) == COMMANDS[1].data
    assert (opened.key_set.counter, opened.key_set.failures) == (1, 0)


def test_a_wrong_c_mac_inside_an_implicit_session_ends_it(host, refusal):
    opened = host(2, 0x1A).open_implicitly(0)
    opened.send(COMMANDS[1])
    wrapped = opened.wrap(COMMANDS[1])
    assert refusal(opened.channel.unwrap, wrapped._replace(p2=wrapped.p2 ^ 1)) == "6982"
    assert opened.channel.state is State.ABORTED


def test_r_mac_of_an_implicit_session_starts_over_the_aid(host):
    opened = host(2, 0x2A).open_implicitly(0)
    begin(opened, 0x10)
    assert opened.channel.wrap_response(b"", OK) == opened.r_mac(b"", OK)
    opened.send(COMMANDS[1])
    assert opened.channel.wrap_response(b"a", OK) == b"a" + opened.r_mac(b"a", OK)


def test_protection_without_a_session_and_without_an_implicit_set_is_refused(host, refusal):
    waiting = host(2, 0x15)
    waiting.key_set.keys[1] = CardKeyEntry(1, 0x30, 0x80, bytes(16))
    assert refusal(waiting.channel.unwrap, Command(0x84, 0xF2, 0x80, 2, b"\x4f\x00" + bytes(8))) == "6982"
    assert waiting.channel.unwrap(Command(0x84, 0xCA, 0, 0x66, b"")) == b""
    assert waiting.channel.unwrap(Command(0x80, 0xF2, 0x80, 2, b"\x4f\x00")) == b"\x4f\x00"
    assert waiting.channel.state is State.NONE
