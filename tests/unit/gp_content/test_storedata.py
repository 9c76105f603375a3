"""STORE DATA: P1 from the content, groupings packed and cut, secrets apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.gp.dgi_text import parse_dgi_text
from cardkit.apps.gp.storedata import (
    Block,
    Encryption,
    Grouping,
    Structure,
    ciphered,
    cut,
    is_secret,
    pack,
    store_commands,
    store_data,
)
from cardkit.encoding import dgi
from cardkit.errors import EncodingError

from .vectors import named, of_category

COMMANDS = "gp_commands.json"
STRUCTURES = {"00": Structure.NONE, "01": Structure.DGI, "10": Structure.BER}
ENCRYPTIONS = {"00": Encryption.NONE, "01": Encryption.MIXED, "11": Encryption.ALL}


@pytest.mark.parametrize("name", ["apdu-store-data-last", "apdu-store-data-dgi-case4", "apdu-store-data-enc-ber"])
def test_store_data(name: str) -> None:
    vector = named(COMMANDS, name)
    values, peer = vector["in"], vector["out"]["apdu"]
    block = Block(bytes.fromhex(values["data"]), STRUCTURES[values["structure"]], ENCRYPTIONS[values["encryption"]])
    ours = store_data(values["block"], block, last=values["last"], answer=values["case"] == 4)
    # The peer appends Le in case 3 too; Table 11-88 has none.
    assert ours.encode().hex().upper() + ("" if values["case"] == 4 else "00") == peer


def test_blocks_are_numbered_and_the_last_is_flagged() -> None:
    vector = named(COMMANDS, "store-data-blocks-p1")
    p1 = int(vector["in"]["p1"], 16)
    blocks = [Block(bytes.fromhex(data), encryption=Encryption.ALL) for data in vector["in"]["blocks"]]
    commands = store_commands(blocks, table={(Structure.NONE, Encryption.ALL): p1})
    assert [f"{command.p1:02X}" for command in commands] == vector["out"]["p1"]
    assert [f"{command.p2:02X}" for command in commands] == vector["out"]["p2"]


@pytest.mark.parametrize("category", ["dgi"])
def test_dgi_lengths(category: str) -> None:
    for parameter in of_category(COMMANDS, category):
        values, expected = parameter.values
        written = Grouping(int(values["dgi"], 16), bytes(values["value_length"])).build()
        assert written.hex().upper().startswith(expected["prefix"])
        assert len(written) == len(expected["prefix"]) // 2 + values["value_length"]


@pytest.mark.parametrize(("given", "expected"), of_category(COMMANDS, "dgi-negative"))
def test_dgi_too_long(given: dict[str, Any], expected: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        Grouping(int(given["dgi"], 16), bytes(given["value_length"])).build()


def test_p1_says_what_the_block_holds() -> None:
    # Sheet 13.6: more and last, for opaque, DGI clear, all and mixed, BER clear and ciphered.
    expected = {
        (Structure.NONE, Encryption.NONE): (0x00, 0x80),
        (Structure.DGI, Encryption.NONE): (0x08, 0x88),
        (Structure.DGI, Encryption.ALL): (0x68, 0xE8),
        (Structure.DGI, Encryption.MIXED): (0x28, 0xA8),
        (Structure.BER, Encryption.NONE): (0x10, 0x90),
        (Structure.BER, Encryption.ALL): (0x70, 0xF0),
    }
    for (structure, encryption), both in expected.items():
        block = Block(b"\x00", structure, encryption)
        assert tuple(store_data(0, block, last=last).p1 for last in (False, True)) == both


def test_a_chip_may_want_another_p1() -> None:
    blocks = [Block(b"\x00", Structure.DGI), Block(b"\x01", Structure.DGI, Encryption.ALL)] * 2
    classic = {(Structure.DGI, Encryption.NONE): 0x00, (Structure.DGI, Encryption.ALL): 0x60}
    assert [command.p1 for command in store_commands(blocks, table=classic)] == [0x00, 0x60, 0x00, 0xE0]
    single = store_commands(blocks, table=classic, p1={0: 0x08, -1: 0x88})
    assert [command.p1 for command in single] == [0x08, 0x60, 0x00, 0x88]
    assert [command.p1 for command in store_commands(blocks, p1={3: 0x80})] == [0x08, 0x68, 0x08, 0x80]


def test_more_than_256_commands_are_refused_before_the_first() -> None:
    assert len(store_commands([Block(b"\x00")] * 256)) == 256
    with pytest.raises(EncodingError, match="257 commands"):
        store_commands([Block(b"\x00")] * 257)


@pytest.mark.parametrize(("number", "data"), [(256, b"\x00"), (-1, b"\x00"), (0, b""), (0, bytes(256))])
def test_a_block_out_of_range(number: int, data: bytes) -> None:
    with pytest.raises(EncodingError, match="STORE DATA: block"):
        store_data(number, Block(data), last=True)


# Packing


def secret(tag: int, size: int) -> Grouping:
    return Grouping(tag, bytes(size), secret=True, plain=False)


def test_groupings_that_fit_share_a_command_and_are_never_cut() -> None:
    blocks = pack([Grouping(0x0101, bytes(100)), Grouping(0x0102, bytes(100)), Grouping(0x0103, bytes(100))], 247)
    assert [len(block.data) for block in blocks] == [206, 103]


def test_a_record_of_254_bytes_under_a_mac() -> None:
    # The example of EMV CPS 4.3.4.4: 02 04 FE and 254 bytes are 257, sent as 247 and 10.
    blocks = pack([Grouping(0x0204, bytes(254)), Grouping(0x0205, bytes(1))], 247)
    assert [len(block.data) for block in blocks] == [247, 10 + 4]
    assert blocks[1].data[10:].hex() == "02050100"


def test_secret_and_clear_never_share_a_command_unless_announced_as_mixed() -> None:
    groupings = [Grouping(0x0101, b"\x01"), secret(0x8000, 16), secret(0x8010, 8), Grouping(0x9000, bytes(3))]
    kinds = [block.encryption for block in pack(groupings, 247)]
    assert kinds == [Encryption.NONE, Encryption.ALL, Encryption.NONE]
    assert [command.p1 for command in store_commands(pack(groupings, 247))] == [0x08, 0x68, 0x88]
    (mixed,) = pack(groupings, 247, mixed=True)
    assert store_commands([mixed])[0].p1 == 0xA8


def test_a_secret_in_clear_never_leaves() -> None:
    with pytest.raises(EncodingError, match="8000, 8010 are not ciphered yet"):
        pack([Grouping(0x8000, bytes(16), secret=True), Grouping(0x8010, bytes(8), secret=True)], 247)


def test_ciphering_touches_secrets_once() -> None:
    groupings = [Grouping(0x0101, b"\x01"), Grouping(0x8000, b"\x02", secret=True), secret(0x8010, 1)]
    done = ciphered(groupings, lambda value: b"<" + value + b">")
    assert [item.value for item in done] == [b"\x01", b"<\x02>", b"\x00"]
    assert ciphered(done, lambda _: pytest.fail("ciphered twice")) == done


def test_a_grouping_shows_no_value() -> None:
    assert "AABB" not in repr(Grouping(0x8000, bytes.fromhex("AABB"), secret=True)).upper()
    assert "AABB" not in repr(Block(bytes.fromhex("AABB"))).upper()


@pytest.mark.parametrize("size", [0, 5, 256])
def test_a_size_no_command_has(size: int) -> None:
    with pytest.raises(EncodingError, match="expected 6 to 255"):
        pack([Grouping(0x0101, b"")], size)


GROUPINGS = st.lists(
    st.builds(
        lambda tag, size, hidden: Grouping(tag, bytes(number % 256 for number in range(size)), hidden, plain=False),
        st.integers(0, 0xFFFF), st.one_of(st.integers(0, 300), st.integers(250, 600)), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(GROUPINGS, st.integers(6, 255), st.booleans())
def test_packed_groupings_are_read_back_from_the_joined_commands(
    groupings: list[Grouping], size: int, mixed: bool
) -> None:
    blocks = pack(groupings, size, mixed=mixed)
    assert all(0 < len(block.data) <= size for block in blocks)
    read = dgi.parse(b"".join(block.data for block in blocks))
    assert [(item.tag, item.value) for item in read] == [(item.tag, item.value) for item in groupings]
    if not mixed:
        kinds = {Encryption.ALL: True, Encryption.NONE: False}
        stream = b"".join(block.data for block in blocks if kinds[block.encryption])
        assert [item.tag for item in dgi.parse(stream)] == [item.tag for item in groupings if item.secret]


@settings(max_examples=40)
@given(st.binary(max_size=1000), st.integers(1, 255))
def test_opaque_data_is_cut(data: bytes, size: int) -> None:
    blocks = cut(data, size, Structure.BER)
    assert b"".join(block.data for block in blocks) == data
    assert all(0 < len(block.data) <= size for block in blocks)
    assert {block.structure for block in blocks} <= {Structure.BER}


# Text


def test_text_form() -> None:
    text = "# a comment\n\nDGI0101=70 02 57 00\ndgi8000 = 00112233445566778899AABBCCDDEEFF\nDGI7FFF="
    first, second, third = parse_dgi_text(text)
    assert (first.tag, first.value.hex(), first.secret) == (0x0101, "70025700", False)
    assert (second.tag, len(second.value), second.secret, second.plain) == (0x8000, 16, True, True)
    assert (third.tag, third.value) == (0x7FFF, b"")


@pytest.mark.parametrize("line", ["DGI101=00", "DGI01010=00", "0101=00", "DGI0101=0", "DGI0101=xx", "DGI0101"])
def test_a_malformed_line_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(EncodingError, match=r"keys\.dgi: line 2: expected DGIxxxx=hex") as caught:
        parse_dgi_text(f"# first\n{line}", "keys.dgi")
    assert line not in str(caught.value)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EncodingError, match="no data grouping"):
        parse_dgi_text("# nothing\n")


def test_what_is_secret_by_its_identifier() -> None:
    assert [is_secret(tag) for tag in (0x7FFF, 0x8000, 0x8010, 0x8113, 0x8205, 0x8FFF, 0x9000, 0x00B9)] == [
        False, True, True, True, True, True, False, False,
    ]  # fmt: skip
