"""R-MACs: of errors, and from BEGIN to END R-MAC SESSION, in SCP02 and SCP03."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.errors import (
    EncodingError,
    ProfileError,
    SecureMessagingError,
)
from cardkit.secure import Quirks, SecurityLevel
from tests.unit.secure.naive import Card03, Command
from tests.unit.secure.sessions import (
    ENC,
    GET_DATA,
    GET_DATA_BLOCK,
    MAC,
    OK,
    PROOF,
    RMAC,
    ea_mac,
    opened,
    r_mac_02,
)


@pytest.mark.parametrize("strict", [False, True])
def test_scp02_errors_with_an_r_mac_are_proven(strict):
    session = opened(2, 0x35, 0x11, Quirks(rmac_on_error=strict))
    first = r_mac_02(ea_mac(0x11), GET_DATA_BLOCK, b"", 0x6A88)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(first, 0x6A88)) == ResponseAPDU(b"", 0x6A88)
    assert session.proven
    second = r_mac_02(first, GET_DATA_BLOCK, b"d", 0x9000)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"d" + second, 0x9000)) == ResponseAPDU(b"d", 0x9000)


def test_the_scp02_chain_goes_on_over_an_error_without_r_mac():
    session = opened(2, 0x35, 0x11)
    session.wrap(GET_DATA)
    session.unwrap(ResponseAPDU(b"", 0x6A88))
    first = r_mac_02(ea_mac(0x11), GET_DATA_BLOCK, b"", 0x6A88)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(r_mac_02(first, GET_DATA_BLOCK, b"", 0x9000), 0x9000)) == OK


def test_scp02_with_its_quirk_wants_an_r_mac_on_errors():
    session = opened(2, 0x35, 0x11, Quirks(rmac_on_error=True))
    session.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match="0 bytes, expected an R-MAC of 8 at least"):
        session.unwrap(ResponseAPDU(b"", 0x6A88))


@pytest.mark.parametrize("data", [bytes(9), bytes(7), bytes(1)])
def test_scp02_errors_carry_nothing_but_an_r_mac(data):
    session = opened(2, 0x35, 0x11)
    session.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match=f"{len(data)} bytes.*, expected an R-MAC"):
        session.unwrap(ResponseAPDU(data, 0x6A88))


def test_scp02_expects_an_answer_to_everything_where_it_has_an_r_mac():
    command = CommandAPDU(0x80, 0xF0, 0x80, 0x0F)
    assert opened(2, 0x35, 0x11).wrap(command).ne == 256
    assert opened(2, 0x35, 0x10).wrap(command).ne == 256
    assert opened(2, 0x35, 0x01).wrap(command).ne == 0
    assert opened(2, 0x35, 0x11).wrap(replace(command, ne=4)).ne == 4


# BEGIN and END R-MAC SESSION.


def test_begin_and_end_are_the_commands_of_the_texts():
    session = opened(2, 0x35)
    assert session.begin_r_mac() == CommandAPDU(0x80, 0x7A, 0x10, 0x01, b"\x00")
    assert session.begin_r_mac(SecurityLevel.NONE, b"abc") == CommandAPDU(0x80, 0x7A, 0x00, 0x01, b"\x03abc")
    assert session.begin_r_mac(data=bytes(24)).nc == 25
    with pytest.raises(EncodingError, match="BEGIN R-MAC SESSION: got 25 bytes of data, expected 24 at most"):
        session.begin_r_mac(data=bytes(25))
    assert session.end_r_mac() == CommandAPDU(0x80, 0x78, 0x00, 0x03, ne=256)
    assert session.end_r_mac(keep=True) == CommandAPDU(0x80, 0x78, 0x00, 0x01, ne=256)


NONE, R_MAC, BOTH = SecurityLevel.NONE, SecurityLevel.R_MAC, SecurityLevel.R_MAC | SecurityLevel.R_ENC


@pytest.mark.parametrize(
    ("scp", "i", "level", "possible"),
    [
        (1, 0x05, 0x01, []),
        (2, 0x15, 0x01, []),
        (2, 0x35, 0x00, [NONE, R_MAC]),
        (2, 0x35, 0x03, [NONE, R_MAC]),
        (2, 0x35, 0x11, []),
        (3, 0x10, 0x01, []),
        (3, 0x70, 0x00, []),
        (3, 0x70, 0x01, [R_MAC]),
        (3, 0x30, 0x03, [R_MAC]),
        (3, 0x70, 0x03, [R_MAC, BOTH]),
        (3, 0x70, 0x11, []),
        (3, 0x70, 0x13, [BOTH]),
        (3, 0x70, 0x33, []),
    ],
)
def test_an_r_mac_session_begins_only_where_the_texts_allow(scp, i, level, possible):
    for asked in (NONE, R_MAC, BOTH, SecurityLevel.R_ENC, SecurityLevel.C_DEC | R_MAC):
        session = opened(scp, i, level)
        if asked in possible:
            assert session.begin_r_mac(asked).p1 == asked
        elif not (scp == 3 and asked & SecurityLevel.C_DEC):
            with pytest.raises(ProfileError, match=f"open>: no R-MAC session of level {asked:02X} can begin here"):
                session.begin_r_mac(asked)


BEGIN_BLOCK = "807A100105" + "0461626364"


@pytest.mark.parametrize("with_mac", [False, True])
def test_scp02_r_mac_from_begin_to_end(with_mac):
    session = opened(2, 0x25)
    session.wrap(GET_DATA)
    session.unwrap(ResponseAPDU(b"before", 0x9000))
    session.wrap(session.begin_r_mac(data=b"abcd"))
    chain = r_mac_02(ea_mac(0x01), BEGIN_BLOCK, b"", 0x9000)
    assert session.unwrap(ResponseAPDU(chain if with_mac else b"", 0x9000)) == OK
    assert session.proven == with_mac
    assert session.level == 0x11
    with pytest.raises(ProfileError):
        session.begin_r_mac()
    chain = r_mac_02(chain, GET_DATA_BLOCK, b"in", 0x9000)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"in" + chain, 0x9000)).data == b"in"
    session.wrap(session.end_r_mac(keep=True))
    assert session.unwrap(ResponseAPDU(chain, 0x9000)) == ResponseAPDU(chain, 0x9000)
    assert session.proven
    assert session.level == 0x11
    session.wrap(session.end_r_mac())
    session.unwrap(ResponseAPDU(chain, 0x9000))
    assert session.level == 0x01
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"after", 0x9000)).data == b"after"
    assert not session.proven
    session.wrap(session.begin_r_mac(data=b"abcd"))
    session.unwrap(ResponseAPDU(r_mac_02(ea_mac(0x01), BEGIN_BLOCK, b"", 0x9000), 0x9000))


def test_scp02_with_one_r_mac_at_the_end_covers_all_answers():
    session = opened(2, 0x25)
    session.wrap(session.begin_r_mac(NONE))
    session.unwrap(OK)
    chain = r_mac_02(ea_mac(0x01), "807A00010100", b"", 0x9000)
    for body, sw in ((b"in", 0x9000), (b"", 0x6A88), (b"12345678", 0x6283)):
        assert session.wrap(replace(GET_DATA, ne=0)).ne == 0
        assert session.unwrap(ResponseAPDU(body, sw)) == ResponseAPDU(body, sw)
        assert not session.proven
        chain = r_mac_02(chain, GET_DATA_BLOCK, body, sw)
    assert session.level == 0x01
    session.wrap(session.end_r_mac(keep=True))
    session.unwrap(ResponseAPDU(chain, 0x9000))
    assert session.proven
    session.wrap(session.end_r_mac())
    with pytest.raises(SecureMessagingError, match="wrong R-MAC"):
        session.unwrap(ResponseAPDU(chain[:7] + bytes([chain[7] ^ 1]), 0x9000))
    assert session.ended


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(8), bytes(9)])
def test_scp02_end_must_bring_the_r_mac(data):
    session = opened(2, 0x35, 0x11)
    session.wrap(session.end_r_mac())
    with pytest.raises(SecureMessagingError, match="wrong R-MAC"):
        session.unwrap(ResponseAPDU(data, 0x9000))


def test_scp02_end_ends_what_external_authenticate_began():
    session = opened(2, 0x35, 0x13)
    session.wrap(session.end_r_mac())
    session.unwrap(ResponseAPDU(ea_mac(0x13), 0x9000))
    assert session.level == 0x03
    assert session.begin_r_mac().p1 == 0x10


def test_scp02_end_that_is_refused_ends_nothing():
    session = opened(2, 0x35, 0x11)
    session.wrap(session.end_r_mac())
    assert session.unwrap(ResponseAPDU(b"", 0x6985)).sw == 0x6985
    assert session.level == 0x11
    session.wrap(GET_DATA)
    answer = r_mac_02(ea_mac(0x11), GET_DATA_BLOCK, b"", 0x9000)
    assert session.unwrap(ResponseAPDU(answer, 0x9000)) == OK


def test_scp02_end_without_a_session_changes_nothing():
    session = opened(2, 0x35)
    session.wrap(session.end_r_mac())
    assert session.unwrap(ResponseAPDU(b"", 0x6A88)).sw == 0x6A88
    assert session.level == 0x01


def test_a_begin_that_is_refused_begins_nothing():
    for scp, i in ((2, 0x35), (3, 0x70)):
        session = opened(scp, i)
        session.wrap(session.begin_r_mac())
        assert session.unwrap(ResponseAPDU(b"", 0x6985)).sw == 0x6985
        assert session.level == 0x01
        session.wrap(GET_DATA)
        assert session.unwrap(ResponseAPDU(b"x", 0x9000)).data == b"x"


@pytest.mark.parametrize("wrong", [bytes(8), bytes(7), bytes(1)])
@pytest.mark.parametrize(("scp", "i"), [(2, 0x35), (3, 0x70)])
def test_a_begin_answered_with_something_else_ends_the_session(scp, i, wrong):
    session = opened(scp, i)
    session.wrap(session.begin_r_mac())
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseAPDU(wrong, 0x9000))
    assert session.ended


@pytest.mark.parametrize(
    ("command", "level"), [(CommandAPDU(0x80, 0x7A, 0x10, 0x02), 1), (CommandAPDU(0x00, 0x7A, 0x10, 1), 1)]
)
@pytest.mark.parametrize(("scp", "i"), [(2, 0x35), (3, 0x70)])
def test_only_begin_r_mac_session_raises_the_level(scp, i, command, level):
    session = opened(scp, i)
    session.wrap(command)
    session.unwrap(ResponseAPDU(b"any", 0x9000))
    assert session.level == level


@pytest.mark.parametrize(("before", "asked", "after"), [(0x01, R_MAC, 0x11), (0x03, R_MAC, 0x13), (0x03, BOTH, 0x33)])
@pytest.mark.parametrize("with_mac", [False, True])
def test_scp03_is_raised_and_falls_back(before, asked, after, with_mac):
    session = opened(level=before)
    card = Card03(ENC[:16], MAC[:16], RMAC[:16], 0x01)
    card.expected(Command(0x80, 0x82, before, 0, PROOF))
    card.level = before
    begin = Command(0x80, 0x7A, int(asked), 0x01, b"\x00")
    assert session.wrap(session.begin_r_mac(asked)).encode() == card.expected(begin)
    session.unwrap(ResponseAPDU(card.r_mac(b"", 0x9000) if with_mac else b"", 0x9000))
    assert session.level == after
    assert session.proven == with_mac
    card.level = after
    assert session.wrap(GET_DATA).encode() == card.expected(Command(0x80, 0xCA, 0, 0x66, ne=256))
    assert session.unwrap(ResponseAPDU.parse(card.answer(b"data", 0x9000))).data == b"data"
    assert session.proven
    session.wrap(session.end_r_mac())
    card.expected(Command(0x80, 0x78, 0, 3, ne=256))
    session.unwrap(ResponseAPDU.parse(card.answer(b"", 0x9000)))
    assert session.level == before
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"plain", 0x9000)).data == b"plain"


def test_scp03_end_may_be_answered_at_the_level_after_it():
    session = opened(level=0x01)
    session.wrap(session.begin_r_mac())
    session.unwrap(OK)
    session.wrap(session.end_r_mac())
    assert session.unwrap(OK) == OK
    assert not session.proven
    assert session.level == 0x01


@pytest.mark.parametrize("keep", [False, True])
def test_scp03_end_is_answered_with_an_r_mac_where_the_session_began_with_one(keep):
    session = opened(level=0x13)
    session.wrap(session.end_r_mac(keep=keep))
    with pytest.raises(SecureMessagingError, match="0 bytes, expected an R-MAC of 8 at least"):
        session.unwrap(OK)


def test_scp03_asking_to_keep_is_answered_with_an_r_mac():
    session = opened(level=0x01)
    session.wrap(session.begin_r_mac())
    session.unwrap(OK)
    session.wrap(session.end_r_mac(keep=True))
    with pytest.raises(SecureMessagingError, match="0 bytes, expected an R-MAC of 8 at least"):
        session.unwrap(OK)


@pytest.mark.parametrize("data", [bytes(8), bytes(7)])
def test_scp03_end_answered_with_something_else_ends_the_session(data):
    session = opened(level=0x01)
    session.wrap(session.begin_r_mac())
    session.unwrap(OK)
    session.wrap(session.end_r_mac())
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseAPDU(data, 0x9000))


def test_scp03_end_without_an_r_mac_session_is_an_ordinary_command():
    session = opened(level=0x01)
    session.wrap(session.end_r_mac())
    assert session.unwrap(ResponseAPDU(b"any", 0x9000)).data == b"any"


def test_scp03_end_falls_back_to_the_level_of_external_authenticate():
    session = opened(level=0x13)
    card = Card03(ENC[:16], MAC[:16], RMAC[:16], 0x01)
    card.expected(Command(0x80, 0x82, 0x13, 0, PROOF))
    card.level = 0x13
    session.wrap(session.end_r_mac(keep=True))
    card.expected(Command(0x80, 0x78, 0, 1, ne=256))
    session.unwrap(ResponseAPDU.parse(card.answer(b"", 0x9000)))
    session.wrap(session.begin_r_mac(BOTH))
    card.expected(Command(0x80, 0x7A, 0x30, 1, b"\0"))
    session.unwrap(ResponseAPDU.parse(card.answer(b"", 0x9000)))
    assert session.level == 0x33
    card.level = 0x33
    session.wrap(session.end_r_mac())
    card.expected(Command(0x80, 0x78, 0, 3, ne=256))
    session.unwrap(ResponseAPDU.parse(card.answer(b"", 0x9000)))
    assert session.level == 0x13
