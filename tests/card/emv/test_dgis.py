"""EMV CPS against the virtual card: what its data groupings may hold (sheet payment.md 13)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .bureau import (
    MISSING,
    OK,
    UNKNOWN,
    WRONG,
    contents,
    opened,
)
from .issuance import (
    CARD_KEYS,
    IADS,
    KEYS,
    PKI,
    PPSE,
    PPSE_MODULE,
    PSE,
    PSE_MODULE,
    RSA,
    card,
    contactless_directory,
    directory,
    kcv,
    tlv,
)
from .terminal import Terminal


@pytest.fixture
def bureau():
    return opened()


WRONG_CONTENTS = {
    "no template 70": ("0101", "5A081234560012345608"),
    "two templates": ("0101", "7003570112" + "7003570112"),
    "bytes behind the template": ("0101", "700357011200"),
    "an object cut short": ("0101", "7003570212"),
    "an object cut short inside": ("0101", "7006A504570412AB"),
    "no record": ("0101", ""),
    "indefinite length": ("0101", "7080570112"),
    "FCI cut short": ("9102", "A5055002"),
    "PDOL cut short": ("9102", "A5059F38029F33"),
    "empty FCI": ("9102", "A500"),
    "no AIP": ("9104", "940408010100"),
    "AIP of 3 bytes": ("9104", "82033900009404" + "08010100"),
    "AFL of 5 bytes": ("9104", "820239009405" + "0801010000"),
    "the cryptogram given": ("B104", "820239009F260800112233445566779404" + "08010100"),
    "two AIPs": ("9104", "82023900820239009404" + "08010100"),
    "tries over their limit": ("9010", "0403"),
    "no tries at all": ("9010", "0000"),
    "PIN limit of 16": ("9010", "1010"),
    "one byte of tries": ("9010", "03"),
    "two check values": ("9000", "112233445566"),
    "unknown internal tag": ("0D01", "9F1007060112030000009F990101"),
    "unknown form of IAD": ("0D01", "9F10050601120300"),
    "unknown cryptogram version": ("0D01", "9F100706010B03000000"),
    "contactless version for contact": ("0D01", "9F1007060111 03000000".replace(" ", "")),
    "limit of two bytes": ("0D01", "9F10070601120300 00009F58020001".replace(" ", "")),
    "amount that is no number": ("0D01", "9F10070601120300 00009F540600000000000A".replace(" ", "")),
    "MAC of 9 bytes": ("0D01", "9F10070601120300 0000DF020109".replace(" ", "")),
    "qualifiers of one byte": ("0E01", "9F6C0180"),
    "log format cut short": ("9F4F", "9F0206 9F".replace(" ", "")),
    "ATC of 3 bytes": ("9F36", "000000"),
    "file without SFI": ("0062", "620480020100"),
    "file in a wrong template": ("0062", "6F078002010088 0108".replace(" ", "")),
}


@pytest.mark.parametrize("case", WRONG_CONTENTS)
def test_wrong_contents_are_refused_at_once(bureau, case):
    name, value = WRONG_CONTENTS[case]
    assert bureau.store(0x08, bureau.value(name, value)) == WRONG
    assert not [cell for cell in contents(bureau) if name in cell]


SECRET_CONTENTS = {
    "keys of 15 bytes": ("8000", "11" * 40),
    "two keys": ("8000", "11" * 32),
    "six keys": ("8000", "11" * 96),
    "PIN block of format 1": ("8010", "141234FFFFFFFFFF"),
    "PIN of 3 digits": ("8010", "23123FFFFFFFFFFF"),
    "PIN with a letter": ("8010", "2412A4FFFFFFFFFF"),
    "filler that is none": ("8010", "2412340000000000"),
    "PIN block twice": ("8010", "241234FFFFFFFFFF" * 2),
}


@pytest.mark.parametrize("case", SECRET_CONTENTS)
def test_wrong_secrets_are_refused_at_once(bureau, case):
    assert bureau.store(0x68, bureau.value(*SECRET_CONTENTS[case])) == WRONG
    assert contents(bureau) == {}


def test_values_have_an_end(bureau):
    """Also templates nested so deeply that a parser would get lost."""
    for name in ("9102", "0101", "B104", "9F4F"):
        nested = b""
        while len(nested) < 3000:
            nested = b"\xa5\x82" + len(nested).to_bytes(2, "big") + nested
        stream = bureau.value(name, nested.hex())
        answers = [bureau.store(0x08, stream[at : at + 231]) for at in range(0, len(stream), 231)]
        assert set(answers[:-1]) == {OK}
        assert answers[-1] == WRONG
        bureau.block = 0


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*card(), "B104", "9103", "0E01", "8010", "8101", "9F36", "0062"]), st.binary(max_size=60))
def test_any_contents_are_taken_or_refused(shared, name, value):
    """And never in between: what is refused leaves nothing."""
    before = contents(shared)
    shared.target()
    answer = shared.store(0x68 if name[0] == "8" else 0x08, shared.value(name, value.hex()))
    assert answer in (OK, WRONG)
    assert answer == OK or contents(shared) == before


@pytest.fixture(scope="module")
def shared():
    return opened()


UNKNOWN_NAMES = [
    "0D02", "0E02", "0100", "1F01", "7FF0", "7FFE", "7FFF", "8011", "8105", "8106",
    "8206", "9001", "9F17", "9F99", "0000", "FFFF", "9105",
]  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN_NAMES)
def test_unknown_groupings(bureau, name):
    value = bytes.fromhex(name) + b"\x08" + bytes(8)
    assert bureau.store(0x68 if name[0] == "8" else 0x08, value) == UNKNOWN


@pytest.mark.parametrize("order", ["keys first", "check values first"])
@pytest.mark.parametrize("place", [0, 3, 6, 9])
def test_a_wrong_check_value_is_refused_whatever_comes_first(bureau, order, place):
    values = bytearray(b"".join(map(kcv, CARD_KEYS)))
    values[place] ^= 1
    keys = (0x68, bureau.value("8000", b"".join(CARD_KEYS).hex()))
    checks = (0x08, bureau.value("9000", values.hex()))
    first, second = (keys, checks) if order == "keys first" else (checks, keys)
    assert bureau.store(*first) == OK
    assert bureau.store(*second) == WRONG


def test_fewer_check_values_than_keys(bureau):
    assert bureau.store(0x68, bureau.value("8000", b"".join(CARD_KEYS).hex())) == OK
    assert bureau.store(0x08, bureau.value("9000", b"".join(map(kcv, CARD_KEYS[:3])).hex())) == WRONG


def test_keys_whose_parts_do_not_belong_together(bureau):
    dgis = card()
    other = RSA(KEYS["1152-3"]).crt()
    for number in range(1, 6):
        broken = dict(dgis)
        broken[f"820{number}"] = other[number - 1][:64].hex()
        fresh = opened()
        assert fresh.store_all(broken) == WRONG


def test_an_exponent_of_another_modulus(bureau):
    dgis = {name: value for name, value in card().items() if not name.startswith("82")}
    key, other = PKI().icc, RSA(KEYS["1024-65537"])
    dgis |= {"8101": key.d.to_bytes(key.size, "big").hex(), "8103": other.modulus.hex()}
    assert bureau.store_all(dgis) == WRONG
    fresh = opened()
    dgis["8103"] = RSA(KEYS["1152-3"]).modulus.hex()
    assert fresh.store_all(dgis) == WRONG, "of another length"


TOGETHER = [
    ("9102", "A50E500141BF0C089F4D020B03420112", MISSING),
    ("9102", "A509500141BF0C039F4D00", OK),
    ("9104", "82023900940408030100", WRONG),
    ("9104", "82023900940400010100", WRONG),
    ("9104", "82023900940408010102", WRONG),
    ("9104", "820239009404080101FF", WRONG),
    ("B104", "82023900", MISSING),
]


@pytest.mark.parametrize(("name", "value", "answer"), TOGETHER)
def test_what_does_not_belong_together_is_found_at_the_last_block(bureau, name, value, answer):
    dgis = {key: content for key, content in card().items() if key != "9F4F" or name != "9102"}
    assert bureau.store_all(dgis | {name: value}) == answer


def test_a_log_entry_of_one_byte(bureau):
    assert bureau.store_all(card(_9102="A50A500141BF0C049F4D010B")) == WRONG


def test_exponent_and_modulus_in_place_of_five_parts(bureau):
    dgis = {name: value for name, value in card().items() if not name.startswith("82")}
    key = PKI().icc
    dgis |= {"8101": key.d.to_bytes(key.size, "big").hex(), "8103": key.modulus.hex()}
    assert bureau.store_all(dgis) == OK
    terminal = Terminal(bureau.card).power().start()
    terminal.keys()
    assert terminal.dda()


def test_padded_parts_are_those_that_are_no_whole_blocks():
    """1984 bits: 124-byte halves, padded to 128 under triple DES; 1640: 103 to 104."""
    for size in ("1984-65537", "1640-3"):
        bureau = opened()
        key = RSA(KEYS[size])
        assert len(key.crt()[0]) % 8
        assert bureau.store_all(card(pki=PKI(key))) == OK
        terminal = Terminal(bureau.card).power().start()
        terminal.keys()
        assert terminal.dda()


@pytest.mark.parametrize("iad", IADS)
def test_check_values_are_of_the_algorithm_that_the_version_has(iad):
    assert opened().store_all(card(iad)) == (WRONG if iad == "ccd6" else OK)


def test_files_have_room_for_as_much_as_was_created(bureau):
    assert bureau.store(0x08, bureau.value("0062", "620A800200108202" + "0241" + "880108")) == WRONG
    bureau.block = 0
    assert bureau.store(0x08, bureau.value("0062", "620B80020010820202418801" + "08")) == OK
    assert bureau.store(0x08, bureau.value("0101", tlv("70", tlv("57", "12" * 8)))) == OK
    assert bureau.store(0x08, bureau.value("0102", tlv("70", tlv("57", "12" * 8)))).hex() == "6a84"


def test_directories_are_personalized_alone():
    pse = opened(PSE_MODULE, PSE)
    assert pse.store(0x08, pse.value("8000", "00" * 48)) == UNKNOWN
    pse.block = 0
    assert pse.store_all({"9102": directory()["9102"]}) == MISSING
    pse.block = 0
    assert pse.store_all(directory()) == OK
    ppse = opened(PPSE_MODULE, PPSE)
    assert ppse.store(0x08, ppse.value("0101", directory()["0101"])) == UNKNOWN
    ppse.block = 0
    assert ppse.store_all({"9102": tlv("A5", tlv("50", "41"))}) == MISSING
    ppse.block = 0
    assert ppse.store_all(contactless_directory()) == OK
