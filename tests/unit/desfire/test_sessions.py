"""Recorded sessions of all protections: every command is produced, every answer read (transport sheet 3.6 to 3.8)."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Secret
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError, SecureMessagingError
from cardkit.secure.desfire import OK, Authentication, KeyChange, Mode, NativeCommand
from cardkit.secure.desfire_ev1 import D40Session, Ev1Session
from cardkit.secure.desfire_ev2 import Ev2Session, LrpSession
from cardkit.secure.desfire_opening import AesOpening, ChainedOpening, D40Opening, Ev2Opening, LrpOpening
from tests.unit.desfire.test_primitives import KINDS, clear, of, unhex

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "desfire.json").read_text(encoding="utf-8"))
AES_KEY = DesfireKey(bytes(range(0x40, 0x50)), "aes", KeyKind.AES)
RND = bytes(range(0xA0, 0xB0))
# The files of the recorded sessions: 1 MAC, 2 enciphered, 3 value enciphered, 4 plain.
MODES = {1: Mode.MAC, 2: Mode.FULL, 3: Mode.FULL, 4: Mode.PLAIN}


@dataclass
class Recorded:
    """A recorded step as a command of ours."""

    command: NativeCommand
    answer: bytes


def recorded(step):
    """Return the command of a step: what is in its plain form comes from the words and the data beside it."""
    wire = unhex(step["command"])
    op, data = wire[0], unhex(step.get("data", ""))
    plain = unhex(step.get("plain_response", ""))
    if op in (0x3D, 0xBD):
        header, mode = wire[1:8], MODES[wire[1]]
        payload = data or (wire[8:] if op == 0x3D else b"")
        return Recorded(NativeCommand(op, header, payload, mode, len(plain), op == 0xBD), plain)
    if op in (0x0C, 0x6C):
        return Recorded(NativeCommand(op, wire[1:2], data, MODES[wire[1]], len(plain), op == 0x6C), plain)
    if op == 0x51:
        return Recorded(NativeCommand(op, mode=Mode.FULL, answer=7, reads=True), plain)
    return Recorded(NativeCommand(op, wire[1:], mode=Mode.MAC, answer=len(plain)), plain)


def opened(given, steps):
    kind = KINDS[given["alg"]]
    key = DesfireKey(unhex(given["key"]), "card", kind)
    opening = {"d40": D40Opening, "ev1": AesOpening if kind is KeyKind.AES else ChainedOpening}[given["scheme"]]
    rnd_a = unhex(given["RndA"])
    handshake = opening(key, 0, rnd_a)
    op, sent = handshake.first()
    assert steps[0]["command"] == (bytes((op,)) + sent).hex()
    assert steps[1]["command"] == "af" + handshake.second(unhex(steps[0]["response"])[1:]).hex()
    return key, handshake.session(unhex(steps[1]["response"])[1:])


def changed(step, card_key, kind):
    number = int(step["command"][2:4], 16)
    version = 0x11 if kind is KeyKind.AES else 0
    new = DesfireKey(unhex(step["new_key"]), "new", kind, version)
    old = DesfireKey(unhex(step["old_key"]), "old", kind) if "old_key" in step else None
    assert (old is None) == (number == 0)
    return KeyChange(number, new, old)


@of("desfire-session")
def test_recorded_session(vector):
    """17 commands in each of five sessions: files plain, with MAC, enciphered; values; keys changed."""
    steps = vector["out"]["steps"]
    kind = KINDS[vector["in"]["alg"]]
    key, session = opened(vector["in"], steps)
    assert (len(steps), session.number) == (17, 0)
    for step in steps[2:]:
        answer = unhex(step["response"])
        if "cryptogram_plain" in step:
            change = changed(step, key, kind)
            assert step["command"] == (bytes((change.op,)) + session.change_key(change)).hex(), step["what"]
            session.key_changed(change, answer[1:])
        else:
            made = recorded(step)
            assert step["command"] == (bytes((made.command.op,)) + session.wrap(made.command)).hex(), step["what"]
            assert made.answer == session.unwrap(made.command, answer[0], answer[1:]), step["what"]
        if "iv_after" in step:
            assert step["iv_after"] == session.iv.hex(), step["what"]
    assert session.ended


@of("ev2-authenticate-first")
def test_ev2_first(vector):
    given, expected = vector["in"], vector["out"]
    opening = Ev2Opening(DesfireKey(unhex(given["key"]), "card", KeyKind.AES), 0, unhex(given["RndA"]))

    assert opening.first() == (0x71, unhex("0000"))
    assert unhex(expected["cmd2"])[5:-1] == opening.second(unhex(given["rsp1"])[:-2])
    assert unhex(expected["RndB"]) == opening._rnd_b
    session = opening.session(unhex(given["rsp2"])[:-2])
    assert (unhex(expected["TI"]), 0) == (session.identifier, session.counter)


@of("ev2-exchange")
def test_ev2_exchange(vector):
    given, expected = vector["in"], vector["out"]
    keys = tuple(DesfireKey(unhex(given[name]), name, KeyKind.AES) for name in ("SesAuthENC", "SesAuthMAC"))
    session = Ev2Session(keys, 0, unhex(given["TI"]), given["CmdCtr"])
    mode = {"MAC": Mode.MAC, "FULL": Mode.FULL}[given["mode"]]
    op = unhex(given["ins"])[0]
    command = NativeCommand(op, unhex(given["header"]), unhex(given["data"]), mode, reads=op == 0x51)

    assert unhex(expected["command"])[5:-1] == session.wrap(command)
    assert unhex(expected["response_plain"]) == session.unwrap(command, OK, unhex(given["response"])[:-2])
    assert given["CmdCtr"] + 1 == session.counter


# What must never be accepted

READ = NativeCommand(0xBD, bytes(7), mode=Mode.FULL, answer=4, reads=True)


def sessions():
    des = DesfireKey(bytes(range(16)), "des", KeyKind.TDEA2)
    yield "D40", lambda: D40Session(des, 0)
    yield "EV1 2TDEA", lambda: Ev1Session(des, 0)
    yield "EV1 AES", lambda: Ev1Session(AES_KEY, 0)
    yield "EV2", lambda: Ev2Session((AES_KEY, AES_KEY), 0, bytes(4))
    yield "LRP", lambda: LrpSession(Secret(bytes(range(16)), "master"), 0, bytes(4))


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in sessions()])
@pytest.mark.parametrize("answer", [b"", bytes(8), bytes(16), bytes(32), bytes(24)], ids=len)
def test_an_enciphered_answer_of_zeros_ends_every_session(make, answer):
    session = make()
    session.wrap(READ)
    with pytest.raises(SecureMessagingError, match="answer to BD"):
        session.unwrap(READ, OK, answer)
    with pytest.raises(SecureMessagingError, match="it is over"):
        session.wrap(READ)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in sessions() if name != "D40"])
def test_every_refusal_ends_a_session_but_d40(make):
    session = make()
    session.refused(0x9D)
    assert session.ended
    d40 = dict(sessions())["D40"]()
    d40.refused(0x9D)
    assert not d40.ended
    d40.refused(0xAE)
    assert d40.ended


def test_an_answer_that_is_played_again_is_refused():
    """The counter under every MAC of EV2, the running IV of EV1."""
    vector = next(v for v in VECTORS if v["name"].startswith("ev2 WriteData FULL (6.12)"))
    given = vector["in"]
    keys = tuple(DesfireKey(unhex(given[name]), name, KeyKind.AES) for name in ("SesAuthENC", "SesAuthMAC"))
    session = Ev2Session(keys, 0, unhex(given["TI"]))
    command = NativeCommand(0x8D, unhex(given["header"]), unhex(given["data"]), Mode.FULL)
    session.wrap(command)
    session.unwrap(command, OK, unhex(given["response"])[:-2])
    session.wrap(command)
    with pytest.raises(SecureMessagingError, match="MAC is wrong"):
        session.unwrap(command, OK, unhex(given["response"])[:-2])


def test_the_counters_last_value_ends_a_session():
    session = Ev2Session((AES_KEY, AES_KEY), 0, bytes(4), 0xFFFF)
    with pytest.raises(SecureMessagingError, match="counter is at its end"):
        session.wrap(READ)


@pytest.mark.parametrize("opening", [D40Opening, ChainedOpening, AesOpening, Ev2Opening, LrpOpening])
def test_a_card_that_does_not_know_the_key_is_an_impostor(opening):
    kind = KeyKind.TDEA2 if opening in (D40Opening, ChainedOpening) else KeyKind.AES
    key = DesfireKey(bytes(range(16)), "card", kind)
    made = opening(key, 0, RND[: kind.random_bytes])
    first = b"\x01" + bytes(16) if opening is LrpOpening else bytes(kind.random_bytes)
    made.second(first)
    size = {Ev2Opening: 32, LrpOpening: 32}.get(opening, kind.random_bytes)
    with pytest.raises(AuthenticationError, match="proof is wrong"):
        made.session(bytes(size))


@pytest.mark.parametrize("opening", [D40Opening, ChainedOpening, AesOpening, Ev2Opening, LrpOpening])
@pytest.mark.parametrize("size", [0, 1, 7, 15, 18])
def test_a_challenge_of_another_length_is_refused(opening, size):
    kind = KeyKind.TDEA2 if opening in (D40Opening, ChainedOpening) else KeyKind.AES
    made = opening(DesfireKey(bytes(range(16)), "card", kind), 0, RND[: kind.random_bytes])
    with pytest.raises(ProtocolError, match=f"{size} bytes"):
        made.second(bytes(size))


def test_two_sessions_differ_by_the_hosts_number_alone():
    challenge = bytes(16)
    sent = {bytes((number,)): AesOpening(AES_KEY, 0, bytes((number,)) * 16).second(challenge) for number in range(3)}
    assert len(set(sent.values())) == 3


def test_a_key_is_not_changed_by_use():
    before = clear(AES_KEY)
    AesOpening(AES_KEY, 0, RND).second(bytes(16))
    Ev2Opening(AES_KEY, 0, RND).second(bytes(16))
    assert before == clear(AES_KEY)


@pytest.mark.parametrize(
    ("opening", "kind"), [(D40Opening, KeyKind.AES), (AesOpening, KeyKind.TDEA2), (Ev2Opening, KeyKind.TDEA3)]
)
def test_a_key_of_another_kind_opens_nothing(opening, kind):
    with pytest.raises(EncodingError, match="authentication with"):
        opening(DesfireKey(bytes(range(kind.size_bytes)), "k", kind), 0, bytes(kind.random_bytes))


def test_a_key_cannot_replace_one_of_another_length():
    change = KeyChange(1, AES_KEY, DesfireKey(bytes(range(24)), "old", KeyKind.TDEA3))
    with pytest.raises(EncodingError, match="cannot replace"):
        change.mixed()


@given(st.binary(max_size=70), st.sampled_from([Mode.PLAIN, Mode.MAC, Mode.FULL]))
@settings(max_examples=40, deadline=None)
def test_a_command_is_longer_by_what_its_mode_adds(payload, mode):
    """Lengths a card waits for before it acts (transport sheet 3.1)."""
    command = NativeCommand(0x3D, bytes(7), payload, mode)
    size = len(payload)
    sizes = {name: len(make().wrap(command)) - 7 for name, make in sessions()}
    if mode is Mode.PLAIN:
        assert set(sizes.values()) == {size}
    elif mode is Mode.MAC:
        assert sizes == {"D40": size + 4, "EV1 2TDEA": size + 8, "EV1 AES": size + 8, "EV2": size + 8, "LRP": size + 8}
    elif size:
        blocks = {"D40": (size + 2, 8), "EV1 2TDEA": (size + 4, 8), "EV1 AES": (size + 4, 16)}
        expected = {name: -(-whole // block) * block for name, (whole, block) in blocks.items()}
        assert sizes == expected | dict.fromkeys(("EV2", "LRP"), (size // 16 + 1) * 16 + 8)


def test_sessions_say_how_they_were_opened():
    names = {name: make().authentication for name, make in sessions()}
    assert names == {
        "D40": Authentication.D40,
        "EV1 2TDEA": Authentication.ISO,
        "EV1 AES": Authentication.AES,
        "EV2": Authentication.EV2,
        "LRP": Authentication.LRP,
    }
