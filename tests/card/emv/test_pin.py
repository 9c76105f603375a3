"""The offline PIN, plain and enciphered (EMV Book 3, 6.5.12; Book 2, 7)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .issuance import AID, KEYS, PIN, RSA, record
from .terminal import TC

RIGHT, WRONG = f"24{PIN}FFFFFFFFFF", "249999FFFFFFFFFF"


def verify(terminal, block):
    return terminal.status(f"0020008008{block}")


def tries(terminal):
    return terminal.ok("80CA9F1700")[-1]


def begin(terminal):
    terminal.select()
    return terminal.initiate()


def enciphered(terminal, key, block=RIGHT, *, challenge=None, header="7F"):
    """VERIFY of an enciphered PIN; the challenge is asked for first, unless one is given."""
    if challenge is None:
        challenge = terminal.ok("0084000000")
    clear = bytes.fromhex(header + block) + challenge
    clear += bytes(range(key.size - len(clear)))
    return terminal.status(f"00200088{key.size:02X}{key.recover(clear).hex()}")


def test_wrong_pins_count_down_until_nothing_helps(issue):
    terminal = begin(issue())
    assert [verify(terminal, WRONG) for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert verify(terminal, RIGHT) == "6983"
    begin(terminal.power())
    assert verify(terminal, RIGHT) == "6983"
    assert tries(terminal) == 0


def test_a_right_pin_gives_all_tries_back(issue):
    terminal = begin(issue())
    verify(terminal, WRONG)
    verify(terminal, WRONG)
    assert tries(terminal) == 1
    assert verify(terminal, RIGHT) == "9000"
    assert tries(terminal) == 3


def test_a_card_without_a_pin(issue):
    terminal = begin(issue(_8010=None, _9010=None))
    assert verify(terminal, RIGHT) == "6984"
    assert terminal.status("80CA9F1700") == "6A88"


@settings(max_examples=25, deadline=None)
@given(st.text("0123456789", min_size=4, max_size=12))
def test_only_the_pin_is_right(pin_card, pin):
    terminal = begin(pin_card)
    block = f"2{len(pin):X}{pin}".ljust(16, "F")
    if tries(terminal) == 1:
        assert verify(terminal, RIGHT) == "9000"
    assert (verify(terminal, block) == "9000") == (pin == PIN)


@pytest.fixture(scope="module")
def pin_card():
    from cardkit.virtual import make_card

    from .bureau import personalize
    from .issuance import card
    from .terminal import Terminal

    return Terminal(personalize(make_card("emv-cps", seed=3), card()))


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
def test_enciphered_under_the_signing_key(issue, image):
    terminal = issue(image=image).start()
    key = terminal.keys()
    assert enciphered(terminal, key) == "9000"
    assert enciphered(terminal, key, WRONG) == "63C2"


def test_enciphered_under_a_key_of_its_own(issue):
    own = RSA(KEYS["1024-65537"])
    parts = {f"_83{number:02X}": part.hex() for number, part in enumerate(own.crt(), 1)}
    terminal = begin(issue(**parts))
    assert enciphered(terminal, own) == "9000"
    plain = {"_8102": own.d.to_bytes(own.size, "big").hex(), "_8104": own.modulus.hex()}
    terminal = begin(issue(**plain))
    assert enciphered(terminal, own) == "9000"


def test_a_challenge_serves_once_and_only_its_own(issue):
    terminal = issue().start()
    key = terminal.keys()
    challenge = terminal.ok("0084000000")
    assert enciphered(terminal, key, challenge=challenge) == "9000"
    assert enciphered(terminal, key, challenge=challenge) == "6984"
    terminal.ok("0084000000")
    assert enciphered(terminal, key, challenge=bytes(8)) == "6984"
    old = terminal.ok("0084000000")
    begin(terminal)
    assert enciphered(terminal, key, challenge=old) == "6984", "a new transaction forgets it"
    assert tries(terminal) == 3


def test_what_deciphers_to_nothing_costs_no_try(issue):
    terminal = issue().start()
    key = terminal.keys()
    assert enciphered(terminal, key, header="6A") == "6984"
    terminal.ok("0084000000")
    assert terminal.status(f"00200088{key.size:02X}" + "00" * key.size) == "6984"
    assert enciphered(terminal, key, "441234FFFFFFFFFF") == "6A80"
    assert terminal.status("00200088081122334455667788") == "6700"
    assert tries(terminal) == 3


def test_without_a_private_key_there_is_no_enciphered_pin(issue):
    parts = {f"_82{number:02X}": None for number in range(1, 6)}
    terminal = begin(issue(aip="1800", **parts))
    assert terminal.status("0020008880" + "00" * 128) == "6A86"


def test_every_try_is_seen_before_the_comparison(issue):
    """A power cut after the first write of VERIFY costs the try, right PIN or not."""
    terminal = begin(issue())
    for left in (2, 1, 0):
        terminal.card.cut_at(2)
        assert terminal.card.transmit(bytes.fromhex(f"0020008008{RIGHT}")) == b""
        begin(terminal.power())
        assert tries(terminal) == left
    assert verify(terminal, RIGHT) == "6983"


def test_controls_decline_or_block_with_the_pin(issue):
    internal = "9F1007060112030000009F51020860DF0101"
    terminal = issue(_0D01=internal + "80")
    begin(terminal)
    for _ in range(3):
        verify(terminal, WRONG)
    terminal.start()
    assert terminal.generate(TC)["9F27"] == b"\x02", "AAC, PIN try limit exceeded"
    terminal = issue(_0D01=internal + "20")
    begin(terminal)
    for _ in range(3):
        verify(terminal, WRONG)
    assert terminal.status(f"00A4040007{AID}00") == "6283"


def test_a_new_first_counter_value(issue):
    terminal = begin(issue(_9010="0103", _0101=record({"57": "123456000000001D2912201F"})))
    assert tries(terminal) == 1
    assert verify(terminal, WRONG) == "63C0"
