"""Administration: templates as the sheet has them, and a file system built on a card without any."""

from __future__ import annotations

import pytest

from cardkit import open_card
from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc import admin
from cardkit.apps.uicc.admin import NewDirectory, NewFile, by_reference, create_file
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.fcp import Fcp, PinState
from cardkit.apps.uicc.files.spec import Structure
from cardkit.errors import EncodingError, ProfileError, StatusError

unhex = bytes.fromhex
ALWAYS = unhex("8C 03 03 00 00")  # compact: read and update always
OPEN = unhex("AB05 80017F 9000")  # expanded: everything always
RESIZABLE = unhex("AB0A 80017F 9000 8401D4 9000")
RULES = by_reference(0x2F06, 1)
T, LINEAR, CYCLIC, BER = Structure.TRANSPARENT, Structure.LINEAR_FIXED, Structure.CYCLIC, Structure.BER_TLV


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NewFile(0x2FE2, T, 10, by_reference(0x2F06, 10), sfi=2),
         "6218 82024121 83022FE2 8A0105 8B032F060A 8002000A 880110"),
        (NewFile(0x6F39, CYCLIC, 9, by_reference(0x6F06, 6), 3, sfi=0x1C, life_cycle=3),
         "621A 820446210003 83026F39 8A0103 8B036F0606 80020009 8801E0"),
        (NewFile(0x6F3A, LINEAR, 300, RULES, 30, sfi=0, fill=b"\xff"),
         "621E 82044221001E 83026F3A 8A0105 8B032F0601 8002012C 8800 A503C101FF"),
        (NewFile(0x4F01, BER, 0x1000, RULES, special=0x40, repeat=b"\x00\xff"),
         "621E 82027921 83024F01 8A0105 8B032F0601 80021000 A507C00140C20200FF"),
        (NewFile(0x6F07, T, 9, ALWAYS), "6217 82024121 83026F07 8A0105 8C03030000 80020009"),
        (NewDirectory(0x7FF0, RULES, 1000, unhex("A0000000871002"), (PinState(1, enabled=True),)),
         "622B 82027821 83027FF0 8407A0000000871002 8A0105 8B032F0601 810203E8 C606900180830101"),
        (NewDirectory(0x5F3B, RULES, 256, life_cycle=1), "621A 82027821 83025F3B 8A0101 8B032F0601 81020100 C6029000"),
    ],
)  # fmt: skip
def test_templates_are_written_as_the_sheet_says(new, expected):
    whole = unhex(expected)
    assert len(whole) == 2 + len(new.template()[2:])
    assert new.template()[2:] == whole[2:]
    assert create_file(new).encode() == b"\x00\xe0\x00\x00" + bytes((len(new.template()),)) + new.template()
    assert Fcp.parse(new.template()).fid == new.fid


def test_pin_status_of_a_real_card():
    keys = [PinState(ref, enabled=on) for ref, on in ((0x01, False), (0x0A, True), (0x0B, True), (0x81, True))]

    assert admin.pin_status(keys) == unhex("90017083010183010A83010B830181")
    nine = admin.pin_status([PinState(number, enabled=number in (1, 9)) for number in range(1, 10)])
    assert nine[:4] == unhex("90028080")
    assert admin.pin_status([]) == unhex("9000")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (admin.delete_file(0x6F07), "00E40000026F07"),
        (admin.resize_file(0x6F07, 0x0102), "80D400000A" + "62088302 6F07 8002 0102"),
        (admin.resize_directory(0x7F10, 500), "80D400000A" + "62088302 7F10 8102 01F4"),
        (admin.activate(), "00440000"),
        (admin.deactivate(), "00040000"),
        (admin.activate((0x7F20, 0x6F07)), "00440800047F206F07"),
        (admin.deactivate((0x2F05,)), "00040800022F05"),
        (admin.terminate_ef(irreversible=True), "00E80000"),
        (admin.terminate_df(irreversible=True), "00E60000"),
        (admin.terminate_card(irreversible=True), "00FE0000"),
    ],
)
def test_commands_are_written_as_the_sheet_says(command, expected):
    assert command.encode() == unhex(expected)


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (admin.terminate_ef, "TERMINATE EF"),
        (admin.terminate_df, "TERMINATE DF"),
        (admin.terminate_card, "TERMINATE CARD USAGE"),
    ],
)
def test_nothing_is_ended_by_accident(end, name):
    with pytest.raises(ProfileError, match=f"^{name}: cannot be taken back, expected irreversible=True$"):
        end(irreversible=False)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: NewFile(0x6F3A, LINEAR, 31, RULES, 30), "file 6F3A: 31 bytes in records of 30"),
        (lambda: NewFile(0x6F3A, LINEAR, 30, RULES), "file 6F3A: 30 bytes in records of 0"),
        (lambda: NewFile(0x6F3A, CYCLIC, 256, RULES, 256), "file 6F3A: 256 bytes in records of 256"),
        (lambda: NewFile(0x6F3A, LINEAR, 0, RULES, 3), "file 6F3A: 0 bytes in records of 3"),
        (lambda: NewFile(0x6F3A, LINEAR, 255, RULES, 1), "file 6F3A: 255 bytes in records of 1"),
        (lambda: NewFile(0x6F3A, T, 30, RULES, 30), "file 6F3A: a transparent file has no records"),
        (lambda: NewFile(0x6F3A, BER, 30, RULES, 30), "file 6F3A: a BER-TLV file has no records"),
        (lambda: NewFile(0x6F3A, T, 30, RULES, sfi=31), "file 6F3A: SFI 31, expected 1 to 30, or 0 for none"),
        (lambda: NewFile(0x6F3A, T, 30, RULES, sfi=-1), "file 6F3A: SFI -1, expected 1 to 30, or 0 for none"),
        (lambda: NewFile(0x6F3A, T, 30, RULES, fill=b"a", repeat=b"b"), "file 6F3A: a fill pattern and a repeat"),
        (lambda: NewFile(0x6F3A, T, 0, RULES).template(), "size of 0 bytes: expected 1 to 65535"),
        (lambda: NewFile(0x6F3A, T, 65536, RULES).template(), "size of 65536 bytes: expected 1 to 65535"),
        (lambda: NewFile(0x10000, T, 1, RULES).template(), "file identifier 10000: expected two bytes"),
        (lambda: admin.delete_file(-1), "file identifier -1: expected two bytes"),
    ],
)
def test_files_no_card_can_have_are_refused(make, text):
    with pytest.raises(EncodingError, match=f"^{text}"):
        make()


def test_largest_files():
    assert NewFile(0x6F3A, LINEAR, 254, RULES, 1).record_count == 254
    assert NewFile(0x6F3A, LINEAR, 255, RULES, 255, sfi=30).record_count == 1
    assert NewFile(0xFFFF, T, 0xFFFF, RULES).record_count == 0


# On a card without any file.


@pytest.fixture
def bare():
    with open_card("virtual:uicc-bare", seed=3) as card:
        session = UiccSession(card.channel)
        assert card.channel.send(CommandAPDU(0, 0x20, 0, 0x0A, unhex("4142434445464748"))).sw == 0x9000
        yield session


def build(session, *files):
    for new in files:
        session.require(create_file(new), "CREATE FILE")


def test_a_file_system_is_built_read_and_changed(bare):
    build(bare, NewDirectory(0x3F00, OPEN, 2000, pins=(PinState(1, enabled=False),)))
    text = NewFile(0x2F05, T, 6, RESIZABLE, sfi=5, fill=b"\x01\x02")
    build(bare, text)
    assert bare.read_binary(6) == unhex("010202020202")
    assert text.differences(bare.select((0x2F05,))) == []

    bare.select(())
    records = NewFile(0x2F08, LINEAR, 12, OPEN, 4, sfi=0, repeat=b"\xaa\xbb\xcc")
    build(bare, records)
    assert bare.read_record(3, 4) == unhex("AABBCCAA")
    assert records.differences(bare.select((0x2F08,))) == []
    assert text.differences(bare.select((0x2F08,))) == [
        "structure: linear fixed, expected transparent",
        "size: 12, expected 6",
        "record length: 4, expected none",
        "short identifier: none, expected 5",
    ]

    bare.select(())
    bare.require(admin.resize_file(0x2F05, 8), "RESIZE FILE")
    bare.select((0x2F05,))
    assert bare.read_binary(8)[:6] == unhex("010202020202")

    bare.require(admin.deactivate(), "DEACTIVATE FILE")
    with pytest.raises(StatusError):
        bare.read_binary(1)
    bare.require(admin.activate((0x2F05,)), "ACTIVATE FILE")
    bare.select((0x2F05,))
    assert bare.read_binary(1) == b"\x01"

    bare.select(())
    with pytest.raises(StatusError, match="6A89"):
        build(bare, text)
    bare.require(admin.delete_file(0x2F05), "DELETE FILE")
    with pytest.raises(StatusError, match="6A82"):
        bare.select((0x2F05,))


def test_a_terminated_file_is_only_deleted(bare):
    build(bare, NewDirectory(0x3F00, OPEN, 2000), NewDirectory(0x7F10, OPEN, 500))
    build(bare, NewFile(0x6F3A, T, 4, OPEN))
    bare.require(admin.terminate_ef(irreversible=True), "TERMINATE EF")
    with pytest.raises(StatusError):
        bare.read_binary(1)
    bare.enter((0x7F10,))
    bare.require(admin.delete_file(0x6F3A), "DELETE FILE")


def test_access_rules_of_another_record_are_another_file():
    new = NewFile(0x6F07, T, 9, by_reference(0x6F06, 3))

    assert new.differences(Fcp.parse(NewFile(0x6F07, T, 9, by_reference(0x6F06, 4)).template())) == [
        "access rules: 6F06 record 4, expected 6F06 record 3"
    ]
    assert new.differences(Fcp.parse(NewFile(0x6F07, T, 9, ALWAYS).template())) == [
        "access rules: none, expected 6F06 record 3"
    ]
    assert NewFile(0x6F07, T, 9, ALWAYS).differences(Fcp.parse(new.template())) == []
