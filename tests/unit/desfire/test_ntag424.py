"""NTAG 424 DNA: mirrors set up here, read from the virtual card and checked; sessions with LRP."""

from __future__ import annotations

import dataclasses
import os
from contextlib import nullcontext

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire import commands
from cardkit.apps.desfire.sdm import SdmOption, SdmSettings
from cardkit.apps.desfire.settings import AccessRights
from cardkit.apps.desfire.sun import check_rising, open_sun, template_of
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import AuthenticationError, ConditionsError, SecureMessagingError
from cardkit.secure.desfire import Authentication, KeyChange
from cardkit.virtual import make_card
from tests.unit.desfire.conftest import client_of, uid_of

NDEF = CommandAPDU(0x00, 0xA4, 0x04, 0x0C, bytes.fromhex("D2760000850101"))
APPLICATION = bytes((0, 0, 1))
ZEROS = DesfireKey.zero(KeyKind.AES)
OWN = DesfireKey(bytes(range(0x50, 0x60)), "own", KeyKind.AES, 4)
LRP = bytes(4) + b"\x02" + bytes(5)
NOBODY, MASTER, FREE = 0xF, 0, 0xE


@pytest.fixture
def chip():
    return make_card("ntag424", seed=1)


def opened(chip, how=None, number=0, key=ZEROS):
    """Power the card, select its application, open a session."""
    chip.power(True)
    client = client_of(chip)
    assert client.select_iso(NDEF, APPLICATION) == 0x9000
    if how is not None:
        client.authenticate(how, number, key, os.urandom)
    return client


def mirror(chip, text, key=ZEROS, **settings):
    """Write a text and let the card mirror into it; return a reader of it."""
    client = opened(chip, Authentication.EV2, key=key)
    client.write(2, 0, text)
    found = client.file_settings(2)
    sdm = SdmSettings(counter_return=NOBODY, **settings)
    wanted = dataclasses.replace(found, options=0x40, rights=AccessRights(FREE, 0, 0, 0), sdm=sdm)
    client.change_file_settings(2, wanted)
    assert client.file_settings(2) == wanted

    def read():
        reader = opened(chip)
        reader.assume(2, wanted)
        return reader.read(2, 0, len(text)).decode()

    return read


def checked(text, key=ZEROS):
    return open_sun(text, template_of(text), ZEROS, lambda uid: nullcontext(key))


def test_an_enciphered_mirror(chip):
    text = b"https://a.example/?e=" + b"0" * 32 + b"&c=" + b"0" * 16
    end = len(text) - 16
    read = mirror(
        chip,
        text,
        options=SdmOption.UID | SdmOption.COUNTER | SdmOption.ASCII,
        meta_read=0,
        file_read=0,
        picc_data_offset=21,
        mac_input_offset=end,
        mac_offset=end,
    )
    first, second = (checked(read()) for _ in range(2))
    assert (first.uid, first.counter) == (uid_of(chip), 1)
    check_rising(first, second)
    with pytest.raises(AuthenticationError, match="SDMMAC"):
        checked(read(), OWN)


def test_a_mirror_in_clear(chip):
    text = b"https://a.example/?uid=" + b"0" * 14 + b"&ctr=" + b"0" * 6 + b"&cmac=" + b"0" * 16
    end = len(text) - 16
    read = mirror(
        chip,
        text,
        options=SdmOption.UID | SdmOption.COUNTER | SdmOption.ASCII,
        meta_read=FREE,
        file_read=1,
        uid_offset=23,
        counter_offset=42,
        mac_input_offset=end,
        mac_offset=end,
    )
    found = checked(read())
    assert (found.uid, found.counter) == (uid_of(chip), 1)


def test_enciphered_file_data(chip):
    text = b"https://a.example/?e=" + b"0" * 32 + b"&enc=" + b"x" * 16 + b"0" * 16 + b"&c=" + b"0" * 16
    end = len(text) - 16
    read = mirror(
        chip,
        text,
        options=SdmOption.UID | SdmOption.COUNTER | SdmOption.FILE_DATA | SdmOption.ASCII,
        meta_read=2,
        file_read=1,
        picc_data_offset=21,
        mac_input_offset=58,
        enc_offset=58,
        enc_length=32,
        mac_offset=end,
    )
    assert checked(read()).data == b"x" * 16


# LRP


@pytest.fixture
def lrp(chip):
    """The card once it works with LRP only."""
    opened(chip, Authentication.EV2).send(commands.set_configuration(5, LRP), "SetConfiguration")
    return chip


def test_sessions_with_lrp(lrp):
    client = opened(lrp, Authentication.LRP)
    assert client.uid() == uid_of(lrp)
    client.change_key(KeyChange(1, OWN, ZEROS))
    assert client.key_version(1) == OWN.version
    before, settings = client.session, client.file_settings(3)
    client.authenticate(Authentication.LRP, 3, ZEROS, os.urandom)
    client.assume(3, settings)
    assert client.session.identifier == before.identifier
    client.write(3, 5, b"enciphered")
    client.authenticate(Authentication.LRP, 2, ZEROS, os.urandom)
    client.assume(3, settings)
    assert client.read(3, 5, 10) == b"enciphered"
    assert client.read(3, 0, 128) == bytes(5) + b"enciphered" + bytes(113)
    client.authenticate(Authentication.LRP, 1, OWN, os.urandom)


def test_after_the_switch_aes_is_refused(lrp):
    with pytest.raises(ConditionsError, match="permission denied"):
        opened(lrp, Authentication.EV2)
    with pytest.raises(AuthenticationError):
        opened(lrp, Authentication.LRP, key=OWN)


def test_an_answer_that_was_changed_ends_the_session(lrp):
    client = opened(lrp, Authentication.LRP)
    original = lrp.transmit

    def changed(command):
        answer = original(command)
        return bytes((answer[0] ^ 1,)) + answer[1:]

    lrp.transmit = changed
    with pytest.raises(SecureMessagingError):
        client.key_version(1)
    lrp.transmit = original
    with pytest.raises(SecureMessagingError, match="it is over"):
        client.key_version(1)
