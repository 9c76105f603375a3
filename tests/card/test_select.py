"""SELECT and STATUS: modes, search order, occurrences, life cycle (ETSI TS 102 221 8.4, 11.1.1)."""

import pytest

USIM = "A0000000871002FFFFFFFF8907090000"
ISIM = "A0000000871004FFFFFFFF8907090000"
ICCID_FCP = "62178202412183022FE28A01058B032F06018002000A880110"
MF_FCP = "621B8202782183023F008A01058B032F060AC60990014083010183010A"


def test_mf_is_current_after_reset(usim):
    assert usim("80F2000000") == f"{MF_FCP}9000"


@pytest.mark.parametrize("p2", ["00", "04"])
def test_fcp_of_an_ef_by_fid(usim, p2):
    assert usim(f"00A400{p2}022FE200") == f"{ICCID_FCP}9000"


def test_record_file_states_length_and_count(usim):
    assert usim("00A40804047FF06FB700") == "621A8205422100140583026FB78A01058B036F0601800200648801089000"


def test_select_without_data_is_the_mf(usim):
    usim.select("7F20")
    assert usim("00A4000400") == f"{MF_FCP}9000"


def test_p2_0c_answers_nothing(usim):
    assert usim("00A4000C022FE2") == "9000"


@pytest.mark.parametrize(
    ("start", "fid", "found"),
    [
        ("7F20", "6F07", "6F07"),  # child of the current DF
        ("7F20", "7F10", "7F10"),  # DF beside it
        ("7F20", "3F00", "3F00"),  # parent
        ("7F20", "7F20", "7F20"),  # itself
        ("7FF05FC0", "7FF0", "7FF0"),  # current ADF above
        ("7FF05FC0", "5F3B", "5F3B"),  # DF beside, in the ADF
        ("7FF05FC0", "3F00", "3F00"),  # MF from anywhere
    ],
)
def test_fid_search_order(usim, start, fid, found):
    usim.select(start)
    answer = usim(f"00A40004{'02'}{fid}00")
    assert answer.endswith("9000")
    assert f"8302{found}" in answer


@pytest.mark.parametrize(
    ("start", "fid"),
    [
        ("7F20", "2FE2"),  # an EF of the parent
        ("7FF05FC0", "7F20"),  # a DF two levels up
        ("7FF05FC0", "6F07"),  # an EF of the ADF above
    ],
)
def test_no_other_file_is_reachable_by_fid(usim, start, fid):
    usim.select(start)
    assert usim(f"00A4000C02{fid}") == "6A82"


def test_failed_select_changes_nothing(usim):
    usim.select("2FE2")
    assert usim("00A4080C047F206F99") == "6A82"
    assert usim("00B000000A") == "FF" * 10 + "9000"


def test_active_application_is_7fff(usim):
    assert usim("00A4080C047FFF6F07") == "6A82"
    assert usim(f"00A4040C10{USIM}") == "9000"
    assert usim("00A4080C047FFF6F07") == "9000"
    usim.select("7F20")
    assert usim("00A4000C027FFF") == "9000"
    assert usim("00A4080C047FFF6F07") == "9000"


def test_path_from_current_df(usim):
    usim.select("7FF0")
    assert usim("00A4090C045FC04F07") == "9000"
    assert usim("00A4090C024F08") == "9000"


def test_child_df_and_parent(usim):
    assert usim("00A4010C027F20") == "9000"
    assert usim("00A4010C026F07") == "6A82"
    assert "83023F00" in usim("00A4030400")
    assert usim("00A4030C") == "6A82"


def test_aid_by_partial_name_first_next_last_previous(usim):
    assert USIM in usim("00A4040405A00000008700")
    assert ISIM in usim("00A4040605A00000008700")
    assert usim("00A4040605A00000008700") == "6A82"
    assert USIM in usim("00A4040705A00000008700")
    assert ISIM in usim("00A4040505A00000008700")
    assert usim("00A4040C05A000000088") == "6A82"


def test_aid_longer_than_the_name_is_not_found(usim):
    assert usim("00A4040C08A000000087100300") == "6A82"


def test_next_and_previous_without_an_active_application(usim):
    assert USIM in usim("00A4040605A00000008700")
    usim.card.power(cold=True)
    assert ISIM in usim("00A4040705A00000008700")


def test_terminated_session_leaves_no_application(usim):
    usim(f"00A4040C10{USIM}")
    assert usim(f"00A4044C10{USIM}") == "9000"
    assert usim("00A4080C047FFF6F07") == "6A82"


@pytest.mark.parametrize("p1p2", ["0200", "0008", "0001", "0024", "0480", "0420", "0A0C"])
def test_unknown_modes_are_6a86(usim, p1p2):
    assert usim(f"00A4{p1p2}022FE2") == "6A86"


@pytest.mark.parametrize(
    "command",
    [
        "00A4080C012F",
        "00A4080C032FE200",
        "00A4080C",
        "00A4030C023F00",
        "00A4010C",
        "00A4040C11" + USIM + "00",
        "00A4000C0100",
    ],
)
def test_wrong_lengths_are_6700(usim, command):
    assert usim(command) == "6700"


def test_status_names_the_active_application(usim):
    assert usim("80F2000100") == "6A88"
    usim(f"00A4040C10{USIM}")
    assert usim("80F2000100") == f"8410{USIM}9000"
    assert usim("80F2010C") == "9000"
    assert usim("80F20300") == "6A86"


def test_fcp_shows_pin_status_today(usim):
    usim(f"00A4040C10{USIM}")
    assert "C60C90016083010183018183010A" in usim("80F2000000")  # PIN1 off, PIN2 and ADM1 on
    assert usim("002800010830303030FFFFFFFF") == "9000"
    assert "C60C9001E083010183018183010A" in usim("80F2000000")
