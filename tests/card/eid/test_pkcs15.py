"""The signature card: its files and their access, its PINs, its keys (ISO 7816-4, -8, -9)."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cardkit.virtual import make_card

from .conftest import rsa_key
from .structure import directory, file

PKCS15 = "A000000063504B43532D3135"
PUK, PIN = "00240102083837363534333231", "00240101083132333435363738"
VERIFY = "0020000108" + PIN[-16:]
NEVER_UPDATED, BEHIND_PIN = "FF0000000000FF00", "FF00000000009090"
P256 = [
    "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
    "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC",
    "5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B",
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECEC"
    "BB6406837BF51F5",
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
    "0001",
]  # SEC 2, 2.4.2


@pytest.fixture
def card():
    return make_card("pkcs15", seed=1)


@pytest.fixture
def send(card):
    def exchange(command):
        return card.transmit(bytes.fromhex(command)).hex().upper()

    return exchange


@pytest.fixture
def made(send):
    """MF with EF.DIR, a directory 5015 with three files that may be read always, updated never, both with the PIN."""
    for command in (
        file("2F00", 32, sfi=30),
        directory("5015", PKCS15),
        file("5031", 16),
        file("4402", 16, NEVER_UPDATED),
        file("4403", 16, BEHIND_PIN),
    ):
        assert send(command) == "9000"
    return send


@pytest.fixture
def operational(made):
    """The same with PUK and PIN."""
    assert made("00A4000C025015") == "9000"
    for command in ("00A4000C024402", "00D60000021122", PUK, PIN):
        assert made(command) == "9000"
    return made


def curve(*parts):
    return "".join(
        f"{tag}{len(value) // 2:02X}{value}"
        for tag, value in zip(("81", "82", "83", "84", "85", "87"), parts, strict=True)
    )


def test_the_application_says_version_features_and_serial(card, send):
    expected = "000607" + card.serial.hex().upper() + "9000"
    assert send("00A404000CF276A288BCFBA69D34F3100100") == expected


@pytest.mark.parametrize("command", ["00A40800045015503100", "00A4000002503100", "00A4020002503100"])
def test_a_file_answers_its_control_information(made, command):
    assert made("00A4040C0C" + PKCS15) == "9000"
    assert made(command) == "6F1881020010820101830250318608FF000000000000008A01039000"


def test_what_is_current_decides_what_is_found(made):
    assert made("00A4000C023F00") == "9000"
    assert made("00A4020C025031") == "6A82"
    assert made("00A4010C022F00") == "6A82"  # no directory
    assert made("00A4010C025015") == "9000"
    assert made("00A4090C025031") == "9000"
    assert made("00A4000C024402") == "9000"  # beside it
    assert made("00A4030C") == "9000"
    assert made("00A4020C022F00") == "9000"
    assert made("00A4080C03501550") == "6A80"
    assert made("00A4050C025015") == "6A80"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (file("2F00", 4), "6A89"),
        (file("2F01", 4, sfi=30), "6A89"),
        (directory("5016", PKCS15), "6A8A"),
        (directory("3F00"), "6A80"),
        (file("2F02", 4, "FF00000000000010"), "6A80"),  # a condition this chip does not know
        (file("2F02", 4, "7F00000000000000"), "6A80"),
        ("00E000000762058201018302", "6A80"),
        ("00E000000962078201018302" + "2F03", "6A80"),  # no size
        ("00E00001026200", "6A86"),
        (file("2F04", 65535), "6A84"),
        ("00E4000002" + "2F09", "6A82"),
        ("00E40000", "6985"),
        ("00B0000000", "6986"),
        ("00B0810000", "6A82"),
    ],
)
def test_what_cannot_be_made_or_found_is_refused(made, command, expected):
    assert made("00A4000C023F00") == "9000"
    assert made(command) == expected


def test_bytes_are_read_where_they_were_written(made):
    assert made("00A4000C023F00") == "9000"
    assert made("00D69E0203414243") == "9000"
    assert made("00B0000008") == "00004142430000009000"
    assert made("00B0001D00") == "0000009000"
    assert made("00B0002000") == "6B00"
    assert made("00D6001F020000") == "6A84"
    assert made("00D600210100") == "6B00"


def test_access_bytes_count_once_the_pin_is_set(operational):
    assert operational("00A4000C024402") == "9000"
    assert operational("00B0000002") == "11229000"
    assert operational("00D60000023344") == "6982"
    assert operational("00A4000C024403") == "9000"
    assert operational("00B0000002") == "6982"
    assert operational(VERIFY) == "9000"
    assert operational("00B0000002") == "00009000"
    assert operational("00D60000023344") == "9000"
    assert operational("00A4000C024402") == "9000"
    assert operational("00D60000023344") == "6982"
    assert operational("00A404000CF276A288BCFBA69D34F3100100")[-4:] == "9000"
    assert operational("0020000100") == "63C3"


def test_the_pin_is_set_once(operational):
    assert operational(PIN) == "6985"
    assert operational(PUK) == "6985"
    assert operational("0020000104FFFFFFFF") == "63C2"
    assert operational("0020000103313233") == "6A80"
    assert operational("0020000200") == "6A86"
    old, new = PIN[-16:].ljust(32, "0"), "3939393939".ljust(32, "0")
    assert operational(f"0024000120{old}{new}") == "9000"
    for left in (2, 1, 0):
        assert operational(VERIFY) == f"63C{left}"
    assert operational("00200001053939393939") == "6983"
    assert operational(f"002C000120{PUK[-16:].ljust(32, '0')}{old}") == "9000"
    assert operational(VERIFY) == "9000"
    assert operational(f"002C000110{PUK[-16:]}{PIN[-16:]}") == "6700"


def test_before_a_pin_there_is_nothing_to_verify(send):
    assert send(VERIFY) == "6A88"
    assert send("0024000120" + "31" * 32) == "6A88"


def test_files_are_deleted_with_what_is_in_them(made, card):
    assert made("00A4000C023F00") == "9000"
    assert made("00E40000025015") == "9000"
    assert made("00A4040C0C" + PKCS15) == "6A82"
    assert not [cell for cell in card.memory() if "5015" in cell]


def test_a_key_on_a_curve_is_made_and_signs(send):
    assert send("00224100068001EC840102") == "9000"
    parameters = curve(*P256)
    answer = bytes.fromhex(send(f"0046000000{len(parameters) // 2:04X}{parameters}0000"))
    assert answer[5:-69].hex().upper() == parameters
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), answer[-67:-2])
    digest = bytes(range(32))
    assert send("002241B606800122840102") == "9000"
    signature = bytes.fromhex(send(f"002A9E9A20{digest.hex()}00"))
    public.verify(signature[:-2], digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert send("002241A406800121840102") == "9000"
    signature = bytes.fromhex(send("0088000004" + b"text".hex() + "00"))
    public.verify(signature[:-2], b"text", ec.ECDSA(hashes.SHA1()))


@pytest.mark.parametrize("wrong", range(6))
def test_other_domain_parameters_are_refused(send, wrong):
    parts = [value if number != wrong else value[:-1] + "2" for number, value in enumerate(P256)]
    assert send("00224100068001EC840102") == "9000"
    parameters = curve(*parts)
    assert send(f"00460000{len(parameters) // 2:02X}{parameters}00") == "6A80"


def imported(send, key):
    numbers = key.private_numbers()
    parts = zip(
        (0x92, 0x93, 0x94, 0x95, 0x96), (numbers.p, numbers.q, numbers.iqmp, numbers.dmp1, numbers.dmq1), strict=True
    )
    inner = "".join(f"{tag:02X}8180{part:0256X}" for tag, part in parts)
    assert send("00224100068001F3840101") == "9000"
    body = f"7F4882{len(inner) // 2:04X}{inner}"
    return send(f"00DB3FFF00{len(body) // 2:04X}{body}")


def test_an_imported_key_signs_and_deciphers(send):
    key = rsa_key(2048)
    assert imported(send, key) == "9000"
    assert send("002241B606800111840101") == "9000"
    info = bytes.fromhex("3031300D060960864801650304020105000420") + bytes(32)
    signature = bytes.fromhex(send(f"002A9E9A{len(info):02X}{info.hex()}00"))[:-2]
    key.public_key().verify(signature, bytes(32), padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    assert send("002241B806800111840101") == "9000"
    cryptogram = key.public_key().encrypt(b"secret", padding.PKCS1v15())
    assert bytes.fromhex(send(f"002A808600010100{cryptogram.hex()}0000")) == b"secret\x90\x00"
    assert send(f"002A808600010100{bytes(256).hex()}0000") == "6A80"
    assert send("002A9E9A00" + "00F7" + "00" * 247 + "0000") == "6A80"


def test_numbers_that_make_no_key_are_refused(send):
    assert imported(send, rsa.generate_private_key(65537, 1024)) == "6A80"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("002A9E9A0400000000", "6985"),
        ("0046420000", "6985"),
        ("002241B606800111840110", "6A88"),
        ("002241B603840101", "6A80"),
        ("002241B703840101", "6A86"),
        ("00840000010000", "6700"),
    ],
)
def test_without_an_environment_nothing_is_signed(send, command, expected):
    assert send(command) == expected


def test_a_reference_without_a_key_signs_nothing(send):
    assert send("002241B60680012284010F") == "9000"
    assert send("002A9E9A0400000000") == "6A88"


def test_keys_work_behind_the_pin(operational):
    assert operational(VERIFY) == "9000"
    assert imported(operational, rsa_key(2048)) == "9000"
    assert operational("002241B606800111840101") == "9000"
    assert operational("002A9E9A040102030400")[-4:] == "9000"
    operational("00A404000CF276A288BCFBA69D34F3100100")
    assert operational("002241B606800111840101") == "9000"
    assert operational("002A9E9A040102030400") == "6982"
    assert operational("00224100068001F3840101") == "9000"
    assert operational("0046420000") == "6982"
    assert operational(directory("5020")) == "9000"


def test_challenges_have_the_length_asked_for(send):
    first, second = send("0084000008"), send("0084000008")
    assert (len(first), len(second)) == (20, 20)
    assert first != second


def test_directories_nest_so_deep_and_no_deeper(tmp_path):
    card = make_card("pkcs15", seed=1, store=tmp_path / "chip")
    answers = [card.transmit(bytes.fromhex(directory(f"10{level:02X}"))).hex() for level in range(60)]
    assert answers == ["9000"] * 8 + ["6a84"] * 52
    assert card.transmit(bytes.fromhex(file("2000", 1))) == b"\x6a\x84"
