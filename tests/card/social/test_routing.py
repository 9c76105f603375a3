"""Who answers: the platform after a reset, then whoever was selected by name; one chip to the reader."""

import pytest

from tests.card.cipurse.terminal import Bench
from tests.card.emv import issuance
from tests.card.emv.bureau import Bureau

from .conftest import ADF, IDENTITY, ISD, PAYMENT, STATUS_FILE, TRANSPORT, VERIFY

ID_INFO = ("00A40000022FF7", "00B0000000")
PPSE, PKCS15 = issuance.PPSE, "A000000063504B43532D3135"


def current(terminal):
    """Who answers, told by commands that only one of them knows and that change nothing."""
    if terminal("80CA9F7F00").endswith("9000"):
        return "platform"
    answers = {"identity": terminal("00A4000C023F00") == "9000", "transport": terminal("80CE000000").endswith("9000")}
    found = [
        name for name, answered in answers.items() if answered and (name == "transport" or not answers["transport"])
    ]
    return found[0] if found else None


def test_the_answer_to_reset_is_that_of_a_contactless_card(blank):
    atr = blank.card.atr()
    assert atr.hex().upper() == "3B8B80018073C821C0555653432D31DF"
    check = 0
    for byte in atr[1:]:
        check ^= byte
    assert check == 0
    assert blank("FFCA010000") == atr[4:-1].hex().upper() + "9000"


def test_without_a_selection_the_platform_answers(blank):
    assert current(blank) == "platform"
    assert blank("00B0000000") == blank("0020000104" + "31323334") == "6D00"


@pytest.mark.parametrize(("aid", "expected"), [(ISD, "platform"), (IDENTITY, "identity"), (TRANSPORT, "transport")])
def test_a_blank_card_has_three_applications(blank, aid, expected):
    blank.enter(aid)
    assert current(blank) == expected
    blank.card.power(cold=False)
    assert current(blank) == "platform"


def test_one_serial_number_everywhere(blank):
    serial = blank.card.serial.hex().upper()
    assert len(serial) == 12
    assert blank("FFCA000000") == f"05{serial}9000"
    assert blank.ok("80CA9F7F00")[6 + 24 : 6 + 36] == serial
    assert blank.enter(IDENTITY) == f"0006070000{serial}"


@pytest.mark.parametrize("aid", [ISD, IDENTITY, TRANSPORT])
def test_the_reader_asks_for_the_uid_whatever_is_selected(blank, aid):
    blank.enter(aid)
    assert blank("FFCA000000") == f"05{blank.card.serial.hex().upper()}9000"
    assert blank("FFCA000004") == "6C07"
    assert blank("FF82000006" + "FF" * 6) == "6A81"


def test_the_reader_disturbs_no_authentication(blank):
    blank.enter(TRANSPORT)
    bench = Bench(blank.card)
    challenge = bench.raw("0084000016")
    blank("FFCA000000")
    proof, card, _ = bench.proofs(challenge, "73" * 16, "10" * 22)
    assert bench.raw(f"0082000226{proof}{'10' * 22}10") == card + "9000"


@pytest.mark.parametrize(("le", "answer"), [("00", "6F0483023F009000"), ("", "9000"), ("03", "6F04839000")])
def test_the_transport_application_shows_its_master_file(blank, le, answer):
    assert blank.select(TRANSPORT, le) == answer
    assert blank(f"00A4040C0A{TRANSPORT}00") == "9000"
    assert blank.ok(*ID_INFO) == "020205070000000005000000"


def test_files_are_selected_in_the_current_application_only(blank):
    assert blank("00A40000023F0000") == blank("00A40000022FF7") == "6D00"
    blank.enter(IDENTITY)
    assert blank("00A40000022FF7") == "6A82"
    blank.enter(TRANSPORT)
    assert blank("00A40000022FF7") == "9000"


@pytest.mark.parametrize("aid", ["A00000015199", "F276A288BCFBA69D34F3100102", "F276A288", "F043495055525345", "01"])
@pytest.mark.parametrize("before", [ISD, IDENTITY, TRANSPORT])
def test_a_name_nobody_has_changes_nothing(blank, before, aid):
    blank.enter(before)
    was = current(blank)
    assert blank.select(aid) == "6A82"
    assert current(blank) == was


@pytest.mark.parametrize("command", ["00A4040C08A000000151000000", "00A4048008A000000151000000", "00A404000CF276",
                                     "04A404000AF0434950555253450001", "01A404000AF0434950555253450001",
                                     "80A404000AF0434950555253450001"])  # fmt: skip
def test_a_selection_that_fails_leaves_the_pin_verified(finished, command):
    finished.enter(IDENTITY)
    finished.ok(f"{VERIFY}31323334")
    assert not finished(command).endswith("9000")
    assert finished("0020000100") == "9000", "no application has been left"


def test_an_extended_selection_is_one_too(blank):
    assert blank(f"00A4040000000C{IDENTITY}0000").endswith("9000")
    assert current(blank) == "identity"
    assert blank(f"00A4040000000A{TRANSPORT}0000") == "6F0483023F009000"
    assert blank(f"00A4040000000A{TRANSPORT}0101") == "6F0483023F009000"
    assert current(blank) == "transport"


def test_an_empty_name_is_the_issuers(blank):
    blank.enter(TRANSPORT)
    assert blank("00A4040000").startswith(f"6F418408{ISD}")
    assert current(blank) == "platform"


def test_applications_made_later_are_found_by_name_from_everywhere(finished):
    for before in (ISD, IDENTITY, TRANSPORT, PAYMENT, ADF):
        finished.enter(before)
        assert finished.enter(PAYMENT).startswith("6F")
        finished.enter(before)
        assert finished.enter(ADF) == f"6F0F840D{ADF}"
        finished.enter(before)
        assert issuance.AID in finished.enter(PPSE)


def test_a_part_of_a_name_finds_it_and_next_stays_within_the_application(finished):
    finished.enter(IDENTITY)
    assert finished.select(ADF[:12]) == f"6F0F840D{ADF}9000"
    assert finished("00A4040205A000000151") == "6A82"
    assert finished.enter(PAYMENT[:10]).startswith("6F")
    assert finished(f"00A4040206{ADF[:12]}00") == "6A82"


def test_directories_of_the_identity_have_names_there_only(finished):
    assert finished.select(PKCS15) == "6A82"
    finished.enter(IDENTITY)
    assert PKCS15 in finished.enter(PKCS15)
    assert finished.ok("00A4020C020001", "00B0000000") == STATUS_FILE


def install(terminal, aid):
    bureau = Bureau(terminal.card).open()
    return bureau.install(aid)


@pytest.mark.parametrize(("aid", "expected"), [(IDENTITY, "identity"), (TRANSPORT, "transport")])
def test_nobody_takes_the_name_of_a_delivered_application(blank, aid, expected):
    install(blank, aid)
    blank.enter(aid)
    assert current(blank) == expected
    blank.enter(TRANSPORT)
    blank.ok(Bench.adf(aid=aid))
    blank.enter(aid)
    assert current(blank) == expected
    assert blank("80CE000000")[4:8] != "5F00"


@pytest.mark.parametrize("name", [PAYMENT, PAYMENT[:12], ISD])
def test_a_transport_application_does_not_answer_for_a_payment_application(finished, name):
    finished.enter(TRANSPORT)
    finished.ok(Bench.adf(fid="5F01", aid=name))
    finished.enter(name)
    assert finished.card.chip.current == "payment/"


def test_nor_for_a_locked_one(finished):
    finished.enter(TRANSPORT)
    finished.ok(Bench.adf(fid="5F01", aid=PAYMENT))
    bureau = Bureau(finished.card).open()
    assert bureau.send("84F04080", bytes.fromhex(PAYMENT)) == b"\x90\x00"
    for before in (TRANSPORT, IDENTITY, ISD):
        finished.enter(before)
        assert finished.select(PAYMENT) == "6A82"


@pytest.mark.parametrize(("state", "refusal"), [("7F", "6A81"), ("FF", "6985")])
def test_a_locked_or_terminated_card_has_no_other_application(finished, state, refusal):
    bureau = Bureau(finished.card).open()
    states = ("07", "0F", state) if state == "7F" else (state,)
    for one in states:
        assert bureau.send(f"84F080{one}", b"") == b"\x90\x00"
    for reset in (False, True):
        if reset:
            finished.card.power(cold=True)
        for aid in (IDENTITY, TRANSPORT, ADF):
            assert finished.select(aid) == refusal
            assert finished.card.chip.current == "payment/"
    assert finished("FFCA000000").endswith("9000"), "the reader still sees it"


def test_an_unlocked_card_has_them_back(finished):
    bureau = Bureau(finished.card).open()
    for state in ("07", "0F", "7F", "0F"):
        assert bureau.send(f"84F080{state}", b"") == b"\x90\x00"
    finished.enter(ADF)
    assert finished.ok("00B0810000") == "CAFEBABE"
