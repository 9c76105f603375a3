"""What EV2 added: the transaction MAC, delegated applications, key sets, additional access rights."""

import pytest

from cardkit.virtual import make_card
from tests.card.desfire.host import FULL, MACED, Host, RefusedError, cbc, cmac, crc32

ZERO = bytes(16)
KEY = bytes(range(16))


def application(*files, keys="83", extension=""):
    host = Host(make_card("desfire-ev2", seed=1))
    host.plain(f"ca0102030f{keys}{extension}")
    host.plain("5a010203")
    for file in files:
        host.plain(file)
    return host.authenticate(0x71, 0, ZERO)


def refused(status, call, *arguments, **named):
    with pytest.raises(RefusedError, match=status):
        call(*arguments, **named)


# the transaction MAC


def with_mac(rights="000f"):
    """A file of values, one of backup, and the transaction MAC; its rights little endian."""
    host = application("cc0100000000000000640000003200000000", "cb02000000200000")
    host.send(0xCE, f"0500{rights}02", KEY + b"\x07", FULL)
    return host


def padded(data):
    return data + bytes(-len(data) % 16)


def session_keys(host, counter):
    uid = b"\x04" + host.card.serial
    vector = bytes.fromhex("00010080") + counter.to_bytes(4, "little") + uid
    return cmac(KEY, b"\x5a" + vector), cmac(KEY, b"\xa5" + vector)


def test_mac_of_a_transaction():
    """Over the reading, the credit and the write, in order (sheet 3.10)."""
    host = with_mac(rights="f00f")
    assert host.send(0xF5, "05") == bytes.fromhex("0500f00f0207")
    host.send(0xBD, "02000000040000", mode=0)
    host.send(0x0C, "01", bytes.fromhex("05000000"), 0)
    host.send(0x3D, "02000000030000", b"abc", 0)
    answer = host.send(0xC7, "01")
    fed = [bytes.fromhex("bd02000000040000"), bytes(4), bytes.fromhex("0c0105000000"),
           bytes.fromhex("3d02000000030000"), b"abc"]  # fmt: skip
    mac, _ = session_keys(host, 1)
    assert answer == (1).to_bytes(4, "little") + cmac(mac, b"".join(map(padded, fed)))[1::2]
    assert host.send(0xBD, "05000000000000", mode=0) == answer
    host.send(0x0C, "01", bytes.fromhex("01000000"), 0)
    assert host.send(0xC7) == b""
    assert host.send(0xBD, "05000000040000", mode=0) == (2).to_bytes(4, "little")


def test_reader_id_is_asked_for():
    host = with_mac(rights="100f")
    host.send(0x0C, "01", bytes.fromhex("05000000"), 0)
    refused("9D", host.send, 0xC7, "01")
    host.authenticate(0x71, 1, ZERO)
    assert int.from_bytes(host.card.chip.state.body(1)[:4], "little") == 0x32, "taken back"


def test_reader_id_comes_back_enciphered():
    host = with_mac(rights="000f")
    previous = bytes(16)
    for counter, reader in ((1, b"R" * 16), (2, b"S" * 16)):
        host.send(0x0C, "01", bytes.fromhex("05000000"), 0)
        answer = host.send(0xC8, "", reader, FULL)
        _, enc = session_keys(host, counter)
        assert cbc(enc, ZERO, answer, decrypt=True) == previous
        assert host.send(0xC7, "01")[:4] == counter.to_bytes(4, "little")
        previous = reader


@pytest.mark.parametrize("rights", ["000e", "0000"])
def test_nobody_writes_that_file(rights):
    host = application()
    refused("9E", host.send, 0xCE, f"0500{rights}02", KEY + b"\x07", FULL)


def test_one_such_file_in_an_application():
    host = with_mac()
    refused("DE", host.send, 0xCE, "0600000f02", KEY + b"\x07", FULL)


# delegated applications

AUTH, MAC, ENC = b"\x10" * 16, b"\x11" * 16, b"\x12" * 16


def owner():
    """A card whose owner has set the keys for delegation, and a session with the first."""
    host = Host(make_card("desfire-ev2", seed=1))
    host.authenticate(0x1A, 0, ZERO)
    host.change_key(0, ZERO, version=0, kind=0x80)
    host.authenticate(0x71, 0, ZERO)
    for number, key in ((0x10, AUTH), (0x11, MAC), (0x12, ENC)):
        host.change_key(number, key, ZERO, version=1)
        assert host.send(0x64, f"{number:02x}") == b"\x01"
    return host.authenticate(0x71, 0x10, AUTH)


def delegation(aid="0a0b0c", slot="0100", quota=10, key=KEY):
    described = bytes.fromhex(f"{aid}{slot}05") + quota.to_bytes(2, "little") + bytes.fromhex("0f83")
    sealed = cbc(ENC, ZERO, bytes(7) + key + b"\x21" + bytes(8))
    return described, sealed + cmac(MAC, b"\xc9" + described + sealed)[1::2]


def delegate(host, described, proof):
    body = described + proof + host._mact(b"\xc9" + host._count() + host.ti + described + proof)
    status, found = host.exchange(0xC9, described)
    assert (status, found) == (0xAF, b"")
    status, found = host.exchange(0xAF, body[len(described) :])
    if status:
        raise RefusedError(status)
    assert host._ev2_in(0xC9, found, MACED, None) == b""


def test_delegated_application():
    host = owner()
    free = int.from_bytes(host.send(0x6E), "little")
    delegate(host, *delegation())
    assert int.from_bytes(host.send(0x6E), "little") == free - 10 * 32
    assert host.send(0x69, "0100") == bytes.fromhex("05 0a00 0700 0a0b0c")
    refused("A0", host.send, 0x69, "0200")
    host.plain("5a0a0b0c")
    assert host.plain("6402") == b"\x21"
    host.authenticate(0xAA, 0, KEY)
    refused("0E", host.send, 0xCD, "01000000010100")
    host.authenticate(0xAA, 0, KEY)
    host.send(0xCD, "01000000e00000")


def test_delegation_is_refused():
    host = owner()
    described, proof = delegation()
    refused("1E", delegate, host, described, proof[:-1] + bytes((proof[-1] ^ 1,)))
    host.authenticate(0x71, 0x10, AUTH)
    refused("0E", delegate, host, *delegation(quota=1000))
    host.authenticate(0x71, 0x10, AUTH)
    delegate(host, described, proof)
    refused("DE", delegate, host, *delegation(aid="0d0e0f"))
    host.authenticate(0x71, 0, ZERO)
    refused("AE", host.send, 0xC9, described.hex(), proof, MACED)


# key sets


def test_a_key_set_is_prepared_and_rolled_to():
    host = application(keys="93", extension="0101021001")
    assert host.send(0x45) == bytes.fromhex("0f93 0101021001")
    refused("40", host.send, 0x56, "0002")
    host.authenticate(0x71, 0, ZERO)
    host.send(0x56, "0102")
    refused("9D", host.send, 0x55, "01")
    host.authenticate(0x71, 0, ZERO)
    body = host._ev2_out(0xC6, bytes.fromhex("0102"), KEY + b"\x05" + crc32(KEY), FULL)
    status, found = host.raw(0xC6, bytes.fromhex("0102") + body)
    assert status == 0
    host._ev2_in(0xC6, found, MACED, None)
    assert host.send(0x64, "02") == b"\x00", "the active set is as it was"
    host.send(0x57, "0133")
    host.send(0x55, "01")
    host.scheme = None
    assert host.plain("6402") == b"\x05"
    host.authenticate(0x71, 2, KEY)


def test_no_key_sets_without_room_for_them():
    host = application()
    refused("9D", host.send, 0x56, "0102")


# additional access rights


def test_additional_rights_open_a_file():
    host = application("cd0100f0ff200000")
    refused("9D", host.send, 0x3D, "01000000010000", b"x", 0)
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5F, "01", bytes.fromhex("80 f0ff 02 fff1 ff2f"), FULL)
    assert host.send(0xF5, "01") == bytes.fromhex("00 80 f0ff 200000 02 fff1 ff2f")
    refused("AE", host.send, 0x3D, "01000000010000", b"x", 0)
    host.authenticate(0x71, 1, ZERO)
    host.send(0x3D, "01000000010000", b"x", 0)
    host.authenticate(0x71, 2, ZERO)
    assert host.send(0xBD, "01000000010000", mode=0) == b"x"


# the proximity check


@pytest.mark.parametrize("sizes", [(8,), (1,) * 8, (3, 5)])
def test_proximity_check(sizes):
    host = Host(make_card("desfire-ev2", seed=1))
    fed = host.plain("f0")
    assert fed[:1] == b"\x00"
    for size in sizes:
        sent = bytes(range(size))
        fed += host.plain(f"f2{size:02x}{sent.hex()}") + sent
    told, expected = (cmac(ZERO, code + fed)[1::2] for code in (b"\xfd", b"\x90"))
    assert host.plain(f"fd{told.hex()}") == expected
    assert host.status(f"fd{told.hex()}") == 0x9D


def test_proximity_check_refused():
    host = Host(make_card("desfire-ev2", seed=1))
    assert host.status("f20100") == 0x9D
    host.plain("f0")
    assert host.status("fd" + "00" * 8) == 0x9D
    host.plain("f0")
    host.plain("f208" + "00" * 8)
    assert host.status("f20100") == 0x9D
    assert host.status("fd" + "00" * 8) == 0x1E


def test_a_reader_id_is_given_once():
    host = with_mac(rights="000f")
    host.send(0xC8, "", b"R" * 16, FULL)
    refused("9D", host.send, 0xC8, "", b"R" * 16, FULL)


def test_no_mac_without_its_file():
    host = application("cc0100eeee0000000064000000" + "3200000000")
    host.send(0x0C, "01", bytes.fromhex("05000000"), 0)
    refused("9D", host.send, 0xC7, "01")
    host.authenticate(0x71, 0, ZERO)
    refused("0C", host.send, 0xC7)


def test_mirrors_are_for_tags():
    host = application("cd01000000200000")
    refused("9E", host.send, 0x5F, "01", bytes.fromhex("40eeee c1 ffff"), FULL)


def test_parts_of_the_proximity_check_have_their_length():
    host = Host(make_card("desfire-ev2", seed=1))
    host.plain("f0")
    assert host.status("f20201") == 0x7E
