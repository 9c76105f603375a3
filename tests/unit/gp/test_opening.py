"""Opening sessions against recorded ones of other hosts and cards, and against cards that lie."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.tags import StatusKind
from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.errors import (
    AuthenticationError,
    CardkitError,
    EncodingError,
    KeyBlockedError,
    LengthError,
    NotFoundError,
    ProfileError,
    ProtocolError,
    SecureMessagingError,
    SecurityStatusError,
)
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import decode_parameters

from .conftest import FCI, SELECT, CardMaker, Recording, Script, load, selected

# One recorded card answers with another key version than asked for: that is refused, and tested below.
_OTHER_VERSION = "scp02-i15-cmac-pysim"
RECORDED = [case["name"] for case in load("gp_sessions.json") if case["name"] != _OTHER_VERSION]
NO_DATA = [("80CA006600", "6A88"), ("80CA006700", "6A88")]


def start(scripted: CardMaker, *script: Script) -> SecurityDomain:
    return selected(scripted((SELECT, FCI), *script))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_sessions_open_with_the_same_bytes(name: str, scripted: CardMaker) -> None:
    session = Recording(name)
    domain = selected(scripted((SELECT, FCI if "aid" in session.inputs else "6F028400 9000"), *session.opening()))
    opened = domain.open(
        session.keystore,
        session.keys,
        SecurityLevel(session.level),
        host_challenge=session.challenge,
        parameters=decode_parameters(*session.option),
    )
    assert not opened.ended
    assert opened.level == session.level
    assert domain.keys == session.keys.for_card(session.greeting[:10])


def test_registry_is_read_through_a_recorded_session(scripted: CardMaker) -> None:
    session = Recording("scp02-i15-cmac-get-status-kaoh")
    wrapped = session.outputs["commands"][0]["wrapped"]
    plain = session.inputs["commands"][0]["plain"]
    answer = "E313 4F08A000000003000000 9F70010F C5039EFE80"
    domain = start(scripted, *session.opening(), (wrapped, answer + "9000"))
    domain.open(session.keystore, session.keys, SecurityLevel.C_MAC, host_challenge=session.challenge,
                parameters=decode_parameters(0x02, 0x15))  # fmt: skip
    assert domain.send(CommandAPDU.parse(bytes.fromhex(plain)), what="GET STATUS").hex() == (
        answer.replace(" ", "").lower()
    )


SCP03 = "scp03-i70-level33-echo-kaoh"


def open_scp03(domain: SecurityDomain, session: Recording, level: int | None = 0x33, **options: object) -> None:
    wanted = None if level is None else SecurityLevel(level)
    domain.open(session.keystore, session.keys, wanted, host_challenge=session.challenge, **options)  # type: ignore[arg-type]


def _without_aid(script: list[Script]) -> list[Script]:
    """The recorded card's AID is not known, so its challenge cannot be checked."""
    return [(SELECT, "6F028400 9000"), *script]


def test_strongest_level_and_options_by_the_card_itself(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    domain = selected(scripted(*_without_aid([*NO_DATA, *session.opening()])))
    open_scp03(domain, session, None)
    assert domain.session is not None
    assert domain.session.level == 0x33
    assert domain.max_command_data == domain.session.max_command_data


def test_options_by_the_recognition_data(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    data = ("80CA006600", "660F 730D 640B 0609 2A864886FC6B040370 9000")
    domain = selected(scripted(*_without_aid([data, *session.opening()])))
    open_scp03(domain, session)
    assert domain.greeting is not None
    assert (domain.greeting.scp, domain.greeting.i) == (3, 0x70)


def test_options_by_the_capabilities(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    data = [("80CA006600", "6A88"), ("80CA006700", "670C A00A 800103 81026070 820107 9000")]
    domain = selected(scripted(*_without_aid([*data, *session.opening()])))
    open_scp03(domain, session)
    assert domain.session is not None


def test_management_data_of_the_domain_need_no_further_command(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    fci = "6F11 A50F 730D 640B 0609 2A864886FC6B040370 9000"
    domain = selected(scripted((SELECT, fci), *session.opening()))
    open_scp03(domain, session)
    assert domain.session is not None


@pytest.mark.parametrize("offered", ["0360", "0255"])
def test_card_that_greets_with_another_protocol_than_it_names_is_refused(offered: str, scripted: CardMaker) -> None:
    session = Recording(SCP03)
    data = ("80CA006600", f"660F 730D 640B 0609 2A864886FC6B04{offered} 9000")
    domain = selected(scripted(*_without_aid([data, session.opening()[0]])))
    with pytest.raises(ProtocolError, match=r"card uses SCP03 i=70, expected one of SCP0"):
        open_scp03(domain, session, 0x03)


def test_protocol_asked_for_beats_what_the_card_names_and_its_greeting_must_keep_it(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    domain = start(scripted, session.opening()[0])
    with pytest.raises(ProtocolError, match="card uses SCP03 i=70, expected one of SCP02 i=55"):
        open_scp03(domain, session, 0x03, parameters=decode_parameters(0x02, 0x55))


def test_level_nobody_offers_is_refused_before_anything_is_sent(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    domain = start(scripted)
    with pytest.raises(ProfileError, match=r"level 33: SCP03 i=00 cannot have it; nothing was sent"):
        open_scp03(domain, session, parameters=decode_parameters(0x03, 0x00))


def test_level_the_greeting_does_not_have_is_refused_before_external_authenticate(scripted: CardMaker) -> None:
    session = Recording("scp02-i15-cmac-get-status-kaoh")
    domain = start(scripted, *NO_DATA, session.opening()[0])
    with pytest.raises(ProfileError, match=r"SCP02 i=15: security level 33"):
        open_scp03(domain, session)


def test_scp11_is_not_opened_by_a_key_set(scripted: CardMaker) -> None:
    with pytest.raises(ProfileError, match="SCP11 i=17: opened by certificates"):
        open_scp03(start(scripted), Recording(SCP03), parameters=decode_parameters(0x11, 0x17))


def test_short_challenge_is_refused_before_anything_is_sent(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    session.challenge = session.challenge[:7]
    with pytest.raises(EncodingError, match="host challenge: got 7 bytes, expected 8"):
        open_scp03(start(scripted, *NO_DATA), session)


def test_surplus_of_the_challenge_is_not_sent(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    script = _without_aid([*NO_DATA, *session.opening()])
    session.challenge += bytes(8)
    open_scp03(selected(scripted(*script)), session)


def test_wrong_key_ends_before_external_authenticate(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    session.keys = KeySetSpec(0, "test:other", "test:other", "test:other")
    session.keystore.add("test:other", Key(bytes(range(16)), "other", "AES-128", Usage.SECURE_CHANNEL))
    domain = start(scripted, *NO_DATA, session.opening()[0])
    with pytest.raises(AuthenticationError, match="no try was spent") as caught:
        open_scp03(domain, session)
    assert caught.value.security_stop
    assert domain.session is None


def test_challenge_that_does_not_recompute_ends_before_external_authenticate(scripted: CardMaker) -> None:
    session = Recording("scp03-i70-auth-kaoh")
    other = "6F0A 8408A000000003000000 9000"
    domain = selected(scripted((SELECT, other), session.opening()[0]))
    with pytest.raises(AuthenticationError, match="card challenge"):
        open_scp03(domain, session, 0x03, parameters=decode_parameters(0x03, 0x70))


@pytest.mark.parametrize(
    ("answer", "error", "words", "stop"),
    [
        ("6982", SecurityStatusError, "the keys are locked", True),
        ("6983", KeyBlockedError, "6983", True),
        ("6A88", NotFoundError, "INITIALIZE UPDATE with key version 00", False),
        ("6700", LengthError, "8 bytes of challenge were sent, a card in the other mode wants 16", False),
        ("9000", ProtocolError, "answered 0 bytes", False),
    ],
)
def test_refused_initialize_update_is_not_repeated(
    answer: str, error: type[CardkitError], words: str, stop: bool, scripted: CardMaker
) -> None:
    session = Recording(SCP03)
    domain = start(scripted, *NO_DATA, (session.opening()[0][0], answer))
    with pytest.raises(error, match=words) as caught:
        open_scp03(domain, session)
    assert caught.value.security_stop is stop
    assert caught.value.exit_code == (5 if stop else 1)


@pytest.mark.parametrize("cut", range(1, 32))
def test_greeting_of_another_length_is_refused(cut: int, scripted: CardMaker) -> None:
    session = Recording(SCP03)
    command, _ = session.opening()[0]
    domain = start(scripted, *NO_DATA, (command, session.greeting[:cut].hex() + "9000"))
    with pytest.raises(ProtocolError, match="INITIALIZE UPDATE"):
        open_scp03(domain, session)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("6300", AuthenticationError),
        ("63C2", AuthenticationError),
        ("6982", AuthenticationError),
        ("6983", KeyBlockedError),
        ("AABB9000", SecureMessagingError),
        ("6F00", CardkitError),
    ],
)
def test_refused_external_authenticate_is_not_repeated(
    answer: str, error: type[CardkitError], scripted: CardMaker
) -> None:
    session = Recording(SCP03)
    update, authenticate = session.opening()
    domain = selected(scripted(*_without_aid([*NO_DATA, update, (authenticate[0], answer)])))
    with pytest.raises(error):
        open_scp03(domain, session)
    assert domain.session is None


def test_key_version_asked_for_must_answer(scripted: CardMaker) -> None:
    session = Recording(_OTHER_VERSION)
    domain = start(scripted, session.opening()[0])
    with pytest.raises(ProtocolError, match="card uses key version 70, expected 20"):
        open_scp03(domain, session, 0x01, parameters=decode_parameters(0x02, 0x15))


def opened(scripted: CardMaker, *script: Script) -> tuple[SecurityDomain, Recording]:
    session = Recording(SCP03)
    domain = selected(scripted(*_without_aid([*NO_DATA, *session.opening(), *script])))
    open_scp03(domain, session)
    return domain, session


def test_session_that_ended_sends_nothing_any_more(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    first = session.outputs["commands"][0]["wrapped"]
    domain, session = opened(scripted, (first, "9000"))
    command = CommandAPDU.parse(bytes.fromhex(session.inputs["commands"][0]["plain"]))
    with pytest.raises(SecureMessagingError):
        domain.send(command, what="command")
    with pytest.raises(SecureMessagingError, match="not open"):
        domain.status(StatusKind.ISD)


def test_domain_whose_channel_selected_another_sends_nothing_in_clear(scripted: CardMaker) -> None:
    domain, _ = opened(scripted, (SELECT, FCI))
    SecurityDomain.select(domain._channel)
    with pytest.raises(SecureMessagingError, match="something else was selected"):
        domain.status(StatusKind.ISD)


def test_close_forgets_the_session(scripted: CardMaker) -> None:
    domain, _ = opened(scripted, ("80F28002024F0000", "6985"))
    session = domain.session
    domain.close()
    domain.close()
    assert session is not None
    assert session.ended
    with pytest.raises(CardkitError, match="6985"):
        domain.status(StatusKind.ISD)
    with pytest.raises(ProfileError, match="need an open session"):
        domain.dek()


def test_sensitive_data_go_under_the_static_dek_of_the_card(scripted: CardMaker) -> None:
    domain, _ = opened(scripted)
    encryptor = Cipher(algorithms.AES(bytes(range(0x40, 0x50))), modes.CBC(bytes(16))).encryptor()
    assert domain.dek().encrypt(bytes(32)) == encryptor.update(bytes(32))


def test_new_session_ends_the_old_one(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    domain, _ = opened(scripted, (session.opening()[0][0], session.greeting.hex() + "9000"))
    old = domain.session
    greeting = domain.greet(0, session.challenge)
    assert greeting.sequence == bytes.fromhex("000001")
    assert old is not None
    assert old.ended
    assert domain.session is None


def test_implicit_session_needs_the_counter(scripted: CardMaker) -> None:
    session = Recording("scp02-i15-cmac-pysim")
    domain = start(scripted, ("80CA00C100", "6A88"))
    with pytest.raises(ProtocolError, match="no sequence counter"):
        domain.open(session.keystore, session.keys, None, host_challenge=b"", parameters=decode_parameters(0x02, 0x1A))


def test_implicit_session_sends_nothing_by_itself(scripted: CardMaker) -> None:
    session = Recording("scp02-i15-cmac-pysim")
    domain = start(scripted, ("80CA00C100", "C1020001 9000"), ("80CA00CF00", "6A88"))
    opened = domain.open(
        session.keystore,
        session.keys,
        None,
        host_challenge=b"",
        parameters=decode_parameters(0x02, 0x1B),
    )
    assert opened.level == SecurityLevel.C_MAC
    assert domain.greeting is None


def test_long_command_goes_in_segments_as_long_as_the_domain_takes(scripted: CardMaker) -> None:
    fci = FCI.replace("9F6501FF", "9F650110")
    data = bytes(range(40))
    script = [
        (f"80E6840010{data[:16].hex()}", "9000"),
        (f"80E6840010{data[16:32].hex()}", "9000"),
        (f"80E6040008{data[32:].hex()}00", "009000"),
    ]
    domain = selected(scripted((SELECT, fci), *script))
    assert domain.send_segments(CommandAPDU(0x80, 0xE6, 0x04, 0x00, data, 256), what="INSTALL") == b"\x00"


def test_options_no_card_may_have_are_passed_over(scripted: CardMaker) -> None:
    session = Recording(SCP03)
    data = ("80CA006600", "661A 7318 6416 0609 2A864886FC6B040302 0609 2A864886FC6B040370 9000")
    assert [str(item) for item in selected(scripted(*_without_aid([data]))).protocols()] == ["SCP03 i=70"]
    domain = selected(scripted(*_without_aid([data, *session.opening()])))
    open_scp03(domain, session)


def test_first_option_with_the_level_is_taken_where_the_greeting_does_not_say(scripted: CardMaker) -> None:
    session = Recording("scp02-i35-level13-2")
    data = ("80CA006600", "661A 7318 6416 0609 2A864886FC6B040215 0609 2A864886FC6B040235 9000")
    domain = selected(scripted(*_without_aid([data, *session.opening()])))
    open_scp03(domain, session, 0x13)
    assert domain.session is not None
    assert str(domain.session.parameters) == "SCP02 i=35"
