"""Every authentication and every messaging, with files of every mode; keys changed in every combination."""

import pytest

from cardkit.virtual import make_card
from tests.card.desfire.host import FULL, MACED, PLAIN, Host, RefusedError, cbc, crc16, crc32

AID = "f21190"
SCHEMES = {
    "d40": (0x0A, bytes(16), 0x00),
    "iso 2tdea": (0x1A, bytes(16), 0x00),
    "iso 3tdea": (0x1A, bytes(24), 0x40),
    "aes": (0xAA, bytes(16), 0x80),
    "ev2": (0x71, bytes(16), 0x80),
}


def ready(name, *, image="desfire-ev2", wrapped=False, frame=59):
    """A host in a session with key 0 of a fresh application with three keys; files of all modes."""
    opcode, key, kind = SCHEMES[name]
    host = Host(make_card(image, seed=1), wrapped=wrapped, frame=frame)
    host.plain(f"ca{AID}0f{3 | kind:02x}")
    host.plain(f"5a{AID}")
    for number, mode in enumerate((PLAIN, MACED, FULL)):
        host.plain(f"cd{number:02x}{mode:02x}0000c80000")
        host.plain(f"cc{number + 8:02x}{mode:02x}0000 00000000 e8030000 64000000 01")
        host.plain(f"c0{number + 16:02x}{mode:02x}0000 140000 040000")
    return host.authenticate(opcode, 0, key)


@pytest.mark.parametrize("wrapped", [False, True], ids=["raw", "wrapped"])
@pytest.mark.parametrize("mode", [PLAIN, MACED, FULL])
@pytest.mark.parametrize("name", SCHEMES)
def test_files_in_every_mode(name, mode, wrapped):
    host = ready(name, wrapped=wrapped)
    number = {PLAIN: 0, MACED: 1, FULL: 2}[mode]
    for size in (1, 15, 16, 52, 53, 150):
        data = bytes(range(size))
        length = size.to_bytes(3, "little").hex()
        host.send(0x3D, f"{number:02x}020000{length}", data, mode)
        assert host.send(0xBD, f"{number:02x}020000{length}", mode=mode, size=size) == data
    host.send(0x0C, f"{number + 8:02x}", (50).to_bytes(4, "little"), mode)
    host.send(0x3B, f"{number + 16:02x}000000140000", bytes(20), mode)
    host.send(0xC7)
    assert host.send(0x6C, f"{number + 8:02x}", mode=mode, size=4) == (150).to_bytes(4, "little")
    assert host.send(0xBB, f"{number + 16:02x}000000010000", mode=mode, size=20) == bytes(20)
    assert host.send(0x51, mode=FULL, size=7) == b"\x04" + host.card.serial


@pytest.mark.parametrize("frame", [8, 9, 20, 33, 52])
@pytest.mark.parametrize("name", SCHEMES)
def test_frames_change_nothing(name, frame):
    """A command in smaller frames is the same command."""
    host = ready(name)
    host.size = frame
    data = bytes(range(1, 91))
    host.send(0x3D, "02000000 5a0000", data, FULL)
    host.send(0x3D, "01000000 5a0000", data, MACED)
    host.size = 59
    assert host.send(0xBD, "02000000 5a0000", mode=FULL, size=90) == data


@pytest.mark.parametrize("name", ["ev2"])
def test_long_opcodes_take_long_frames(name):
    host = ready(name, wrapped=True, frame=240)
    data = bytes(range(200))
    host.send(0x8D, "02000000 c80000", data, FULL)
    header = bytes.fromhex("02000000c80000")
    status, sent = host.exchange(0xAD, header + host._ev2_out(0xAD, header, b"", FULL))
    assert (status, len(sent)) == (0x00, 208 + 8)
    host.counter += 1
    assert host.send(0xBD, "02000000 c80000", mode=FULL) == data


@pytest.mark.parametrize("to_end", [1, 7, 200])
@pytest.mark.parametrize("name", SCHEMES)
def test_length_zero_reads_to_the_end(name, to_end):
    host = ready(name)
    host.send(0x3D, "02000000 c80000", bytes(range(200)), FULL)
    offset = (200 - to_end).to_bytes(3, "little").hex()
    assert host.send(0xBD, f"02{offset}000000", mode=FULL, size=to_end) == bytes(range(200))[200 - to_end :]


KEYS = {16: bytes.fromhex("10325476 98badcfe 01234567 89abcdef"), 24: bytes(range(2, 50, 2))}


@pytest.mark.parametrize("name", SCHEMES)
def test_keys_change(name):
    opcode, zero, kind = SCHEMES[name]
    host, new = ready(name), KEYS[len(zero)]
    version = 7 if kind == 0x80 else 0 if name == "ev2" else None
    host.change_key(2, new, zero, version=version)
    assert host.send(0x64, "02") == (b"\x07" if kind == 0x80 else b"\x00")
    host.change_key(0, new, version=version)
    with pytest.raises(RefusedError, match="AE"):
        host.authenticate(opcode, 0, zero)
    host.authenticate(opcode, 0, new)
    host.authenticate(opcode, 2, new)
    host.authenticate(opcode, 1, zero)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_wrong_checksum_changes_no_key(name):
    opcode, zero, kind = SCHEMES[name]
    host, new = ready(name), KEYS[len(zero)]
    with pytest.raises(RefusedError, match="1E"):
        host.change_key(2, new, b"\x02" * len(zero), version=7 if kind == 0x80 else None)
    host.scheme = None
    host.authenticate(opcode, 2, zero)


@pytest.mark.parametrize("target", [0x00, 0x40, 0x80])
@pytest.mark.parametrize("opcode", [0x0A, 0x1A])
def test_picc_key_changes_its_type(opcode, target):
    host = Host(make_card("desfire-ev1", seed=1))
    new = KEYS[24 if target == 0x40 else 16]
    host.authenticate(opcode, 0, bytes(16))
    host.change_key(0, new, version=9 if target == 0x80 else None, kind=target)
    assert host.plain("45") == bytes((0x0F, 0x01 | target))
    assert host.plain("6400") == (b"\x09" if target == 0x80 else b"\x00")
    host.authenticate({0x00: opcode, 0x40: 0x1A, 0x80: 0xAA}[target], 0, new)


def test_non_first_goes_on_with_the_transaction():
    host = ready("ev2")
    host.send(0x45)
    ti = host.ti
    host.authenticate(0x77, 1, bytes(16))
    assert (host.ti, host.counter, host.card.chip.state.session.counter) == (ti, 1, 1)
    host.send(0x64, "00")
    fresh = Host(host.card)
    fresh.plain(f"5a{AID}")
    with pytest.raises(RefusedError, match="AE"):
        fresh.authenticate(0x77, 0, bytes(16))


@pytest.mark.parametrize(("name", "opcode"), [("d40", 0xAA), ("aes", 0x0A), ("aes", 0x1A), ("iso 3tdea", 0x0A),
                                             ("d40", 0x71), ("iso 3tdea", 0xAA)])  # fmt: skip
def test_authentications_want_their_kind_of_key(name, opcode):
    host = ready(name)
    with pytest.raises(RefusedError, match="AE"):
        host.authenticate(opcode, 0, bytes(16))


def test_replayed_ev2_command_ends_the_session():
    host = ready("ev2")
    sent = bytes.fromhex("02") + host._ev2_out(0x64, b"\x02", b"", MACED)
    assert host.exchange(0x64, sent)[0] == 0x00
    assert host.exchange(0x64, sent)[0] == 0x1E
    assert host.card.chip.state.session.key_no is None


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("mode", [MACED, FULL])
def test_a_flipped_bit_is_an_integrity_error(name, mode):
    host = ready(name)
    number = {MACED: "01", FULL: "02"}[mode]
    header = bytes.fromhex(f"{number}0000000a0000")
    body = getattr(host, f"_{host.scheme}_out")(0x3D, header, bytes(10), mode)
    status, _ = host.raw(0x3D, header + body[:-1] + bytes((body[-1] ^ 1,)))
    assert status == 0x1E
    assert host.card.chip.state.session.key_no is None


def test_counter_of_ev2_ends():
    host = ready("ev2")
    host.counter = host.card.chip.state.session.counter = 0xFFFE
    host.send(0x64, "00")
    with pytest.raises(RefusedError, match="1E"):
        host.send(0x64, "00")


@pytest.mark.parametrize("name", ["d40", "iso 2tdea", "iso 3tdea", "aes"])
def test_anything_but_zeros_behind_the_checksum_is_refused(name):
    host = ready(name)
    header = bytes.fromhex("02000000 010000")
    crc = crc16(b"x") if name == "d40" else crc32(b"\x3d" + header + b"x")
    block = (b"x" + crc).ljust(16 if name == "aes" else 8, b"\x01")
    sent = host._receivable(block) if name == "d40" else host.enciphered(block)
    assert host.raw(0x3D, header + sent)[0] == 0x1E


@pytest.mark.parametrize("padding", [b"\x00" * 15, b"\x81" + b"\x00" * 14, b"\x80" * 15])
def test_padding_of_ev2_is_80_and_zeros(padding):
    host = ready("ev2")
    header = bytes.fromhex("02000000 010000")
    sent = cbc(host.enc, host._iv("a55a"), b"x" + padding)
    mac = host._mact(b"\x3d" + host._count() + host.ti + header + sent)
    assert host.raw(0x3D, header + sent + mac)[0] == 0x1E, "with 80 at its end it is data, and too much of it"
    assert host.card.chip.state.body(2) == bytes(200)


def test_padding_of_ev2_fits_one_block():
    host = ready("ev2")
    header = bytes.fromhex("02000000 100000")
    sent = cbc(host.enc, host._iv("a55a"), b"x" * 15 + b"\x80" + bytes(16))
    mac = host._mact(b"\x3d" + host._count() + host.ti + header + sent)
    assert host.raw(0x3D, header + sent + mac)[0] == 0x1E
