"""Virtual readers in pcscd's configuration: shared drivers, reverse mode, open ports, garbage."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardkit.doctor import Verdict, vpcd

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue\n"


@pytest.fixture
def configure(station):
    """Write entries (name, device, library) as one configuration file; drivers exist."""

    def make(*entries: tuple[str, str, str]) -> None:
        text = "# virtual readers\n\n"
        for name, device, library in entries:
            path = station.folder / library
            path.touch()
            text += f'FRIENDLYNAME "{name}"\nDEVICENAME   {device}\nLIBPATH      {path}\nCHANNELID    0x8C7B\n\n'
        (station.reader_conf / "vpcd").write_text(text, encoding="utf-8")

    return make


ONE = ("Virtual PCD", "/dev/null:0x8C7B", "libifdvpcd.so")
TWO = ("Virtual Two", "/dev/null:0x8C7D", "libifdvpcd1.so")


def test_two_entries_give_four_ports(station, configure):
    configure(ONE, TWO)
    seen = vpcd.configuration(station)
    assert (seen.verdict, seen.evidence) == (Verdict.OK, "4 virtual readers, ports 35963, 35964, 35965, 35966")


def test_no_virtual_reader_is_no_trouble(station, other):
    (station.reader_conf / "serial").write_text("FRIENDLYNAME x\nLIBPATH /lib/libccidtwin.so\n", encoding="utf-8")
    assert vpcd.configuration(station).verdict == Verdict.NOT_APPLICABLE
    assert vpcd.configuration(other(reader_conf=station.folder / "none")).verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (("Virtual Two", "localhost:35965", "libifdvpcd1.so"), "reverse mode"),
        (("Virtual Two", "/dev/null:0x8C7D", "libifdvpcd.so"), "share the LIBPATH"),
        (("Virtual PCD", "/dev/null:0x8C7D", "libifdvpcd1.so"), "share the FRIENDLYNAME Virtual PCD"),
    ],
)
def test_entries_that_break_pcscd_fail(station, configure, second, words):
    configure(ONE, second)
    seen = vpcd.configuration(station)
    assert seen.verdict == Verdict.FAIL
    assert words in seen.evidence


def test_a_link_to_the_same_driver_is_the_same_driver(station, configure):
    (station.folder / "libifdvpcd.so").touch()
    (station.folder / "libifdvpcd1.so").symlink_to(station.folder / "libifdvpcd.so")
    configure(ONE, TWO)
    assert "share the LIBPATH" in vpcd.configuration(station).evidence


def test_a_missing_driver_is_a_warning(station, configure):
    configure(ONE)
    (station.folder / "libifdvpcd.so").unlink()
    seen = vpcd.configuration(station)
    assert (seen.verdict, seen.remedy) == (Verdict.WARN, "apt-get install vsmartcard-vpcd")


def test_more_than_eight_entries_are_not_loaded(station, configure):
    configure(*((f"V{number}", f"/dev/null:{9000 + 2 * number}", f"libifdvpcd{number}.so") for number in range(9)))
    seen = vpcd.configuration(station)
    assert (seen.verdict, seen.evidence) == (Verdict.WARN, "9 entries, pcscd loads 8")


@pytest.mark.parametrize(
    ("table", "row", "verdict"),
    [
        ("tcp", "0: 00000000:8C7C 00000000:0000 0A 0 0", Verdict.WARN),
        ("tcp6", "0: 00000000000000000000000000000000:8C7B 0:0000 0A 0 0", Verdict.WARN),
        ("tcp", "0: 0100007F:8C7C 00000000:0000 0A 0 0", Verdict.OK),
        ("tcp", "0: 00000000:8C7C 0100007F:1234 01 0 0", Verdict.OK),
        ("tcp", "0: 00000000:1F90 00000000:0000 0A 0 0", Verdict.OK),
        ("tcp", "garbage", Verdict.OK),
    ],
)
def test_ports_open_to_the_network_are_a_warning(station, configure, table, row, verdict):
    configure(ONE)
    (station.proc / "net" / table).write_text(f"{HEADER}   {row}\n", encoding="ascii")
    assert vpcd.configuration(station).verdict == verdict


def test_lines_nobody_understands_are_named(station, configure):
    configure(ONE)
    (station.reader_conf / "notes").write_bytes(b"FRIENDLYNAME\nLIBPATH \xff\xfe\n\x00\x01 what is this\n")
    seen = vpcd.configuration(station)
    assert seen.verdict == Verdict.WARN
    assert "notes line 3" in seen.evidence


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=60) | st.text('FRIENDLYNAMELIBPATHDEVICE \n:#x"/0libifdvpcd.so', max_size=80).map(str.encode))
def test_no_configuration_makes_it_stumble(station, body):
    (station.reader_conf / "any").write_bytes(body)
    (station.proc / "net/tcp").write_bytes(HEADER.encode() + body)
    assert vpcd.configuration(station).evidence


def test_readers_of_private_services_are_known_as_virtual(station, start, configure):
    configure(ONE)
    private = station.folder / "conf"
    private.write_text("FRIENDLYNAME mine\nLIBPATH /x/libifdvpcd0.so\nDEVICENAME none\n", encoding="utf-8")
    start(5, "pcscd", "-f", "-c", str(private))
    start(6, "pcscd", f"--config={private}")
    start(7, "pcscd", "-c")
    assert vpcd.virtual_reader_names(station) == {"Virtual PCD", "mine"}
