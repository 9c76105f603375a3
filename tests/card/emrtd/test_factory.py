"""From blank to locked: what the plant may do, what it may not, and that the lock holds on all three chips."""

import pytest

from cardkit.virtual import make_card

from . import issuance
from .issuance import CHIP_KEY, DG1, DG2, MRZ_INFORMATION, domain
from .plant import AID, Plant, apdu, create, dgi, enciphered, install, make_2006, make_applet, make_native, store, write
from .reader import Reader, RefusedError
from .tlv import parse, tlv

SELECT_MF = apdu(0, 0xA4, 0, 0x0C, b"\x3f\x00")


def send(card, text):
    return card.transmit(bytes.fromhex(text)).hex().upper()


def session(image="emrtd-native", **more):
    return Plant(make_card(image, seed=2), **more)


def test_a_blank_chip_shows_what_it_can_and_has_no_application():
    card = make_card("emrtd-native", seed=1)
    assert send(card, "00A4040C07A0000002471001") == "6A82"
    assert send(card, "00B0810000") == "4703C821C07F660802020800020208009000"
    assert send(card, "00CADF2000") == "DF2001019000"
    cplc = parse(card.transmit(bytes.fromhex("00CA9F7F00"))[:-2])["9F7F"]
    assert cplc[12:18] == card.serial


@pytest.mark.parametrize("command", ["00E000000462028201", "00D6000001AA", "00DA800203810131", "00440000", "00E60000"])
def test_without_a_factory_session_nothing_is_written(command):
    card = make_card("emrtd-native", seed=1)
    before = dict(card.memory())
    assert send(card, command) == "6982"
    assert card.memory() == before


def test_the_wrong_transport_key_opens_nothing_and_is_counted():
    card = make_card("emrtd-native", seed=1)
    for _ in range(10):
        assert send(card, "8050300008000102030405060700")[-4:] == "9000"
        assert send(card, "8482030010" + "00" * 16) == "6300"
    assert send(card, "8050300008000102030405060700") == "6983"


def test_secret_objects_need_encipherment():
    plant = session(level=1)
    assert plant.send(apdu(0, 0xDA, 0x80, 0x02, tlv("81", b"123456"))) == b"\x69\x82"
    assert plant.send(apdu(0, 0xDA, 0x81, 0x30, bytes(6))) == b"\x90\x00"


WRONG_KEYS = {
    "8001": [b"", tlv("81", b"short"), tlv("82", b"\x03"), tlv("81", MRZ_INFORMATION) + tlv("82", b"\x03")],
    "8002": [tlv("81", b"12a456"), tlv("81", b""), tlv("81", b"123456") + tlv("83", b"\x01")],
    "8003": [tlv("81", b"123456") + tlv("82", b"\x00"), tlv("81", b"1" * 65)],
    "8101": [tlv("81", b"\xff" * 64) + tlv("82", b"\x03"), tlv("81", b"\xff" * 128)],
    "8103": [tlv("80", b"\x07") + tlv("86", b"\x01"), tlv("80", b"\x0c"), tlv("80", b"\x0c") + tlv("86", bytes(32))],
    "8110": [tlv("80", b"\x0c") + tlv("86", b"\xff" * 32), tlv("80", b"\x0c") + tlv("86", b"\x01") + tlv("87")],
    "8120": [b"", tlv("7F21", b"")],
    "8130": [bytes(5), bytes((0, 0, 0, 0, 0, 10))],
}


def test_a_curve_modulo_no_prime_is_none():
    parts = {name: bytes.fromhex(value) for name, value in issuance.DOMAINS["curves"]["12"].items()}
    even = parts["p"][:-1] + b"\x01"
    fields = tlv("81", even) + tlv("82", parts["a"]) + tlv("83", bytes(32)) + tlv("84", b"\x04" + bytes(64))
    value = fields + tlv("85", parts["n"]) + tlv("86", b"\x05")
    assert session().send(apdu(0, 0xDA, 0x81, 0x10, value)) == b"\x6a\x80"


@pytest.mark.parametrize("identifier", WRONG_KEYS)
def test_wrong_key_objects_are_refused(identifier):
    plant = session()
    p1, p2 = bytes.fromhex(identifier)
    for value in WRONG_KEYS[identifier]:
        assert plant.send(apdu(0, 0xDA, p1, p2, value)) in (b"\x6a\x80", b"\x67\x00"), value.hex()
    assert plant.send(apdu(0, 0xCA, p1, p2, ne=0)) == b"\x6a\x88"


def test_a_key_made_on_the_chip_is_shown_by_its_public_half_only():
    plant = session()
    plant.ok(0, 0xDA, 0x81, 0x10, tlv("80", b"\x0c") + tlv("87"))
    shown = parse(parse(plant.ok(0, 0xCA, 0x81, 0x10, ne=0))["7F49"])["86"]
    secret = parse(plant.card.memory()["emrtd/key/8110"])["86"]
    group = domain(12)
    assert group.decode(shown) == group.mul(int.from_bytes(secret, "big"), group.g)


def test_files_read_back_in_the_factory_whatever_their_condition():
    plant = session()
    plant.ok(0x00, 0xE0, 0, 0, tlv("62", tlv("82", b"\x38"), tlv("83", b"\x3f\x01"), tlv("84", AID)))
    assert create(plant, b"\x01\x03", 300, "never") == b"\x90\x00"
    write(plant, bytes(range(250)) + bytes(50))
    plant.ok(0, 0xD7, 0, 0, tlv("54", b"\x01\x1f") + tlv("53", b"\xaa\xbb"))
    assert plant.ok(0, 0xB0, 0x01, 0x1E, ne=4) == b"\x00\xaa\xbb\x00"
    assert plant.send(apdu(0, 0xD6, 0x01, 0x2B, b"\x01\x02")) == b"\x6a\x84"
    assert send(plant.card, "00B0000001") == "6982"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"fid": b"\x2f\x01"}, "6A89"),
        ({"sfi": 1}, "6A89"),
        ({"size": 0}, "6A80"),
        ({"size": 65_000}, "9000"),
        ({}, "9000"),
    ],
)
def test_create_file_says_what_is_wrong(changes, status):
    wanted = {"fid": b"\x01\x1c", "size": 10, "read": "always", "sfi": 0x1C} | changes
    assert create(session(), **wanted).hex().upper() == status


def test_memory_ends():
    plant = session()
    answers = [create(plant, bytes((2, number)), 40_000, "always", sfi=0) for number in range(3)]
    assert [answer.hex() for answer in answers] == ["9000", "9000", "6a84"]


def test_the_lock_wants_an_application_and_the_mf():
    plant = session()
    assert plant.send(apdu(0, 0x44, 0, 0)) == b"\x69\x85"


def test_a_terminated_chip_answers_nothing_but_that():
    plant = session()
    plant.ok(0, 0xE6, 0, 0)
    plant.card.power(True)
    for command in (SELECT_MF, bytes.fromhex("00CADF2000"), bytes.fromhex("8050300008000102030405060700")):
        assert plant.card.transmit(command) == b"\x69\x85"


# -- the lock

DOCUMENT = issuance.document()
MAKERS = {
    "emrtd-native": lambda: make_native(make_card("emrtd-native", seed=1), DOCUMENT),
    "emrtd-applet": lambda: make_applet(make_card("emrtd-applet", seed=1), DOCUMENT),
    "emrtd-2006": lambda: make_2006(make_card("emrtd-2006", seed=1)),
}
WRITES = [
    (0xD6, 0, 0, b"\xaa"), (0xD7, 0, 0, bytes.fromhex("5401005301AA")), (0xDA, 0x80, 0x02, b"\x81\x01\x31"),
    (0xE0, 0, 0, bytes.fromhex("62008201")), (0x44, 0, 0, b""), (0xE4, 0, 0, b"\x01\x01"), (0xE6, 0, 0, b""),
    (0xDA, 0xDE, 0xAD, b""), (0xDA, 0x00, 0x62, b"\x62\x00"),
]  # fmt: skip


@pytest.mark.parametrize("image", MAKERS)
def test_the_lock_holds_plain_and_in_a_session(image):
    reader = Reader(MAKERS[image]())
    reader.select_application()
    before = dict(reader.card.memory())
    for ins, p1, p2, data in WRITES:
        assert reader.raw(apdu(0, ins, p1, p2, data)) == b"\x6d\x00"
    for command in ("8050300008000102030405060700", "80E2880003010100", "80F28000024F0000"):
        assert reader.raw(command) == b"\x6e\x00"
    reader.bac(MRZ_INFORMATION)
    for ins, p1, p2, data in WRITES if image != "emrtd-2006" else ():
        with pytest.raises(RefusedError, match="6D00") as refusal:
            reader.send(0, ins, p1, p2, data, 256)
        assert refusal.value.protected
    assert reader.card.memory() == before


def test_a_locked_applet_takes_no_store_data_from_its_domain():
    card = MAKERS["emrtd-applet"]()
    assert card.transmit(bytes.fromhex("00A4040008A000000151000000"))[-2:] == b"\x90\x00"
    plant = Plant(card)
    answer = plant.send(apdu(0x80, 0xE6, 0x20, 0, bytes((0, 0, len(AID))) + AID + bytes(3), 0))
    assert answer == b"\x69\x85"
    assert card.transmit(bytes.fromhex("00A4040C07A0000002471001")) == b"\x90\x00"
    reader = Reader(card)
    reader.bac(MRZ_INFORMATION)
    assert reader.read("0101") == DG1


def test_the_applet_reads_back_in_a_session_of_its_domain():
    card = make_applet(make_card("emrtd-applet", seed=3), DOCUMENT, lock=False)
    assert card.transmit(bytes.fromhex("00A4040007A000000247100100")) == b"\x90\x00"
    assert send(card, "00A4020C020101") == "9000"
    assert send(card, "00B0000001") == "6982"
    plant = Plant(card)
    plant.ok(0, 0xA4, 0x02, 0x0C, b"\x01\x02")
    assert plant.ok(0, 0xB0, 0, 0, ne=200) == DG2[:200]
    assert plant.send(apdu(0, 0xCA, 0x81, 0x01, ne=0)) == b"\x6a\x88"
    assert plant.ok(0, 0xCA, 0x80, 0x01, ne=0) == b""


def test_secret_groupings_never_come_in_clear():
    plant = session("emrtd-applet")
    install(plant)
    plant.ok(0x80, 0xE6, 0x20, 0, bytes((0, 0, len(AID))) + AID + bytes(3), 0)
    assert plant.send(apdu(0x80, 0xE2, 0x88, 0, dgi("8002", tlv("81", b"123456")))) == b"\x6a\x80"
    store(plant, [("8002", enciphered(plant, tlv("81", b"123456")))], secret=True)


# -- the chip of 2006


def test_the_chip_of_2006_reads_by_bac_with_its_quirks():
    reader = Reader(MAKERS["emrtd-2006"]())
    assert reader.raw("00A4020C02011C") == b"\x6a\x82"
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    reader.send(0, 0xA4, 0x02, 0x0C, b"\x01\x01")
    assert reader.send(0, 0xB0, 0, 0, ne=200) == DG1
    assert reader.send(0, 0xB0, 0, 0, ne=256) == b""
    group = domain(12)
    reader.chip_authentication(group, group.encode(group.mul(CHIP_KEY, group.g)), 1)
    assert reader.send(0, 0xB0, 0, 4, ne=8) == DG1[4:12]
    with pytest.raises(RefusedError, match="6A82") as refusal:
        reader.send(0, 0xA4, 0x02, 0x0C, b"\x01\x16")
    assert not refusal.value.protected
