"""T=0 strictness, T=1 lengths, order of checks (ISO/IEC 7816-3 12.2; TS 102 221 7.3)."""

import pytest

from cardkit.virtual import ImageError, VirtualCard, load_image

RAND_AUTN = "10" + "00" * 16 + "10" + "00" * 16
MF_FCP = "621B8202782183023F008A01058B032F060AC60990014083010183010A"


@pytest.mark.parametrize("command", ["", "00", "00A4", "00A400", "04", "01"])
def test_less_than_a_header_is_6700(usim, command):
    assert usim(command) == "6700"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("20A40000023F00", "6E00"),
        ("B0A40000023F00", "6E00"),
        ("FFA40000023F00", "6E00"),
        ("00FF0000", "6D00"),
        ("80B0000001", "6D00"),
        ("00F2000000", "6D00"),
        ("01A40000023F00", "6881"),
        ("40A40000023F00", "6881"),
        ("C0F2000000", "6881"),
        ("01FF0000", "6881"),
        ("04A40000023F00", "6882"),
        ("0CA40000023F00", "6882"),
        ("60A40000023F00", "6882"),
        ("10A40000023F00", "6884"),
        ("00B0FF00", "6A86"),  # P1 before the missing Le
        ("00B00000", "6700"),
        ("00B0000001FF", "6700"),
        ("00D60000", "6700"),
        ("00D6000001FF00", "6700"),
        ("00A4000C033F00", "6700"),
        ("00A4000C013F00", "6700"),
        ("00A4000C023F000000", "6700"),
        ("00A4000C000000023F00", "6700"),  # extended, not declared by the ATR
        ("0084000100", "6A86"),
        ("00840000", "6700"),
        ("00C00000", "6700"),
        ("80F20000", "6700"),
    ],
)
def test_order_of_checks(usim, command, sw):
    assert usim(command) == sw


def test_short_le_leaves_the_rest_for_get_response(usim):
    assert usim("00A40004023F0005") == "621B8202786118"
    assert usim("00C0000018") == f"{MF_FCP[10:]}9000"


def test_absent_le_announces_what_waits(usim):
    assert usim("00A40004023F00") == "611D"
    assert usim("00C0000000") == f"{MF_FCP}9000"


def test_read_with_le_00_may_end_early_at_t1(usim):
    usim.select("2FE2")
    assert usim("00B0000000") == "FF" * 10 + "9000"


def test_t0_read_must_name_the_right_length(usim_t0):
    usim_t0.select("2FE2")
    assert usim_t0("00B0000000") == "6C0A"
    assert usim_t0("00B0000001") == "FF9000"
    assert usim_t0("00B000000B") == "6C0A"
    assert usim_t0("00B00000") == "6C0A"  # a case 1 command travels with P3 = 00
    assert usim_t0("00B000000A") == "FF" * 10 + "9000"


def test_t0_record_length_is_corrected_without_moving(usim_t0):
    usim_t0.select("2F00")
    assert usim_t0("00B2000200") == "6C30"
    assert usim_t0("00B2000230").startswith("61184F10A0000000871002")


def test_t0_case_4_refuses_le(usim_t0):
    assert usim_t0("00A40004023F0000") == "6700"
    assert usim_t0("00A40004023F00") == "611D"


@pytest.mark.parametrize(
    "command",
    [
        "00D60000",
        "00D6000000",
        "0084000001FF",
        "00B000000100",
        "00B0000000000A",
        "00A40004000002" + "3F00",
        "00A400040000023F000000",
        "00B00000000000",
    ],
)
def test_t0_refuses_extended_lengths(usim_t0, command):
    assert usim_t0(command) == "6700"


def test_t0_get_response_in_pieces(usim_t0):
    usim_t0("00A40004023F00")
    assert usim_t0("00C0000010") == f"{MF_FCP[:32]}610D"
    assert usim_t0("00C000000D") == f"{MF_FCP[32:]}9000"
    assert usim_t0("00C0000001") == "6985"


def test_t0_get_response_with_too_much_is_corrected(usim_t0):
    usim_t0("00A40004023F00")
    assert usim_t0("00C0000000") == "6C1D"
    assert usim_t0("00C00000FF") == "6C1D"
    assert usim_t0("80C000001D") == f"{MF_FCP}9000"


@pytest.mark.parametrize("between", ["80F2000C", "00A4000C023F00", "00B0000001", "00FF0000", "01A4000C023F00", "00"])
def test_pending_data_die_at_any_other_command(usim_t0, between):
    usim_t0("00A40004023F00")
    usim_t0(between)
    assert usim_t0("00C000001D") == "6985"


def test_get_response_without_anything_waiting(usim, usim_t0):
    assert usim("00C0000000") == usim_t0("00C0000000") == "6985"


def test_pending_data_belong_to_their_channel(usim):
    assert usim("0070000001") == "019000"
    usim("00A40004023F00")
    assert usim("01C0000000") == "6985"
    assert usim("00C0000000") == "6985"


def test_t0_warning_keeps_its_data(usim_t0):
    """6283 with an FCP waiting: GET RESPONSE 00 is corrected, then answered (pcsc.md 8, case 4S)."""
    usim_t0.adm().select("2F05")
    usim_t0("00440000")
    assert usim_t0("00040000") == "9000"
    assert usim_t0("00A40004022F05") == "6283"
    assert usim_t0("00C0000000") == "6C19"
    assert "8A0104" in usim_t0("00C0000019")


def test_t0_status_and_channel_lengths(usim_t0):
    assert usim_t0("80F2000000") == "6C1D"
    assert usim_t0("80F200001D") == f"{MF_FCP}9000"
    assert usim_t0("0070000000") == "6C01"
    assert usim_t0("0070000001") == "019000"


def test_t0_long_record_asks_for_the_right_length(usim_t0):
    usim_t0.select("7F106F3C")
    assert usim_t0("00B2010400") == "6CB0"


def test_reset_drops_pending_data_and_selection(usim_t0):
    usim_t0.select("7F20")
    usim_t0("00A40004026F07")
    usim_t0.card.power(cold=False)
    assert usim_t0("00C0000010") == "6985"
    assert usim_t0("80F200001D") == f"{MF_FCP}9000"


def test_get_challenge_gives_ne_bytes_repeatably():
    first, second = (VirtualCard("usim", seed=7) for _ in range(2))
    challenge = first.transmit(bytes.fromhex("0084000010"))
    assert len(challenge) == 18
    assert challenge == second.transmit(bytes.fromhex("0084000010"))
    assert challenge != first.transmit(bytes.fromhex("0084000010"))


EXTENDED = """
[chip]
name = "extended"
title = "declares extended length and 8 channels"
atr = "3B858001807300004FB8"
protocols = [1]
classes = [0]
arr = 0
[rules]
all = "800103 9000"
[files]
"3F00" = { name = "MF", access = "all" }
"3F00/2F01" = { name = "EF.BIG", size = 3000, access = "all", fill = "A5" }
[[secrets]]
reference = 0x0A
state = "C00303 4142434445464748"
"""


@pytest.fixture
def extended(tmp_path):
    path = tmp_path / "extended.toml"
    path.write_text(EXTENDED)
    return VirtualCard(load_image(path))


def test_extended_lengths_where_the_atr_declares_them(extended):
    def send(text):
        return extended.transmit(bytes.fromhex(text)).hex().upper()

    assert send("00A4000C022F01") == "9000"
    assert send("00B00000000BB8") == "A5" * 3000 + "9000"
    assert send("00B00000000000") == "A5" * 3000 + "9000"
    assert send("00B00000000BB9") == "A5" * 3000 + "6282"
    assert send("00D600000001F4" + "5A" * 500) == "9000"
    assert send("00B0000000") == "5A" * 256 + "9000"
    assert send("00D600000001F4" + "5A" * 499) == "6700"
    assert send("00D600000000005A") == "6700"
    assert send("00A400040000022F010000") == "62168202412183022F018A01058B0300000180020BB888009000"


def test_channels_beyond_the_first_four_where_the_atr_declares_them(extended):
    for number in range(1, 8):
        assert extended.transmit(bytes.fromhex("0070000001")) == bytes((number,)) + b"\x90\x00"
    assert extended.transmit(bytes.fromhex("0070000001")) == b"\x6a\x81"
    assert extended.transmit(bytes.fromhex("43A4000C022F01")) == b"\x90\x00"
    assert extended.transmit(bytes.fromhex("43B0000001")) == b"\xa5\x90\x00"
    assert extended.transmit(bytes.fromhex("42B0000001")) == b"\x69\x86"


def test_a_protocol_the_atr_does_not_offer_is_refused():
    with pytest.raises(ImageError, match="offers T=0, not T=1"):
        VirtualCard("sim2g", protocol=1)
