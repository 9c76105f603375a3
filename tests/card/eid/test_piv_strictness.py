"""What the PIV chip refuses, and with which status word (SP 800-73-4 part 2)."""

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from .conftest import rsa_key
from .structure import MANAGEMENT_KEY

PIN = "313233343536FFFF"
VERIFY = f"0020008008{PIN}"
P256_9A = "0047009A05AC0380011100"


def cipher():
    return Cipher(TripleDES(MANAGEMENT_KEY), modes.ECB())


def show_management_key(send):
    """Single authentication: the card's challenge, encrypted."""
    answer = bytes.fromhex(send("0087039B047C02810000"))
    assert answer[:4] == bytes.fromhex("7C0A8108")
    encrypted = cipher().encryptor().update(answer[4:12])
    return send(f"0087039B0C7C0A8208{encrypted.hex()}")


@pytest.fixture
def managed(send):
    assert show_management_key(send) == "9000"
    return send


@pytest.mark.parametrize("aid", ["A000000308", "A00000030800001000", "A000000308000010000100"])
def test_the_application_is_found_by_its_whole_and_its_truncated_name(send, aid):
    answer = send(f"00A4040C{len(aid) // 2:02X}{aid}00")
    assert answer.startswith("612F4F0600001000010079074F05A000000308")
    assert answer.endswith("AC0F8001078001058001118001140601009000")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("00A4040005A000000004", "6A82"),  # another application
        ("00A4040004A0000003", "6A82"),
        ("00A40000023F00", "6A86"),
        ("80FD000000", "6E00"),
        ("01FD000000", "6881"),
        ("04FD000000", "6882"),
        ("0042000000", "6D00"),
        ("00FD000100", "6A86"),
        ("00CB3FFF055C035FC10200", "6A82"),
        ("00CB3FFF055C035FC10300", "6982"),  # fingerprints: the PIN first
        ("00CB3FFF055C035FC10900", "6982"),
        ("00CB3FFF025C0000", "6A80"),
        ("00CB3F00055C035FC10200", "6A86"),
        ("00DB3FFF095C035FC107530230FE", "6982"),
        (P256_9A, "6982"),
        ("00FE119A030601AA", "6982"),
        ("00FFFFFF1B039B18" + "00" * 24, "6982"),
        ("00F6829A", "6982"),
        ("00FA0505", "6982"),
        ("00FB0000", "6985"),
        ("00F7009A00", "6A88"),
        ("00F7009600", "6A88"),  # no biometrics: ykman takes 6A86 for a failure
        ("0020009700", "6A88"),
        ("002000800431323334", "6700"),
        ("0020FF8008" + PIN, "6A80"),
        ("00240082103132333435363738" + PIN, "6A86"),
        ("0024008008" + PIN, "6700"),
        ("0087089B047C02810000", "6A86"),  # AES, but the key is 3DES
        ("0087039B047C02820000", "6985"),  # nothing was asked
        ("0087039B0C7C0A81080102030405060708", "6A80"),
        ("0087039B0C7C0A82080102030405060708", "6985"),
        ("0087039B027C00", "6A80"),
        ("0087119A067C048200810000", "6A88"),
        ("0087119F067C048200810000", "6A86"),
        ("0087119A02300000", "6A80"),
    ],
)
def test_a_fresh_chip_answers(send, command, expected):
    assert send(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("0047009A05AC0380010600", "6A80"),  # RSA-1024
        ("0047009A05AC0380012E00", "6A80"),
        ("0047009A02AC0000", "6A80"),
        ("0047009A0880011100", "6700"),
        ("0047009A0380011100", "6A80"),
        ("0047009B05AC0380011100", "6A86"),
        ("0047019A05AC0380011100", "6A86"),
        ("0047009A08AC06800111AA010400", "6A80"),  # a PIN policy of fingerprints
        ("0047009A08AC06800111AB010200", "6A80"),  # there is nothing to touch
        ("00FE119A03060100", "6A80"),  # scalar 0
        ("00FE119A220620" + "FF" * 32, "6A80"),  # beyond the order of the group
        ("00FE079A030101AA", "6A80"),
        ("00FFFFFF13089B10" + "00" * 16, "9000"),
        ("00FFFFFF13089B0F" + "00" * 16, "6A80"),
        ("00FFFFFF12089B10" + "00" * 15, "6A80"),
        ("00FFFFFF13079B10" + "00" * 16, "6A80"),
        ("00FFFFFF", "6A80"),
        ("00F6829A", "6A88"),
        ("00DB3FFF075C035FC2005300", "6A80"),  # no such object
        ("00DB3FFF055C035FC107", "6A80"),
        ("00FA0000", "6982"),  # the PIN too
    ],
)
def test_with_the_management_key_shown_it_answers(managed, command, expected):
    assert managed(command) == expected


def test_a_challenge_is_good_for_one_answer(send):
    challenge = bytes.fromhex(send("0087039B047C02810000"))[4:12]
    assert send("0087039B0C7C0A8208" + "00" * 8) == "6982"
    encrypted = cipher().encryptor().update(challenge)
    assert send(f"0087039B0C7C0A8208{encrypted.hex()}") == "6985"


def test_a_wrong_answer_takes_the_right_away(managed):
    assert managed(P256_9A)[-4:] == "9000"
    managed("0087039B047C02810000")
    assert managed("0087039B0C7C0A8208" + "00" * 8) == "6982"
    assert managed(P256_9A) == "6982"


def test_a_reset_forgets_everything(piv, managed):
    assert managed(VERIFY) == "9000"
    piv.power(cold=False)
    assert managed("0020008000") == "63C3"
    assert managed(P256_9A) == "6982"


def test_another_select_forgets_nothing(managed):
    assert managed(VERIFY) == "9000"
    assert managed("00A4040005A000000308")[-4:] == "9000"
    assert managed("00A4040005A000000004") == "6A82"
    assert managed("0020008000") == "9000"
    assert managed("0020FF8000") == "9000"
    assert managed("0020008000") == "63C3"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (PIN, "3132333435FFFFFF", "6A80"),  # five digits
        (PIN, "313233343541FFFF", "6A80"),  # a letter
        (PIN, "31323334FF3536FF", "6A80"),
        (PIN, "3132333435363738", "9000"),
        ("3132333435363738", PIN, "63C2"),
    ],
)
def test_a_new_pin_has_six_to_eight_digits(send, old, new, expected):
    assert send(f"0024008010{old}{new}") == expected
    assert send("0020008000") == ("63C2" if expected == "63C2" else "63C3")


def test_the_puk_is_counted_of_its_own(send):
    for left in (2, 1, 0):
        assert send("002C008010" + "30" * 8 + PIN) == f"63C{left}"
    assert send("002C0080103132333435363738" + PIN) == "6983"
    assert send(VERIFY) == "9000"


def test_protected_objects_open_with_the_pin(managed):
    assert managed("00DB3FFF095C035FC10353023000") == "9000"
    assert managed("00CB3FFF055C035FC10300") == "6982"
    assert managed(VERIFY) == "9000"
    assert managed("00CB3FFF055C035FC10300") == "530230009000"


def test_memory_ends(managed):
    tail = f"53821F40{'00' * 8000}"
    for number in range(8):
        assert managed(f"00DB3FFF001F495C035FC1{number + 1:02X}{tail}") == "9000"
    assert managed(f"00DB3FFF001F495C035FC109{tail}") == "6A84"


def test_an_object_has_a_largest_size(managed):
    assert managed("00DB3FFF0020095C035FC10953822000" + "00" * 8192) == "9000"
    assert managed("00DB3FFF00200A5C035FC10953822001" + "00" * 8193) == "6A84"


def test_a_point_off_the_curve_is_refused(managed):
    assert managed("0047009D05AC0380011100")[-4:] == "9000"
    assert managed(VERIFY) == "9000"
    point = "04" + "11" * 64
    assert managed(f"0087119D477C4582008541{point}00") == "6A80"
    assert managed("0087119D0A7C08820085040400000000") == "6A80"


def test_a_key_that_signs_agrees_on_nothing(managed):
    answer = managed("0047009E05AC0380011100")
    point = answer[10 : 10 + 130]
    assert managed(f"0087119E477C4582008541{point}00") == "6A80"


def rsa_body(key):
    """The objects of IMPORT for an RSA key."""
    numbers = key.private_numbers()
    size = key.key_size // 16
    parts = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return "".join(f"{tag:02X}81{size:02X}{part:0{2 * size}X}" for tag, part in enumerate(parts, 1))


def test_the_private_operation_of_rsa_3072_is_the_plain_one(managed):
    key = rsa_key(3072)
    body = rsa_body(key)
    assert managed(f"00FE059E00{len(body) // 2:04X}{body}") == "9000"
    block = bytes(range(256)) + bytes(128)
    answer = bytes.fromhex(managed(f"0087059E00018A7C820186820081820180{block.hex()}0000"))
    public = key.public_key().public_numbers()
    assert answer[:8].hex().upper() == "7C82018482820180"
    assert pow(int.from_bytes(answer[8:-2], "big"), public.e, public.n) == int.from_bytes(block, "big")


def test_an_rsa_block_is_as_long_as_the_modulus_and_smaller(managed):
    body = rsa_body(rsa_key(2048))
    key = rsa_key(2048).private_numbers()
    assert managed(f"00FE079E00{len(body) // 2:04X}{body}") == "9000"
    for block in ("01" * 255, "FF" * 256, "01" * 257):
        size = len(block) // 2
        inner = f"820081{'82' if size > 255 else '81'}{size:0{4 if size > 255 else 2}X}{block}"
        template = f"7C82{len(inner) // 2:04X}{inner}"
        assert managed(f"0087079E00{len(template) // 2:04X}{template}0000") == "6A80"
    swapped = body.replace(f"{key.dmp1:0256X}", f"{key.dmq1:0256X}", 1)
    assert managed(f"00FE079E00{len(swapped) // 2:04X}{swapped}") == "6A80"


def test_a_long_answer_waits_for_get_response(managed):
    assert managed("00DB3FFF00012F5C035FC107" + "53820126" + "AB" * 294) == "9000"
    first = managed("00CB3FFF055C035FC10700")
    assert (len(first), first[-4:]) == (516, "612A")
    assert managed("00C000002A") == "AB" * 42 + "9000"
    assert managed("00C0000000") == "6985"


@pytest.mark.parametrize("size", [1, 127, 129, 3000])
def test_numbers_of_another_size_are_no_key(managed, size):
    number = "82" + f"{size:04X}" + "FD" * size
    body = "".join(f"{tag:02X}{number}" for tag in range(1, 6))
    assert managed(f"00FE079E00{len(body) // 2:04X}{body}") == "6A80"


def test_numbers_that_are_no_primes_are_no_key(managed):
    body = "".join(f"{tag:02X}8180{'FD' * 128}" for tag in range(1, 6))
    assert managed(f"00FE079E00{len(body) // 2:04X}{body}") == "6A80"
