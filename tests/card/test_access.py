"""Access rules as EF.ARR records state them; life cycle; DELETE FILE; logical channels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.virtual.access import ALWAYS, NEVER, compile_rules, met

PIN1, ADM1 = "A406830101950108", "A40683010A950108"


def rules(text):
    return compile_rules(bytes.fromhex(text))


def granted(*references):
    return frozenset(references)


# Records of two real cards, pySim backups of usim-A and usim-B (sim.md 5.4, uicc_dumps.json).
@pytest.mark.parametrize(
    ("record", "read", "update", "delete"),
    [
        ("800101900080015AA40683010A950108FFFFFF", ALWAYS, (granted(0x0A),), (granted(0x0A),)),
        (
            "800101A406830101950108800102A010A406830181950108A40683010A950108800158A40683010A950108",
            (granted(1),),
            (granted(0x81), granted(0x0A)),
            (granted(0x0A),),
        ),
        ("8001079000800160A406830101950108", ALWAYS, ALWAYS, (granted(1),)),
        ("80015BA40683010A950108FFFF", (granted(0x0A),), (granted(0x0A),), (granted(0x0A),)),
        ("80010190008001029700800118A40683010A950108", ALWAYS, NEVER, NEVER),
    ],
)
def test_real_records(record, read, update, delete):
    found = rules(record)
    assert (found.read, found.update, found.mode(0x40)) == (read, update, delete)


def test_header_rules_of_other_shapes_are_ignored():
    assert rules(f"8702D600{PIN1}8001019000").instruction(0xD6) == NEVER


def test_command_header_rule():
    found = rules(f"840132{PIN1}800101{PIN1}8001029000")
    assert found.instruction(0x32) == (granted(1),)
    assert found.instruction(0xD4) == NEVER


def test_and_needs_both():
    condition = rules(f"800101A710{PIN1}{ADM1}").read
    assert not met(condition, granted(1))
    assert not met(condition, granted(0x0A))
    assert met(condition, granted(1, 0x0A))


@pytest.mark.parametrize("inside", [f"{PIN1}9000", f"9000{PIN1}", PIN1])
def test_always_inside_and_adds_nothing(inside):
    assert rules(f"800101A7{len(inside) // 2:02X}{inside}").read == (granted(1),)


def test_several_rules_of_one_mode_are_alternatives():
    condition = rules(f"800101{PIN1}800101{ADM1}").read
    assert met(condition, granted(1))
    assert met(condition, granted(0x0A))


@pytest.mark.parametrize("sc", ["AF08A406830101950108", "9E0110", "A406830101950180", "A403950108", "A4078301019501"])
def test_what_this_chip_cannot_prove_is_never_met(sc):
    assert rules(f"800101{sc}").read == NEVER


def test_key_reference_without_usage_is_user_authentication():
    assert rules("800101A403830101").read == (granted(1),)


def test_always_inside_or_is_always():
    assert rules(f"800101A00A{PIN1}9000").read is ALWAYS


@given(st.binary(max_size=64))
def test_any_record_compiles_and_grants_only_what_it_says(record):
    found = compile_rules(record)
    if b"\x90\x00" not in record and b"\xa7\x00" not in record:
        assert not met(found.read, granted())


def test_rules_follow_the_arr_file(usim):
    usim.select("2FE2")
    assert usim("00D6000001AA") == "6982"
    usim.adm().select("2F06")
    open_rule = "8001039000" + "FF" * 59
    assert usim(f"00DC010440{open_rule}") == "9000"
    usim.card.power(cold=True)
    usim.select("2FE2")
    assert usim("00D6000001AA") == "9000"


def test_rules_of_one_chip_do_not_reach_another(usim, usim_t0):
    usim.adm().select("2F06")
    usim("00DC010440" + "8001039000" + "FF" * 59)
    usim_t0.select("2FE2")
    assert usim_t0("00D6000001AA") == "6982"


@pytest.mark.parametrize(
    ("path", "update"),
    [("2FF1", "6982"), ("2FF2", "9000"), ("7FF06F60", "9000"), ("7FF06F07", "9000"), ("A5156F20", "9000")],
)
def test_adm1_writes_all_but_the_chip_number(usim, path, update):
    usim.adm().select(path)
    assert usim("00D60000011A") == update


@pytest.mark.parametrize("path", ["2FE2", "2FF2", "7FF06F07", "7FF06F38", "7FF1AF20", "A5156F0A", "A5156F20"])
def test_without_adm1_nothing_of_the_operator_is_written(usim, path):
    usim.select(path)
    assert usim("00D600000100") == "6982"


def test_user_files_are_open_while_pin1_is_disabled(usim):
    usim.select("7FF06F7B")
    assert usim("00D600000362F210") == "9000"


def test_deactivated_file(usim):
    usim.select("2F05")
    assert usim("00040000") == "6982"
    usim.adm()
    assert usim("00040000") == "9000"
    assert usim("00B0000001") == "6984"
    assert usim("00D6000001AA") == "6984"
    assert usim("00A4000C022F05") == "6283"
    assert usim.card.memory()["3F00/2F05#lcs"] == b"\x04"
    assert usim("00440000022F05") == "9000"
    assert usim("00A4000C022F05") == "9000"
    assert usim("00B0000001") == "FF9000"
    assert usim("00040800047FF06F05") == "9000"
    assert usim("00440800047FF06F99") == "6A82"
    assert usim("00440000026F99") == "6A82"


def test_deactivate_needs_a_file(usim):
    assert usim("00040000") == "6986"
    assert usim("000400000100") == "6700"
    assert usim("00040001") == "6A86"


def test_only_the_plant_file_can_be_deleted(usim):
    assert usim("00E40000022FF2") == "6982"
    usim.adm()
    assert usim("00E40000022FE2") == "6982"
    assert usim("00E40000022F99") == "6A82"
    assert usim("00E400000300002F") == "6700"
    usim.select("2FF2")
    assert usim("00E40000022FF2") == "9000"
    assert usim("00B0000001") == "6986"
    assert usim("00A4000C022FF2") == "6A82"
    assert usim("00B08B0001") == "6A82"
    assert "3F00/2FF2" not in usim.card.memory()
    assert usim("00E40000022FF2") == "6A82"


def test_channels_have_their_own_selection_and_share_grants(usim):
    assert usim("0070000001") == "019000"
    assert usim("01A4080C022FE2") == "9000"
    assert usim("00B0000001") == "6986"
    usim.adm()
    assert usim("01D6000001AA") == "9000"
    assert usim("01B0000001") == "AA9000"


def test_four_channels_then_no_more(usim):
    assert [usim("0070000001") for _ in range(4)] == ["019000", "029000", "039000", "6A81"]
    assert usim("00708002") == "9000"
    assert usim("02A4000C023F00") == "6881"
    assert usim("0070000001") == "029000"
    assert usim("00708000") == "6A86"
    usim.card.power(cold=False)
    assert usim("01A4000C023F00") == "6881"
    assert usim("00708001") == "6881"


def test_channel_asked_for_by_number(usim):
    assert usim("00700003") == "9000"
    assert usim("00700003") == "6A81"
    assert usim("00700004") == "6A81"
    assert usim("03A4000C023F00") == "9000"


def test_a_channel_opened_from_another_starts_where_that_one_is(usim):
    usim("0070000001")
    usim("01A4080C027F20")
    assert usim("0170000001") == "029000"
    assert usim("02A4000C026F07") == "9000"
    assert usim("0070000001") == "039000"
    assert usim("03A4000C026F07") == "6A82"


def test_deleting_leaves_no_channel_on_the_file(usim):
    usim.adm()("0070000001")
    usim("01A4080C022FF2")
    usim("00E40000022FF2")
    assert usim("01B0000001") == "6986"
