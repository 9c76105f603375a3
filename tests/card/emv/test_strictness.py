"""Status words, command by command and state by state (sheet payment.md 2 and 4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card

from .bureau import Bureau
from .issuance import AID, CDOL1, PAYMENT_MODULE, PIN, PPSE, PSE
from .terminal import AAC, ARQC, RefusedError, Terminal, dol

DATA = dol(CDOL1, {"9F02": "000000001000", "9F37": "11223344"})
CDOL2_DATA = "3030" + "00" * 8 + DATA
GPO, CHALLENGE = "80A8000005830360D0C800", "0084000000"
READ, ATC, SIGN = "00B2010C00", "80CA9F3600", "0088000004AABBCCDD00"
VERIFY = f"002000800824{PIN}FFFFFFFFFF"
FIRST, SECOND = f"80AE80001D{DATA}00", f"80AE400027{CDOL2_DATA}00"
EXTERNAL = "008200000A" + "00" * 10
BLOCK = "841E000008" + "00" * 8


def s1(terminal):
    terminal.select()


def s2(terminal):
    s1(terminal)
    assert terminal.status(GPO) == "9000"


def s3(terminal):
    s2(terminal)
    assert terminal.status(FIRST) == "9000"


def s4(terminal):
    s3(terminal)
    assert terminal.status(SECOND) == "9000"


def s4_offline(terminal):
    s2(terminal)
    assert terminal.status(FIRST.replace("80AE80", "80AE00")) == "9000"


STATES = (s1, s2, s3, s4, s4_offline)
TABLE = {
    GPO: ("9000", "6985", "6985", "6985", "6985"),
    READ: ("9000",) * 5,
    ATC: ("9000",) * 5,
    CHALLENGE: ("6985", "9000", "6985", "6985", "6985"),
    VERIFY: ("6985", "9000", "6985", "6985", "6985"),
    SIGN: ("6985", "9000", "6985", "6985", "6985"),
    FIRST: ("6985", "9000", "6700", "6985", "6985"),
    SECOND: ("6985", "6700", "9000", "6985", "6985"),
    EXTERNAL: ("6985", "6985", "6300", "6985", "6985"),
    BLOCK: ("6985", "6985", "6982", "6982", "6985"),
}


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
@pytest.mark.parametrize("number", range(len(STATES)), ids=lambda number: STATES[number].__name__)
@pytest.mark.parametrize("command", TABLE, ids=lambda command: command[:8])
def test_every_command_in_every_state(issue, image, number, command):
    terminal = issue(image=image, aip="3D00")
    STATES[number](terminal)
    assert terminal.status(command) == TABLE[command][number]


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command[:8])
def test_a_refused_command_leaves_the_state_alone(issue, command):
    terminal = issue(aip="3D00")
    s2(terminal)
    if TABLE[command][1] == "9000":
        command = command[:4] + "7F7F" + command[8:]
    before = dict(terminal.card.memory())
    assert terminal.status(command) != "9000"
    assert dict(terminal.card.memory()) == before
    assert terminal.status(FIRST) == "9000"


REFUSED = {
    # class, instruction
    "00A8000005830360D0C800": "6E00",
    "80B2010C00": "6E00",
    "80880000047F00000100": "6E00",
    "00AE80001D" + DATA: "6E00",
    "00CA9F3600": "6E00",
    "0082000000": "6700",
    "801E000008" + "00" * 8: "6E00",
    "84DA9F5809" + "02" + "00" * 8: "6E00",
    "80F0000000": "6D00",
    "80EA000004" + "00" * 4: "6D00",
    # P1 P2
    "80A8000105830360D0C800": "6A86",
    "80AE81001D" + DATA: "6A86",
    "80AEC0001D" + DATA: "6A86",
    "80AE88001D" + DATA: "6A86",
    "80AE80011D" + DATA: "6A86",
    "00B2000C00": "6A86",
    "00B2010D00": "6A86",
    "00B2010400": "6A86",
    "00B201FC00": "6A86",
    "0084000100": "6A86",
    "0020000008241234FFFFFFFFFF": "6A86",
    "0020018008241234FFFFFFFFFF": "6A86",
    "0088000104AABBCCDD": "6A86",
    # lengths
    "80AE80001C" + DATA[:-2]: "6700",
    "80AE80001E" + DATA + "00": "6700",
    "0020008007241234FFFFFFFF": "6700",
    "0020008008": "6700",
    "0020008807241234FFFFFFFF": "6700",
    "0088000003AABBCC": "6700",
    "00840000021122": "6700",
    "0082000007" + "00" * 7: "6700",
    "0082000011" + "00" * 17: "6700",
    # not there
    "00B2020C00": "6A83",
    "00B2012400": "6A82",
    "00B2015C00": "6A83",
    "80CA9F1000": "6A88",
    "80CA9F2600": "6A88",
    "80CABF4C00": "6A88",
    # contents
    "0020008008441234FFFFFFFFFF": "6A80",
    "0020008008231234FFFFFFFFFF": "6A80",
    "00200080082412A4FFFFFFFFFF": "6A80",
    "0020008008241234FFFFFFFF00": "6A80",
    "80AE80001D" + "0A" + DATA[2:]: "6A80",
}


@pytest.mark.parametrize("command", REFUSED)
def test_refusals(issue, command):
    terminal = issue()
    s2(terminal)
    assert terminal.status(command) == REFUSED[command]
    assert terminal.ok("80CA9F1700").hex() == "9f170103", "no PIN try was spent"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("80A8000002830000", "6700"),
        ("80A8000005830260D0C800", "6700"),
        ("80A8000006830460D0C80000", "6700"),
        ("80A8000005840360D0C800", "6A80"),
        ("80A80000018300", "6700"),
        ("80A8000000", "6700"),
    ],
)
def test_processing_options_of_the_wrong_length_move_nothing(issue, command, status):
    terminal = issue()
    s1(terminal)
    assert terminal.status(command) == status
    assert terminal.ok(ATC).hex() == "9f36020000"
    assert terminal.status(GPO) == "9000"


def test_without_a_pdol_the_template_is_empty(issue):
    terminal = issue(_9102="A506500154870101")
    s1(terminal)
    assert terminal.status(GPO) == "6700"
    assert terminal.status("80A8000002830000") == "9000"


def test_the_counter_ends_for_ever(issue):
    terminal = issue(_9F36="FFFE")
    s2(terminal)
    assert terminal.ok(ATC).hex() == "9f3602ffff"
    for _ in range(2):
        s1(terminal)
        assert terminal.status(GPO) == "6985"
    assert terminal.ok(ATC).hex() == "9f3602ffff"


@pytest.mark.parametrize("asked", [AAC, ARQC])
def test_the_card_never_gives_more_than_asked(issue, asked):
    terminal = issue()
    terminal.start()
    assert terminal.generate(asked)["9F27"][0] & 0xC0 <= asked


def test_selection_by_part_of_a_name(issue):
    terminal = issue()
    assert bytes.fromhex(AID) in terminal.ok("00A4040005F0434B495400")
    assert terminal.status("00A4040205F0434B495400") == "6A82", "no next occurrence"
    assert terminal.status("00A4040007F0434B4954999900") == "6A82"
    assert terminal.status("00A4040107F0434B4954010100") == "6A86"


def test_an_application_that_is_not_personalized_shows_its_name_only():
    card = make_card("emv-cps", seed=1)
    bureau = Bureau(card).open()
    assert bureau.install(AID, PAYMENT_MODULE).endswith(b"\x90\x00")
    terminal = Terminal(card).power()
    assert terminal(f"00A4040007{AID}00") == f"6F098407{AID}9000"
    for command in (GPO, READ, ATC, FIRST, SIGN, VERIFY, CHALLENGE):
        assert terminal.status(command) == "6985"
    assert terminal.status("80E2880003000000") == "6982", "no personalization outside a session"


def test_directories(issue):
    terminal = issue(contactless=True)
    assert terminal.directory() == [AID]
    assert terminal.status("00B2021400") == "6A82"
    assert terminal.status(GPO) == "6D00"
    assert terminal.status("00B2010D00") == "6A86"
    assert terminal.status(f"00A404000E{PPSE}00") == "9000"
    assert terminal.status("00B2010C00") == "6D00"
    assert terminal.status(f"00A404000E{PSE}00") == "9000"


def test_records_before_processing_options_are_a_choice(issue, choose):
    terminal = choose(issue(), records_before_gpo=False)
    s1(terminal)
    assert terminal.status(READ) == "6985"
    assert terminal.status(ATC) == "6985"
    s2(terminal)
    assert terminal.status(READ) == "9000"


def test_format_1_answers(issue, choose):
    terminal = choose(issue(), format=1)
    terminal.start().keys()
    assert terminal.dda()
    assert terminal.ok(FIRST)[:2] == b"\x80\x12"
    assert terminal(GPO.replace("03", "03")) == "6985"


def test_an_aac_is_signed_unless_the_maker_says_otherwise(issue, choose):
    for sign in (True, False):
        terminal = choose(issue(), sign_aac=sign)
        terminal.start().keys()
        assert ("signed" in terminal.generate(AAC, cda=True)) == sign


def test_selection_again_ends_the_transaction(issue):
    terminal = issue()
    s2(terminal)
    assert terminal.status(VERIFY) == "9000"
    s1(terminal)
    assert terminal.status(FIRST) == "6985"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(list(TABLE)).map(bytes.fromhex),
            st.binary(min_size=4, max_size=40),
            st.tuples(
                st.sampled_from([0, 4, 0x80, 0x84]),
                st.sampled_from([0x16, 0x18, 0x1E, 0x20, 0x24, 0x82, 0x88, 0xA8, 0xAE, 0xB2, 0xCA, 0xDA, 0xDC]),
                st.binary(min_size=2, max_size=40),
            ).map(lambda parts: bytes(parts[:2]) + parts[2]),
        ),
        max_size=12,
    )
)
def test_any_commands_get_a_status_and_the_counter_never_goes_back(finished, commands):
    terminal = finished
    s1(terminal)
    atc = int.from_bytes(terminal.ok(ATC)[3:], "big")
    for command in commands:
        answer = terminal.card.transmit(command)
        assert len(answer) >= 2
        assert answer[-2] in (0x90, 0x61, 0x62, 0x63, 0x67, 0x68, 0x69, 0x6A, 0x6C, 0x6D, 0x6E), answer[-2:].hex()
    s1(terminal)
    assert int.from_bytes(terminal.ok(ATC)[3:], "big") >= atc


@pytest.fixture(scope="module")
def finished():
    from .bureau import personalize
    from .issuance import card

    return Terminal(personalize(make_card("emv-cps", seed=2), card()))


def test_a_refusal_is_not_an_answer(issue):
    with pytest.raises(RefusedError, match="6A82"):
        issue().select("F0434B495409")
