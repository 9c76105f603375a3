"""Frames: cut and joined, wrapped and raw; a card that never ends, or answers nothing, is stopped."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.desfire.commands import (
    PICC,
    Op,
    create_application,
    create_file,
    finalize_key_set,
    inform,
    initialize_key_set,
)
from cardkit.apps.desfire.settings import AccessRights, DataBody, FileSettings, FileType, RecordBody, ValueBody
from cardkit.channel import Channel
from cardkit.channel.native import Framing, NativeChannel
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import (
    AuthenticationError,
    EncodingError,
    ProtocolError,
    SecureMessagingError,
    StatusError,
    TransportError,
)
from cardkit.secure.desfire import Authentication, KeyChange, Mode
from cardkit.virtual import make_card
from tests.unit.desfire.conftest import client_of, inserted

ZEROS = DesfireKey.zero(KeyKind.AES)
DES = DesfireKey.zero(KeyKind.TDEA2)


class Scripted:
    """A connection that answers from a list, the last one for ever."""

    atr, protocol = b"\x3b\x81\x80\x01\x80\x80", 2

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def transmit(self, command):
        self.sent.append(command)
        return bytes.fromhex(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    transmit_frame = transmit


def native(*answers, framing=Framing.WRAPPED, frame=55):
    connection = Scripted(*answers)
    return NativeChannel(Channel(connection), framing, frame), connection


def test_a_command_is_wrapped():
    link, connection = native("01029100")
    assert link.send(0x6C, b"\x03") == (0, bytes((1, 2)))
    assert connection.sent == [bytes.fromhex("906C0000010300")]


def test_a_command_goes_out_raw():
    link, connection = native("000102", framing=Framing.RAW)
    assert link.send(0x6C, b"\x03") == (0, bytes((1, 2)))
    assert connection.sent == [bytes.fromhex("6C03")]


def test_frames_of_an_answer_are_joined():
    link, connection = native("0191AF", "0291AF", "039100")
    assert link.send(0x60, b"") == (0, bytes((1, 2, 3)))
    assert connection.sent[1:] == [bytes.fromhex("90AF000000")] * 2


def test_a_long_command_is_cut_and_a_refusal_in_its_midst_ends_it():
    link, connection = native("91AF", "91AF", "9100", frame=4)
    assert link.send(0x3D, bytes(range(10))) == (0, b"")
    assert [command.hex() for command in connection.sent] == [
        "903d0000040001020300",
        "90af0000040405060700",
        "90af000002080900",
    ]
    link, connection = native("91AF", "919D", frame=4)
    assert link.send(0x3D, bytes(10)) == (0x9D, b"")
    assert len(connection.sent) == 2


@pytest.mark.parametrize("answer", ["0091AF", "91AF"])
def test_a_card_that_never_ends_is_stopped(answer):
    link, connection = native(answer)
    with pytest.raises(ProtocolError, match=r"promises more|not finished"):
        link.send(0x6A, b"")
    assert len(connection.sent) < 1300


def test_a_card_that_knows_no_wrapping_is_refused():
    link, _ = native("6E00")
    with pytest.raises(StatusError, match="6E00"):
        link.send(0x60, b"")


@pytest.mark.parametrize("frame", [0, 256])
def test_frames_of_another_size_are_refused(frame):
    with pytest.raises(EncodingError, match=f"frames of {frame} bytes"):
        NativeChannel(Channel(Scripted("9100")), frame=frame)


# On the virtual card: every file type, in every kind of session, in both framings


def prepared(image, framing, how, kind, frame=55):
    """Return a client in an application of its own, and its key."""
    client = client_of(make_card(image, seed=2), framing, frame)
    client.authenticate(Authentication.ISO, 0, DES, os.urandom)
    second = {KeyKind.AES: 0x82, KeyKind.TDEA2: 0x02, KeyKind.TDEA3: 0x42}[kind]
    client.send(create_application(bytes.fromhex("F21190"), 0x0F, bytes((second,))), "create")
    client.select(bytes.fromhex("F21190"))
    key = DesfireKey.zero(kind)
    client.authenticate(how, 0, key, os.urandom)
    return client, key


SESSIONS = [
    pytest.param("desfire-ev1", Authentication.D40, KeyKind.TDEA2, id="D40"),
    pytest.param("desfire-ev1", Authentication.ISO, KeyKind.TDEA2, id="ISO 2TDEA"),
    pytest.param("desfire-ev1", Authentication.ISO, KeyKind.TDEA3, id="ISO 3TDEA"),
    pytest.param("desfire-ev1", Authentication.AES, KeyKind.AES, id="AES"),
    pytest.param("desfire-ev2", Authentication.AES, KeyKind.AES, id="EV2 card, AES"),
    pytest.param("desfire-ev2", Authentication.EV2, KeyKind.AES, id="EV2"),
    pytest.param("desfire-ev3", Authentication.EV2, KeyKind.AES, id="EV3"),
]
MODES = [Mode.PLAIN, Mode.MAC, Mode.FULL]


def make_file(client, number, kind, op, body, mode):
    settings = FileSettings(kind, mode, AccessRights(0, 0, 0, 0), body)
    client.send(create_file(op, number, settings, value=100), "create")
    assert client.file_settings(number).mode is mode


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize(("image", "how", "kind"), SESSIONS)
def test_every_file_type_in_every_session(image, how, kind, framing):
    client, _ = prepared(image, framing, how, kind)
    for place, mode in enumerate(MODES):
        base = 5 * place if image != "desfire-d40" else place
        make_file(client, base, FileType.STANDARD, Op.CREATE_STANDARD, DataBody(150), mode)
        data = os.urandom(140)
        client.write(base, 5, data)
        assert client.read(base, 5, 140) == data
    for place, mode in enumerate(MODES):
        number = place
        make_file(client, 20 + number if how is not Authentication.D40 else 1 + 5 * place, FileType.VALUE,
                  Op.CREATE_VALUE, ValueBody(0, 1000, 0, 1), mode)  # fmt: skip
        file = 20 + number if how is not Authentication.D40 else 1 + 5 * place
        client.change_value(Op.CREDIT, file, 50)
        client.commit()
        assert client.value(file) == 150
        client.change_value(Op.DEBIT, file, 30)
        client.commit()
        client.change_value(Op.LIMITED_CREDIT, file, 20)
        client.commit()
        assert client.value(file) == 140


@pytest.mark.parametrize(("image", "how", "kind"), SESSIONS)
def test_backup_and_record_files(image, how, kind):
    client, _ = prepared(image, Framing.WRAPPED, how, kind)
    for place, mode in enumerate(MODES):
        make_file(client, place, FileType.BACKUP, Op.CREATE_BACKUP, DataBody(40), mode)
        client.write(place, 0, b"\x11" * 40)
        assert client.read(place, 0, 40) == bytes(40)
        client.commit()
        assert client.read(place, 0, 40) == b"\x11" * 40
    for place, mode in enumerate(MODES):
        file = 5 + place
        make_file(client, file, FileType.CYCLIC, Op.CREATE_CYCLIC, RecordBody(20, 4, 0), mode)
        for number in range(5):
            client.write_record(file, bytes((number,)) * 20)
            client.commit()
        client.select(client.selected)
        client.authenticate(how, 0, DesfireKey.zero(kind), os.urandom)
        assert client.records(file) == tuple(bytes((number,)) * 20 for number in (2, 3, 4))


@pytest.mark.parametrize(("image", "how", "kind"), SESSIONS)
def test_keys_are_changed_in_every_combination(image, how, kind):
    client, zeros = prepared(image, Framing.WRAPPED, how, kind)
    size = kind.size_bytes
    first = DesfireKey(bytes(range(0x10, 0x10 + size)), "first", kind, 7)
    second = DesfireKey(bytes(range(0x50, 0x50 + size)), "second", kind, 9)
    client.change_key(KeyChange(1, first, zeros))
    assert client.key_version(1) == first.version
    client.change_key(KeyChange(1, second, first))
    client.change_key(KeyChange(0, first))
    with pytest.raises(SecureMessagingError, match="it is over"):
        client.key_version(0)
    client.select(client.selected)
    client.authenticate(how, 1, second, os.urandom)
    client.authenticate(how, 0, first, os.urandom)
    assert client.key_version(0) == first.version


def test_the_cards_key_becomes_aes_and_its_uid_is_told():
    chip = make_card("desfire-ev1", seed=2)
    client = client_of(chip)
    client.authenticate(Authentication.ISO, 0, DES, os.urandom)
    own = DesfireKey(bytes(range(0x20, 0x30)), "own", KeyKind.AES, 5)
    client.change_key(KeyChange(0x80, own))
    client.select(PICC)
    client.authenticate(Authentication.AES, 0, own, os.urandom)
    assert (client.key_version(0), client.uid()) == (5, chip.transmit(bytes.fromhex("FFCA000000"))[:-2])
    assert client.key_settings().kind is KeyKind.AES


def test_a_wrong_key_is_refused_once_and_for_all():
    client = client_of(make_card("desfire-ev2", seed=2))
    wrong = DesfireKey(bytes(range(16)), "wrong", KeyKind.TDEA2)
    with pytest.raises(AuthenticationError, match="91AE"):
        client.authenticate(Authentication.ISO, 0, wrong, os.urandom)


def test_a_key_is_only_changed_in_a_session():
    client = client_of(make_card("desfire-ev1", seed=2))
    with pytest.raises(AuthenticationError, match="outside a session"):
        client.change_key(KeyChange(0x80, ZEROS))


def test_a_session_that_is_over_is_not_followed_by_commands_in_clear():
    client, _ = prepared("desfire-ev1", Framing.WRAPPED, Authentication.AES, KeyKind.AES)
    with pytest.raises(StatusError):
        client.file_settings(9)
    with pytest.raises(SecureMessagingError, match="it is over"):
        client.key_settings()


@given(st.integers(16, 248), st.binary(min_size=1, max_size=300))
@settings(max_examples=8, deadline=None)
def test_where_a_command_is_cut_changes_nothing(frame, data):
    client, _ = prepared("desfire-ev2", Framing.WRAPPED, Authentication.EV2, KeyKind.AES, frame)
    make_file(client, 1, FileType.STANDARD, Op.CREATE_STANDARD, DataBody(300), Mode.FULL)
    client.write(1, 0, data)
    assert client.read(1, 0, len(data)) == data


def test_the_version_is_protected_in_a_session():
    for image, how in (("desfire-ev1", Authentication.AES), ("desfire-ev2", Authentication.EV2)):
        client, _ = prepared(image, Framing.WRAPPED, how, KeyKind.AES)
        assert client.version().product == f"DESFire {image[-3:].upper()}"
        assert client.free_memory() > 0
        assert client.signature()


def test_names_of_applications_are_listed():
    client = client_of(make_card("desfire-ev2", seed=2))
    for number in (1, 2):
        name = bytes((0xA0, number))
        client.send(create_application(bytes((0xF0, 0, number)), 0x0F, b"\x81", 0x1000 + number, name), "create")
    assert client.applications() == (bytes.fromhex("F00001"), bytes.fromhex("F00002"))
    assert client.df_names() == {
        bytes.fromhex("F00001"): (0x1001, bytes.fromhex("A001")),
        bytes.fromhex("F00002"): (0x1002, bytes.fromhex("A002")),
    }
    client.authenticate(Authentication.ISO, 0, DES, os.urandom)
    client.send(inform(Op.FORMAT, answer=0), "format")
    assert client.applications() == ()


def test_reader_and_client_agree():
    card = inserted(make_card("desfire-ev1", seed=2))
    assert DesfireClient(NativeChannel(card.channel)).version().uid == card.channel.connection.transmit(
        bytes.fromhex("FFCA000000")
    )[:-2]  # fmt: skip


def test_a_connection_without_raw_frames_says_so():
    class ApdusOnly:
        atr, protocol = b"\x3b\x81", 2

        def transmit(self, command):
            return b"\x91\x00"

    with pytest.raises(EncodingError, match="carries APDUs only"):
        NativeChannel(Channel(ApdusOnly()), Framing.RAW)


def test_a_raw_frame_without_answer_means_that_the_card_is_gone():
    chip = make_card("desfire-ev1", seed=2)
    connection = inserted(chip).channel.connection
    with pytest.raises(EncodingError, match="native frame has 0 bytes"):
        connection.transmit_frame(b"")
    chip.transmit = lambda command: b""
    with pytest.raises(TransportError):
        connection.transmit_frame(b"\x60")
    with pytest.raises(TransportError, match="given up"):
        connection.transmit_frame(b"\x60")


def test_key_sets_are_filled_and_rolled():
    client = client_of(make_card("desfire-ev2", seed=2))
    client.authenticate(Authentication.ISO, 0, DES, os.urandom)
    aid = bytes.fromhex("F21190")
    # ks2 with ks3; key sets, version 5, two of them, keys of 16 bytes, key 0 rolls
    client.send(create_application(aid, 0x0B, bytes.fromhex("920105021000")), "create")
    client.select(aid)
    client.authenticate(Authentication.EV2, 0, ZEROS, os.urandom)
    assert client.key_settings().rest == bytes.fromhex("0105021000")
    new = [DesfireKey(bytes(range(start, start + 16)), "new", KeyKind.AES, start) for start in (0x20, 0x40)]
    client.send(initialize_key_set(1, 2), "InitializeKeySet")
    for number, key in enumerate(new):
        client.change_key(KeyChange(number, key, ZEROS, key_set=1))
    client.send(finalize_key_set(1, 7), "FinalizeKeySet")
    assert client.key_version(1) == 0
    client.send(inform(Op.ROLL_KEY_SET, b"\1", 0), "RollKeySet")
    client.select(aid)
    for number, key in enumerate(new):
        client.authenticate(Authentication.EV2, number, key, os.urandom)
    assert client.key_version(1) == 0x40


def test_a_key_set_is_made_under_the_older_protection():
    """The MAC of such a command is sent, which that of other commands is not."""
    client = client_of(make_card("desfire-ev2", seed=2))
    client.authenticate(Authentication.ISO, 0, DES, os.urandom)
    aid = bytes.fromhex("F21190")
    client.send(create_application(aid, 0x0B, bytes.fromhex("920105021000")), "create")
    client.select(aid)
    client.authenticate(Authentication.AES, 0, ZEROS, os.urandom)
    client.send(initialize_key_set(1, 2), "InitializeKeySet")
    client.send(finalize_key_set(1, 7), "FinalizeKeySet")
    assert client.key_settings().keys == 2
