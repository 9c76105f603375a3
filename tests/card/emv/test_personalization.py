"""EMV CPS against the virtual card: how data come, and when it is closed (sheet payment.md 13)."""

import copy

import pytest

from cardkit.virtual import make_card

from .bureau import (
    CLOSED,
    MISSING,
    OK,
    WRONG,
    AesBureau,
    Bureau,
    contents,
    opened,
)
from .issuance import (
    AID,
    CARD_KEYS,
    KEYS,
    PACKAGE,
    PAYMENT_MODULE,
    PKI,
    RSA,
    card,
    tlv,
)
from .terminal import Terminal


@pytest.fixture
def bureau():
    return opened()


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


def test_parameters_of_installation_are_refused():
    bureau = Bureau(make_card("emv-cps", seed=1)).open()
    fields = "".join(f"{len(part) // 2:02X}{part}" for part in (PACKAGE, PAYMENT_MODULE, AID, "00", "C90101")) + "00"
    assert bureau.send("84E60C00", bytes.fromhex(fields)) == WRONG


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
