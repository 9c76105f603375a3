"""The stages of a session, its limits, BEGIN and END R-MAC SESSION, and what it shows of itself."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Secret
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.errors import (
    AuthenticationError,
    EncodingError,
    KeyBlockedError,
    KeyStoreError,
    SecureMessagingError,
    StatusError,
)
from cardkit.secure import Quirks, SecurityLevel, Terms, decode_parameters
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from tests.unit.secure.naive import Card03, Command
from tests.unit.secure.sessions import (
    ALL,
    CLASSES,
    DEK,
    ENC,
    GET_DATA,
    MAC,
    OK,
    PROOF,
    RMAC,
    aes_keys,
    des_keys,
    greeted,
    opened,
)

# Stages.


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_nothing_is_wrapped_before_the_card_has_answered_external_authenticate(scp, i):
    session = greeted(scp, i)
    name = f"<SCP0{scp} i={i:02X} level=01"
    for stage in ("greeted", "called"):
        for call in (session.wrap, lambda _: session.wrap_ahead([GET_DATA])):
            with pytest.raises(SecureMessagingError, match=f"^{name} {stage}>: the session is not open$"):
                call(GET_DATA)
        with pytest.raises(SecureMessagingError, match=f"^{name} {stage}>: no answer is awaited$"):
            session.unwrap(OK)
        if stage == "greeted":
            with pytest.raises(SecureMessagingError, match="no answer to EXTERNAL AUTHENTICATE is awaited"):
                session.authenticated(OK)
            session.external_authenticate()
    session.authenticated(OK)
    assert repr(session) == f"{name} open>"
    assert not session.ended
    assert session.wrap(GET_DATA).cla == 0x84


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_external_authenticate_is_made_once(scp, i):
    session = greeted(scp, i)
    session.external_authenticate()
    for _ in range(2):
        with pytest.raises(SecureMessagingError, match="EXTERNAL AUTHENTICATE is sent once, and only where one is due"):
            session.external_authenticate()
        session._stage = type(session._stage).OPEN
    session.close()
    with pytest.raises(SecureMessagingError):
        session.external_authenticate()


def test_a_session_that_needs_no_external_authenticate_makes_none():
    terms = Terms(decode_parameters(3, 0x70), SecurityLevel(0x33), Quirks(), 255)
    session = Scp03Session(terms, aes_keys(), None)
    assert repr(session) == "<SCP03 i=70 level=33 open>"
    with pytest.raises(SecureMessagingError, match="only where one is due"):
        session.external_authenticate()
    with pytest.raises(SecureMessagingError, match="no answer to EXTERNAL AUTHENTICATE"):
        session.authenticated(OK)


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (ResponseAPDU(b"", 0x6300), AuthenticationError, "card answered 6300, a try may be gone and is not repeated"),
        (ResponseAPDU(b"", 0x63C2), AuthenticationError, "card answered 63C2, a try may be gone"),
        (ResponseAPDU(b"", 0x6982), AuthenticationError, "card answered 6982, a try may be gone"),
        (ResponseAPDU(b"", 0x6983), KeyBlockedError, "EXTERNAL AUTHENTICATE: card answered 6983"),
        (ResponseAPDU(b"", 0x6985), StatusError, "EXTERNAL AUTHENTICATE: card answered 6985"),
        (ResponseAPDU(b"", 0x6283), StatusError, "card answered 6283"),
        (ResponseAPDU(b"", 0x9001), StatusError, "card answered 9001"),
        (
            ResponseAPDU(b"\0", 0x9000),
            SecureMessagingError,
            "EXTERNAL AUTHENTICATE: card answered 1 bytes, expected none",
        ),
    ],
)
def test_only_a_bare_9000_opens_the_session(response, error, message):
    session = greeted()
    session.external_authenticate()
    with pytest.raises(error, match=message) as caught:
        session.authenticated(response)
    assert type(caught.value) is error
    assert session.ended
    assert not any(session._keys.enc._buffer)
    for call in (lambda: session.authenticated(OK), session.external_authenticate, lambda: session.wrap(GET_DATA)):
        with pytest.raises(SecureMessagingError):
            call()


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_a_missing_answer_ends_the_session(scp, i):
    session = opened(scp, i)
    session.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match=r"ended>: the answer to the last command is missing$"):
        session.wrap(GET_DATA)
    assert session.ended
    ahead = opened(scp, i)
    ahead.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match="missing"):
        ahead.wrap_ahead([GET_DATA])
    assert ahead.ended


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_an_answer_nobody_asked_for_is_refused(scp, i):
    session = opened(scp, i)
    session.wrap(GET_DATA)
    session.unwrap(OK)
    with pytest.raises(SecureMessagingError, match="no answer is awaited"):
        session.unwrap(OK)


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_6982_ends_the_session_and_is_still_reported(scp, i):
    session = opened(scp, i)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"", 0x6982)) == ResponseAPDU(b"", 0x6982)
    assert session.ended
    assert not any(session._keys.mac._buffer)


@pytest.mark.parametrize("sw", [0x6985, 0x6A88, 0x6983, 0x6F00])
def test_other_errors_leave_the_session_open(sw):
    session = opened()
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"", sw)).sw == sw
    session.wrap(GET_DATA)
    assert not session.ended


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_a_closed_session_has_forgotten_its_keys(scp, i):
    session = opened(scp, i)
    session.wrap(GET_DATA)
    for _ in range(2):
        session.close()
    assert session.ended
    assert repr(session).endswith(" ended>")
    keys = session._keys
    assert not any(any(key._buffer) for key in (keys.enc, keys.mac, keys.rmac, keys.dek))
    ciphers = {"_encryptor", "_decryptor", "_c_mac", "_r_mac", "_icv_cipher"}
    assert not ciphers & set(vars(session))
    assert not any(vars(session).get(name) for name in ("_chain", "_icv", "_ricv", "_first_ricv"))
    with pytest.raises(SecureMessagingError, match="ended>: the session is not open"):
        session.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match="ended>: its keys are gone"):
        session.dek(None, None)


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_commands_wrapped_ahead_are_those_wrapped_one_by_one(scp, i):
    level = {1: 0x03, 2: 0x13, 3: 0x33}[scp]
    commands = [GET_DATA, CommandAPDU(0x80, 0xE2, 0, 0, b"data"), GET_DATA]
    ahead = opened(scp, i, level)
    wrapped = ahead.wrap_ahead(iter(commands))
    one = opened(scp, i, level)
    for command, expected in zip(commands, wrapped, strict=True):
        assert one.wrap(command) == expected
        one.unwrap(ResponseAPDU(b"", 0x6A88))
        ahead.unwrap(ResponseAPDU(b"", 0x6A88))
    assert ahead.wrap(GET_DATA) == one.wrap(GET_DATA)


def test_an_answer_out_of_order_is_noticed():
    session, card = opened(level=0x11), Card03(ENC[:16], MAC[:16], RMAC[:16], 0x01)
    card.expected(Command(0x80, 0x82, 0x11, 0, PROOF))
    card.level = 0x11
    answers = []
    for p2 in (1, 2):
        card.expected(Command(0x80, 0xCA, 0, p2, ne=256))
        answers.append(ResponseAPDU.parse(card.answer(b"", 0x9000)))
    session.wrap_ahead([CommandAPDU(0x80, 0xCA, 0, p2, ne=256) for p2 in (1, 2)])
    assert session.unwrap(answers[0]) == OK
    with pytest.raises(SecureMessagingError, match="wrong R-MAC"):
        session.unwrap(answers[0])


@pytest.mark.parametrize("ins", [0x7A, 0x78])
def test_commands_that_change_the_level_are_not_wrapped_ahead(ins):
    session = opened()
    with pytest.raises(EncodingError, match=r"^BEGIN and END R-MAC SESSION cannot be wrapped ahead"):
        session.wrap_ahead([GET_DATA, CommandAPDU(0x80, ins, 0, 1)])
    session.wrap_ahead([CommandAPDU(cla, ins, 0, 1) for cla in (0x00, 0x01)])  # another command in the ISO class


# What a command may be.


@pytest.mark.parametrize(("scp", "i"), ALL)
@pytest.mark.parametrize(
    "command", [CommandAPDU(0x84, 0xCA, 0, 0), CommandAPDU(0x80, 0x1CA, 0, 0), CommandAPDU(-1, 1, 0, 0)]
)
def test_an_impossible_command_changes_nothing(scp, i, command):
    session, peer = opened(scp, i), opened(scp, i)
    with pytest.raises(EncodingError):
        session.wrap(command)
    assert session.wrap(GET_DATA) == peer.wrap(GET_DATA)


@pytest.mark.parametrize(("scp", "i", "most"), [(2, 0x35, 65_503), (3, 0x70, 65_503), (1, 0x05, 247)])
def test_the_longest_data_field_leaves_room_for_protection(scp, i, most):
    session = opened(scp, i)
    with pytest.raises(EncodingError, match=f"{most + 1} bytes.*expected {most} at most"):
        session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, bytes(most + 1)))
    assert len(session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, bytes(most))).encode()) >= most + 8


@pytest.mark.parametrize("long", [{"extended": True}, {"ne": 257}])
def test_scp01_knows_short_commands_only(long):
    session = opened(1, 0x05)
    with pytest.raises(EncodingError, match="expected 247 at most, short"):
        session.wrap(replace(GET_DATA, **long))
    assert session.wrap(GET_DATA).nc == 8


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_secret_parts_stay_secret_where_nothing_encrypts_them(scp, i):
    secret = Secret(b"4711", "pin")
    command = CommandAPDU(0x80, 0xE2, 0, 0, (b"\x01", secret))
    wrapped = opened(scp, i).wrap(command)
    assert wrapped.data[:2] == (b"\x01", secret)
    clear = opened(scp, i).wrap(replace(command, data=b"\x014711"))
    assert wrapped.encode() == clear.encode()
    assert "34373131" not in repr(wrapped)
    encrypted = opened(scp, i, 0x03)
    assert encrypted.wrap(command) == opened(scp, i, 0x03).wrap(replace(command, data=b"\x014711"))


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_at_level_none_commands_go_out_as_they_are(scp, i):
    session = opened(scp, i, 0x00)
    for command in (GET_DATA, CommandAPDU(0x84, 0xCA, 0, 0x66), CommandAPDU(0x80, 0xE2, 0, 0, (Secret(b"1", "x"),))):
        assert session.wrap(command) is command or session.parameters.scp == 2
        assert session.unwrap(ResponseAPDU(b"any", 0x9000)).data == b"any"
        assert not session.proven


# Limits (the table of GPCS 11.1.5, per protocol and level).


@pytest.mark.parametrize(
    ("scp", "i", "level", "command", "response"),
    [
        (1, 0x05, 0x00, 255, 256),
        (1, 0x05, 0x01, 247, 256),
        (1, 0x05, 0x03, 239, 256),
        (2, 0x35, 0x01, 247, 256),
        (2, 0x35, 0x03, 239, 256),
        (2, 0x35, 0x10, 255, 248),
        (2, 0x35, 0x13, 239, 248),
        (3, 0x70, 0x00, 255, 256),
        (3, 0x70, 0x01, 247, 256),
        (3, 0x70, 0x13, 239, 248),
        (3, 0x70, 0x33, 239, 239),
        (3, 0x71, 0x01, 239, 256),
        (3, 0x71, 0x13, 223, 240),
        (3, 0x71, 0x33, 223, 239),
    ],
)
def test_the_most_that_fits(scp, i, level, command, response):
    session = opened(scp, i, level)
    assert (session.max_command_data, session.max_response_data) == (command, response)
    full = session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, bytes(command)))
    assert full.nc <= 255


@pytest.mark.parametrize(
    ("max_data", "plain", "mac", "both"),
    [(255, 255, 247, 239), (999, 255, 247, 239), (200, 200, 192, 191), (100, 100, 92, 79)],
)
def test_the_card_may_take_less(max_data, plain, mac, both):
    limits = [opened(level=level, max_data=max_data).max_command_data for level in (0x00, 0x01, 0x03)]
    assert limits == [plain, mac, both]


# R-MAC: errors.


@pytest.mark.parametrize(("scp", "i", "level"), [(3, 0x60, 0x11), (3, 0x60, 0x33), (2, 0x35, 0x13)])
def test_an_error_status_may_come_alone_and_is_unproven(scp, i, level):
    session = opened(scp, i, level)
    session.wrap(GET_DATA)
    assert session.unwrap(ResponseAPDU(b"", 0x6A88)) == ResponseAPDU(b"", 0x6A88)
    assert not session.proven


def test_scp03_data_with_an_error_status_ends_the_session():
    session = opened(level=0x11)
    session.wrap(GET_DATA)
    with pytest.raises(SecureMessagingError, match="1 bytes with status 6A88, expected none"):
        session.unwrap(ResponseAPDU(b"\0", 0x6A88))
    assert session.ended


def test_scp03_with_its_quirk_wants_an_r_mac_on_errors():
    for body in (b"", b"x"):
        session = opened(level=0x11, quirks=Quirks(rmac_on_error=True))
        card = Card03(ENC[:16], MAC[:16], RMAC[:16], 0x01)
        card.expected(Command(0x80, 0x82, 0x11, 0, PROOF))
        card.expected(Command(0x80, 0xCA, 0, 0x66, ne=256))
        session.wrap(GET_DATA)
        answer = ResponseAPDU(body + card.r_mac(body, 0x6A88), 0x6A88)
        assert session.unwrap(answer) == ResponseAPDU(body, 0x6A88)
        assert session.proven
        session.wrap(GET_DATA)
        with pytest.raises(SecureMessagingError, match="0 bytes, expected an R-MAC of 8 at least"):
            session.unwrap(ResponseAPDU(b"", 0x6A88))


# Keys and secrecy.


@pytest.mark.parametrize("missing", ["scp02", "scp03"])
def test_a_protocol_with_r_mac_needs_its_key(missing):
    keys = aes_keys() if missing == "scp03" else des_keys()
    parameters = decode_parameters(3, 0x70) if missing == "scp03" else decode_parameters(2, 0x35)
    kind = Scp03Session if missing == "scp03" else Scp02Session
    with pytest.raises(KeyStoreError, match=f"^{parameters}: the session keys lack S-RMAC$"):
        kind(Terms(parameters, SecurityLevel.C_MAC, Quirks(), 255), SessionKeys(keys.enc, keys.mac), PROOF)


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(("scp", "i"), ALL)
def test_each_session_key_must_be_of_the_protocols_cipher(scp, i, position):
    if scp == 1 and position == 2:
        return  # SCP01 has no S-RMAC
    right, wrong = (aes_keys(), des_keys()) if scp == 3 else (des_keys(), aes_keys())
    chosen = [right.enc, right.mac, right.rmac]
    chosen[position] = (wrong.enc, wrong.mac, wrong.rmac)[position]
    terms = Terms(decode_parameters(scp, i), SecurityLevel.C_MAC, Quirks(), 255)
    family = "AES" if scp == 3 else "3DES"
    with pytest.raises(KeyStoreError, match=rf"^SCP0{scp} i={i:02X}: session key test is .*, expected {family}$"):
        CLASSES[scp](terms, SessionKeys(*chosen), PROOF)


@pytest.mark.parametrize(("scp", "i"), ALL)
def test_a_session_shows_no_key_and_refuses_to_be_copied(scp, i):
    session = opened(scp, i)
    session.wrap(GET_DATA)
    shown = repr(session) + str(session) + f"{session}" + repr(vars(session)["_keys"])
    for value in (ENC, MAC, RMAC, DEK):
        assert value[:8].hex() not in shown.lower()
        assert repr(value[:8])[2:-1] not in shown
    for call in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="open> refuses to be pickled or copied"):
            call(session)
