"""READ and UPDATE of transparent, linear and cyclic files; SEARCH RECORD; INCREASE (TS 102 221 11.1.3 to 11.1.8)."""

import pytest

PLMN = "FFFFFF0000" * 12


def test_read_from_offset(usim):
    usim.select("7FF06F60")
    assert usim("00B000050A") == "FFFFFF0000FFFFFF00009000"


def test_le_00_reads_to_the_end(usim):
    usim.select("7FF06F60")
    assert usim("00B0000000") == f"{PLMN}9000"


def test_le_beyond_the_end_gets_what_there_is(usim):
    usim.select("7FF06F60")
    assert usim("00B0003805") == "FFFF00006282"


def test_offset_behind_the_end_is_6b00(usim):
    usim.select("7FF06F60")
    assert usim("00B0003C01") == "6B00"
    assert usim("00D6003C01AA") == "6B00"


def test_update_part_of_a_file(usim):
    usim.adm().select("7FF06F38")
    assert usim("00D6000203A1B2C3") == "9000"
    assert usim.body("3F00/7FF0/6F38") == "0000A1B2C3" + "00" * 15


def test_update_over_the_end_writes_nothing(usim):
    usim.adm().select("7FF06FAD")
    assert usim("00D6000203010203") == "6700"
    assert usim.body("3F00/7FF0/6FAD") == "00000002"


def test_sfi_makes_the_file_current(usim):
    usim.select("7FF0")
    assert usim("00B0870009") == "FF" * 9 + "9000"
    assert usim("00B0000009") == "FF" * 9 + "9000"
    assert usim.adm()("00D687000908091010000000102F") == "9000"
    assert usim.body("3F00/7FF0/6F07") == "08091010000000102F"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00B0960001", "6A82"),  # SFI 16 is no file of the MF
        ("00B0800001", "6A86"),  # SFI 0
        ("00B09F0001", "6A86"),  # SFI 31
        ("00B0E10001", "6A86"),  # P1 b7, b6
        ("00B0000001", "6986"),
        ("00B2010430", "6986"),
        ("00D6000001FF", "6986"),
        ("00DC010401FF", "6986"),
        ("803200000101", "6986"),
    ],
)
def test_addressing_errors_on_the_mf(usim, command, sw):
    assert usim(command) == sw


def test_structure_is_checked_before_access(usim):
    usim.select("7FF06F07")
    assert usim("00B2010409") == "6981"
    assert usim("00DC010409" + "00" * 9) == "6981"
    usim.select("7FF06FB7")
    assert usim("00B0000014") == "6981"
    assert usim("00D6000001FF") == "6981"
    assert usim("80320000010100") == "6981"


def test_linked_files_have_one_body(usim):
    usim.adm().select("7F206F07")
    usim("00D6000009080910100000001020")
    assert usim.select("7FF06F07") == "9000"
    assert usim("00B0000009") == "0809101000000010209000"
    assert usim.body("3F00/7FF0/6F07") == usim.body("3F00/7F20/6F07") == "080910100000001020"


def record(number):
    return f"{number:02X}" * 20


@pytest.fixture
def ecc(usim):
    """EF.ECC, five records, each filled with its number; nothing current."""
    usim.adm().select("7FF06FB7")
    for number in range(1, 6):
        assert usim(f"00DC{number:02X}0414{record(number)}") == "9000"
    usim.select("7FF06FB7")
    return usim


def test_absolute_records(ecc):
    assert ecc("00B2030414") == f"{record(3)}9000"
    assert ecc("00B2030400") == f"{record(3)}9000"
    assert ecc("00B2060414") == "6A83"
    assert ecc("00DC060414" + "00" * 20) == "6A83"


def test_absolute_mode_does_not_move_the_pointer(ecc):
    assert ecc("00B2000414") == "6A83"
    ecc("00B2030414")
    assert ecc("00B2000414") == "6A83"


def test_next_and_previous_stop_at_the_ends_of_a_linear_file(ecc):
    for number in range(1, 6):
        assert ecc("00B2000214") == f"{record(number)}9000"
    assert ecc("00B2000214") == "6A83"
    assert ecc("00B2000414") == f"{record(5)}9000"
    for number in range(4, 0, -1):
        assert ecc("00B2000314") == f"{record(number)}9000"
    assert ecc("00B2000314") == "6A83"


def test_previous_without_current_record_is_the_last(ecc):
    assert ecc("00B2000314") == f"{record(5)}9000"


def test_update_next_moves_the_pointer(ecc):
    assert ecc("00DC000214" + "AA" * 20) == "9000"
    assert ecc("00DC000214" + "BB" * 20) == "9000"
    assert ecc.body("3F00/7FF0/6FB7").startswith("AA" * 20 + "BB" * 20 + record(3))


@pytest.mark.parametrize("le", ["13", "15"])
def test_wrong_le_is_corrected_and_nothing_moves(ecc, le):
    assert ecc(f"00B20002{le}") == "6C14"
    assert ecc("00B2000214") == f"{record(1)}9000"


@pytest.mark.parametrize("data", ["00" * 19, "00" * 21])
def test_update_needs_the_record_length(ecc, data):
    assert ecc(f"00DC0104{len(data) // 2:02X}{data}") == "6700"


def test_records_by_sfi(ecc):
    ecc.select("7FF0")
    assert ecc("00B2020C14") == f"{record(2)}9000"
    assert ecc("00B2010414") == f"{record(1)}9000"


@pytest.mark.parametrize("p1p2", ["0105", "0106", "0101", "0100", "0102", "0103", "FF04", "01FC"])
def test_unknown_record_modes_are_6a86(ecc, p1p2):
    assert ecc(f"00B2{p1p2}14") == "6A86"


@pytest.fixture
def acm(usim):
    """EF.ACM, cyclic, written 1, 2, 3."""
    usim.adm().select("7FF06F39")
    for number in (1, 2, 3):
        assert usim(f"00DC00030300000{number}") == "9000"
    usim.select("7FF06F39")
    return usim


def test_cyclic_record_1_is_the_newest(acm):
    assert [acm(f"00B20{n}0403") for n in (1, 2, 3)] == ["0000039000", "0000029000", "0000019000"]
    assert acm("00B2040403") == "6A83"


def test_cyclic_write_forgets_the_oldest(acm):
    assert acm("00DC000303000009") == "9000"
    assert acm.body("3F00/7FF0/6F39") == "000009000003000002"


def test_cyclic_next_goes_round(acm):
    assert [acm("00B2000203") for _ in range(4)] == ["0000029000", "0000019000", "0000039000", "0000029000"]
    acm.select("7FF06F39")
    assert acm("00B2000303") == "0000019000"


@pytest.mark.parametrize("p1p2", ["0104", "0002"])
def test_cyclic_takes_previous_only(acm, p1p2):
    assert acm(f"00DC{p1p2}03000001") == "6981"


def test_increase(acm):
    assert acm("803200000300000500") == "0000080000059000"
    assert acm("80329C000105") == "6104"
    assert acm("80C0000004") == "00000D059000"


def test_increase_over_the_maximum_changes_nothing(acm):
    acm("00DC000303FFFFFF")
    before = acm.body("3F00/7FF0/6F39")
    assert acm("803200000300000100") == "9850"
    assert acm.body("3F00/7FF0/6F39") == before


@pytest.mark.parametrize("data", ["0400000001", "00"])
def test_increase_length(acm, data):
    assert acm(f"80320000{data}") == "6700"


def test_search_forward_and_backward(ecc):
    ecc("00DC020414" + "AA" * 20)
    ecc("00DC040414" + "11" * 10 + "AA" * 10)
    assert ecc("00A2010402AAAA00") == "02049000"
    assert ecc("00A2050502AAAA00") == "04029000"
    assert ecc("00A2030402AAAA00") == "049000"
    assert ecc("00A2010402BBBB00") == "6282"


def test_search_starts_at_p1_whatever_is_current(ecc):
    ecc("00DC020414" + "04" * 20)
    assert ecc("00A20304010400") == "049000"
    ecc.select("7FF06FB7")
    assert ecc("00A20305010400") == "029000"


def test_search_moves_the_pointer_to_the_first_match(ecc):
    assert ecc("00A20104010400") == "049000"
    assert ecc("00B2000214") == f"{record(5)}9000"


def test_search_by_sfi_and_from_the_current_record(ecc):
    ecc.select("7FF0")
    assert ecc("00A2010C010300") == "039000"
    assert ecc("00A20004010300") == "039000"


def test_enhanced_search(ecc):
    ecc("00DC020414" + "AA" * 10 + "0B" * 10)
    assert ecc("00A2010604040A0B0B00") == "029000"  # offset 10
    assert ecc("00A2010604040B0B0B00") == "029000"
    assert ecc("00A2010604040CAAAA00") == "6282"  # the As end before
    assert ecc("00A20106040CAA0B0B00") == "029000"  # behind the first AA
    assert ecc("00A201060300000100") == "6A80"


def test_enhanced_search_from_the_record_beside_the_current(ecc):
    ecc("00B2000214")
    ecc("00B2000214")
    assert ecc("00A20006030600" + "0300") == "039000"
    assert ecc("00A20006030700" + "0200") == "029000"
    assert ecc("00A20006030700" + "0100") == "019000"
    assert ecc("00A20006030600" + "0100") == "6282"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00A20604010100", "6A83"),
        ("00A2010415" + "00" * 21, "6700"),
        ("00A20106020800", "6A80"),
        ("00A2010701FF", "6A86"),
        ("00A20104", "6700"),
    ],
)
def test_search_errors(ecc, command, sw):
    assert ecc(command) == sw
