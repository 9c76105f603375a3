"""Who is refused with which status, and in which order things are looked at (sheet 3.3 to 3.5, 3.15 to 3.17)."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA224

from cardkit.virtual import ImageError, make_card
from tests.card.desfire.host import FULL, MACED, PLAIN, Host, RefusedError, crc32

ZERO = bytes(16)
ORIGINALITY_KEY = (
    "044E97703ACE88471754AD4727EE17353326247324DA021C97494586794381C44D7D00DDE2D619698CE4D2C55ABB770CF5F96BF6EF122A8ED3"
)


@pytest.fixture
def host():
    """A fresh EV2."""
    return Host(make_card("desfire-ev2", seed=1))


def refused(call, *arguments, **named):
    with pytest.raises(RefusedError) as caught:
        call(*arguments, **named)
    return f"{caught.value.status:02X}"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("99", 0x1C), ("b1", 0x1C), ("cf", 0x1C), ("af", 0xCA),
        ("5a0102", 0x7E), ("5a010203", 0xA0), ("5a000000010203", 0x7E), ("6000", 0x7E), ("ca0102030f", 0x7E),
        ("6f", 0x9D), ("f501", 0x9D), ("bd01000000000000", 0x9D), ("c7", 0x9D), ("cd01000000100000", 0x9D),
        ("6401", 0x40), ("640a", 0x40), ("0a01", 0x40), ("0a", 0x7E), ("0a0000", 0x7E), ("aa00", 0xAE), ("7100", 0x7E),
        ("710000", 0xAE), ("7700", 0xAE), ("51", 0xAE), ("fc", 0xAE), ("5c0000", 0xAE), ("540f", 0xAE),
        ("c400" + "00" * 24, 0xAE), ("da010203", 0xA0), ("c9" + "00" * 10, 0xAE), ("690000", 0xA0),
        ("ca0000000f01", 0xDE), ("ca0102030f0f", 0x9E), ("ca0102030fc1", 0x9E), ("ca0102030f01aa", 0x7E),
        ("ca0102030f013f00", 0x00), ("ca0102030f01003f", 0x9E), ("3c01", 0x9E), ("3c", 0x7E),
    ],
)  # fmt: skip
def test_picc_level(host, command, status):
    assert host.status(command) == status


def in_application(host, settings="0f", keys="03", rights="0000"):
    host.plain(f"ca010203{settings}{keys}")
    host.plain("5a010203")
    return host


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("6a", 0x9D), ("6d", 0x9D), ("fc", 0x9D), ("ca0405060f01", 0x9D), ("690000", 0x9D), ("6901", 0x7E),
        ("f501", 0xF0), ("bd01000000000000", 0xF0), ("3d0100000001000000", 0xF0), ("6c01", 0xF0), ("df01", 0xF0),
        ("cd20000000100000", 0x9E), ("cd01040000100000", 0x9E), ("cd01800000100000", 0x00), ("cd01000000000000", 0x9E),
        ("cd01000300100000", 0x9E), ("cd010003d0100000", 0x9E), ("cd01000000ffff00", 0x0E),
        ("cd011234000000100000", 0x7E),
        ("cc01000000000000000000000000000000", 0x7E),
        ("cc01000000" + "05000000" + "04000000" + "05000000" + "00", 0x9E),
        ("cc01000000" + "00000000" + "04000000" + "05000000" + "00", 0x9E),
        ("cc01000000" + "00000000" + "04000000" + "04000000" + "04", 0x9E),
        ("c001000000100000010000", 0x9E), ("c101000000100000000000", 0x9E), ("c101000000000000010000", 0x9E),
        ("ce0500100f02" + "00" * 17, 0xAE), ("c7", 0x0C), ("a7", 0x0C), ("c701", 0x0C), ("c702", 0x9E),
        ("da040506", 0x9D), ("da010203", 0xAE), ("540f", 0xAE), ("61", 0x9D), ("0a03", 0x40), ("560100", 0xAE),
    ],
)  # fmt: skip
def test_application_level(host, command, status):
    assert in_application(host).status(command) == status


def test_rights_and_authentication_decide_status_and_mode(host):
    """9D when nobody ever may, AE when somebody else may (sheet 3.5)."""
    in_application(host, keys="83")
    host.plain("cd0103ff1f200000")  # read key 1, all else never
    host.plain("cd020321ee200000")  # read, write free; RW key 2; change 1
    assert host.status("bd01000000040000") == 0xAE
    assert host.status("3d0100000001000000") == 0x9D
    assert host.status("5f0100eeee") == 0x9D
    assert host.status("3d0200000001000007") == 0x00
    host.authenticate(0x71, 0, ZERO)
    assert refused(host.send, 0xBD, "01000000040000", mode=FULL) == "AE"
    host.authenticate(0x71, 0, ZERO)
    assert host.send(0xBD, "02000000010000", mode=PLAIN) == b"\x07", "free, and key 0 has no right: in clear"
    host.authenticate(0x71, 2, ZERO)
    assert host.send(0xBD, "02000000010000", mode=FULL) == b"\x07"
    host.authenticate(0x71, 1, ZERO)
    assert host.send(0xBD, "01000000040000", mode=FULL) == bytes(4)


@pytest.mark.parametrize(("opcode", "fragile"), [(0x0A, False), (0x1A, True)])
def test_errors_end_sessions_of_ev1_but_not_of_d40(host, opcode, fragile):
    in_application(host)
    host.plain("cd01000000200000")
    for command, status in (("bd01200000010000", 0xBE), ("6f00", 0x7E), ("99", 0x1C), ("f507", 0xF0)):
        host.authenticate(opcode, 0, ZERO)
        host.send(0x45)
        assert host.status(command) == status
        assert (host.card.chip.state.session.key_no is None) == fragile, command
    host.authenticate(opcode, 0, ZERO)
    assert host.status("0a0c") == 0x40
    assert host.card.chip.state.session.key_no is None, "an authentication drops the old session first"


def test_another_command_in_mid_chain_drops_it(host):
    assert host.exchange(0x60)[0] == 0xAF
    assert host.exchange(0x45) == (0xCA, b"")
    assert host.exchange(0xAF) == (0xCA, b"")
    assert host.exchange(0x0A, b"\x00")[0] == 0xAF
    assert host.exchange(0x6E)[0] == 0xCA
    assert host.exchange(0xAF, bytes(16))[0] == 0xCA


def test_a_chain_goes_on_in_the_form_it_began(host):
    assert host.exchange(0x60)[0] == 0xAF
    assert host.card.transmit(bytes.fromhex("90AF000000")).hex() == "91ca"
    assert host.card.transmit(bytes.fromhex("9060000000")).hex()[-4:] == "91af"
    assert host.card.transmit(bytes.fromhex("90AF000000")).hex()[-4:] == "91af"


@pytest.mark.parametrize(
    ("settings", "open_to_all", "open_to_master"),
    [("08", False, True), ("0a", True, True)],
)
def test_listing_is_free_or_for_the_master(host, settings, open_to_all, open_to_master):
    in_application(host, settings)
    host.plain("5a010203")
    for command in ("45", "6f"):
        assert host.status(command) == (0x00 if open_to_all else 0xAE)
    host.authenticate(0x0A, 1, ZERO)
    assert host.status("6f") == (0x00 if open_to_all else 0xAE)
    host.authenticate(0x0A, 0, ZERO)
    assert (host.status("6f") == 0x00) == open_to_master


@pytest.mark.parametrize(
    ("settings", "used", "changed", "status"),
    [
        ("0f", 0, 1, None), ("0f", 1, 2, "AE"), ("0e", 0, 0, "9D"), ("1f", 1, 2, None), ("1f", 0, 2, "AE"),
        ("1f", 0, 1, None), ("ef", 2, 2, None), ("ef", 0, 2, "AE"), ("ff", 0, 1, "9D"), ("ff", 0, 0, None),
        ("ff", 1, 1, "9D"),
    ],
)  # fmt: skip
def test_who_changes_which_key(host, settings, used, changed, status):
    in_application(host, settings, "83")
    host.authenticate(0xAA, used, ZERO)
    old = None if used == changed else ZERO
    if status is None:
        host.change_key(changed, bytes(range(16)), old, version=1)
    else:
        assert refused(host.change_key, changed, bytes(range(16)), old, version=1) == status


def test_frozen_key_settings(host):
    in_application(host)
    host.authenticate(0x1A, 0, ZERO)
    host.send(0x54, "", b"\x07", FULL)
    assert refused(host.send, 0x54, "", b"\x0f", FULL) == "9D"


def test_change_right_free_is_sent_plain(host):
    in_application(host)
    host.plain("cd010000fe200000".replace("00fe", "0eee"))
    assert host.status("5f0100eeee") == 0x00
    assert host.plain("f501") == bytes.fromhex("0000eeee200000")


def test_configuration_is_one_way(host):
    host.authenticate(0x1A, 0, ZERO)
    host.send(0x5C, "00", b"\x03", FULL)
    host.send(0x5C, "00", b"\x00", FULL)
    assert refused(host.send, 0xFC) == "9D"
    card = host.card
    card.power(cold=True)
    first, second = (card.transmit(bytes.fromhex("FFCA000000")) for _ in range(2))
    assert first == second
    assert (first[0], len(first)) == (0x08, 6)
    card.power(cold=True)
    assert card.transmit(bytes.fromhex("FFCA000000")) != first
    assert host.plain("60")[14:21] == bytes(7)
    host.scheme = None
    host.authenticate(0x1A, 0, ZERO)
    assert host.send(0x51, mode=FULL, size=7) == b"\x04" + card.serial


def test_default_key_and_ats(host):
    host.authenticate(0x1A, 0, ZERO)
    host.send(0x5C, "01", bytes(range(24)) + b"\x55", FULL)
    ats = bytes.fromhex("0875778102") + b"abc"
    body = ats + crc32(b"\x5c\x02" + ats) + b"\x80"
    status, _ = host.raw(0x5C, b"\x02" + host.enciphered(body))
    assert status == 0
    host.scheme = None
    host.card.power(cold=True)
    check = 0x83 ^ 0x80 ^ 0x01 ^ ord("a") ^ ord("b") ^ ord("c")
    assert host.card.atr() == bytes.fromhex("3b838001") + b"abc" + bytes((check,))
    assert host.card.transmit(bytes.fromhex("FFCA010000")) == b"abc\x90\x00"
    in_application(host, keys="82")
    assert host.plain("6401") == b"\x55"
    host.authenticate(0xAA, 1, bytes(range(16)))


def test_configuration_is_no_matter_of_applications(host):
    in_application(host)
    host.authenticate(0x1A, 0, ZERO)
    assert refused(host.send, 0x5C, "00", b"\x01", FULL) == "9D"


def test_messaging_switched_off(host):
    host.authenticate(0x1A, 0, ZERO)
    host.change_key(0, ZERO, version=0, kind=0x80)
    host.authenticate(0x71, 0, ZERO)
    host.send(0x5C, "04", b"\x03", FULL)
    host.scheme = None
    assert refused(host.authenticate, 0xAA, 0, ZERO) == "9D"
    host.authenticate(0x71, 0, ZERO)


def test_reader_answers():
    card = make_card("desfire-ev1", seed=1)
    uid = (b"\x04" + card.serial).hex()
    cases = {
        "FFCA000000": uid + "9000", "FFCA000007": uid + "9000", "FFCA000004": "6c07", "FFCA00000A": uid + "6282",
        "FFCA010000": "809000", "FFCA020000": "6a81", "FF000000": "6a81", "FF": "6a81", "FFB0000010": "6a81",
    }  # fmt: skip
    assert {command: card.transmit(bytes.fromhex(command)).hex() for command in cases} == cases


def test_wrapping():
    card = make_card("desfire-ev1", seed=1)
    cases = {
        "9045000000": "0f019100", "90450000": "0f019100", "9045010000": "6a86", "90": "1c", "9045": "6700",
        "904500000101": "917e", "90450000030100": "6700", "905A00000300000000": "9100", "9099000000": "911c",
        "905A000003000000": "9100",
    }  # fmt: skip
    assert {command: card.transmit(bytes.fromhex(command)).hex() for command in cases} == cases


def test_free_memory_counts():
    host = Host(make_card("desfire-ev2", seed=1))
    blank = host.plain("6e")
    in_application(host)
    host.plain("cb01000000210000")
    taken = int.from_bytes(blank, "little") - int.from_bytes(host.plain("6e"), "little")
    assert taken == 32 + 64 + 2 * 64
    host.plain("df01")
    assert int.from_bytes(blank, "little") - int.from_bytes(host.plain("6e"), "little") == taken
    host.plain("5a000000")
    host.authenticate(0x0A, 0, ZERO)
    host.send(0xDA, "010203")
    assert host.send(0x6E) == blank


def test_key_settings_3_are_for_ev2(ev1, ev2):
    assert ev1("ca0102030f91") == "9e"
    assert ev2("ca0102030f91") == "7e"
    assert ev2("ca0102030f9100") == "00"


def test_d40_knows_less(d40):
    for command in ("1a00", "aa00", "7100", "51", "5c00", "6e", "6d", "61", "3c00"):
        assert d40(command) in ("1c", "ca"), command
        d40("af")
    assert d40("ca0102030f81") == "9e"
    assert d40("ca0102030f01") == "00"
    assert d40("5a010203") == "00"
    assert d40("cd10000000100000") == "9e"
    assert d40("cb08000000100000") == "9e"
    assert d40("cd0f000000100000") == "00"


def test_originality_signature():
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP224R1(), bytes.fromhex(ORIGINALITY_KEY))
    card = make_card("desfire-ev2", seed=1)
    answer = card.transmit(b"\x3c\x00")
    assert answer[0] == 0x90
    r, s = (int.from_bytes(answer[at : at + 28], "big") for at in (1, 29))
    uid = (b"\x04" + card.serial).rjust(28, b"\x00")
    public.verify(utils.encode_dss_signature(r, s), uid, ec.ECDSA(utils.Prehashed(SHA224())))
    assert card.transmit(b"\x3c\x00") == answer


@pytest.mark.parametrize("mode", [PLAIN, MACED])
def test_a_weaker_mode_is_refused(host, mode):
    in_application(host, keys="81")
    host.plain("cd01030000200000")
    host.authenticate(0x71, 0, ZERO)
    header = bytes.fromhex("01000000040000")
    status, _ = host.exchange(0x3D, header + host._ev2_out(0x3D, header, bytes(4), mode))
    assert status == 0xAF, "the card waits for as many bytes as an enciphered command has"
    assert host.card.chip.state.body(1) == bytes(32)


def test_a_card_that_drops_chains(tmp_path):
    path = tmp_path / "variant.toml"
    path.write_text('[chip]\nlike = "desfire-ev1"\ndrops_chains = true')
    host = Host(make_card(path, seed=1))
    assert host.exchange(0x60)[0] == 0xAF
    assert host.exchange(0x45) == (0x00, b"\x0f\x01")
    assert host.exchange(0xAF)[0] == 0xCA


@pytest.mark.parametrize("line", ['ats = "0675"', 'hardware = "04"', "protocols = [0]", 'maker = ""', 'signer = "x"'])
def test_images_that_contradict_themselves(tmp_path, line):
    path = tmp_path / "variant.toml"
    path.write_text(f'[chip]\nlike = "desfire-ev1"\n{line}')
    with pytest.raises(ImageError, match="variant"):
        make_card(path)
