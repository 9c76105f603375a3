"""What sessions say before and instead of what they do, word by word."""

from __future__ import annotations

import pickle

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import CardKey, SessionKeys, parse_key_set
from cardkit.crypto.documentkeys import MessagingKeys
from cardkit.errors import AuthenticationError, KeyStoreError, ProfileError
from cardkit.secure.dek import Dek
from cardkit.secure.greeting import Greeting
from cardkit.secure.icao import IcaoSession
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.opening import check_card_challenge
from cardkit.secure.parameters import Quirks, decode_parameters
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.session import Sent, Terms, split


def test_an_option_of_scp02_that_says_nothing_of_initiation():
    with pytest.raises(ProfileError, match="bits 3 and 4 say explicit and implicit initiation, or neither"):
        decode_parameters(0x02, 0x00)


@pytest.mark.parametrize("i", [-1, 0x80, 0x100])
def test_an_option_of_scp02_that_is_no_byte_of_it(i):
    with pytest.raises(ProfileError, match="expected one byte with bit 8 clear"):
        decode_parameters(0x02, i)


def test_nothing_is_proven_before_an_answer():
    key = Key(bytes(range(16)), "S", "AES-128", Usage.DATA_MAC)
    terms = Terms(decode_parameters(0x03, 0x70), SecurityLevel(0x33), Quirks(), 255)
    session = Scp03Session(terms, SessionKeys(enc=key, mac=key, rmac=key), bytes(8))
    assert session.proven is False


def test_an_implicit_session_needs_its_own_dek():
    store = MemoryKeyStore.with_published_test_keys()
    dek = Dek(store, CardKey("test:gp-default-3des"), 8, chained=True)
    with pytest.raises(KeyStoreError) as caught:
        dek.encrypt(bytes(8))
    assert str(caught.value) == "implicit SCP02: sensitive data goes under the session's DEK, not a static one"


def test_secret_parts_of_a_command_with_le_are_its_data_alone():
    parts = (b"plain", Secret(b"hidden", "key"))
    assert split(CommandAPDU(0x80, 0xD8, 0x01, 0x81, parts, ne=256)) == (b"\x84\xd8\x01\x81", b"plainhidden")


def test_what_awaits_an_answer_shows_the_command_it_is_to():
    sent = Sent(SecurityLevel.C_MAC, bytes.fromhex("84CA00FE"))
    assert repr(sent) == "<awaits the answer to 84CA00FE>"
    with pytest.raises(TypeError, match=r"^<awaits the answer to 84CA00FE> refuses to be pickled or copied$"):
        pickle.dumps(sent)


def test_card_challenge_that_is_not_the_counters_is_named():
    store = MemoryKeyStore.with_published_test_keys()
    parameters, keys = decode_parameters(0x03, 0x70), parse_key_set("30=test:gp-default").for_card(b"")
    greeting = Greeting(bytes(10), 0x30, 0x03, 0x70, bytes(8), bytes(8), bytes.fromhex("0000AB"))
    with pytest.raises(AuthenticationError, match=r"sequence counter 0000AB and AID A000000151000000$"):
        check_card_challenge(parameters, greeting, bytes.fromhex("A000000151000000"), keystore=store, keys=keys)


def test_a_session_of_a_travel_document_ends_for_good():
    keys = MessagingKeys(*(Key(bytes(range(16)), name, "AES-128", Usage.SECURE_CHANNEL) for name in ("enc", "mac")))
    session = IcaoSession(keys)
    assert session.open is True
    session.close()
    assert session.open is False
    with keys.enc.reveal() as enc, keys.mac.reveal() as mac:
        assert (enc, mac) == (bytes(16), bytes(16))
