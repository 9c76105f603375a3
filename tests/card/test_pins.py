"""VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK, and PIN files that take effect at once (TS 102 221 11.1.9 ff.)."""

import pytest

from cardkit.virtual.errors import WriteFailedError

ADM1, WRONG = "4142434445464748", "4142434445464749"
PIN, PIN_1234, PUK = "30303030FFFFFFFF", "31323334FFFFFFFF", "3030303030303030"
STD_READ = "00B0000009"


def test_query_changes_nothing(usim):
    for _ in range(5):
        assert usim("0020000A") == "63C3"
    assert usim("0020000A08" + WRONG) == "63C2"
    assert usim("0020000A") == "63C2"


def test_query_works_for_a_disabled_pin(usim):
    assert usim("00200001") == "63C3"
    assert usim("002C0001") == "63CA"


def test_wrong_tries_then_blocked(usim):
    assert [usim("0020000A08" + WRONG) for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert usim("0020000A08" + ADM1) == "6983"
    assert usim("0020000A") == "6983"
    usim.card.power(cold=True)
    assert usim("0020000A") == "6983"


def test_right_code_fills_the_counter_and_grants(usim):
    usim("0020000A08" + WRONG)
    usim.adm()
    assert usim("0020000A") == "63C3"
    usim.select("2FE2")
    assert usim("00D6000001AA") == "9000"


def test_wrong_code_takes_the_grant_back(usim):
    usim.adm()
    usim("0020000A08" + WRONG)
    usim.select("2FE2")
    assert usim("00D6000001AA") == "6982"


@pytest.mark.parametrize("cold", [True, False])
def test_reset_takes_the_grant_back(usim, cold):
    usim.adm()
    usim.card.power(cold=cold)
    usim.select("2FE2")
    assert usim("00D6000001AA") == "6982"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("0020010A", "6A86"),
        ("00200000", "6A86"),
        ("00200081", "6A88"),  # local to ADF.USIM, no application active
        ("0020000B", "6A88"),
        ("0020000A0741424344454647", "6700"),
        ("0020000A0A" + ADM1 + "0000", "6700"),
        ("0024000A08" + ADM1, "6700"),
        ("002C000A", "6985"),  # ADM1 has no unblocking code
        ("0026000A08" + ADM1, "6985"),
        ("0026000108" + PIN, "6984"),  # PIN1 comes disabled
        ("0020000108" + PIN, "6984"),
        ("0024000110" + PIN + PIN, "6984"),
        ("0028000A08" + ADM1, "6984"),
    ],
)
def test_refusals(usim, command, sw):
    assert usim(command) == sw
    assert usim("0020000A") == "63C3"


def test_local_pin_belongs_to_its_application(usim):
    usim.select("7FF0")
    assert usim("0020008108" + PIN) == "9000"
    usim.select("6F56")
    assert usim("00A4000C026F56") == "9000"
    assert usim("00D600000101") == "9000"
    usim.select("7FF1")
    assert usim("00200081") == "6A88"
    usim.select("7F106F3B")
    assert usim("00DC010420" + "00" * 32) == "6982"


def test_enabled_pin_protects_and_verify_opens(usim):
    assert usim("0028000108" + PIN) == "9000"
    usim.card.power(cold=True)
    usim.select("7FF06F07")
    assert usim(STD_READ) == "6982"
    assert usim("0020000108" + PIN) == "9000"
    assert usim(STD_READ) == "FF" * 9 + "9000"
    assert usim("0026000108" + PIN) == "9000"
    usim.card.power(cold=True)
    usim.select("7FF06F07")
    assert usim(STD_READ) == "FF" * 9 + "9000"


def test_change(usim):
    usim("0028000108" + PIN)
    assert usim("0024000110" + PIN_1234 + PIN) == "63C2"
    assert usim("0024000110" + PIN + PIN_1234) == "9000"
    assert usim("0020000108" + PIN) == "63C2"
    assert usim("0020000108" + PIN_1234) == "9000"


def test_unblock_sets_enables_and_verifies(usim):
    usim("0028000108" + PIN)
    for _ in range(3):
        usim("0020000108" + PIN_1234)
    assert usim("0020000108" + PIN) == "6983"
    assert usim("002C000110" + ADM1 + PIN_1234) == "63C9"
    assert usim("002C000110" + PUK + PIN_1234) == "9000"
    assert usim("002C0001") == "63CA"
    usim.select("7FF06F07")
    assert usim(STD_READ) == "FF" * 9 + "9000"
    assert usim("0020000108" + PIN_1234) == "9000"


def test_unblocking_code_dies_after_ten(usim):
    answers = [usim("002C000110" + ADM1 + PIN) for _ in range(11)]
    assert answers == [f"63C{n:X}" for n in range(9, -1, -1)] + ["6983"]
    assert usim("002C000110" + PUK + PIN) == "6983"


def test_written_pin_file_takes_effect_at_once(usim):
    usim.adm().select("A5156F01")
    assert usim("00D6000015" + "F00303" + PIN_1234 + "0A0A3132333435363738") == "9000"
    usim.select("7FF06F07")
    assert usim(STD_READ) == "6982"
    assert usim("0020000108" + PIN) == "63C2"
    assert usim("0020000108" + PIN_1234) == "9000"
    assert usim(STD_READ) == "FF" * 9 + "9000"
    assert usim("002C000110" + "3132333435363738" + PIN) == "9000"


def test_written_adm_key_takes_effect_at_once(usim):
    usim.adm().select("A5156F0A")
    assert usim("00D6000308" + "4848484848484848") == "9000"
    usim.card.power(cold=True)
    assert usim("0020000A08" + ADM1) == "63C2"
    assert usim("0020000A08" + "4848484848484848") == "9000"


def test_invalid_or_uninitialised_secrets(usim):
    usim.adm().select("A5156F01")
    usim("00D6000001F2")
    assert usim("0020000108" + PIN) == "6984"
    usim("00D600000170")
    assert usim("0020000108" + PIN) == "6A88"


def test_unchangeable_pin(usim):
    usim.adm().select("A5156F01")
    usim("00D6000001B0")
    assert usim("0024000110" + PIN + PIN_1234) == "6985"


def test_no_secret_can_be_read(usim):
    usim.adm()
    for path in ("A5156F01", "A5156F81", "A5156F0A", "A5156F20", "7FF0AF20", "7FF0AF30", "7FF1AF20", "7FF1AF30"):
        assert usim.select(path) == "9000"
        assert usim("00B0000001") == "6982"


def test_counter_is_lowered_before_anything_is_compared(usim):
    """A card that cannot write its counter must not compare either (no free tries by cutting the power)."""
    seen = []

    def intercept(cell, value):
        seen.append((cell, value[1]))
        return value

    usim.card.chip.memory.intercept = intercept
    usim.adm()
    assert seen == [("3F00/A515/6F0A", 2), ("3F00/A515/6F0A", 3)]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failing_write_grants_nothing_and_never_gives_a_try_back(usim, failing):
    writes = []

    def intercept(cell, value):
        writes.append(cell)
        if len(writes) == failing:
            raise WriteFailedError("worn out")
        return value

    usim.card.chip.memory.intercept = intercept
    assert usim("0020000A08" + ADM1) == "6581"
    assert usim("0020000A") == ("63C3" if failing == 1 else "63C2")
    usim.select("2FE2")
    assert usim("00D6000001AA") == "6982"
