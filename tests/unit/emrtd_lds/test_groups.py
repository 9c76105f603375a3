"""Data groups and files: published files decoded field by field, written again byte for byte, hostile ones refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import DG11, DG12, Details, Kind
from cardkit.apps.emrtd.directory import AtrInfo, Directory, ExtendedLength
from cardkit.apps.emrtd.groups import build_dg1, build_dg15, build_group, open_group, parse_dg1, parse_dg15
from cardkit.apps.emrtd.lds import DATA_GROUPS, FILES, LDS1_AID, Departure, open_file
from cardkit.apps.emrtd.persons import Person, Persons
from cardkit.encoding import der, tlv
from cardkit.errors import EncodingError

from .vectors import chosen, load

FILES_OF = {v["name"]: bytes.fromhex(v["in"]["file"]) for v in load("emrtd_lds")}
FINDINGS = {"A0 missing": Departure.NO_TEMPLATE, "BCD instead of ASCII": Departure.BCD_DATE}


def begins(tag):
    return lambda v: v["in"]["file"].startswith(tag)


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_lds", begins("60")))
def test_com(given, out):
    data = bytes.fromhex(given["file"])
    com = Com.parse(data)
    assert (com.lds_version, com.unicode_version, [f"{tag:02X}" for tag in com.tags]) == tuple(out.values())
    assert com.build() == data


def test_com_of_groups_is_that_of_the_reference_set():
    data = FILES_OF["EF.COM of the BSI reference set 2008"]
    assert Com.parse(data).groups == (1, 2, 3, 14)
    made = Com.of([14, 3, 1, 2])
    assert (made.tags.hex(), made.lds_version, made.unicode_version) == ("6175636e", "0107", "040000")
    assert made.build() == data


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_lds", lambda v: "mrz" in v["out"]))
def test_dg1(given, out):
    data = bytes.fromhex(given["file"])
    mrz = parse_dg1(data + bytes(9))
    assert mrz.text == out["mrz"]
    assert mrz.information == out.get("mrz_information", mrz.information)
    assert build_dg1(mrz) == data


def as_vector(values):
    """Return values as the vectors write them: lists, dates with hyphens."""
    shown = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    for name in {"date_of_issue"} & set(shown):
        shown[name] = f"{shown[name][:4]}-{shown[name][4:6]}-{shown[name][6:]}"
    for name in {"personalization_time"} & set(shown):
        d = shown[name]
        shown[name] = f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:]}"
    return shown


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_lds", lambda v: v["in"]["file"][:2] in ("6B", "6C")))
def test_details(given, out):
    data = bytes.fromhex(given["file"])
    details = Details.parse(11 if data[0] == 0x6B else 12, data)
    listed = [f"{tag:04X}" for tag in details.listed]
    finding = FINDINGS.get(out.get("finding"))
    expected = {name: value for name, value in out.items() if name not in ("tags", "finding")}
    assert as_vector(details.values()) == expected
    assert listed == out.get("tags", listed)
    assert details.build() == data
    assert {one.kind for one in details.deviations} - {Departure.LISTED_TEMPLATE} == ({finding} if finding else set())


def test_names_listed_by_their_template_are_a_deviation():
    details = Details.parse(11, FILES_OF["DG11 other names listed as A0 in the tag list"])
    assert [(one.kind, one.actual) for one in details.deviations] == [(Departure.LISTED_TEMPLATE, "A0")]


def test_a_tag_list_that_does_not_agree_with_the_content():
    details = Details.parse(11, tlv.build(0x6B, bytes.fromhex("5C045F0E5F10 5F0E0141")))
    assert [(one.kind, one.expected, one.actual) for one in details.deviations] == [
        (Departure.LIST_DISAGREES, "5F0E 5F10", "5F0E")
    ]


def test_text_that_is_no_utf_8_is_read_and_named():
    details = Details.parse(11, tlv.build(0x6B, bytes.fromhex("5C025F0E 5F0E02C441")))
    assert details.values() == {"name_of_holder": "ÄA"}
    assert [one.kind for one in details.deviations] == [Departure.NOT_UTF8]


def test_the_count_of_names_is_never_trusted():
    data = tlv.build(0x6B, bytes.fromhex("5C025F0F A0070201FF 5F0F0141"))
    details = Details.parse(11, data)
    assert details.values() == {"other_names": ("A",)}
    assert [(one.expected, one.actual) for one in details.deviations] == [("255", "1")]


values_of_11 = st.fixed_dictionaries(
    {},
    optional={
        element.name: {
            Kind.IMAGE: st.binary(max_size=300),
            Kind.DIGITS: st.text("0123456789", min_size=element.digits, max_size=element.digits),
            Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
            Kind.WORDS: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<"), max_size=30),
            Kind.PARTS: st.lists(st.text("ABC Ä'", max_size=9), min_size=1, max_size=4).map(tuple),
            Kind.NAMES: st.lists(st.text("ABC<", max_size=9), min_size=1, max_size=4).map(tuple),
        }[element.kind]
        for element in DG11.values()
    },
)


@given(values_of_11)
def test_details_that_were_written_are_read_again_without_a_deviation(values):
    details = Details.parse(11, Details.of(11, values).build())
    assert details.values() == values
    assert details.deviations == ()


def test_details_are_written_in_the_order_of_the_standard():
    values = {"personalization_serial": "M-1", "issuing_authority": "UT", "date_of_issue": "20261122"}
    expected = "6C1E 5C065F195F265F56 5F19025554 5F26083230323631313232 5F56034D2D31"
    assert Details.of(12, values).build() == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("number", "values"),
    [(11, {"name": "A"}), (11, {"full_date_of_birth": "1980-01-01"}), (11, {"address": "A"}),
     (12, {"front_image": "A"}), (12, {"endorsements": b"A"}), (11, {"other_names": ("A",) * 256})],
)  # fmt: skip
def test_details_of_another_kind_are_refused(number, values):
    with pytest.raises(EncodingError, match=f"EF.DG{number}"):
        Details.of(number, values)


def test_persons():
    data, out = (
        FILES_OF["DG16 two persons"],
        next(v["out"] for v in load("emrtd_lds") if v["name"] == "DG16 two persons"),
    )
    expected = [Person(**{**one, "address": tuple(one["address"])}) for one in out["persons"]]
    persons = Persons.parse(data)
    assert list(persons.persons()) == expected
    assert persons.build() == data == Persons.of(expected).build()


def test_a_wrong_count_of_persons_is_a_deviation():
    data = bytearray(FILES_OF["DG16 two persons"])
    data[5] = 200
    persons = Persons.parse(bytes(data))
    assert len(persons.persons()) == 2
    assert [one.kind for one in persons.deviations] == [Departure.WRONG_COUNT]


def test_directory():
    data = FILES_OF["EF.DIR with four applications"]
    aids = (LDS1_AID, *(bytes.fromhex(f"A000000247200{number}") for number in (1, 2, 3)))
    assert Directory.parse(data + bytes(5)).aids == aids
    assert Directory.of(aids).build() == data


def test_extended_length_of_atr_info():
    info = AtrInfo.parse(bytes.fromhex("4703 940180 7F6608 02020400 02020800 0000"))
    assert (info.capabilities.hex(), info.extended_length) == ("940180", ExtendedLength(1024, 2048))
    assert AtrInfo.of(bytes.fromhex("940180"), ExtendedLength(1024, 2048)).build().hex() == (
        "47039401807f66080202040002020800"
    )
    assert AtrInfo.parse(b"").extended_length is None


def test_a_key_in_dg15():
    key = der.sequence(der.sequence(der.oid("1.2.840.10045.2.1")), der.bits(b"\x04"))
    assert build_dg15(key)[0] == 0x6F
    assert parse_dg15(build_dg15(key) + bytes(3)) == key


def test_files_have_the_identifiers_and_tags_of_the_standard():
    table = {(file.fid, file.sfi, file.tag) for file in DATA_GROUPS.values()}
    assert {(0x0101, 1, 0x61), (0x0102, 2, 0x75), (0x0103, 3, 0x63), (0x0104, 4, 0x76), (0x010B, 11, 0x6B),
            (0x010E, 14, 0x6E), (0x010F, 15, 0x6F), (0x0110, 16, 0x70)} <= table  # fmt: skip
    assert {file.tag for file in DATA_GROUPS.values()} == {*range(0x65, 0x71), 0x61, 0x75, 0x63, 0x76}
    assert (FILES["EF.CVCA"].fid, FILES["EF.CardAccess"].fid) == (0x011C, 0x011C)


def test_a_long_length_form_and_what_is_behind_are_deviations():
    long = open_file("EF.DG13", bytes.fromhex("6D820002AABB0001"))
    assert [one.kind for one in long.deviations] == [Departure.LONG_LENGTH, Departure.FILL_NOT_ZERO]
    assert long.signed == bytes.fromhex("6D820002AABB")


@pytest.mark.parametrize("data", ["", "61", "6184FFFFFFFF", "6280", "6105", "770100"])
def test_what_is_no_group_is_refused(data):
    with pytest.raises(EncodingError, match=r"EF\.DG1"):
        open_group(1, bytes.fromhex(data))


@given(st.sampled_from([1, 11, 12, 16]), st.binary(max_size=60))
def test_any_content_is_read_or_refused(number, content):
    reader = {1: parse_dg1, 11: lambda d: Details.parse(11, d), 12: lambda d: Details.parse(12, d), 16: Persons.parse}
    data = build_group(number, content)
    try:
        found = reader[number](data)
    except EncodingError:
        return
    if number != 1:
        assert found.build() == data


@given(st.sampled_from(["EF.COM", "EF.DIR", "EF.ATR/INFO"]), st.binary(max_size=40))
def test_any_file_of_the_master_file_is_read_or_refused(name, data):
    try:
        if name == "EF.COM":
            assert Com.parse(data).groups is not None
        elif name == "EF.DIR":
            parsed = Directory.parse(data)
            assert parsed.build() == data
            assert isinstance(parsed.aids, tuple)
        else:
            assert AtrInfo.parse(data).build() == data
    except EncodingError:
        return


def test_elements_of_dg12_are_those_of_the_standard():
    assert " ".join(f"{tag:04X}" for tag in DG12) == "5F19 5F26 5F1A 5F1B 5F1C 5F1D 5F1E 5F55 5F56"
