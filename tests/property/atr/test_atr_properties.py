"""Any answer to reset is taken apart whole, or refused."""

from __future__ import annotations

from functools import reduce
from operator import xor

from hypothesis import given
from hypothesis import strategies as st

from cardkit.atr import ATR, Historical
from cardkit.errors import EncodingError

NAMES = ("ta", "tb", "tc", "td")


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, list[dict[str, int]], bytes]:
    """An ATR built from its parts: bytes, interface bytes by group, historical bytes."""
    groups: list[dict[str, int]] = []
    body = b""
    present = draw(st.integers(0, 15))
    historical = draw(st.binary(max_size=15))
    t0 = present << 4 | len(historical)
    while present and len(groups) < 4:
        group = {name: draw(st.integers(0, 255)) for bit, name in enumerate(NAMES) if present >> bit & 1}
        if len(groups) == 3 and "td" in group:
            group["td"] &= 0x0F
        groups.append(group)
        body += bytes(group.values())
        present = group.get("td", 0) >> 4
    raw = bytes((0x3B, t0)) + body + historical
    if any(group.get("td", 0) & 0x0F for group in groups):
        raw += bytes((reduce(xor, raw[1:]),))
    return raw, groups, historical


@given(answers())
def test_every_part_comes_out_as_put_in(answer: tuple[bytes, list[dict[str, int]], bytes]) -> None:
    raw, groups, historical = answer
    if len(raw) > 33:
        return
    atr = ATR.parse(raw)
    assert atr.historical == historical
    for index, group in enumerate(groups, 1):
        read = {"ta": atr.ta(index), "tb": atr.tb(index), "tc": atr.tc(index), "td": atr.td(index)}
        assert {name: value for name, value in read.items() if value is not None} == group
    assert "".join(hexa for _, hexa, _ in atr.describe()) == raw.hex().upper()
    offered = [group["td"] & 0x0F for group in groups if "td" in group and group["td"] & 0x0F != 15]
    assert set(atr.protocols) == (set(offered) or {0})


@given(answers(), st.data())
def test_one_flipped_bit_behind_t0_is_noticed_where_there_is_a_check_byte(
    answer: tuple[bytes, list[dict[str, int]], bytes], data: st.DataObject
) -> None:
    raw, groups, historical = answer
    if len(raw) > 33 or not historical or not any(group.get("td", 0) & 0x0F for group in groups):
        return
    place = data.draw(st.integers(len(raw) - 1 - len(historical), len(raw) - 1))
    flipped = bytearray(raw)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        ATR.parse(bytes(flipped))
    except EncodingError:
        return
    raise AssertionError(f"{flipped.hex()} was accepted")


@given(st.binary(max_size=34) | st.binary(max_size=32).map(lambda rest: b"\x3b" + rest))
def test_any_bytes_are_an_answer_or_refused(raw: bytes) -> None:
    try:
        atr = ATR.parse_unchecked(raw)
    except EncodingError:
        return
    assert "".join(hexa for _, hexa, _ in atr.describe()) == raw.hex().upper()
    assert atr.first_protocol in atr.protocols
    assert set(atr.classes) <= {"A", "B", "C"}


@given(st.binary(max_size=15) | st.binary(max_size=14).map(lambda rest: b"\x80" + rest))
def test_any_historical_bytes_are_described_whole(raw: bytes) -> None:
    historical = Historical(raw)
    assert "".join(hexa for _, hexa, _ in historical.describe()) == raw.hex().upper()
    capabilities = historical.capabilities
    assert capabilities is None or 1 <= capabilities.channels <= 8
