"""Applications, names, file settings: lists, duplicates, limits, and a memory that fails."""

import pytest

from cardkit.virtual import make_card
from cardkit.virtual.errors import WriteFailedError
from tests.card.desfire.host import FULL, Host, RefusedError
from tests.card.desfire.test_sessions import SCHEMES, ready

ZERO = bytes(16)


def named(host):
    """Three applications, two with names."""
    host.plain("ca1111100f011f11")
    host.plain("ca2222200f012f22" + b"App2".hex())
    host.plain("ca3333300f213f33" + b"App3".hex())
    host.plain("ca4444400f01")
    return host


@pytest.fixture
def host():
    return Host(make_card("desfire-ev1", seed=1))


def test_names_come_one_in_a_frame(host):
    named(host)
    frames = [host.exchange(0x6D), host.exchange(0xAF), host.exchange(0xAF)]
    assert [(status, data.hex()) for status, data in frames] == [
        (0xAF, "1111101f11"),
        (0xAF, "2222202f22" + b"App2".hex()),
        (0x00, "3333303f33" + b"App3".hex()),
    ]
    host.authenticate(0x0A, 0, ZERO)
    host.send(0xFC)
    assert host.send(0x6D) == b""


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("ca1111100f01", 0xDE), ("ca5555500f011f11", 0xDE), ("ca5555500f015f55" + b"App2".hex(), 0xDE),
        ("ca5555500f015f55" + b"App4".hex(), 0x00), ("ca5555500f015f55" + "61" * 17, 0x7E),
        ("ca5555500f015f55" + "61" * 16, 0x00),
    ],
)  # fmt: skip
def test_names_and_numbers_are_unique(host, command, status):
    assert named(host).status(command) == status


def test_files_with_iso_identifiers(host):
    named(host)
    host.plain("5a333330")
    for command in ("cd013412 00eeee200000", "cb024523 00eeee200000", "c1035634 00eeee200000 0a0000"):
        host.plain(command)
    host.plain("cc0400eeee 00000000 64000000 32000000 00")
    assert host.plain("61").hex() == "341245235634"
    assert host.plain("6f").hex() == "01020304"
    assert host.status("cd05341200eeee200000") == 0xDE
    assert host.status("cd05003f00eeee200000") == 0x9E
    assert host.status("cd0500eeee200000") == 0x7E
    assert host.status("cd01777700eeee200000") == 0xDE


def test_28_applications_on_ev1(host):
    for number in range(28):
        host.plain(f"ca{number + 1:02x}00000f00")
    assert host.status("caff00000f00") == 0xCE
    status, first = host.exchange(0x6A)
    assert (status, len(first)) == (0xAF, 57)
    assert len(first + host.exchange(0xAF)[1]) == 28 * 3


@pytest.mark.parametrize("name", SCHEMES)
def test_file_settings_change(name):
    host = ready(name)
    host.send(0x5F, "00", bytes.fromhex("032001"), FULL)
    assert host.send(0xF5, "00") == bytes.fromhex("00032001c80000")
    with pytest.raises(RefusedError, match="9E"):
        host.send(0x5F, "00", bytes.fromhex("035555"), FULL)


@pytest.mark.parametrize(("option", "data", "status"), [
    ("00", "04", "9E"), ("03", "20", None), ("04", "04", "9E"), ("05", "00" * 10, None), ("09", "00", "9E"),
    ("02", "067577810280", None), ("02", "0275f7", "9E"), ("00", "0000", "7E"),
])  # fmt: skip
def test_configuration(option, data, status):
    host = Host(make_card("desfire-ev2", seed=1))
    host.authenticate(0x1A, 0, ZERO)
    host.change_key(0, ZERO, version=0, kind=0x80)
    host.authenticate(0x71, 0, ZERO)
    if status is None:
        host.send(0x5C, option, bytes.fromhex(data), FULL)
        return
    with pytest.raises(RefusedError, match=status):
        host.send(0x5C, option, bytes.fromhex(data), FULL)


@pytest.mark.parametrize("command", ["ca0102030f01", "cd0100eeee100000", "3d020000000100000a"])
def test_a_memory_that_fails_leaves_everything(host, command):
    host.plain("ca0a0b0c0f01")
    if not command.startswith("ca"):
        host.plain("5a0a0b0c")
        host.plain("cd0200eeee100000")
    before = dict(host.card.memory())

    def fails(cell, value):
        if not cell.startswith("journal"):
            raise WriteFailedError(cell)
        return value

    host.card.chip.memory.intercept = fails
    assert host.status(command) == 0xEE
    host.card.chip.memory.intercept = None
    assert host.card.memory() == before
    host.plain(command)


def test_iso_writes_into_a_memory_that_fails(host):
    host.plain("ca0a0b0c0f210110")
    host.plain("5a0a0b0c")
    host.plain("cd0201e100eeee100000")

    def fails(cell, value):
        raise WriteFailedError(cell)

    host.card.chip.memory.intercept = fails
    assert host.card.transmit(bytes.fromhex("00D6820001AA")).hex() == "6581"


def test_an_application_deletes_itself(host):
    named(host)
    host.plain("5a111110")
    host.authenticate(0x0A, 0, ZERO)
    assert host.plain("da111110") == b""
    assert host.status("5a111110") == 0xA0
    assert host.plain("45") == bytes.fromhex("0f01"), "the PICC level is selected"


def test_memory_is_full():
    host = Host(make_card("desfire-d40", seed=1))
    host.plain("ca0102030f01")
    host.plain("5a010203")
    host.plain("cd0000eeee000b00")
    assert host.status("cd0100eeee000500") == 0x0E
    assert host.plain("6f") == b"\x00"


def test_keys_of_the_picc_level_are_nothing_to_applications():
    host = Host(make_card("desfire-ev2", seed=1))
    assert host.plain("6410") == b"\x00"
    host.plain("ca0102030f83")
    host.plain("5a010203")
    for command in ("6410", "aa10", "7110 00", "6403"):
        assert host.status(command) == 0x40


def test_memory_of_a_deleted_application_is_lost_before_ev2(host):
    free = host.plain("6e")
    host.plain("ca0102030f01")
    less = host.plain("6e")
    host.authenticate(0x0A, 0, ZERO)
    host.send(0xDA, "010203")
    assert host.plain("6e") == less
    host.send(0xFC)
    assert host.plain("6e") == free


@pytest.mark.parametrize("command", ["3b0100000000000000", "3d0200000000000000", "db010000000000000000000000"])
def test_writes_of_nothing_are_refused(host, command):
    host.plain("ca0102030f01")
    host.plain("5a010203")
    host.plain("c10100eeee040000040000")
    host.plain("cd0200eeee040000")
    assert host.status(command[:-2]) == 0x9E


def test_counters_are_told_to_those_who_may(ntag):
    host = Host(ntag.card)
    ntag.card.transmit(bytes.fromhex("00A4040C07D2760000850101"))
    assert host.status("f602") == 0x9D
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5F, "02", bytes.fromhex("40eeee c1 f1ff"), FULL)
    with pytest.raises(RefusedError, match="AE"):
        host.send(0xF6, "02", mode=FULL)
    host.authenticate(0x71, 1, ZERO)
    assert host.send(0xF6, "02", mode=FULL) == bytes(5)


def test_applications_delete_themselves_only_where_anybody_may(host):
    named(host)
    host.authenticate(0x0A, 0, ZERO)
    host.send(0x54, "", b"\x0b", FULL)
    host.plain("5a111110")
    host.authenticate(0x0A, 0, ZERO)
    assert host.status("da111110") == 0x9D
    host.plain("5a000000")
    host.authenticate(0x0A, 0, ZERO)
    host.send(0xDA, "111110")


@pytest.mark.parametrize(("offset", "length", "status"), [
    (0, 32, 0x00), (31, 1, 0x00), (31, 2, 0xBE), (32, 0, 0xBE), (0, 33, 0xBE), (31, 0, 0x00),
])  # fmt: skip
def test_reads_end_where_the_file_ends(host, offset, length, status):
    host.plain("ca0102030f01")
    host.plain("5a010203")
    host.plain("cd0100eeee200000")
    assert host.status(f"bd01{offset:02x}0000{length:02x}0000") == status
