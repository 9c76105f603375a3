"""INITIALIZE UPDATE: the command, and the strict reading of the answer (GPCS D.5.1, E.5.1; Amd D 7.1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU
from cardkit.errors import EncodingError, ProtocolError
from cardkit.secure import Greeting, decode_parameters, initialize_update, parse_initialize_update

KDD = bytes(range(10))
TAIL = bytes(range(0x20, 0x60))


def answer(scp: int, i: int | None, length: int, kvn: int = 0x30) -> bytes:
    head = KDD + bytes((kvn, scp)) + (b"" if i is None else bytes((i,)))
    return head + TAIL[: length - len(head)]


def test_the_command_carries_key_version_index_and_challenge():
    challenge = bytes(range(8))
    assert initialize_update(0x30, challenge) == CommandAPDU(0x80, 0x50, 0x30, 0x00, challenge, 256)
    assert initialize_update(0xFF, challenge, key_index=2, le=False) == CommandAPDU(0x80, 0x50, 0xFF, 2, challenge, 0)
    assert initialize_update(0, bytes(16)).encode() == bytes.fromhex("80500000 10" + "00" * 17)


@pytest.mark.parametrize("length", [0, 7, 9, 15, 17])
def test_a_challenge_of_another_length_is_refused(length):
    with pytest.raises(EncodingError, match=f"^host challenge: got {length} bytes, expected 8 or 16$"):
        initialize_update(0, bytes(length))


@pytest.mark.parametrize(
    ("scp", "i", "length", "expected"),
    [
        (1, None, 28, Greeting(KDD, 0x30, 1, None, TAIL[:8], TAIL[8:16], None)),
        (2, None, 28, Greeting(KDD, 0x30, 2, None, TAIL[2:8], TAIL[8:16], TAIL[:2])),
        (3, 0x60, 29, Greeting(KDD, 0x30, 3, 0x60, TAIL[:8], TAIL[8:16], None)),
        (3, 0x70, 32, Greeting(KDD, 0x30, 3, 0x70, TAIL[:8], TAIL[8:16], TAIL[16:19])),
        (3, 0x61, 45, Greeting(KDD, 0x30, 3, 0x61, TAIL[:16], TAIL[16:32], None)),
        (3, 0x71, 48, Greeting(KDD, 0x30, 3, 0x71, TAIL[:16], TAIL[16:32], TAIL[32:35])),
    ],
)
def test_every_form_of_the_answer_is_cut_at_its_places(scp, i, length, expected):
    data = answer(scp, i, length)
    parameters = decode_parameters(scp, i if i is not None else 0x15)
    for asked in (0, 0x30):
        for wanted in (None, parameters):
            assert parse_initialize_update(data, asked_kvn=asked, parameters=wanted) == expected
    for wrong in range(50):
        if wrong == length:
            continue
        with pytest.raises(ProtocolError, match=f"^INITIALIZE UPDATE: card answered {wrong} bytes, expected"):
            parse_initialize_update(answer(scp, i, wrong)[:wrong], asked_kvn=0, parameters=None)


def test_the_length_expected_is_named():
    with pytest.raises(ProtocolError, match=r"answered 29 bytes, expected 32 for SCP03 i=70$"):
        parse_initialize_update(answer(3, 0x70, 29), asked_kvn=0, parameters=None)
    with pytest.raises(ProtocolError, match=r"answered 12 bytes, expected 28 or more$"):
        parse_initialize_update(answer(1, None, 12), asked_kvn=0, parameters=None)


@pytest.mark.parametrize(("used", "asked"), [(0x30, 0x31), (0x01, 0xFF), (0x00, 0x01), (0xFF, 0x01)])
def test_another_key_version_than_asked_for_is_refused(used, asked):
    with pytest.raises(ProtocolError, match=f"card uses key version {used:02X}, expected {asked:02X}$"):
        parse_initialize_update(answer(2, None, 28, used), asked_kvn=asked, parameters=None)


@pytest.mark.parametrize(
    ("data", "expected", "fault"),
    [
        (answer(2, None, 28), (3, 0x70), r"card offers SCP02, expected SCP03 i=70$"),
        (answer(1, None, 28), (2, 0x15), r"card offers SCP01, expected SCP02 i=15$"),
        (answer(3, 0x60, 29), (3, 0x70), r"card offers SCP03 i=60, expected SCP03 i=70$"),
        (answer(3, 0x70, 32), (2, 0x15), r"card offers SCP03 i=70, expected SCP02 i=15$"),
        (answer(3, 0x05, 32), (1, 0x05), r"card offers SCP03 i=05: expected one byte"),
    ],
)
def test_a_card_does_not_choose_a_weaker_protocol(data, expected, fault):
    with pytest.raises(ProtocolError, match=fault):
        parse_initialize_update(data, asked_kvn=0, parameters=decode_parameters(*expected))


@pytest.mark.parametrize("scp", [0x00, 0x04, 0x10, 0x11, 0x80, 0xFF])
def test_another_protocol_is_refused(scp):
    with pytest.raises(ProtocolError, match=f"card offers protocol {scp:02X}, expected SCP01, SCP02 or SCP03"):
        parse_initialize_update(answer(scp, None, 28), asked_kvn=0, parameters=None)


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_bytes_give_a_greeting_or_a_protocol_error(data):
    try:
        greeting = parse_initialize_update(data, asked_kvn=0, parameters=None)
    except ProtocolError:
        return
    i = b"" if greeting.i is None else bytes((greeting.i,))
    sequence = greeting.sequence or b""
    middle = (sequence, greeting.challenge, greeting.cryptogram)
    tail = b"".join(middle if greeting.scp == 2 else (*middle[1:], sequence))
    assert greeting.kdd + bytes((greeting.kvn, greeting.scp)) + i + tail == data
