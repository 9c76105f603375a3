"""BER-TLV structured files: RETRIEVE DATA and SET DATA (ETSI TS 102 221 11.3)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import VirtualCard
from tests.card.conftest import Terminal
from tests.card.uicc.conftest import build_mf, create, ef, template, tlv


def with_file(terminal, size=700, **options):
    assert create(terminal, ef("6FF8", size, kind="7921", sfi="40", **options)) == "9000"
    return terminal


@pytest.fixture
def card(built):
    return with_file(built)


def set_data(terminal, value, p2="80"):
    return terminal(f"80DB00{p2}{len(value) // 2:02X}{value}")


def retrieve(terminal, tag, p2="80"):
    return terminal(f"80CB00{p2}{len(tag) // 2:02X}{tag}00")


def test_the_template_says_ber_tlv(card):
    assert "82027921" in card("00A40004026FF800")
    for command in ("00B0000000", "00B2010400", "00D600000100"):
        assert card(command) == "6981"
    card("00A4000C022F06")
    assert retrieve(card, "80") == set_data(card, "800101") == "6981"


def test_objects_are_set_replaced_listed_and_deleted(card):
    assert retrieve(card, "5C") == "5C009000"
    assert set_data(card, "8003AABBCC") == set_data(card, "5F810102DDEE") == set_data(card, "A1020501") == "9000"
    assert retrieve(card, "80") == "8003AABBCC9000"
    assert retrieve(card, "5F8101") == "5F810102DDEE9000"
    assert retrieve(card, "5C") == "5C05805F8101A19000"
    assert set_data(card, "8001FF") == "9000"
    assert retrieve(card, "80") == "8001FF9000"
    assert set_data(card, "5F8101") == "9000"
    assert retrieve(card, "5C") == "5C0280A19000"
    assert retrieve(card, "5F8101") == set_data(card, "5F8101") == "6A88"
    assert set_data(card, "8000") == "9000"
    assert retrieve(card, "80") == "80009000"


def test_by_short_file_identifier(card):
    card("00A4000C023F00")
    assert set_data(card, "800101") == "6986"
    assert set_data(card, "800101", "88") == "9000"
    card("00A4000C023F00")
    assert retrieve(card, "80", "88") == "8001019000"


def test_a_long_object_goes_in_blocks(card):
    value = bytes(range(256)) * 2 + b"end"
    whole = "80820203" + value.hex().upper()
    blocks = [whole[at : at + 510] for at in range(0, len(whole), 510)]
    assert [set_data(card, block, "00" if at else "80") for at, block in enumerate(blocks)] == ["63F1", "63F1", "9000"]
    answers = [retrieve(card, "80"), card("80CB000000"), card("80CB000000")]
    assert [answer[-4:] for answer in answers] == ["62F1", "62F1", "9000"]
    assert "".join(answer[:-4] for answer in answers) == whole


def test_blocks_of_the_length_asked_for(card):
    set_data(card, "8005AABBCCDDEE")
    assert card("80CB0080018003") == "8005AA62F1"
    assert card("80CB000002") == "BBCC62F1"
    assert card("80CB000010") == "DDEE9000"
    assert card("80CB000010") == "6985"


def test_a_block_out_of_turn(card):
    assert set_data(card, "AA", "00") == "6985"
    assert card("80CB000000") == "6985"
    assert set_data(card, "8010AA") == "63F1"
    assert card("80CB000000") == "6985"
    assert set_data(card, "AA" * 15, "00") == "6985"
    set_data(card, "8010AA")
    card("00A4000C023F00")
    card("00A4000C026FF8")
    assert set_data(card, "AA" * 15, "00") == "6985"
    assert retrieve(card, "80") == "6A88"


def test_half_an_object_leaves_the_old_one(card):
    set_data(card, "800411223344")
    assert set_data(card, "8008AA") == "63F1"
    assert retrieve(card, "80") == "8004112233449000"


@pytest.mark.parametrize(
    ("value", "sw"),
    [("FF0100", "6A80"), ("000100", "6A80"), ("8001AABB", "6A80"), ("808001", "6A80"),
     ("5F81818100", "6A80"), ("80820400", "6A84")],
)  # fmt: skip
def test_no_objects(card, value, sw):
    before = card.card.memory()
    assert set_data(card, value) == sw
    assert card.card.memory() == before


def test_full(built):
    card = with_file(built, 10)
    assert set_data(card, "800401020304") == "9000"
    assert set_data(card, "81020102") == "9000"
    assert set_data(card, "8200") == "6A84"
    assert set_data(card, "8005AABBCCDDEE") == "6A84"
    assert retrieve(card, "80") == "8004010203049000"


def test_access_and_life_cycle(built):
    card = with_file(built, security=("AB", "8001019000800118A40683010A950108"))
    card("0020000A08" + "4142434445464748")
    assert set_data(card, "800101") == "6982"
    assert retrieve(card, "5C") == "5C009000"
    assert card("00040000") == "9000"
    assert retrieve(card, "5C") == "6984"


def test_resize_keeps_objects_and_refuses_to_cut_them(card):
    set_data(card, "800401020304")
    for size, sw in ((6, "9000"), (5, "6A84"), (900, "9000")):
        data = template(("83", "6FF8"), ("80", f"{size:04X}"))
        assert card(f"80D40000{len(data) // 2:02X}{data}") == sw
        assert retrieve(card, "80") == "8004010203049000"


def test_t0_announces_a_block_and_ends_it_with_its_own_status(built):
    card = Terminal(VirtualCard("uicc-bare", seed=1, protocol=0))
    build_mf(card)
    assert create(card, ef("6FF8", 700, kind="7921")) == "9000"
    assert set_data(card, "81820140" + "BB" * 200) == "63F1"
    assert set_data(card, "BB" * 120, "00") == "9000"
    assert card("80CB00800181") == "6100"
    assert card("00C0000000") == "81820140" + "BB" * 252 + "62F1"
    assert card("80CB000000") == "6144"
    assert card("00C0000044") == "BB" * 68 + "9000"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["80", "5F20", "BF8101", "C1"]), st.binary(max_size=120)), max_size=12))
def test_it_is_a_dictionary(steps):
    card = with_file(build_mf(Terminal(VirtualCard("uicc-bare", seed=1))), 400)
    model = {}
    for tag, value in steps:
        whole = tlv(tag, value.hex().upper())
        after = {**model, tag: whole}
        fits = sum(len(item) for item in after.values()) <= 800
        assert set_data(card, whole) == ("9000" if fits else "6A84")
        model = after if fits else model
    for tag in ("80", "5F20", "BF8101", "C1"):
        assert retrieve(card, tag) == (model[tag] + "9000" if tag in model else "6A88")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=30)), max_size=6))
def test_any_data_get_a_status_word(steps):
    card = with_file(build_mf(Terminal(VirtualCard("uicc-bare", seed=1))), 40)
    for first, data in steps:
        answer = set_data(card, data.hex(), "80" if first else "00")
        assert answer in {"9000", "63F1", "6A80", "6A84", "6A88", "6985"}
        assert len(retrieve(card, "5C")) >= 8
