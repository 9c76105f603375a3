"""What must be refused, and how: ICAO TR RF protocol Part 3, by case; the session lives or dies as it says."""

import pytest

from .issuance import CAN, DG1, DG2, MRZ_INFORMATION, PIN, PUK, domain
from .plant import apdu
from .reader import BSI, RefusedError, decrypt, kdf
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


# -- PACE (unit P)

SPOILT_MSE = [
    (tlv("81", PROTOCOL) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", b"\x04\x00\x7f\x00") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", tlv("06", PROTOCOL)) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("83", b"\x05"), "6A88"),
    (MSE + tlv("84", b"\x0c"), "6A88"),
    (tlv("83", b"\x01"), "6A80"),
    (tlv("80") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL + b"\x02") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL[:-1]) + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL[:-1] + b"\x04") + tlv("83", b"\x01"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("84", b"\x0d"), "6A80"),
    (tlv("80", PROTOCOL) + tlv("83"), "6A80"),
    (tlv("80", PROTOCOL) + b"\x83\x03\x01", "6A80"),
    (tlv("80", PROTOCOL) + tlv("83", b"\x01\xff"), "6A80"),
    (MSE + tlv("84"), "6A80"),
    (tlv("06", PROTOCOL) + tlv("83", b"\x01"), "6A80"),
    (b"", "6A80"),
]


@pytest.mark.parametrize("place", range(len(SPOILT_MSE)))
def test_a_malformed_template_is_refused_and_begins_nothing(issue, place):
    data, status = SPOILT_MSE[place]
    reader = issue()
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, data)) == status
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"


def begun(reader, step):
    """PACE up to the step of that number; 0 nonce, 1 map, 2 agree, 3 tokens."""
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, MSE)) == "9000"
    for data in (b"\x7c\x00", tlv("7C", tlv("81", GOOD)), tlv("7C", tlv("83", GOOD)))[:step]:
        assert sw(reader, apdu(0x10, 0x86, 0, 0, data, 0)) == "9000"
    return reader


TAGS = {1: "81", 2: "83", 3: "85"}


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("what", ["template", "missing", "tag", "extra", "empty"])
def test_a_malformed_step_is_refused(issue, step, what):
    value = bytes(8) if step == 3 else GOOD
    right = tlv(TAGS[step], value) if step else b""
    data = {
        "template": tlv("8C", right),
        "missing": right or b"\x80\x00",
        "tag": tlv("7C", tlv("86", value)),
        "extra": tlv("7C", right, tlv("88", b"\x01")),
        "empty": b"",
    }[what]
    assert sw(begun(issue(), step), apdu(0 if step == 3 else 0x10, 0x86, 0, 0, data, 0)) == "6A80"


def bad_elements():
    good = GROUP.mul(7, GROUP.g)
    size = GROUP.size
    yield GOOD[:-1]
    yield GOOD + b"\x00"
    yield b"\x04" + bytes(2 * size)
    yield b"\x05" + GOOD[1:]
    yield b"\x02" + GOOD[1 : 1 + size]
    yield GOOD[:-1] + bytes((GOOD[-1] ^ 1,))
    yield b"\x04" + GROUP.p.to_bytes(size, "big") + good[1].to_bytes(size, "big")
    yield b"\x04" + b"\xff" * (2 * size)


@pytest.mark.parametrize("element", list(bad_elements()), ids=range(8))
@pytest.mark.parametrize("step", [1, 2])
def test_invalid_keys_are_refused(issue, step, element):
    reader = begun(issue(), step)
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv(TAGS[step], element)), 0)) == "6A80"


@pytest.mark.parametrize("element", [b"\x00", b"\x01", "p", "above"])
@pytest.mark.parametrize("step", [1, 2])
def test_invalid_numbers_are_refused(issue, step, element):
    group = domain(0)
    values = {"p": group.p - 1, "above": group.p + 4}
    number = values.get(element, 0 if element == b"\x00" else 1)
    reader = issue(pace=((0x0102, 0),))
    protocol = bytes.fromhex(BSI + "040102")
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", protocol) + tlv("83", b"\x01")))
    reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0))
    if step == 2:
        good = group.encode(group.mul(5, group.g))
        assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", good)), 0)) == "9000"
    data = tlv("7C", tlv(TAGS[step], number.to_bytes(group.size, "big")))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, data, 0)) == "6A80"


@pytest.mark.parametrize("size", [15, 17, 32])
def test_an_additional_nonce_of_another_length_is_refused(issue, size):
    reader = issue(pace=((0x0402, 13),))
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", bytes.fromhex(BSI + "040402")) + tlv("83", b"\x01")))
    reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", bytes(size))), 0)) == "6A80"


@pytest.mark.parametrize(("step", "status"), [(0, "6883"), (1, "6883"), (2, "6883"), (3, "6A80")])
def test_the_class_of_each_step_is_enforced(issue, step, status):
    data = tlv("7C", tlv(TAGS[step], bytes(8) if step == 3 else GOOD) if step else b"")
    assert sw(begun(issue(), step), apdu(0x10 if step == 3 else 0, 0x86, 0, 0, data, 0)) == status


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_foreign_command_in_between_voids_the_protocol(issue, step):
    reader = begun(issue(), step)
    assert sw(reader, "00B09C0001") == "9000"
    data = tlv("7C", tlv(TAGS[step], bytes(8) if step == 3 else GOOD))
    assert sw(reader, apdu(0 if step == 3 else 0x10, 0x86, 0, 0, data, 0)) == "6985"


def test_the_nonce_may_be_asked_for_twice_and_differs(issue):
    reader = begun(issue(), 0)
    first, second = (reader.raw(apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) for _ in range(2))
    assert first != second
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("81", GOOD)), 0)) == "9000"


def test_steps_out_of_order_are_refused(issue):
    assert sw(begun(issue(), 1), apdu(0x10, 0x86, 0, 0, tlv("7C", tlv("83", GOOD)), 0)) == "6985"
    assert sw(begun(issue(), 2), apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"


@pytest.mark.parametrize("size", [0, 7, 8, 9, 16])
def test_wrong_tokens_are_refused(issue, size):
    reader = begun(issue(), 3)
    assert sw(reader, apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(size))), 0)) == "6300"
    assert sw(reader, apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(8))), 0)) == "6985"


@pytest.mark.parametrize("step", [1, 2])
def test_the_chips_own_key_is_refused(issue, step):
    reader = begun(issue(), step)
    chip = reader.card.chip.passport
    chip.random = lambda size: (41).to_bytes(size, "big")
    base = GROUP.g
    if step == 2:
        base = GROUP.decode(chip.session.pace.generator)
    own = GROUP.encode(GROUP.mul(42, base))
    assert sw(reader, apdu(0x10, 0x86, 0, 0, tlv("7C", tlv(TAGS[step], own)), 0)) == "6A80"


# -- passwords


def wrong(reader, password, secret=b"000000"):
    with pytest.raises(RefusedError) as refusal:
        reader.pace(2, 2, GROUP, 13, secret, password=password)
    return refusal.value.sw


def test_can_and_mrz_never_block_but_delay(issue):
    reader = issue()
    for _ in range(4):
        assert wrong(reader, 2) == "6300"
    assert reader.card.delay_s() == 4
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    assert reader.card.delay_s() == 0


def test_the_pin_is_suspended_then_blocked_and_the_puk_helps(issue):
    reader = issue()
    pin = tlv("80", PROTOCOL) + tlv("83", b"\x03")
    assert wrong(reader, 3) == "63C2"
    reader.card.power(True)
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C2"
    assert finish(reader, 3, b"000000") == "63C1"
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C1"
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6985"
    reader.pace(2, 2, GROUP, 13, CAN, password=2)
    with pytest.raises(RefusedError, match="63C1"):
        reader.send(0, 0x22, 0xC1, 0xA4, pin)
    assert finish(reader, 3, b"000000") == "63C0"
    reader.card.power(True)
    reader.keys = None
    assert sw(reader, apdu(0, 0x22, 0xC1, 0xA4, pin)) == "63C0"
    assert sw(reader, apdu(0x10, 0x86, 0, 0, b"\x7c\x00", 0)) == "6983"
    reader.pace(2, 2, GROUP, 13, PUK, password=4)
    reader.send(0, 0x2C, 0x03, 0x03)
    reader.card.power(True)
    reader.keys = None
    reader.pace(2, 2, GROUP, 13, PIN, password=3)
    reader.select_application()
    assert reader.read("0101") == DG1


def finish(reader, password, secret):
    """The steps after MSE:SET AT; the status word that ends them."""
    nonce = decrypt(2, kdf(2, secret, 3), reader._step(b"")["80"])
    assert len(nonce) == 16
    reader._step(tlv("81", GOOD))
    reader._step(tlv("83", GOOD))
    with pytest.raises(RefusedError) as refusal:
        reader._step(tlv("85", bytes(8)), chained=False)
    return refusal.value.sw


def test_only_the_puk_resets_the_counter(pace_session):
    with pytest.raises(RefusedError, match="6982"):
        pace_session.send(0, 0x2C, 0x03, 0x03)


def test_a_try_is_lost_even_when_the_power_goes(issue):
    reader = issue()
    reader.raw(apdu(0, 0x22, 0xC1, 0xA4, tlv("80", PROTOCOL) + tlv("83", b"\x03")))
    for data in (b"\x7c\x00", tlv("7C", tlv("81", GOOD)), tlv("7C", tlv("83", GOOD))):
        reader.raw(apdu(0x10, 0x86, 0, 0, data, 0))
    reader.card.cut_at(2)
    assert reader.raw(apdu(0, 0x86, 0, 0, tlv("7C", tlv("85", bytes(8))), 0)) == b""
    reader.card.power(True)
    assert reader.card.memory()["emrtd/tries/8003"] == b"\x02\x03"
