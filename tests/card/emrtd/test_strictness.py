"""What must be refused, and how: ICAO TR RF protocol Part 3, by case; the session lives or dies as it says."""

import pytest

from .issuance import CAN, DG1, DG2, MRZ_INFORMATION, domain
from .reader import BSI, RefusedError
from .tlv import parse, tlv

PROTOCOL = bytes.fromhex(BSI + "040202")
GROUP = domain(13)
GOOD = GROUP.encode(GROUP.mul(7, GROUP.g))
MSE = tlv("80", PROTOCOL) + tlv("83", b"\x01")


@pytest.fixture
def session(issue):
    """A reader after SELECT and BAC."""
    reader = issue()
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    return reader


@pytest.fixture
def pace_session(issue):
    """A reader after PACE in the MF."""
    reader = issue()
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    return reader


def sw(reader, command):
    return reader.raw(command)[-2:].hex().upper()


# -- before any session (units B, O, Q, T)


@pytest.mark.parametrize("fid", ["011E", "0101", "0102", "0103", "0104", "010E", "011D", "011C"])
def test_no_file_of_the_application_reads_plain(issue, fid):
    reader = issue()
    reader.select_application()
    assert sw(reader, f"00A4020C02{fid}") == "9000"
    for command in ("00B0000000", f"00B0{0x80 | int(fid, 16) & 0x1F:02X}0000", f"00B1{fid}0354010000"):
        assert sw(reader, command) == "6982"


def test_card_security_reads_after_pace_only(issue, session):
    assert sw(issue(), "00B09D0000") == "6982"
    session.send(0, 0xA4, 0, 0x0C, b"\x3f\x00")
    with pytest.raises(RefusedError, match="6982"):
        session.send(0, 0xB0, 0x9D, 0, ne=256)


def test_card_security_reads_after_pace(pace_session):
    assert pace_session.send(0, 0xB0, 0x9D, 0, ne=4) == b"\x30\x81\xa0s"


@pytest.mark.parametrize("command", ["00B09C000A", "00B1001C04540200000C", "00B1011C04540200000C"])
def test_card_access_reads_freely(issue, command):
    access = bytes.fromhex("3114301206" + "0A" + BSI + "040202")
    assert issue().raw(command) == (access[:10] if command[3] == "0" else b"\x53\x0a" + access[:10]) + b"\x90\x00"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("00A4000C", "9000"),
        ("00A4000C023F00", "9000"),
        ("00A40000023F00", "9000"),
        ("00A4020C020202", "6A82"),
        ("00A4040C07A0000002471009", "6A82"),
        ("00A4090C", "6A86"),
        ("00B0000000", "6986"),
        ("00B08200", "6700"),
        ("00B0FF0000", "6A86"),
        ("00CA9F7F00", "6D00"),
        ("0070000001", "6D00"),
        ("80CA9F7F00", "6E00"),
        ("01A4000C023F00", "6881"),
        ("08A4000C023F00", "6882"),
        ("0CB09E000D9701068E08000000000000000000", "6882"),
        ("00", "6700"),
        ("10A4000C023F00", "6884"),
    ],
)
def test_plain_commands_out_of_place(issue, command, status):
    assert sw(issue(), command) == status


# -- secure messaging (units C, D, E)


def test_challenges_are_fresh(issue):
    reader = issue()
    assert len({reader.raw("0084000008") for _ in range(64)}) == 64
    assert sw(reader, "0084000004") == "6700"


def test_a_challenge_serves_once(issue):
    reader = issue()
    reader.raw("0084000008")
    assert sw(reader, "0082000028" + "00" * 40 + "28") == "6300"
    assert sw(reader, "0082000028" + "00" * 40 + "28") == "6985"


def test_a_plain_read_ends_the_session(session):
    session.send(0, 0xB0, 0x9E, 0, ne=6)
    assert sw(session, "00B0000000") == "6982"
    with pytest.raises(RefusedError, match="6882"):
        session.send(0, 0xB0, 0x9E, 0, ne=6)


def test_a_plain_select_gives_a_fresh_start(session):
    assert sw(session, "00A4040C07A0000002471001") == "9000"
    session.keys = None
    with pytest.raises(RefusedError, match="6982"):
        session.read("0101")
    session.bac(MRZ_INFORMATION)
    assert session.read("0101") == DG1


def spoilt(command):
    body = command[5 : 5 + command[4]]
    yield command[:4] + bytes((len(body) - 10,)) + body[:-10] + b"\x00", "6987"
    yield command[:-2] + bytes((command[-2] ^ 1,)) + command[-1:], "6988"
    yield command[:4] + bytes((len(body) - 1,)) + body[:-9] + body[-8:] + b"\x00", "6988"
    yield command[:4] + bytes((len(body) + 2,)) + b"\x80\x00" + body + b"\x00", "6988"
    yield command[:3] + bytes((command[3] ^ 1,)) + command[4:], "6988"


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("data", [b"\x01\x1e", b""])
def test_broken_protection_ends_the_session(session, place, data):
    good = session.wrap(0, 0xA4 if data else 0xB0, 2 if data else 0x9E, 0x0C if data else 0, data, None if data else 6)
    command, status = list(spoilt(good))[place]
    assert sw(session, command) == status
    with pytest.raises(RefusedError, match="6882"):
        session.send(0, 0xB0, 0x9E, 0, ne=6)


def test_a_wrong_counter_ends_the_session(session):
    session.ssc += 2
    with pytest.raises(RefusedError, match="6988"):
        session.send(0, 0xB0, 0x9E, 0, ne=6)


def test_both_paddings_of_a_command_without_objects_are_taken(session):
    session.send(0, 0xA4, 0x00, 0x0C)


def test_an_absent_file_is_told_inside_the_session(session):
    for command in ((0, 0xA4, 2, 0x0C, b"\x02\x02"), (0, 0xB0, 0x99, 0)):
        with pytest.raises(RefusedError, match="6A82") as refusal:
            session.send(*command, ne=None if len(command) == 5 else 6)
        assert refusal.value.protected
    assert session.read("0101") == DG1


def test_reading_never_gives_more_than_fits_or_was_asked_for(session, pace_session):
    session.send(0, 0xA4, 2, 0x0C, b"\x01\x02")
    assert session.send(0, 0xB0, 0, 0, ne=256) == DG2[:231]
    assert session.send(0, 0xB0, 0, 0, ne=5) == DG2[:5]
    assert session.send(0, 0xB0, 0, 0, ne=65_536) == DG2[:2048]
    assert session.send(0, 0xB0, 0, 0, ne=1000) == DG2[:1000]
    assert session.send(0, 0xB0, 8, 0, ne=100) == DG2[2048:]
    pace_session.select_application()
    pace_session.send(0, 0xA4, 2, 0x0C, b"\x01\x02")
    assert pace_session.send(0, 0xB0, 0, 0, ne=256) == DG2[:223]


def test_offsets_past_the_end_are_refused(session):
    session.send(0, 0xA4, 2, 0x0C, b"\x01\x01")
    for offset in (len(DG1), 0x7FFF):
        with pytest.raises(RefusedError, match="6B00"):
            session.send(0, 0xB0, offset >> 8, offset & 0xFF, ne=1)
    assert session.send(0, 0xB0, 0, 0, ne=224) == DG1


def test_odd_read_binary(session):
    for p1, p2 in ((0, 0x02), (0x01, 0x02), (0, 0)):
        assert session.send(0, 0xB1, p1, p2, tlv("54", b"\x01\x00"), 6) == b"\x53\x04" + DG2[256:260]
    assert parse(session.send(0, 0xB1, 0, 0, tlv("54", b"\x00"), 256))["53"] == DG2[:228]
    with pytest.raises(RefusedError, match="6A80"):
        session.send(0, 0xB1, 0, 2, tlv("53", b"\x00"), 6)
    with pytest.raises(RefusedError, match="6700"):
        session.send(0, 0xB1, 0, 2, tlv("54", b"\x00"), 2)
