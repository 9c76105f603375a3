"""Secure messaging: every recorded exchange, every pair of levels, every way an answer can be wrong."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Secret
from cardkit.crypto.cipurse import FrameKey, mic
from cardkit.crypto.mac import pad80
from cardkit.errors import EncodingError, SecureMessagingError
from cardkit.secure.cipurse import CipurseSession, Level, Pair

from .vectors import entries, named

PAIRS = [Pair(*levels) for levels in itertools.product(Level, Level)]
START = bytes(range(16))


def state(session: CipurseSession) -> str:
    with session._frame._key.reveal() as clear:
        return bytes(clear).hex()


@pytest.mark.parametrize("case", entries("sm-exchange"), ids=named)
def test_exchange_is_the_recorded_one(case):
    told, out = case["in"], case["out"]
    apdu, smi = told["command"], int(told["smi"], 16)
    ne = 0 if apdu["le"] is None else apdu["le"] or 256
    command = CommandAPDU(
        int(apdu["cla"], 16), int(apdu["ins"], 16), *bytes.fromhex(apdu["p1p2"]), bytes.fromhex(apdu["data"]), ne
    )
    session = CipurseSession(FrameKey(bytes.fromhex(told["frame_key"])))
    wrapped = session.wrap(command, Pair.of((smi >> 6) << 2 | smi >> 2 & 3))
    assert (wrapped.encode().hex(), state(session)) == (out["wrapped_command"], out["frame_key_after_command"])
    plain = session.unwrap(ResponseAPDU.parse(bytes.fromhex(out["wrapped_response"])))
    assert (plain.encode().hex(), state(session)) == (told["response"], out["frame_key_after_response"])


def test_a_pair_is_told_in_small_letters():
    assert [str(pair) for pair in PAIRS[:4]] == ["plain/plain", "plain/mac", "plain/enc", "mac/plain"]


class Card:
    """The other side of a session, as a card sees it."""

    def __init__(self) -> None:
        self.frame = FrameKey(START)

    def read(self, wire: bytes, pair: Pair) -> tuple[bytes, bytes]:
        """Return data and Le of a protected command; a check that fails is an assertion."""
        header, lc, body = wire[:4], wire[4], wire[5 : 5 + wire[4]]
        smi, body = body[0], body[1:]
        assert Pair.of((smi >> 6) << 2 | smi >> 2 & 3) == pair
        le_size = smi & 1
        if pair.command is Level.ENC:
            cut = len(body) - le_size
            block, le = self.frame.decipher(body[:cut]).rstrip(b"\0")[:-1], body[cut:]
            assert block[:4] == header
            data, check = block[4:-4], block[-4:]
            assert check == mic(header + bytes((lc, smi)) + data + le)
        elif pair.command is Level.MAC:
            covered, check = body[:-8], body[-8:]
            data, le = covered[: len(covered) - le_size], covered[len(covered) - le_size :]
            assert check == self.frame.mac(header + bytes((lc, smi)) + covered)
        else:
            data, le = body[: len(body) - le_size], body[len(body) - le_size :]
            self.frame.pass_by(header + bytes((lc, smi)) + body)
        return data, le

    def answer(self, data: bytes, sw: int, pair: Pair) -> ResponseAPDU:
        status = sw.to_bytes(2)
        if pair.response is Level.ENC:
            data = self.frame.encipher(pad80(data + mic(data + status) + status, 16))
        elif pair.response is Level.MAC:
            data += self.frame.mac(data + status)
        else:
            self.frame.pass_by(data + status)
        return ResponseAPDU(data, sw)


@given(st.sampled_from(PAIRS), st.binary(max_size=231), st.integers(0, 256), st.binary(max_size=200))
def test_both_sides_agree_in_all_nine_pairs(pair, data, ne, told):
    session, card = CipurseSession(FrameKey(START)), Card()
    for answered in (told, b""):
        wire = session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, data, ne), pair).encode()
        assert card.read(wire, pair) == (data, bytes([ne & 0xFF]) if ne else b"")
        assert session.unwrap(card.answer(answered, 0x9000, pair)) == ResponseAPDU(answered, 0x9000)
        with card.frame._key.reveal() as clear:
            assert state(session) == bytes(clear).hex()


PROTECTED = [pair for pair in PAIRS if pair.response]


@pytest.mark.parametrize("pair", PROTECTED, ids=str)
def test_a_bare_error_leaves_the_key_of_the_command(pair):
    session = CipurseSession(FrameKey(START))
    session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=5), pair)
    before = state(session)
    assert session.unwrap(ResponseAPDU(b"", 0x6982)) == ResponseAPDU(b"", 0x6982)
    assert (state(session), session.open) == (before, True)


@pytest.mark.parametrize("command", Level)
def test_an_error_is_a_whole_plain_answer(command):
    pair = Pair(command, Level.PLAIN)
    session, card = CipurseSession(FrameKey(START)), Card()
    card.read(session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=5), pair).encode(), pair)
    assert session.unwrap(card.answer(b"", 0x6982, pair)) == ResponseAPDU(b"", 0x6982)
    with card.frame._key.reveal() as clear:
        assert state(session) == bytes(clear).hex()


@pytest.mark.parametrize("pair", PROTECTED, ids=str)
def test_a_bare_success_is_not_believed(pair):
    session = CipurseSession(FrameKey(START))
    session.wrap(CommandAPDU(0x00, 0xD6, 0, 0, b"\x01"), pair)
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseAPDU(b"", 0x9000))
    assert not session.open
    with pytest.raises(SecureMessagingError, match="over"):
        session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=1), pair)
    assert state(session) == "00" * 16


@pytest.mark.parametrize("pair", PROTECTED, ids=str)
@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_answer_ends_the_session(pair, place):
    session, card = CipurseSession(FrameKey(START)), Card()
    card.read(session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=20), pair).encode(), pair)
    good = card.answer(bytes(range(20)), 0x9000, pair)
    bad = bytearray(good.data)
    bad[place] ^= 0x01
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseAPDU(bytes(bad), 0x9000))
    assert not session.open


@pytest.mark.parametrize("pair", PROTECTED, ids=str)
def test_an_answer_played_again_ends_the_session(pair):
    session, card = CipurseSession(FrameKey(START)), Card()
    command = CommandAPDU(0x00, 0xB0, 0, 0, ne=20)
    card.read(session.wrap(command, pair).encode(), pair)
    good = card.answer(bytes(20), 0x9000, pair)
    session.unwrap(good)
    session.wrap(command, pair)
    with pytest.raises(SecureMessagingError):
        session.unwrap(good)


@pytest.mark.parametrize("pair", PROTECTED, ids=str)
def test_a_changed_status_ends_the_session(pair):
    session, card = CipurseSession(FrameKey(START)), Card()
    card.read(session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=4), pair).encode(), pair)
    good = card.answer(bytes(4), 0x6282, pair)
    with pytest.raises(SecureMessagingError):
        session.unwrap(ResponseAPDU(good.data, 0x9000))


def test_one_status_inside_and_another_outside_is_refused():
    pair = Pair(Level.MAC, Level.ENC)
    session, card = CipurseSession(FrameKey(START)), Card()
    card.read(session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=4), pair).encode(), pair)
    block = pad80(bytes(4) + mic(bytes(4) + b"\x90\x00") + b"\x62\x82", 16)
    with pytest.raises(SecureMessagingError, match="9000 outside, 6282 inside"):
        session.unwrap(ResponseAPDU(card.frame.encipher(block), 0x9000))


def test_a_second_block_of_padding_is_refused():
    pair = Pair(Level.ENC, Level.ENC)
    session, card = CipurseSession(FrameKey(START)), Card()
    card.read(session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=4), pair).encode(), pair)
    status = b"\x90\x00"
    block = pad80(bytes(4) + mic(bytes(4) + status) + status, 16) + bytes(16)
    with pytest.raises(SecureMessagingError, match="another length"):
        session.unwrap(ResponseAPDU(card.frame.encipher(block), 0x9000))


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_each_pair_carries_what_it_says_and_no_byte_more(pair):
    session = CipurseSession(FrameKey(START))
    before = state(session)
    with pytest.raises(EncodingError, match=f"expected {pair.most_sent} or fewer"):
        session.wrap(CommandAPDU(0x00, 0xD6, 0, 0, bytes(pair.most_sent + 1)), pair)
    assert state(session) == before
    wrapped = session.wrap(CommandAPDU(0x00, 0xD6, 0, 0, bytes(pair.most_sent)), pair)
    assert wrapped.nc <= 255
    answer = Card()
    answer.frame = FrameKey(bytes.fromhex(state(session)))
    full = answer.answer(bytes(pair.most_received), 0x9000, pair)
    assert len(full.data) <= 256
    assert len(session.unwrap(full).data) == pair.most_received


def test_secret_parts_are_sealed_with_the_rest():
    both = [CipurseSession(FrameKey(START)) for _ in range(2)]
    parts = [(b"\x01", Secret(b"\x02\x03", "key")), b"\x01\x02\x03"]
    wires = [
        one.wrap(CommandAPDU(0x80, 0x52, 0, 1, data), Pair(Level.ENC, Level.MAC)).encode()
        for one, data in zip(both, parts, strict=True)
    ]
    assert wires[0] == wires[1]


def test_one_answer_to_each_command():
    session = CipurseSession(FrameKey(START))
    with pytest.raises(SecureMessagingError, match="to no command"):
        session.unwrap(ResponseAPDU(b"", 0x9000))
    session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=1), PAIRS[0])
    with pytest.raises(SecureMessagingError, match="an answer is due"):
        session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=1), PAIRS[0])


@pytest.mark.parametrize(
    "command", [CommandAPDU(0x04, 0xB0, 0, 0, ne=1), CommandAPDU(0x00, 0xB0, 0, 0, ne=257)], ids=["secured", "extended"]
)
def test_commands_that_cannot_be_protected_are_refused(command):
    with pytest.raises(EncodingError, match="without secure messaging"):
        CipurseSession(FrameKey(START)).wrap(command, PAIRS[0])


@pytest.mark.parametrize("nibble", range(16))
def test_rules_are_two_levels(nibble):
    if 3 in (nibble >> 2, nibble & 3):
        with pytest.raises(EncodingError, match="two levels"):
            Pair.of(nibble)
    else:
        assert Pair.of(nibble).nibble == nibble


@pytest.mark.parametrize("size", [0, 7])
def test_an_answer_too_short_for_a_mac_says_so(size):
    session = CipurseSession(FrameKey(START))
    session.wrap(CommandAPDU(0x00, 0xB0, 0, 0, ne=4), Pair(Level.MAC, Level.MAC))
    with pytest.raises(SecureMessagingError, match=f"{size} bytes, expected a MAC of 8"):
        session.unwrap(ResponseAPDU(bytes(size), 0x9000))
