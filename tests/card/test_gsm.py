"""Class A0: a 2G SIM (TS 51.011 9), at T=0 and in a UICC at T=1."""

import pytest

from cardkit.virtual.errors import WriteFailedError

ADM, WRONG = "4142434445464748", "4142434445464749"
CHV, CHV_1234, UNBLOCK = "30303030FFFFFFFF", "31323334FFFFFFFF", "3030303030303030"


def select(sim, *fids):
    """SELECT one step at a time; the last answer."""
    for fid in fids:
        announced = sim(f"A0A4000002{fid}")
        assert announced.startswith("9F"), fid
    return sim(f"A0C00000{announced[2:]}")


def adm(sim):
    assert sim("A020000A08" + ADM) == "9000"


def test_mf_answers_22_bytes(sim2g):
    assert select(sim2g, "3F00") == "000020003F00010000000000099303030400838A838A9000"


def test_ef_answer_as_ts_51_011_lays_it_out(sim2g):
    """Size 9, IMSI, EF; read CHV1, update ADM; increase never; not invalidated; transparent."""
    assert select(sim2g, "7F20", "6F07") == "000000096F07040014F044010200009000"


def test_answers_of_linear_and_cyclic_files(sim2g):
    assert select(sim2g, "7F10", "6F42") == "000000686F42040011F044010201349000"
    assert select(sim2g, "7F20", "6F39") == "000000096F390440121044010203039000"


def test_get_response_may_ask_for_less_but_not_more(sim2g):
    sim2g("A0A40000027F20")
    assert sim2g("A0C0000017") == "6716"
    assert sim2g("A0C0000006") == "000020007F209000"
    assert sim2g("A0C0000006") == "6F00"


def test_pending_answer_dies_at_any_other_command(sim2g):
    sim2g("A0A40000027F20")
    sim2g("A0FA000000")
    assert sim2g("A0C0000016") == "6F00"


def test_at_t1_an_le_behind_the_data_takes_the_answer_at_once(usim):
    """T=1 carries a case 4 command whole (ISO/IEC 7816-3 12.2): pySim 597f1e0 sends SELECT so, in class A0 too."""
    announced = usim("A0A40000023F00")
    answer = usim(f"A0C00000{announced[2:]}")
    assert usim("A0A40000023F0000") == answer
    assert usim("A0A40000023F0006") == f"{answer[:12]}9F10"
    assert usim("A0C0000010") == answer[12:]


def test_an_le_where_nothing_can_come_is_refused(usim, usim_t0):
    assert usim("A0D6000001FF00") == "6700"
    assert usim("A0A40000023F000000") == "6700"
    assert usim_t0("A0A40000023F0000") == "6700"


def test_status_is_the_current_directory(sim2g):
    select(sim2g, "7F20", "6F07")
    assert sim2g("A0F2000016").startswith("000020007F2002")
    assert sim2g("A0F2000002") == "00009000"
    assert sim2g("A0F2000017") == "6716"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00A40000023F00", "6E00"),
        ("A0E40000022FF2", "6D00"),
        ("A0A40000023F01", "9404"),
        ("A0A40000026F07", "9404"),
        ("A0A4000001FF", "6702"),
        ("A0A40000023F", "6700"),
        ("A0A40004023F00", "6B00"),
        ("A0B0000001", "9400"),
        ("A0B2010401", "9400"),
        ("A0D6000001FF", "9400"),
        ("A020000B08" + ADM, "6B00"),
        ("A020000107303030FFFFFFFF", "6708"),
        ("A020000108" + CHV, "9808"),
        ("A026000208" + CHV, "6B00"),
        ("A088000010" + "00" * 16, "6F00"),
        ("A088000001FF", "6710"),
        ("A0", "6700"),
    ],
)
def test_refusals(sim2g, command, sw):
    assert sim2g(command) == sw


def test_read_and_update_binary(sim2g):
    adm(sim2g)
    select(sim2g, "7F20", "6F07")
    assert sim2g("A0D6000009080910100000001020") == "9000"
    assert sim2g("A0B0000009") == "0809101000000010209000"
    assert sim2g("A0B000000A") == "6709"
    assert sim2g("A0B0000000") == "6709"
    assert sim2g("A0B0000901") == "9402"
    assert sim2g("A0B0800001") == "9402"
    assert sim2g("A0D6800001AA") == "9402"
    assert sim2g("A0B2010409") == "9408"


def test_records(sim2g):
    select(sim2g, "7F10", "6F42")
    assert sim2g("A0DC020434" + "AB" * 52) == "9000"
    assert sim2g("A0B2020434") == "AB" * 52 + "9000"
    assert sim2g("A0B2020433") == "6734"
    assert sim2g("A0DC020401AA") == "6734"
    assert sim2g("A0B2030434") == "9402"
    assert sim2g("A0B2010C34") == "6B00"
    assert sim2g("A0B0000001") == "9408"


def test_seek(sim2g):
    select(sim2g, "7F10", "6F42")
    sim2g("A0DC020434" + "AB" * 52)
    assert sim2g("A0A2000001AB") == "9000"
    assert sim2g("A0A2001001AB") == "9F01"
    assert sim2g("A0C0000001") == "029000"
    assert sim2g("A0A2001101FF") == "9F01"
    assert sim2g("A0C0000001") == "019000"
    assert sim2g("A0A2001201AB") == "9F01"
    assert sim2g("A0A2001201AB") == "9404"
    assert sim2g("A0A20000015A") == "9404"
    assert sim2g("A0A2000401AB") == "6B00"


def test_increase(sim2g):
    adm(sim2g)
    select(sim2g, "7F20", "6F39")
    assert sim2g("A032000003000007") == "9F06"
    assert sim2g("A0C0000006") == "0000070000079000"
    assert sim2g("A0DC000303FFFFFF") == "9000"
    assert sim2g("A032000003000001") == "9850"
    assert sim2g("A03200000107") == "6703"


def test_wrong_codes_then_blocked(sim2g):
    assert [sim2g("A020000A08" + WRONG) for _ in range(4)] == ["9804", "9804", "9804", "9840"]
    assert sim2g("A020000A08" + ADM) == "9840"


def test_chv1_life(sim2g):
    assert sim2g("A028000108" + CHV) == "9000"
    sim2g.card.power(cold=True)
    select(sim2g, "7F20", "6F07")
    assert sim2g("A0B0000009") == "9804"
    assert sim2g("A024000110" + CHV + CHV_1234) == "9000"
    assert sim2g("A0B0000009") == "FF" * 9 + "9000"
    for _ in range(3):
        sim2g("A020000108" + CHV)
    answer = select(sim2g, "3F00")
    assert answer[24:28] == "0913"  # CHV1 enabled
    assert answer.endswith("808A838A9000")


def test_unblock_by_p2_00(sim2g):
    sim2g("A028000108" + CHV)
    for _ in range(3):
        sim2g("A020000108" + CHV_1234)
    assert sim2g("A020000108" + CHV) == "9840"
    assert sim2g("A02C000010" + UNBLOCK + CHV_1234) == "9000"
    assert sim2g("A020000108" + CHV_1234) == "9000"
    assert sim2g("A02C000110" + UNBLOCK + CHV_1234) == "6B00"


def test_chv2_guards_acm(sim2g):
    select(sim2g, "7F20", "6F39")
    assert sim2g("A0DC000303000001") == "9804"
    assert sim2g("A020000208" + CHV) == "9000"
    assert sim2g("A0DC000303000001") == "9000"


def test_invalidate_and_rehabilitate(sim2g):
    select(sim2g, "7F20", "6FAD")
    assert sim2g("A004000000") == "9804"
    adm(sim2g)
    assert sim2g("A004000000") == "9000"
    assert sim2g("A0B0000004") == "9810"
    assert select(sim2g, "6FAD")[22:24] == "00"
    assert sim2g("A044000000") == "9000"
    assert sim2g("A0B0000004") == "000000029000"


def test_run_gsm_algorithm(sim2g):
    adm(sim2g)
    select(sim2g, "A515", "6F20")
    sim2g("A0D60000210E" + bytes(range(16)).hex() + "00" * 16)
    select(sim2g, "7F20")
    assert sim2g("A088000010" + "00" * 16) == "9F0C"
    assert sim2g("A0C000000C") == "000102030405060708090A0B9000"


def test_case_1_command_counts_as_p3_00(sim2g):
    assert sim2g("A0FA0000") == "9000"
    assert sim2g("A0A40000") == "6702"


def test_worn_memory_is_9240(sim2g):
    def intercept(cell, value):
        raise WriteFailedError(cell)

    adm(sim2g)
    select(sim2g, "7F20", "6F07")
    sim2g.card.chip.memory.intercept = intercept
    assert sim2g("A0D600000108") == "9240"


def test_key_file_is_never_read(sim2g):
    adm(sim2g)
    select(sim2g, "A515", "6F20")
    assert sim2g("A0B0000021") == "9804"


def test_chip_number_is_readable_and_fixed(sim2g):
    adm(sim2g)
    assert select(sim2g, "2FF1")[16:24] == "0FF0FF01"
    assert sim2g("A0B0000008") == sim2g.card.serial.hex().upper() + "9000"
    assert sim2g("A0D600000100") == "9804"


def test_uicc_answers_class_a0_from_the_same_files(usim):
    usim.adm().select("7FF06F07")
    usim("00D6000009080910100000001020")
    assert select(usim, "3F00", "7F20", "6F07") == "000000096F07040014F044010200009000"
    assert usim("A0B0000009") == "0809101000000010209000"
