"""What one application may not see of another: files, keys, sessions, PINs; and that each is what it is alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card
from cardkit.virtual.gp.exchange import exchange
from tests.card.cipurse.terminal import TRANSPORT as TRANSPORT_KEY
from tests.card.cipurse.terminal import Bench, lv
from tests.card.eid import structure
from tests.card.emv.bureau import Bureau
from tests.card.emv.issuance import KMC

from .conftest import ADF, IDENTITY, ISD, OTHER_PIN, PAYMENT, PIN, STATUS_FILE, TRANSPORT, VERIFY, Terminal

OTHERS = {ISD: (IDENTITY, ADF), IDENTITY: (ISD, PAYMENT, ADF, TRANSPORT), ADF: (ISD, PAYMENT, IDENTITY)}
LEFT = [(home, other) for home, others in OTHERS.items() for other in others]
WRONG_PAYMENT_PIN, NO_PIN = "0020008008249999FFFFFFFFFF", "0020000100"


def test_the_same_file_identifier_is_another_file_in_each(finished):
    finished.enter(IDENTITY)
    assert finished.ok("00A4080C0450150001", "00B0000000") == STATUS_FILE
    finished.enter(ADF)
    assert finished.ok("00A4000C020001", "00B0000000") == "CAFEBABE"


@pytest.mark.parametrize(
    ("home", "command", "foreign"),
    [
        (IDENTITY, "00A4000C025015", {ISD: "6D00", PAYMENT: "6D00", TRANSPORT: "6A82", ADF: "6A82"}),
        (IDENTITY, NO_PIN, {ISD: "6D00", TRANSPORT: "6D00", ADF: "6D00"}),
        (ADF, "00B0810000", {ISD: "6D00", PAYMENT: "6D00", IDENTITY: "6A82", TRANSPORT: "6A82"}),
        (ADF, "80CE000000", {ISD: "6D00", PAYMENT: "6D00", IDENTITY: "6E00"}),
        (PAYMENT, "00B2010C00", {ISD: "6D00", IDENTITY: "6D00", ADF: "6981", TRANSPORT: "6A82"}),
        (PAYMENT, "80CA9F3600", {IDENTITY: "6E00", ADF: "6D00", TRANSPORT: "6D00"}),
        (ISD, "80CA9F7F00", {IDENTITY: "6E00", ADF: "6D00", TRANSPORT: "6D00"}),
    ],
)
def test_what_one_answers_the_others_do_not(finished, home, command, foreign):
    finished.enter(home)
    assert finished(command)[-4:] in ("9000", "63C3")
    for aid, refusal in foreign.items():
        finished.enter(aid)
        assert finished(command) == refusal, aid


@pytest.mark.parametrize("other", OTHERS[IDENTITY])
def test_a_verified_pin_is_forgotten_when_another_application_is_selected(finished, other):
    update = "00D600000101"
    finished.enter(IDENTITY)
    finished.ok(VERIFY + PIN, "00A4080C0450150001", update)
    finished.enter(other)
    finished.enter(IDENTITY)
    assert finished(NO_PIN) == "63C3"
    assert finished("00B0000000") == "6986", "nor is the file current"
    finished.ok("00A4080C0450150001")
    assert finished(update) == "6982"


@pytest.mark.parametrize("other", OTHERS[IDENTITY])
def test_the_pin_state_is_gone_at_once(finished, other):
    """Asked behind the back of whoever routes."""
    finished.enter(IDENTITY)
    finished.ok(VERIFY + PIN)
    finished.enter(other)
    assert finished.card.chip.ask("identity/", bytes.fromhex(NO_PIN)) == b"\x63\xc3"


@pytest.mark.parametrize("other", OTHERS[ISD])
def test_the_secure_channel_is_gone_at_once(finished, other):
    bureau = Bureau(finished.card).open()
    finished.enter(other)
    bureau.raw = lambda command: exchange(finished.card.chip.platform.chip, bytes.fromhex(command))
    assert bureau.send("84F28002", bytes.fromhex("4F00")) == b"\x69\x82"


@pytest.mark.parametrize("other", OTHERS[ISD])
def test_the_rest_of_an_answer_is_gone_at_once(finished, other):
    assert finished(f"00A4040008{ISD}04")[-4:-2] == "61"
    finished.enter(other)
    assert exchange(finished.card.chip.platform.chip, bytes.fromhex("00C0000000")) == b"\x69\x85"


@pytest.mark.parametrize("other", OTHERS[ADF])
def test_the_cipurse_session_is_gone_at_once(finished, other):
    finished.enter(ADF)
    bench = Bench(finished.card).opened(1, Bench.KEYS[0])
    finished.enter(other)
    command = bytes.fromhex(bench.wrapped("00B0810000"))
    assert finished.card.chip.ask("transport/", command) == b"\x69\x88"


@pytest.mark.parametrize("other", OTHERS[ISD])
def test_a_secure_channel_ends_when_another_application_is_selected(finished, other):
    bureau = Bureau(finished.card).open()
    assert bureau.send("84F28002", bytes.fromhex("4F00"))[-2:] == b"\x90\x00"
    finished.enter(other)
    finished.enter(ISD)
    assert bureau.send("84F28002", bytes.fromhex("4F00")) == b"\x69\x82"
    assert finished("80F28002024F0000") == "6982"


@pytest.mark.parametrize("other", OTHERS[ADF])
def test_a_cipurse_session_ends_when_another_application_is_selected(finished, other):
    finished.enter(ADF)
    bench = Bench(finished.card).opened(1, Bench.KEYS[0])
    assert bench("00B0810000") == "CAFEBABE9000"
    finished.enter(other)
    finished.enter(ADF)
    assert bench.raw(bench.wrapped("00B0810000")) == "6988"


@pytest.mark.parametrize("other", OTHERS[ADF])
def test_what_waits_for_its_transaction_is_lost_with_the_application(finished, other):
    finished.enter(ADF)
    finished.ok("00D682000401020304")
    assert finished.ok("00B0820000") == "01020304"
    finished.enter(other)
    finished.enter(ADF)
    finished.ok("807E0000")
    assert finished.ok("00B0820000") == "00000000"


@pytest.mark.parametrize("other", OTHERS[ADF])
def test_a_challenge_dies_with_the_application(finished, other):
    finished.enter(ADF)
    bench = Bench(finished.card)
    challenge = bench.raw("0084000016")
    finished.enter(other)
    finished.enter(ADF)
    proof, _, _ = bench.proofs(challenge, Bench.KEYS[0], "10" * 22)
    assert bench.raw(f"0082000126{proof}{'10' * 22}10") == "6985"


def test_the_rest_of_an_answer_is_for_nobody_else(finished):
    finished.enter(IDENTITY)
    assert finished("00A4080C0450150001") == "9000"
    assert finished("00B0000005")[-4:] == "9000"
    assert finished(f"00A404000C{IDENTITY}04")[-4:-2] == "61"
    finished.enter(ISD)
    assert finished("00C0000000") == "6985"
    assert finished(f"00A4040008{ISD}04")[-4:-2] == "61"
    finished.enter(IDENTITY)
    assert finished("00C0000000") == "6985"


def test_parts_of_a_command_are_for_nobody_else(finished):
    finished.enter(IDENTITY)
    finished.ok("1020000102" + PIN[:4])
    finished.enter(ISD)
    finished.enter(IDENTITY)
    assert finished("0020000102" + PIN[4:]) == "6A80", "half a PIN"


def test_personalization_in_progress_ends_with_the_application(blank):
    bureau = Bureau(blank.card).open()
    assert bureau.install().endswith(b"\x90\x00")
    assert bureau.target().endswith(b"\x90\x00")
    before = blank.cells("payment/")
    blank.enter(IDENTITY)
    assert blank("80E2880003910200") == "6E00"
    assert bureau.send("84E28800", bytes.fromhex("910200")) == b"\x6e\x00"
    assert blank.cells("payment/") == before


@pytest.mark.parametrize("other", [IDENTITY, ADF, TRANSPORT])
def test_a_transaction_ends_when_another_application_is_selected(finished, other):
    finished.enter(PAYMENT)
    finished.ok("80A8000005830360D0C800")
    finished.enter(other)
    finished.enter(PAYMENT)
    assert finished("80AE80001D" + "00" * 29 + "00") == "6985"


def test_tries_of_one_pin_are_not_tries_of_another(finished):
    finished.enter(PAYMENT)
    finished.ok("80A8000005830360D0C800")
    assert finished(WRONG_PAYMENT_PIN) == "63C2"
    finished.enter(IDENTITY)
    assert finished(NO_PIN) == "63C3"
    assert [finished(VERIFY + OTHER_PIN) for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    finished.enter(PAYMENT)
    assert finished("80CA9F1700") == "9F1701029000"


def test_wrong_keys_of_one_application_block_no_other(finished):
    finished.enter(ADF)
    bench = Bench(finished.card)
    for _ in range(32):
        assert bench.authenticate(1, "00" * 16) == "6988"
    assert bench.authenticate(1, Bench.KEYS[0]) == "6984"
    assert Bureau(finished.card).open()
    finished.enter(IDENTITY)
    finished.ok(VERIFY + PIN)


@pytest.mark.parametrize("key", [KMC.hex(), Bench.KEYS[1]])
def test_a_key_of_one_application_opens_no_other(finished, key):
    finished.enter(TRANSPORT)
    bench = Bench(finished.card)
    assert bench.authenticate(1, key) == "6988"
    assert bench.authenticate(1, TRANSPORT_KEY) == "9000"


def test_the_issuer_of_the_platform_manages_no_other_application(finished):
    for aid in (IDENTITY, TRANSPORT, ADF):
        bureau = Bureau(finished.card).open()
        before = finished.card.memory()
        assert bureau.send("84E40000", bytes.fromhex("4F" + lv(aid))) == b"\x6a\x88"
        assert bureau.send("84F04080", bytes.fromhex(aid)) == b"\x6a\x88"
        assert finished.card.memory() == before
        finished.enter(aid)


def test_formatting_transport_leaves_the_rest(finished):
    before = finished.cells("payment/") | finished.cells("identity/")
    finished.enter(TRANSPORT)
    finished.ok("80FC000007436F6E6669724D")
    assert finished.select(ADF) == "6A82"
    assert finished.cells("payment/") | finished.cells("identity/") == before
    assert set(finished.cells("transport/")) == {name for name in finished.card.image.cells if name[0] == "t"} | {
        "transport/serial"
    }


def test_a_full_application_leaves_room_in_the_others(blank):
    blank.enter(TRANSPORT)
    blank.ok(Bench.adf(files="2020"), Bench.ef(extent="0E00"))
    assert blank(Bench.ef("0002", sfid=2, extent="0E00")) == "6A84"
    blank.enter(IDENTITY)
    for number in range(2):
        blank.ok(structure.file(f"{0x1000 + number:04X}", 0x8000))
    assert blank(structure.file("2000", 1)) == "6A84"
    bureau = Bureau(blank.card).open()
    assert bureau.install().endswith(b"\x90\x00")


# One card of three applications does what three cards do

SINGLE = {ISD: "emv-cps", IDENTITY: "pkcs15", TRANSPORT: "cipurse"}
PREFIXES = {ISD: "payment/", IDENTITY: "identity/", TRANSPORT: "transport/"}
ENTERED = {ISD: f"00A40400{lv(ISD)}00", IDENTITY: f"00A40400{lv(IDENTITY)}00", TRANSPORT: "00A4000000"}
KNOWN = {
    ISD: ["80CA9F7F00", "80CA00E000", "80F28002024F0000", "8050000007" + "00" * 7, "80CA00CF00", "80E40000034F01A0"],
    IDENTITY: [
        structure.directory("5015"), structure.file("0001", 4), "00D6000002CAFE", "00B0000000", "00E4000000",
        f"0024010104{PIN}", VERIFY + PIN, VERIFY + OTHER_PIN, NO_PIN, "00A4000C023F00", "00A4000C025015",
        "102000010131",
    ],
    TRANSPORT: [
        Bench.adf(), Bench.ef(), Bench.ef("0002", fd="12", sfid=2, extent="0304"), "00A40000025F00", "00B0810000",
        "00D6810002CAFE", "00DC011404DEADBEEF", "00B2011400", "807E0000", "807C0000", "80CE000000",
        "80FC000007436F6E6669724D",         "0082000126" + "00" * 38 + "10",
    ],
}  # fmt: skip
RANDOM = {0x84, 0x46, 0x50, 0x82, 0x2A, 0x88}  # instructions whose answers are drawn
STEPS = st.lists(
    st.sampled_from(list(SINGLE)).flatmap(
        lambda home: st.tuples(
            st.just(home),
            st.lists(
                st.one_of(
                    st.sampled_from(KNOWN[home]),
                    st.binary(min_size=4, max_size=12)
                    .filter(lambda raw: raw[0] != 0xFF and raw[1] not in RANDOM | {0xA4})
                    .map(lambda raw: raw.hex()),
                ),
                max_size=6,
            ),
        )
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_each_application_is_what_it_is_on_a_card_of_its_own(steps):
    serial = bytes(range(1, 7))
    social = Terminal(make_card("social", serial=serial, seed=1))
    alone = {
        home: Terminal(make_card(image, serial=serial.rjust(8, b"\0") if home == IDENTITY else serial, seed=1))
        for home, image in SINGLE.items()
    }
    before = ISD
    for home, commands in steps:
        if home != before:
            alone[before].card.power(cold=True)
        before = home
        assert social.select(home) == alone[home](ENTERED[home])
        for command in commands:
            assert social(command) == alone[home](command), command
        for one, terminal in alone.items():
            mine = {name.removeprefix(PREFIXES[one]): value for name, value in social.cells(PREFIXES[one]).items()}
            assert mine == terminal.card.memory()
