"""Every option of SCP01, SCP02 and SCP03 at every level: commands and answers against the naive other side.

No published vector exists for SCP02 without ICV encryption but i=14, for unmodified APDUs and implicit initiation: the
naive re-computation is the evidence there.
"""

from __future__ import annotations

from itertools import product

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.errors import SecureMessagingError
from cardkit.secure import Quirks, SecurityLevel, Terms, decode_parameters
from cardkit.secure.scp01 import Scp01Session
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from tests.unit.secure.naive import Card01, Card02, Card03, Command, retail
from tests.unit.secure.sessions import ENC, MAC, RMAC, aes_keys, des_keys

SCP03_OPTIONS = [0x00, 0x10, 0x20, 0x30, 0x60, 0x70, 0x01, 0x11, 0x21, 0x31, 0x61, 0x71]
# Bits 1 (three keys) and 7 (well-known challenge) are over when a session is open.
SCP02_EXPLICIT = [0x05, 0x07, 0x15, 0x17, 0x25, 0x27, 0x35, 0x37, 0x04, 0x55, 0x75]
SCP02_IMPLICIT = [0x0A, 0x0B, 0x1A, 0x1B, 0x2B, 0x3B]

SCP03_CASES = [
    pytest.param(i, level, size, id=f"i{i:02X}-level{level:02X}-aes{8 * size}")
    for i, size in [*product(SCP03_OPTIONS, (16,)), *product((0x70, 0x71), (24, 32))]
    for level in decode_parameters(3, i).levels
]
SCP02_CASES = [
    pytest.param(i, level, id=f"i{i:02X}-level{level:02X}")
    for i in SCP02_EXPLICIT
    for level in decode_parameters(2, i).levels
]

HEADERS = [(0x80, 0xF2), (0x00, 0xA4), (0x83, 0xE2), (0x10, 0x20), (0xC3, 0xCA), (0x4F, 0xCB)]
STATUSES = [0x9000, 0x6283, 0x6310, 0x6A88]


def commands(most: int) -> list[Command]:
    """Cases 1 to 4; no data, one byte, around a block, the most; every kind of class byte."""
    listed = []
    for number, length in enumerate([0, 1, 7, 8, 15, 16, 17, most - 1, most]):
        for ne in (0, 256):
            cla, ins = HEADERS[(number + bool(ne)) % len(HEADERS)]
            listed.append(Command(cla, ins, number, ne & 0xFF, bytes(i & 0xFF for i in range(length)), ne))
    return listed


def exchange(session, card, command: Command, body: bytes, sw: int) -> None:
    """Send one command and read its answer; both as the card has it."""
    plain = CommandAPDU(command.cla, command.ins, command.p1, command.p2, command.data, command.ne, command.extended)
    wrapped = session.wrap(plain)
    assert wrapped.encode() == card.expected(command)
    response = session.unwrap(ResponseAPDU.parse(card.answer(body, sw)))
    assert response == ResponseAPDU(body if sw >> 8 != 0x6A else b"", sw)


def run_all(session, card) -> None:
    most = session.max_command_data
    for number, command in enumerate(commands(most)):
        sw = STATUSES[number % len(STATUSES)]
        length = 0 if sw == 0x6A88 else (0, 1, 15, 16, session.max_response_data)[number % 5]
        exchange(session, card, command, b"\x5a" * length, sw)
    assert not session.ended


def scp03(i: int, level: int, size: int = 16, **quirks: bool) -> tuple[Scp03Session, Card03]:
    parameters = decode_parameters(3, i)
    terms = Terms(parameters, SecurityLevel(level), Quirks(**quirks), 255)
    naive_quirks = {name: value for name, value in quirks.items() if name != "rmac_on_error"}
    card = Card03(ENC[:size], MAC[:size], RMAC[:size], level, 16 if i & 1 else 8, **naive_quirks)
    return Scp03Session(terms, aes_keys(size), None), card


def scp02(i: int, level: int, **quirks: bool) -> tuple[Scp02Session, Card02]:
    terms = Terms(decode_parameters(2, i), SecurityLevel(level), Quirks(**quirks), 255)
    card = Card02(ENC[:16], MAC[:16], RMAC[:16], level, bool(i & 0x10), bool(i & 0x02))
    session = Scp02Session(terms, des_keys(), b"host cry")
    authenticate = Command(0x80, 0x82, level, 0x00, b"host cry")
    card.level = 0x01  # EXTERNAL AUTHENTICATE has a C-MAC at every level, and is never encrypted
    assert session.external_authenticate().encode() == card.expected(authenticate)
    card.level = level
    card.ricv = card.icv if level & 0x10 else None
    session.authenticated(ResponseAPDU(b"", 0x9000))
    return session, card


@pytest.mark.parametrize(("i", "level", "size"), SCP03_CASES)
def test_scp03_at_every_level(i, level, size):
    run_all(*scp03(i, level, size))


@pytest.mark.parametrize(("i", "level"), SCP02_CASES)
def test_scp02_at_every_level(i, level):
    run_all(*scp02(i, level))


@pytest.mark.parametrize("i", [0x05, 0x15])
@pytest.mark.parametrize("level", [0x00, 0x01, 0x03])
def test_scp01_at_every_level(i, level):
    terms = Terms(decode_parameters(1, i), SecurityLevel(level), Quirks(), 255)
    session = Scp01Session(terms, des_keys(), b"host cry")
    card = Card01(ENC[:16], MAC[:16], 0x01, i == 0x15)
    authenticate = Command(0x80, 0x82, level, 0x00, b"host cry")
    assert session.external_authenticate().encode() == card.expected(authenticate)
    card.level = level
    session.authenticated(ResponseAPDU(b"", 0x9000))
    run_all(session, card)
    assert not session.proven


@pytest.mark.parametrize("i", SCP02_IMPLICIT, ids="i{:02X}".format)
def test_implicit_scp02(i):
    aid = bytes.fromhex("A000000151000000")
    terms = Terms(decode_parameters(2, i), SecurityLevel.C_MAC, Quirks(), 255)
    session = Scp02Session(terms, des_keys(), None, aid)
    first = retail(MAC[:16], aid)
    run_all(session, Card02(ENC[:16], MAC[:16], RMAC[:16], 0x01, bool(i & 0x10), bool(i & 0x02), icv=first))


@pytest.mark.parametrize("length", [0, 239, 240, 247, 248, 255, 256, 65_503])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("level", [0x01, 0x03, 0x33])
@pytest.mark.parametrize("i", [0x70, 0x71])
def test_scp03_commands_in_the_long_form_have_the_long_form_in_the_mac(i, level, extended, length):
    session, card = scp03(i, level)
    for ne in (0, 256, 257, 65_536):
        exchange(session, card, Command(0x80, 0xE2, 0, 0, bytes(length), ne, extended), b"", 0x9000)


@pytest.mark.parametrize("length", [0, 239, 240, 247, 248, 255, 256])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("level", [0x01, 0x03, 0x10, 0x13])
@pytest.mark.parametrize("i", [0x35, 0x36])
def test_scp02_commands_in_the_long_form_have_the_long_form_in_the_mac(i, level, extended, length):
    session, card = scp02(i, level)
    for ne in (0, 256, 257, 65_536):
        exchange(session, card, Command(0x80, 0xE2, 0, 0, bytes(length), ne, extended), b"", 0x9000)


@pytest.mark.parametrize("length", [247, 248, 256, 500, 511, 512, 513])
@pytest.mark.parametrize("opening", [scp03, scp02])
def test_long_answers_are_covered_whole(opening, length):
    session, card = opening(0x70, 0x33) if opening is scp03 else opening(0x35, 0x13)
    exchange(session, card, Command(0x80, 0xCA, 0, 0x66, ne=256), bytes(i & 0xFF for i in range(length)), 0x9000)
    assert session.proven


@pytest.mark.parametrize("level", [0x01, 0x03, 0x33])
@pytest.mark.parametrize("quirk", ["enc_empty_data", "counter_data_only"])
def test_scp03_quirks_of_empty_data(quirk, level):
    session, card = scp03(0x70, level, **{quirk: True})
    for data in (b"", b"\x01", b"", b"", b"\x02"):
        exchange(session, card, Command(0x80, 0xCA, 0, 0x66, data, 256), b"body", 0x9000)


def test_both_quirks_together_count_every_command():
    session, card = scp03(0x70, 0x33, enc_empty_data=True, counter_data_only=True)
    for data in (b"", b"\x01", b""):
        exchange(session, card, Command(0x80, 0xCA, 0, 0x66, data, 256), b"body", 0x9000)
    assert card.counter == 3


def flips(data: bytes) -> list[bytes]:
    """The data with each bit flipped in turn."""
    return [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


LEVELS = [
    pytest.param(scp03, 0x20, 0x11, id="scp03-11"),
    pytest.param(scp03, 0x61, 0x33, id="scp03-s16-33"),
    pytest.param(scp03, 0x60, 0x13, id="scp03-13"),
    pytest.param(scp02, 0x35, 0x10, id="scp02-10"),
    pytest.param(scp02, 0x24, 0x11, id="scp02-11"),
    pytest.param(scp02, 0x35, 0x13, id="scp02-13"),
]
GET_DATA = Command(0x80, 0xCA, 0x00, 0x66, ne=256)
GET_DATA_APDU = CommandAPDU(0x80, 0xCA, 0x00, 0x66, ne=256)


def refused(make, answer: ResponseAPDU) -> None:
    """Give a session this answer to GET DATA: it must end, with its keys."""
    opening, i, level = make
    session, _ = opening(i, level)
    session.wrap(GET_DATA_APDU)
    with pytest.raises(SecureMessagingError):
        session.unwrap(answer)
    assert session.ended
    assert not any(session._keys.mac._buffer)
    for call in (lambda: session.wrap(GET_DATA_APDU), lambda: session.unwrap(answer)):
        with pytest.raises(SecureMessagingError):
            call()


@pytest.mark.parametrize(("opening", "i", "level"), LEVELS)
def test_every_flipped_bit_of_an_answer_ends_the_session(opening, i, level):
    _, card = opening(i, level)
    card.expected(GET_DATA)
    answer = card.answer(b"\x66\x00", 0x9000)
    for wrong in flips(answer[:-2]):
        refused((opening, i, level), ResponseAPDU(wrong, 0x9000))
    for sw in (0x9001, 0x6283, 0x6300, 0x6101):
        refused((opening, i, level), ResponseAPDU(answer[:-2], sw))


@pytest.mark.parametrize(("opening", "i", "level"), LEVELS)
def test_an_answer_without_its_mac_ends_the_session(opening, i, level):
    _, card = opening(i, level)
    card.expected(GET_DATA)
    answer = card.answer(b"\x66\x00", 0x9000)[:-2]
    for length in range(len(answer)):
        refused((opening, i, level), ResponseAPDU(answer[:length], 0x9000))
        refused((opening, i, level), ResponseAPDU(answer[len(answer) - length :], 0x9000))
    refused((opening, i, level), ResponseAPDU(b"", 0x6283))
    refused((opening, i, level), ResponseAPDU(b"", 0x6310))


@pytest.mark.parametrize(("opening", "i", "level"), LEVELS)
def test_the_answer_to_another_command_ends_the_session(opening, i, level):
    session, card = opening(i, level)
    session.wrap(GET_DATA_APDU)
    card.expected(GET_DATA)
    old = ResponseAPDU.parse(card.answer(b"\x66\x00", 0x9000))
    session.unwrap(old)
    session.wrap(GET_DATA_APDU)
    with pytest.raises(SecureMessagingError, match=r"answer to 84CA0066: wrong R-MAC"):
        session.unwrap(old)
    assert session.ended


@pytest.mark.parametrize("i", [0x60, 0x61])
@pytest.mark.parametrize("body", [bytes(16), b"\x01" * 16, b"\x80" + bytes(15), bytes(15), bytes(17), bytes(32)])
def test_scp03_data_with_a_right_mac_that_does_not_decrypt_ends_the_session(i, body):
    session, card = scp03(i, 0x33)
    session.wrap(GET_DATA_APDU)
    card.expected(GET_DATA)
    with pytest.raises(SecureMessagingError, match=r"padding|blocks"):
        session.unwrap(ResponseAPDU(body + card.r_mac(body, 0x9000), 0x9000))
    assert session.ended


def test_keys_of_other_sizes_do_not_change_the_sizes_on_the_wire():
    for size in (16, 24, 32):
        session, _ = scp03(0x70, 0x33, size)
        assert session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, bytes(16))).nc == 32 + 8


def test_s_rmac_of_an_scp02_card_without_r_mac_is_not_needed():
    keys = des_keys()
    terms = Terms(decode_parameters(2, 0x15), SecurityLevel(0x01), Quirks(), 255)
    session = Scp02Session(terms, SessionKeys(keys.enc, keys.mac), b"host cry")
    assert session.external_authenticate().nc == 16
