"""EMV CPS against the virtual card: what is taken, what is refused, and when it is closed (sheet payment.md 13)."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card

from .issuance import (
    AID,
    CARD_KEYS,
    IADS,
    KEYS,
    PACKAGE,
    PAYMENT_MODULE,
    PKI,
    PPSE,
    PPSE_MODULE,
    PSE,
    PSE_MODULE,
    RSA,
    AesBureau,
    Bureau,
    card,
    contactless_directory,
    des3,
    directory,
    kcv,
    tlv,
)
from .terminal import Terminal

OK, MISSING, WRONG, UNKNOWN, CLOSED = (bytes.fromhex(text) for text in ("9000", "6A86", "6A80", "6A88", "6985"))


@pytest.fixture
def bureau():
    return opened()


def opened(module=PAYMENT_MODULE, aid=AID, **options):
    found = Bureau(make_card("emv-cps", seed=1), **options).open()
    assert found.install(aid, module).endswith(OK)
    assert found.target(aid).endswith(OK)
    return found


def contents(bureau):
    prefix = f"app/{AID}/"
    return {name: value for name, value in bureau.card.memory().items() if name.startswith(prefix)}


@pytest.mark.parametrize("level", [1, 3])
@pytest.mark.parametrize("structure", [0x00, 0x08])
def test_both_forms_of_store_data_at_every_level(structure, level):
    """P1 00/60/80 of classic CPS and 08/68/88; C-MAC without and with encryption."""
    bureau = opened(level=level)
    assert bureau.store_all(card(), structure=structure) == OK
    assert Terminal(bureau.card).power().start().keys()


def test_personalization_in_a_session_of_the_application_itself(bureau):
    found = Bureau(bureau.card).open(AID)
    found.block = 0
    assert found.store_all(card()) == OK
    assert Terminal(bureau.card).power().start().keys()


@pytest.mark.parametrize("room", [17, 64, 239])
def test_values_go_on_in_the_next_command(room):
    whole, cut = opened(), opened()
    assert whole.store_all(card()) == OK
    assert cut.store_all(card(), room=room) == OK
    assert contents(cut) == contents(whole)


def test_a_value_may_be_cut_at_any_byte(bureau):
    value = bureau.value("0101", tlv("70", tlv("57", "12" * 8)))
    for at in range(len(value) + 1):
        bureau.target()
        assert bureau.store(0x08, value[:at]) == OK
        assert bureau.store(0x08, value[at:] + bureau.value("9010", "0303")) == OK
        assert contents(bureau)[f"app/{AID}/record/0101"] == value[3:]


def test_a_value_of_255_bytes_has_a_long_length(bureau):
    for number, size in ((1, 254), (2, 255), (3, 256)):
        body = tlv("70", tlv("9F1F", "41" * (size - 7)))
        assert len(body) == 2 * size
        assert (bureau.value("0501", body)[2] == 0xFF) == (size > 254)
        assert bureau.store(0x08, bureau.value(f"050{number}", body)[:200]) == OK
        assert bureau.store(0x08, bureau.value(f"050{number}", body)[200:]) == OK
        assert contents(bureau)[f"app/{AID}/record/050{number}"].hex().upper() == body


REQUIRED = [
    "9102", "9104", "0101", "0201", "0204", "0302", "8000", "9000", "9010", "0D01",
    "9F4F", "8201", "8202", "8203", "8204", "8205",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing_is_refused_at_the_last_block_and_may_follow(bureau, name):
    dgis = card()
    assert bureau.store_all({key: value for key, value in dgis.items() if key != name}) == MISSING
    bureau.block = 0
    assert bureau.store_all(dgis) == OK


def test_a_card_without_signatures_needs_no_key(bureau):
    dgis = {name: value for name, value in card(aip="1800").items() if not name.startswith("82")}
    assert bureau.store_all(dgis) == OK


def test_a_part_of_a_key_is_no_key(bureau):
    dgis = {name: value for name, value in card(aip="1800").items() if name != "8203"}
    assert bureau.store_all(dgis) == MISSING
    bureau = opened()
    dgis = {name: value for name, value in card(aip="1800").items() if not name.startswith("82")}
    assert bureau.store_all(dgis | {"8101": "0F" * 128}) == MISSING
    bureau.block = 0
    assert bureau.store_all(dgis | {"8104": "0F" * 128}) == MISSING


def test_after_the_last_block_nothing_is_taken(bureau):
    assert bureau.store_all(card()) == OK
    before = contents(bureau)
    bureau.block = 0
    assert bureau.store(0x08, bureau.value("9010", "0F0F")) != OK, "it would be for the security domain now"
    assert bureau.open().target() == CLOSED
    again = Bureau(bureau.card).open(AID)
    again.block = 0
    assert again.store(0x88, b"") == CLOSED
    assert contents(bureau) == before


def test_the_registry_tells_an_open_application_from_a_closed_one(bureau):
    def state():
        body = bytes.fromhex("4F07" + AID)
        answer = bureau.send("84F24002", body)
        return answer[answer.index(b"\x9f\x70") + 3]

    assert state() == 0x07
    assert bureau.store_all(card()) == OK
    assert state() == 0x0F


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
@given(st.sampled_from([*REQUIRED, "B104", "9103", "0E01", "8010", "8101", "9F36", "0062"]), st.binary(max_size=60))
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


@pytest.mark.parametrize("name", ["8000", "8010", "8101", "8201", "8301"])
def test_secrets_in_clear_are_refused(bureau, name):
    value = card().get(name, "00" * 64)
    clear = bytes.fromhex(name) + bytes((len(value) // 2,)) + bytes.fromhex(value)
    assert bureau.store(0x08, clear) == WRONG
    assert contents(bureau) == {}


def test_p1_says_for_each_grouping_by_its_name(bureau):
    """28: those that begin with 8 are encrypted, the others are not."""
    mixed = bureau.value("9010", "0303") + bureau.value("8010", "241234FFFFFFFFFF")
    assert bureau.store(0x28, mixed) == OK
    assert contents(bureau)[f"app/{AID}/pin"].hex() == "241234ffffffffff"


def test_structures_and_bits_that_are_not_for_this_card(bureau):
    for p1 in (0x10, 0x18, 0x48, 0x0A, 0x0C):
        bureau.block = 0
        assert bureau.store(p1, bytes.fromhex("0D0100")) == MISSING


def test_blocks_come_in_order(bureau):
    assert bureau.store(0x08, bureau.value("9010", "0303")) == OK
    bureau.block = 3
    assert bureau.store(0x08, bureau.value("9010", "0303")) == CLOSED
    bureau.block = 0
    assert bureau.store(0x08, bureau.value("9010", "0303")) == OK, "an error resets the number"


def test_a_last_block_that_ends_inside_a_value(bureau):
    assert bureau.store(0x88, bytes.fromhex("0101 10 7001".replace(" ", ""))) == WRONG


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


def test_parameters_of_installation_are_refused():
    bureau = Bureau(make_card("emv-cps", seed=1)).open()
    fields = "".join(f"{len(part) // 2:02X}{part}" for part in (PACKAGE, PAYMENT_MODULE, AID, "00", "C90101")) + "00"
    assert bureau.send("84E60C00", bytes.fromhex(fields)) == WRONG


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


def steps(bureau, dgis):
    """The STORE DATA commands of a personalization, one closure each."""
    secret = [bureau.value(*item) for item in dgis.items() if item[0][0] == "8"]
    clear = [bureau.value(*item) for item in dgis.items() if item[0][0] != "8"]
    blocks = [(0x68, value) for value in secret] + [(0x08, value) for value in clear if len(value) < 240]
    long = [value for value in clear if len(value) >= 240]
    blocks += [(0x08, part) for value in long for part in (value[:200], value[200:])]
    return [*blocks[:-1], (blocks[-1][0] | 0x80, blocks[-1][1])]


def test_a_card_torn_after_any_block_starts_over_and_ends_the_same():
    pki = PKI(RSA(KEYS["1024-65537"]))
    good = opened()
    dgis = card(pki=pki)
    blocks = steps(good, dgis)
    for block in blocks:
        assert good.store(*block) == OK
    expected = contents(good)
    for torn_after in range(1, len(blocks), 4):
        torn = opened()
        for block in steps(torn, dgis)[:torn_after]:
            assert torn.store(*block) == OK
        torn.card.power(True)
        torn.open()
        assert torn.target().endswith(OK)
        for block in steps(torn, dgis):
            assert torn.store(*block) == OK
        assert contents(torn) == expected


def test_power_lost_inside_the_last_block_leaves_all_or_nothing():
    ready = opened()
    blocks = steps(ready, card())
    for block in blocks[:-1]:
        assert ready.store(*block) == OK
    before = contents(ready)
    outcomes = set()
    for step in range(1, 9):
        torn = copy.deepcopy(ready)
        torn.card.cut_at(step)
        answer = torn.store(*blocks[-1])
        torn.card.power(True)
        assert answer in (b"", OK)
        closed = contents(torn).get(f"app/{AID}/state") == b"\x01"
        assert closed == (answer == OK)
        assert closed or contents(torn) == before
        outcomes.add(closed)
    assert outcomes == {False, True}


def test_scp03_with_aes_pads_more():
    """Under AES a block has 16 bytes: PIN block and 72-byte halves are padded."""
    virtual = make_card("emv-cps-scp03", seed=1)
    bureau = AesBureau(virtual).open()
    assert bureau.install() == b"\x00" + OK
    assert bureau.target() == b"\x00" + OK
    assert bureau.store_all(card(pki=PKI(RSA(KEYS["1152-3"]))), room=200) == OK
    terminal = Terminal(virtual).power()
    terminal.start()
    terminal.keys()
    assert terminal.dda()
    assert terminal.status("0020008008241234FFFFFFFFFF") == "9000"


def test_a_deleted_application_leaves_nothing(bureau):
    assert bureau.store_all(card()) == OK
    assert contents(bureau)
    assert bureau.send("84E40000", bytes.fromhex("4F07" + AID)).endswith(OK)
    assert contents(bureau) == {}
    assert bureau.install().endswith(OK)
    assert bureau.target().endswith(OK)
    assert bureau.store_all(card()) == OK


def test_secrets_never_leave_the_card(bureau):
    """No command of the application shows a key, PIN or private exponent."""
    assert bureau.store_all(card()) == OK
    terminal = Terminal(bureau.card).power()
    terminal.start()
    secrets = [part.hex().upper() for part in (*CARD_KEYS, *PKI().icc.crt())] + ["241234FFFFFFFFFF"]
    for tag in ("8000", "8010", "8201", "8205", "9F17", "9F36", "0D01"):
        answer = terminal(f"80CA{tag}00")
        assert not [secret for secret in secrets if secret in answer]
    assert des3(CARD_KEYS[0], bytes(8))
