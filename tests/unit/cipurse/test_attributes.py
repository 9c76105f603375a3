"""Attribute strings: read, built again byte for byte, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.cipurse.access import FILE, FREE, VALUE, Operation, Security
from cardkit.apps.cipurse.attributes import DfAttributes, EfAttributes, FileType, KeyAttributes
from cardkit.errors import EncodingError
from cardkit.secure.cipurse import Level, Pair

ID_INFO = bytes.fromhex("01002FF7000C080000" + "C1" * 9)
BLANK_MF = bytes.fromhex(
    "38003F00080808" + "0000" + "FF" * 9 + "01100902 5FD67B".replace(" ", "") * 8 + "62058603000000" + "001000001000"
)
NIBBLES = st.sampled_from([level << 2 | other for level in range(3) for other in range(3)])


@st.composite
def securities(draw, keys=None):
    high, low = (bytes([draw(NIBBLES) << 4 | draw(NIBBLES)]) for _ in range(2))
    count = draw(st.integers(0, 8)) if keys is None else keys
    return Security(high + low, draw(st.binary(min_size=count + 1, max_size=count + 1)))


@st.composite
def files(draw):
    kind = draw(st.sampled_from([kind for kind in FileType if kind < 0x38]))
    extent = (draw(st.integers(0, 0xFFFF)), 0, 0) if kind.binary else (0, *draw(st.tuples(*[st.integers(0, 255)] * 2)))
    return EfAttributes(kind, draw(st.integers(0, 30)), draw(st.integers(0, 0xFFFF)), *extent, draw(securities()))


def test_the_file_every_card_has():
    found = EfAttributes.parse(ID_INFO)
    assert (found.kind, found.fid, found.sfid, found.size) == (FileType.BINARY, 0x2FF7, 0, 12)
    assert found.security == Security(bytes(2), b"\xc1" * 9)
    assert [found.security.allows(group) for group in range(1, 9)] == [True, *[False] * 5, True, True]
    assert found.build() == ID_INFO


def test_the_root_of_a_blank_card():
    found = DfAttributes.parse(BLANK_MF)
    assert (found.fid, found.files, found.memory, len(found.keys)) == (0x3F00, 8, (4096, 4096), 8)
    assert found.keys[7] == KeyAttributes(1, 2, bytes.fromhex("5FD67B"))
    assert found.objects() == {0x86: bytes(3)}
    assert found.build() == BLANK_MF


def test_an_application():
    text = "38605F00040402" + "9A05" + "4101FF" + "011009020A0B0C" * 2 + "621084069F01020304050607" + "D4"
    data = bytes.fromhex("38605F00040402" + "9A05" + "4101FF" + "011009020A0B0C" * 2 + "6209840441424344C00101")
    found = DfAttributes.parse(data)
    assert (found.aid, found.objects()[0xC0], found.security.art[2]) == (b"ABCD", b"\x01", 0xFF)
    assert found.build() == data
    with pytest.raises(EncodingError, match="control parameters"):
        DfAttributes.parse(bytes.fromhex(text))


@given(files())
def test_files_survive(file):
    assert EfAttributes.parse(file.build()) == file


KEYS = st.builds(KeyAttributes, st.integers(0, 255), st.integers(0, 255), st.binary(min_size=3, max_size=3))


@given(st.data(), st.lists(KEYS, max_size=8), st.sampled_from(["", "6200", "6203 8601 07", "6205 8403 414243"]))
def test_directories_survive(data, keys, parameters):
    rules = data.draw(securities(len(keys))) if keys else None
    memory = data.draw(st.none() | st.tuples(*[st.integers(0, 0xFFFFFF)] * 2))
    found = DfAttributes(0x38, 0x60, 0x5F00, 4, 4, tuple(keys), rules, bytes.fromhex(parameters), memory)
    assert DfAttributes.parse(found.build()) == found


@given(st.binary(max_size=120))
@pytest.mark.parametrize("kind", [EfAttributes, DfAttributes])
def test_any_bytes_are_read_and_built_again_or_refused(kind, data):
    try:
        found = kind.parse(data)
    except EncodingError:
        return
    assert found.build() == data


# Without memory, and without control parameters either, it is that of another directory.
WHOLE = (len(BLANK_MF) - 6, len(BLANK_MF) - 13)


@pytest.mark.parametrize("cut", sorted({*range(len(BLANK_MF))} - {*WHOLE}))
def test_a_cut_string_is_refused(cut):
    with pytest.raises(EncodingError):
        DfAttributes.parse(BLANK_MF[:cut])


@pytest.mark.parametrize(
    "text", ["", "01002FF700", "01002FF7000C0800", "05002FF7000C", "38003F000000", "01002FF7000C010003FFFF"]
)
def test_what_is_no_file_is_refused(text):
    with pytest.raises(EncodingError):
        EfAttributes.parse(bytes.fromhex(text))


@given(securities(), st.integers(1, 8), st.integers(0, 8))
def test_rights_are_everybodys_or_the_keys(security, group, key):
    mine = security.art[key] if key <= security.keys else 0
    assert security.allows(group, key) == bool((security.art[0] | mine) & 1 << (group - 1))


def test_a_right_more_and_no_other():
    rules = Security(bytes(2), bytes(3)).granting(2, frozenset((1, 8, 0)))
    assert rules.art == bytes.fromhex("000081")
    assert FREE.allows(8)


def test_levels_stand_from_the_left():
    rules = Security(bytes.fromhex("15A9"), b"\xff")
    assert [rules.pair(group).nibble for group in range(5)] == [0, 1, 5, 10, 9]
    assert rules.pair(4) == Pair(Level.ENC, Level.MAC)


@pytest.mark.parametrize(
    ("smr", "art"), [("00", "FF"), ("0300", "FF"), ("00C0", "FF"), ("0000", ""), ("0000", "FF" * 10)]
)
def test_rules_no_card_takes_are_refused(smr, art):
    with pytest.raises(EncodingError):
        Security(bytes.fromhex(smr), bytes.fromhex(art))


def test_tables_name_groups_there_are():
    for table in (FILE, VALUE):
        assert all(0 <= groups.messaging <= 4 and 0 <= groups.right <= 8 for groups in table.values())
    assert VALUE[Operation.READ] == FILE[Operation.READ]
