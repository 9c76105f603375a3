"""Chips in files: they outlive their process, byte for byte, killed or not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cardkit.virtual
from cardkit.virtual import ChipFileError, VirtualCard
from cardkit.virtual.chips import ChipDirectory

ADM = bytes.fromhex("0020000A084142434445464748")


def select(card, path):
    assert card.transmit(bytes.fromhex(f"00A4080C{len(path) // 2:02X}{path}")) == b"\x90\x00"


def write(card, path, body):
    select(card, path)
    assert card.transmit(bytes((0x00, 0xD6, 0, 0, len(body))) + body) == b"\x90\x00"


def test_everything_non_volatile_survives(tmp_path):
    chips = ChipDirectory(tmp_path, "usim")
    card = chips.fresh()
    assert card.transmit(ADM) == b"\x90\x00"
    write(card, "2FE2", b"\x98" * 10)
    write(card, "2FF2", b"marker")
    card.transmit(bytes.fromhex("00E40000022FF2"))
    select(card, "2F05")
    card.transmit(bytes.fromhex("00040000"))
    card.transmit(bytes.fromhex("0020000A084142434445464749"))
    again = chips.open(card.serial)
    assert again.memory() == card.memory()
    assert again.memory()["secret/0A"][1] == 2
    assert "3F00/2FF2" not in again.memory()
    select(again, "2FE2")
    assert again.transmit(bytes.fromhex("00D6000001AA")) == b"\x69\x82"


def test_rules_written_by_the_plant_survive(tmp_path):
    chips = ChipDirectory(tmp_path, "usim")
    card = chips.fresh()
    card.transmit(ADM)
    select(card, "2F06")
    assert card.transmit(bytes.fromhex("00DC010440" + "8001039000" + "FF" * 59)) == b"\x90\x00"
    again = chips.open(card.serial)
    write(again, "2FE2", b"\x98" * 10)


def test_a_fresh_chip_has_a_file_at_once_and_nothing_but_its_serial(tmp_path):
    card = ChipDirectory(tmp_path, "usim").fresh()
    (file,) = tmp_path.iterdir()
    assert file.name == f"{card.serial.hex().upper()}.chip"
    assert file.stat().st_size < 80


def test_serials_repeat_with_a_seed_but_no_chip_comes_twice(tmp_path):
    first = ChipDirectory(tmp_path / "a", "usim", seed=3)
    second = ChipDirectory(tmp_path / "b", "usim", seed=3)
    expected = [first.fresh().serial for _ in range(5)]
    assert [second.fresh().serial for _ in range(5)] == expected
    resumed = ChipDirectory(tmp_path / "a", "usim", seed=3)
    assert resumed.fresh().serial not in expected
    assert set(expected) < set(resumed.serials())
    assert len(resumed.serials()) == 6


def test_reads_do_not_touch_the_file(tmp_path):
    card = ChipDirectory(tmp_path, "usim").fresh()
    (file,) = tmp_path.iterdir()
    before = file.stat()
    select(card, "2FE2")
    card.transmit(bytes.fromhex("00B000000A"))
    card.power(cold=True)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_ino == before.st_ino


def test_unknown_damaged_and_foreign_files_are_refused(tmp_path):
    chips = ChipDirectory(tmp_path, "usim")
    with pytest.raises(ChipFileError, match="no chip 0102"):
        chips.open(b"\x01\x02")
    card = chips.fresh()
    with pytest.raises(ChipFileError, match="made from another image"):
        VirtualCard("sim2g", store=card.store)
    content = card.store.read_bytes()
    for at in range(len(content)):
        card.store.write_bytes(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :])
        with pytest.raises(ChipFileError):
            chips.open(card.serial)
    for size in range(len(content)):
        card.store.write_bytes(content[:size])
        if size:
            with pytest.raises(ChipFileError):
                chips.open(card.serial)


def test_a_chip_whose_process_died_before_its_first_write_is_blank(tmp_path):
    """`fresh` takes the name first; a kill right there leaves an empty file."""
    chips = ChipDirectory(tmp_path, "usim")
    (tmp_path / "0102030405060708.chip").touch()
    assert chips.serials() == (bytes(range(1, 9)),)
    assert chips.open(bytes(range(1, 9))).memory()["3F00/2FF1"] == bytes(range(1, 9))


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from cardkit.virtual.chips import ChipDirectory
card = ChipDirectory(sys.argv[2], "usim").open(bytes.fromhex(sys.argv[3]))
card.transmit(bytes.fromhex("0020000A084142434445464748"))
card.transmit(bytes.fromhex("00A4080C047FF06F42"))
print("ready", flush=True)
n = 0
while True:
    n = n % 250 + 1
    card.transmit(bytes.fromhex("00DC010434") + bytes((n,)) * 52)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_leaves_each_apdu_done_or_not_done(tmp_path):
    chips = ChipDirectory(tmp_path, "usim")
    serial = chips.fresh().serial
    root = str(Path(cardkit.virtual.__file__).parents[2])
    seen = set()
    for round_no in range(3):
        command = [sys.executable, "-c", WRITER, root, str(tmp_path), serial.hex()]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.01 + 0.006 * round_no)
            os.kill(process.pid, signal.SIGKILL)
        record = chips.open(serial).memory()["3F00/7FF0/6F42"][:52]
        assert len(set(record)) == 1
        seen.add(record[0])
    assert seen != {0xFF}
    assert chips.serials() == (serial,)


def test_disk_full_is_not_swallowed(tmp_path):
    card = ChipDirectory(tmp_path, "usim").fresh()
    card.store.unlink()
    tmp_path.rmdir()
    with pytest.raises(OSError, match="No such file"):
        card.transmit(ADM)
