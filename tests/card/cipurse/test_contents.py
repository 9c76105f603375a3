"""Binary, record and value files: what is stored, what is read back, and where they end."""

import pytest

from .terminal import apdu

KINDS = {"01": "0020", "02": "0508", "06": "0508", "1E": "030E"}
LIMITS = "FFFFFFF6" + "000003E8"  # -10 to 1000


@pytest.fixture
def make(bench):
    """An application with one free file, 0001 with short identifier 1; it is current."""

    def made(fd, extent=None):
        return bench.with_adf(bench.ef(fd=fd, extent=extent or KINDS[fd])) and selected(bench)

    return made


def selected(bench):
    bench.ok("00A40000020001")
    return bench


def test_bytes_anywhere(make):
    bench = make("01")
    bench.ok("00D6000004" + "01020304")
    bench.ok("00D6811E02" + "AABB")
    assert bench.ok("00B0000000") == "01020304" + "00" * 26 + "AABB"
    assert bench.ok("00B0000203") == "030400"
    assert bench.ok("00B0811F01") == "BB"


@pytest.mark.parametrize(("command", "expected"), [
    ("00B0002001", "6B00"), ("00B07FFF00", "6B00"), ("00B0812001", "6B00"), ("00B0001E04", "00009000"),
    ("00B00000", "6700"), ("00B0820001", "6A82"), ("00B0800001", "6A86"), ("00B0A10001", "6A86"),
    ("00D6001F02AABB", "6A84"), ("00D6002001AA", "6A84"), ("00D68100", "6700"),
    ("00B2010400", "6981"), ("00DC010401AA", "6981"), ("00E2000001AA", "6981"), ("8034010400", "6981"),
    ("803201040400000001", "6981"),
])  # fmt: skip
def test_where_a_binary_file_ends(make, command, expected):
    bench = make("01")
    before = dict(bench.card.memory())
    assert bench.raw(command) == expected
    assert dict(bench.card.memory()) == before


def test_le_where_nothing_is_answered_does_no_harm(make):
    """proxmark3 sends it with UPDATE BINARY, PERFORM TRANSACTION, FORMAT ALL."""
    bench = make("01")
    assert bench.ok("00D6000001AA00") == ""
    bench.ok("807E000000")
    bench.ok("00A40000")
    bench.ok("80FC000007436F6E6669724D00")


def test_a_large_file(make):
    bench = make("01", "0200")
    bench.ok(apdu("00D60100", "5A" * 255))
    bench.ok("00D601FF015B")
    assert bench.ok("00B0010000") == "5A" * 255 + "5B"
    assert bench.ok("00B000FF02") == "005A"


def test_reading_past_the_end_is_refused_when_the_image_says_so(variant):
    bench = variant("[behaviour]", 'read_past_end = "refuse"')
    bench.with_adf(bench.ef(extent="0010"), bench.ef("0002", fd="02", sfid=2, extent="0204"))
    assert bench.raw("00B0810011") == bench.raw("00B2011405") == "6B00"
    assert bench.ok("00B0810010") == bench.ok("00B0810000") == "00" * 16
    assert bench.ok("00B2011404") == bench.ok("00B2011400") == "00" * 4


def test_no_current_file(bench):
    bench.with_adf()
    for command in ("00B0000001", "00D6000001AA", "00B2010400", "00DC010401AA", "00E2000001AA", "8034010400"):
        assert bench.raw(command) == "6986"


def test_records_by_number(make):
    bench = make("02")
    bench.ok("00DC020402" + "AABB")
    bench.ok("00DC050C08" + "01" * 8)
    assert bench.ok("00B2020400") == "AABB" + "00" * 6
    assert bench.ok("00B2020402") == "AABB"
    assert bench.ok("00B2040D00") == "00" * 8 + "01" * 8
    assert bench.ok("00B2010500") == "00" * 8 + "AABB" + "00" * 22 + "01" * 8
    assert bench.ok("00B2010509") == "00" * 8 + "AA"


@pytest.mark.parametrize(("command", "expected"), [
    ("00B2000400", "6A83"), ("00B2060400", "6A83"), ("00B2010600", "6A86"), ("00B20104", "6700"),
    ("00B2011400", "6A82"), ("00DC000401AA", "6A83"), ("00DC060401AA", "6A83"), ("00DC010501AA", "6A86"),
    ("00DC01040101", "9000"), ("00DC010409" + "AA" * 9, "6700"), ("00E2010001AA", "6A86"),
    ("00E2000409" + "AA" * 9, "6A86"), ("00E2000009" + "AA" * 9, "6700"), ("00B0000001", "6981"),
    ("00D6000001AA", "6981"), ("8034010400", "6981"),
])  # fmt: skip
@pytest.mark.parametrize("fd", ["02", "06"])
def test_where_record_files_end(make, fd, command, expected):
    assert make(fd).raw(command) == expected


def test_append_to_a_linear_file_until_it_is_full(make):
    bench = make("02")
    bench.ok("00E20000" + "01AA")
    bench.ok("00DC030401BB")
    bench.ok("00DC010401AA")
    for byte in ("C4", "C5"):
        bench.ok("00E20008" + "01" + byte)
    assert bench.raw("00E2000001FF") == "6A84"
    assert [bench.ok(f"00B2{number:02X}0401") for number in range(1, 6)] == ["AA", "00", "BB", "C4", "C5"]


def test_append_to_a_cyclic_file_drops_the_oldest(make):
    bench = make("06")
    for number in range(1, 9):
        bench.ok(f"00E2000001{number:02X}")
    assert [bench.ok(f"00B2{number:02X}0401") for number in range(1, 6)] == ["08", "07", "06", "05", "04"]
    bench.ok("00DC020401FF")
    assert bench.ok("00B2010501") == "08"
    assert bench.ok("00B2020401") == "FF"


def value(bench, text="00000064"):
    bench.ok(apdu("00DC0104", text + LIMITS + "CAFE"))
    return bench


def test_values_rise_and_fall_between_their_limits(make):
    bench = value(make("1E"))
    assert bench.ok("803201040400000384" + "00") == "000003E8"
    assert bench.raw("803201040400000001" + "00") == "6985"
    assert bench.ok("80300104040000" + "03F2") == ""
    assert bench.ok("8034010404") == "FFFFFFF6"
    assert bench.raw("803001040400000001") == "6985"
    assert bench.ok("803001040400000000" + "04") == "FFFFFFF6"
    assert bench.ok("00B2010400") == "FFFFFFF6" + LIMITS + "CAFE"


def test_a_value_nobody_set_has_no_room(make):
    bench = make("1E")
    assert bench.ok("8034010400") == "00000000"
    assert bench.raw("803201040400000001") == "6985"


@pytest.mark.parametrize(("command", "expected"), [
    ("8032010404FFFFFFFF", "6A80"), ("803001040480000000", "6A80"), ("8032010403000001", "6700"),
    ("80320104050000000001", "6700"), ("803201040400000001" + "05", "6700"), ("803201050400000001", "6A86"),
    ("803200040400000001", "6A83"), ("803204040400000001", "6A83"), ("8034010403", "6700"), ("80340104", "6700"),
    ("8034010600", "6A86"), ("80320104047FFFFFFF", "6985"), ("00E2000001AA", "6981"), ("803C01050400000000", "6A86"),
    ("803201140400000001", "6A82"), ("00B0000001", "6981"), ("00DC0104" + "0464646464", "6A80"),
    ("00DC01040C" + "000003E9" + LIMITS, "6A80"), ("00DC01040C" + "00000000" + "00000001" + "00000002", "6A80"),
])  # fmt: skip
def test_what_value_files_refuse(make, command, expected):
    bench = value(make("1E"))
    before = dict(bench.card.memory())
    assert bench.raw(command) == expected
    assert dict(bench.card.memory()) == before


def test_all_values_at_once(make):
    bench = make("1E")
    for number in (1, 2, 3):
        bench.ok(apdu(f"00DC{number:02X}04", f"0000000{number}" + LIMITS))
    assert bench.ok("8034020500") == "0000000200000003"
    assert bench.ok("8034010508") == "0000000100000002"
    assert bench.ok("803401050B") == "0000000100000002"


def test_a_limited_increase_gives_back_what_was_taken_once(make):
    bench = value(make("1E"))
    assert bench.raw("803C01040400000001") == "6985"
    bench.ok("80300104040000000A")
    assert bench.raw("803C01040400000" + "00B") == "6985"
    assert bench.raw("803E01040400000001") == "6985"
    assert bench.ok("803C01040400000004" + "00") == "0000005E"
    assert bench.raw("803E01040400000001") == "6985"
    assert bench.raw("803C01040400000001") == "6985"
    bench.ok("803201040400000005")
    assert bench.raw("803C01040400000001") == "6985"
    assert bench.ok("803E01040400000005" + "00") == "0000005E"
    bench.ok("80300104040000000A")
    value(bench)
    assert bench.raw("803C01040400000001") == "6985"


def test_limited_forms_with_other_parameters(variant):
    bench = variant("[behaviour]", "limited_p1p2 = 0")
    bench.with_adf(bench.ef(fd="1E", extent="010E"))
    assert bench.raw("803C010C0400000000") == "6A86"
    assert bench.ok("803C01080400000000" + "00") == "00000000"


def test_another_layout_of_value_records(variant):
    bench = variant("[value_record]", "value = 8", "minimum = 0", "maximum = 4")
    bench.with_adf(bench.ef(fd="1E", extent="010C"))
    bench.ok(apdu("00DC010C", LIMITS + "00000001"))
    assert bench.ok("8034010C00") == "00000001"
    assert bench.ok("8032010C04000000" + "0900") == "0000000A"
    assert bench.ok("00B2010C00") == LIMITS + "0000000A"


def test_the_largest_numbers_do_not_wrap(make):
    bench = make("1E")
    bench.ok(apdu("00DC0104", "7FFFFFFE" + "80000000" + "7FFFFFFF"))
    assert bench.ok("803201040400000001" + "00") == "7FFFFFFF"
    assert bench.raw("803201040400000001") == "6985"
    bench.ok(apdu("00DC0104", "80000001" + "80000000" + "7FFFFFFF"))
    assert bench.ok("803001040400000001" + "00") == "80000000"
    assert bench.raw("803001040400000001") == "6985"
