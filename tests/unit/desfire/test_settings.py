"""Structures a card answers with: published examples, no byte lost, nothing else accepted; and the mode rule."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.desfire.commands import identifiers
from cardkit.apps.desfire.rights import effective_mode, rights_for
from cardkit.apps.desfire.settings import (
    FREE,
    NEVER,
    AccessRights,
    DataBody,
    FileSettings,
    FileType,
    KeySettings,
    ValueBody,
    second_byte,
)
from cardkit.apps.desfire.status import status_error
from cardkit.apps.desfire.version import Version
from cardkit.crypto.desfire import KeyKind
from cardkit.errors import AuthenticationError, ConditionsError, EncodingError, NotFoundError
from cardkit.secure.desfire import Mode

SDM = json.loads((Path(__file__).parents[2] / "vectors" / "ntag424_sdm.json").read_text(encoding="utf-8"))
READ, WRITE, VALUE, CREDIT, DEBIT, LIMITED, CHANGE = 0xBD, 0x3D, 0x6C, 0x0C, 0xDC, 0x1C, 0x5F


def test_file_settings_of_the_application_note():
    vector = next(vector for vector in SDM if vector["in"]["op"] == "parse-file-settings")
    data, expected = bytes.fromhex(vector["in"]["data"]), vector["out"]
    found = FileSettings.parse(data)

    assert data == found.build()
    assert (found.type, found.mode, found.rights.word) == (FileType.STANDARD, Mode.PLAIN, 0xEEEE)
    assert found.body == DataBody(expected["size"])
    sdm = found.sdm
    assert expected["sdm_options"] == f"{sdm.options:02x}"
    assert (expected["sdm_meta_read"], expected["sdm_file_read"], expected["sdm_ctr_ret"]) == (
        sdm.meta_read,
        sdm.file_read,
        sdm.counter_return,
    )
    assert expected["picc_data_offset"] == sdm.picc_data_offset
    assert expected["sdm_mac_input_offset"] == sdm.mac_input_offset
    assert (expected["sdm_enc_offset"], expected["sdm_enc_length"]) == (sdm.enc_offset, sdm.enc_length)
    assert expected["sdm_mac_offset"] == sdm.mac_offset


@pytest.mark.parametrize(
    "answer",
    [
        "00003012200000",
        "0103EF12000100",
        "0203EEEE00000000204E00000000000001",
        "0300F0EE1000000A0000030000",
        "0401F0EE1000000A0000090000",
        "0500F01F0201",
        "00833012200000021234ABCD",
    ],
)
def test_settings_survive_being_read(answer):
    assert answer == FileSettings.parse(bytes.fromhex(answer)).build().hex().upper()


def test_a_value_file_says_its_limits():
    found = FileSettings.parse(bytes.fromhex("020312F2FFFFFFFF204E0000E803000003"))
    assert (found.mode, found.body) == (Mode.FULL, ValueBody(-1, 20000, 1000, 3))
    assert (found.body.limited_credit, found.body.free_value) == (True, True)
    assert found.rights == AccessRights(0xF, 2, 1, 2)


@given(st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_settings_or_an_error(data):
    try:
        found = FileSettings.parse(data)
    except EncodingError:
        return
    assert data == found.build()


@given(st.binary(max_size=36))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_version_or_key_settings_or_an_error(data):
    for structure in (Version, KeySettings):
        with contextlib.suppress(EncodingError):
            assert data == structure.parse(data).build()


@given(st.integers(0, 0xFFFF))
@settings(max_examples=60, deadline=None)
def test_rights_are_a_word(word):
    assert AccessRights.of(word).word == word
    assert AccessRights.of(word).build() == word.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("hardware", "product"),
    [
        ("04010101001A05", "DESFire EV1"),
        ("04010112001A05", "DESFire EV2"),
        ("04010133001A05", "DESFire EV3"),
        ("04010100021805", "DESFire (MF3ICD40)"),
        ("04040230001105", "NTAG 424 DNA"),
        ("04010177001A05", "unknown, DESFire EV2"),
    ],
)
def test_products_are_named_and_unknown_ones_go_by_their_software(hardware, product):
    found = Version.parse(bytes.fromhex(hardware + "04010102011A05" + "04112233445566" + "BA64517120" + "2226"))
    assert (found.product, found.made) == (product, "22/26")
    low, high = found.hardware.storage_bytes
    assert low <= high


def test_the_second_byte_of_key_settings():
    assert [second_byte(3, kind, iso=False) for kind in KeyKind] == [0x03, 0x43, 0x83]
    assert second_byte(14, KeyKind.AES, iso=True, more=True) == 0xBE
    with pytest.raises(EncodingError, match="15 keys"):
        second_byte(15, KeyKind.AES, iso=False)


def test_identifiers_are_turned():
    assert list(identifiers(bytes.fromhex("9011F2563412"), 3)) == [bytes.fromhex("F21190"), bytes.fromhex("123456")]
    with pytest.raises(EncodingError, match="4 bytes"):
        identifiers(bytes(4), 3)


def test_a_status_becomes_its_error():
    error = status_error("file 3", 0xF0)
    assert (type(error), error.sw) == (NotFoundError, 0x91F0)


# The effective communication mode (transport sheet 3.5)


def data_file(read=1, write=2, both=3, change=0, mode=Mode.FULL):
    return FileSettings(FileType.STANDARD, mode, AccessRights(read, write, both, change), DataBody(32))


@pytest.mark.parametrize(
    ("op", "key", "rights", "expected"),
    [
        (READ, 1, (1, 2, 3, 0), Mode.FULL),
        (READ, 3, (1, 2, 3, 0), Mode.FULL),
        (READ, 5, (FREE, 2, 3, 0), Mode.PLAIN),
        (READ, None, (FREE, 2, 3, 0), Mode.PLAIN),
        (READ, 3, (FREE, 2, 3, 0), Mode.FULL),
        (WRITE, 2, (1, 2, 3, 0), Mode.FULL),
        (CREDIT, 3, (1, 2, 3, 0), Mode.FULL),
        (DEBIT, 1, (1, 2, 3, 0), Mode.FULL),
        (LIMITED, 2, (1, 2, 3, 0), Mode.FULL),
        (CHANGE, 0, (1, 2, 3, 0), Mode.FULL),
        (CHANGE, None, (1, 2, 3, FREE), Mode.PLAIN),
    ],
)
def test_the_mode_of_an_operation(op, key, rights, expected):
    assert effective_mode(op, data_file(*rights), key) is expected


@pytest.mark.parametrize(
    ("op", "key", "rights", "error"),
    [
        (READ, 2, (1, 2, 3, 0), AuthenticationError),
        (READ, None, (1, 2, 3, 0), AuthenticationError),
        (CREDIT, 2, (1, 2, 3, 0), AuthenticationError),
        (LIMITED, 1, (1, 2, 3, 0), AuthenticationError),
        (READ, 1, (NEVER, 2, NEVER, 0), ConditionsError),
        (CHANGE, 0, (1, 2, 3, NEVER), ConditionsError),
    ],
)
def test_what_the_card_would_refuse_is_not_sent(op, key, rights, error):
    with pytest.raises(error):
        effective_mode(op, data_file(*rights), key)


def test_a_value_anybody_may_read():
    rights = AccessRights(1, 2, 3, 0)
    free = FileSettings(FileType.VALUE, Mode.FULL, rights, ValueBody(0, 9, 0, 2))
    assert effective_mode(VALUE, free, None) is Mode.PLAIN
    assert effective_mode(VALUE, free, 1) is Mode.FULL
    with pytest.raises(AuthenticationError):
        effective_mode(CREDIT, free, None)


@given(
    st.sampled_from([READ, WRITE, VALUE, CREDIT, DEBIT, LIMITED, CHANGE]),
    st.one_of(st.none(), st.integers(0, 13)),
    st.integers(0, 0xFFFF),
    st.sampled_from(list(Mode)),
)
@settings(max_examples=300, deadline=None)
def test_the_rule_is_total_and_never_weaker_than_the_file(op, key, word, mode):
    """A right of the key gives the file's mode; a free one gives plain; nothing else is allowed."""
    found = FileSettings(FileType.STANDARD, mode, AccessRights.of(word), DataBody(1))
    opening = rights_for(op, found.rights)
    try:
        effective = effective_mode(op, found, key)
    except ConditionsError:
        assert set(opening) == {NEVER}
    except AuthenticationError:
        assert key not in opening
        assert FREE not in opening
    else:
        expected = Mode.FULL if op == CHANGE else mode
        assert effective is (expected if key is not None and key in opening else Mode.PLAIN)


def test_native_commands_and_their_status_are_explained():
    from cardkit.apdu import CommandAPDU
    from cardkit.explain import explain_command
    from cardkit.statuswords import meaning

    told = explain_command(CommandAPDU.parse(bytes.fromhex("90F500000102" + "00")))
    assert told[1] == ("INS", "F5", "GetFileSettings [DESFire]")
    assert meaning(0x91AE, cla=0x90).text == "authentication is missing or wrong"
    assert "proactive" in meaning(0x91AE).text
    chained = explain_command(CommandAPDU.parse(bytes.fromhex("90E2000001AA")))
    assert "STORE DATA" in chained[1][2]
