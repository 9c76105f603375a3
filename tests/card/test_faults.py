"""Every fault shows on an ordinary run, counts itself, and leaves the chip in the state it claims."""

import itertools

import pytest

from cardkit.virtual import VirtualCard
from cardkit.virtual.faults import Fault, TearAfter, TearBefore, catalogue
from cardkit.virtual.milenage import Milenage, xor

K, OPC, RAND = bytes(range(16)), bytes(range(16, 32)), bytes(16)
VERIFY = bytes.fromhex("0020000A084142434445464748")
ICCID = bytes.fromhex("98010203040506070809")


def hexes(*texts):
    return [bytes.fromhex(text) for text in texts]


def authenticate(sqn):
    aka, number, amf = Milenage(K, OPC), sqn.to_bytes(6, "big"), b"\x80\x00"
    autn = xor(number, aka.anonymity(RAND)) + amf + aka.mac(RAND, number, amf)
    return b"\x00\x88\x00\x81\x22\x10" + RAND + b"\x10" + autn + b"\x00"


# A personalization in small: select, write, read back, records, prove the key.
RUN = [
    *hexes("00A40004023F0000", "00A40804022FE200", "00B000000A"),
    *hexes("0020000A"),
    VERIFY,
    b"\x00\xd6\x00\x00\x0a" + ICCID,
    *hexes("00B000000A", "00A4080C047FF06F07", "00D6000009080910100000001032", "00B0000009"),
    *hexes("00A4080C047FF06F42", "00DC010434" + "A1" * 52, "00DC020434" + "A2" * 52, "00B2010434", "00B2020434"),
    *hexes("00A4080C047FF06F38", "00D6000014" + "5A" * 20, "00B0000014", "00A4080C047FF06FAD", "00D600000400000003"),
    *hexes("00A4080C047FF06F60", "00D600003C" + "62F2108000" * 12, "00B000003C", "00A4080C047FF06F61"),
    *hexes("00D600003C" + "62F2108000" * 12, "00B000003C", "00A4080C047FF06F62", "00D600003C" + "62F2108000" * 12),
    *hexes("00B000003C", "00A4080C047FF0AF20", "00D6000021" + "14" + K.hex() + OPC.hex(), "00A4080C027FF0"),
    authenticate(0),
    authenticate(33),
]


def drive(card):
    """Send RUN as far as the card lets us; answers, the last None when it went mute."""
    answers = []
    for command in RUN:
        try:
            answers.append(card.transmit(command))
        except TimeoutError:
            return [*answers, None]
        if not answers[-1]:
            break
    return answers


@pytest.fixture(scope="module")
def undisturbed():
    card = VirtualCard("usim", seed=1)
    answers = drive(card)
    assert [answer[-2:].hex() for answer in answers] == ["9000"] * 3 + ["63c3"] + ["9000"] * (len(RUN) - 4)
    return answers, card.memory()


@pytest.mark.parametrize("name", catalogue())
@pytest.mark.parametrize("seed", range(4))
def test_every_fault_fires_and_can_be_noticed(name, seed, undisturbed):
    answers, memory = undisturbed
    card = catalogue()[name](VirtualCard("usim", seed=1), seed)
    atr = card.atr()
    got = drive(card)
    assert card.fired >= 1
    assert (got, atr, card.memory()) != (answers, VirtualCard("usim").atr(), memory)


@pytest.mark.parametrize("name", catalogue())
def test_a_seed_repeats_its_fault(name):
    first, second = (catalogue()[name](VirtualCard("usim", seed=1), 11) for _ in range(2))
    assert drive(first) == drive(second)
    assert first.fired == second.fired


def test_before_it_is_due_a_fault_is_a_good_card(undisturbed):
    answers, memory = undisturbed
    for name in ("flipped-answer", "dropped-write", "write-error", "tear-before", "mute", "endless-61", "6c-loop"):
        card = catalogue()[name](VirtualCard("usim", seed=1), at=10_000)
        assert drive(card) == answers
        assert (card.fired, card.memory()) == (0, memory)


@pytest.mark.parametrize(("fault", "done"), [(TearBefore, 0), (TearAfter, 1)])
def test_tear_at_each_apdu_leaves_it_done_or_not(fault, done):
    for nth in range(1, len(RUN) + 1):
        torn = fault(VirtualCard("usim", seed=1), at=nth)
        assert len(drive(torn)) == nth
        assert torn.transmit(RUN[0]) == b""
        whole = VirtualCard("usim", seed=1)
        for command in RUN[: nth - 1 + done]:
            whole.transmit(command)
        assert torn.memory() == whole.memory()
        torn.power(cold=True)
        assert torn.transmit(RUN[0]) == whole.transmit(RUN[0])
        assert torn.fired == 1


def test_mute_until_reset():
    card = catalogue()["mute"](VirtualCard("usim", seed=1), at=1)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            card.transmit(RUN[0])
    card.power(cold=False)
    assert card.transmit(RUN[0])[-2:] == b"\x90\x00"


@pytest.mark.parametrize(("name", "stored"), [("dropped-write", b"\xff" * 10), ("flipped-memory", None)])
def test_write_faults_answer_9000(name, stored):
    card = catalogue()[name](VirtualCard("usim", seed=1), 5, at=1)
    card.transmit(RUN[1])
    assert [card.transmit(command)[-2:] for command in RUN[4:6]] == [b"\x90\x00"] * 2
    body = card.memory()["3F00/2FE2"]
    assert body != ICCID
    if stored is None:
        assert sum((a ^ b).bit_count() for a, b in zip(body, ICCID, strict=True)) == 1
    else:
        assert body == stored


def test_write_error_is_6581_once():
    card = catalogue()["write-error"](VirtualCard("usim", seed=1), at=1)
    card.transmit(RUN[1])
    assert [card.transmit(command) for command in RUN[4:6]] == [b"\x90\x00", b"\x65\x81"]
    assert card.memory()["3F00/2FE2"] == b"\xff" * 10
    assert card.transmit(RUN[5]) == b"\x90\x00"


def test_one_try_left_is_seen_by_a_query():
    card = catalogue()["one-try-left"](VirtualCard("usim", seed=1), 0)
    assert card.transmit(bytes.fromhex("0020000A")) == b"\x63\xc1"


def test_other_key_fails_its_proof():
    card = catalogue()["other-key"](VirtualCard("usim", seed=1), 0)
    assert drive(card)[-2:] == [b"\x98\x62", b"\x98\x62"]


def test_sqn_far_ahead_shows_in_auts():
    card = catalogue()["sqn-far-ahead"](VirtualCard("usim", seed=1), 0)
    auts = drive(card)[-1]
    assert auts[:2] == b"\xdc\x0e"
    assert xor(auts[2:8], Milenage(K, OPC).anonymity_resync(RAND)) == (1 << 47).to_bytes(6, "big")


def test_selects_another_writes_the_neighbour():
    card = catalogue()["selects-another"](VirtualCard("usim", seed=1), 2, at=1)
    drive(card)
    assert card.memory()["3F00/2FE2"] != ICCID
    assert card.memory()["3F00/2F05"] == ICCID


def test_selects_another_waits_for_a_file_with_a_neighbour():
    card = catalogue()["selects-another"](VirtualCard("usim", seed=1), at=1)
    card.transmit(bytes.fromhex("00A4080C047FF06F39"))  # the only cyclic file there
    assert card.fired == 0


def test_fcp_lies_leave_a_part_of_a_template_alone():
    card = catalogue()["fcp-lies"](VirtualCard("usim", seed=1, protocol=0), 0)
    assert card.transmit(bytes.fromhex("00A40004022FE2")) == b"\x61\x19"
    assert card.transmit(bytes.fromhex("00C0000008"))[:8].hex() == "6217820241218302"
    assert card.fired == 0
    card.transmit(bytes.fromhex("00A40004022FE2"))
    assert "8002000a" not in card.transmit(bytes.fromhex("00C0000019")).hex()
    assert card.fired == 1


def test_swapped_card_has_another_number_and_no_grant():
    good = VirtualCard("usim", seed=1)
    card = catalogue()["card-swapped"](good, 0)
    drive(card)
    assert card.serial != good.serial
    assert card.memory()["3F00/2FE2"] == b"\xff" * 10
    assert card.first is good


def test_wrong_atr_keeps_its_check_byte():
    card = catalogue()["wrong-atr"](VirtualCard("usim", seed=1), 0)
    check = 0
    for byte in card.atr()[1:]:
        check ^= byte
    assert check == 0
    assert card.atr() != VirtualCard("usim").atr()


def test_endless_faults_never_end():
    get_response = bytes.fromhex("00C0000010")
    more = catalogue()["endless-61"](VirtualCard("usim", seed=1), at=1)
    more.transmit(RUN[0])
    assert {more.transmit(get_response) for _ in range(400)} == {bytes(16) + b"\x61\x10"}
    empty = catalogue()["61-without-data"](VirtualCard("usim", seed=1), at=1)
    empty.transmit(RUN[0])
    assert {empty.transmit(get_response) for _ in range(400)} == {b"\x61\x10"}
    lengths = catalogue()["6c-loop"](VirtualCard("usim", seed=1), at=1)
    answers = [lengths.transmit(RUN[2]) for _ in range(10)]
    assert all(a[0] == 0x6C and a != b for a, b in itertools.pairwise(answers))
    proactive = catalogue()["91-forever"](VirtualCard("usim", seed=1), at=1)
    proactive.transmit(RUN[0])
    assert {proactive.transmit(bytes.fromhex("801200000B"))[-2:] for _ in range(100)} == {b"\x91\x0b"}


def test_faults_nest():
    inner = TearBefore(VirtualCard("usim", seed=1), at=9)
    outer = catalogue()["dropped-write"](inner, at=1)
    drive(outer)
    assert (inner.fired, outer.fired) == (1, 1)
    assert isinstance(outer.card, Fault)
