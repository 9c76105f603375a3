"""Class bytes of both codings (ISO/IEC 7816-4 5.4.1, tables 2 and 3)."""

from __future__ import annotations

import pytest

from cardkit.channel.cla import chained, get_response_class, on_channel
from cardkit.errors import EncodingError


@pytest.mark.parametrize(
    ("cla", "number", "expected"),
    [
        (0x00, 0, 0x00),
        (0x00, 3, 0x03),
        (0x00, 4, 0x40),
        (0x00, 19, 0x4F),
        (0x0C, 1, 0x0D),
        (0x0C, 4, 0x60),
        (0x10, 4, 0x50),
        (0x80, 2, 0x82),
        (0x84, 1, 0x85),
        (0x84, 7, 0xE3),
        (0x80, 5, 0xC1),
        (0xA0, 0, 0xA0),
    ],
)
def test_a_command_moves_to_its_channel(cla, number, expected):
    assert on_channel(cla, number) == expected


@pytest.mark.parametrize(("cla", "number"), [(0xA0, 1), (0x01, 2), (0x40, 5), (0xFF, 1), (0x00, 20), (0x00, -1)])
def test_a_class_without_that_channel_is_refused(cla, number):
    with pytest.raises(EncodingError):
        on_channel(cla, number)


@pytest.mark.parametrize(
    ("cla", "expected"),
    [
        (0x00, 0x00),
        (0x80, 0x00),
        (0x0C, 0x00),
        (0x13, 0x03),
        (0x84, 0x00),
        (0x81, 0x01),
        (0xA0, 0xA0),
        (0x4F, 0x4F),
        (0x61, 0x41),
        (0xC5, 0x45),
        (0xE5, 0x45),
        (0x52, 0x42),
    ],
)
def test_get_response_keeps_the_channel_and_nothing_else(cla, expected):
    assert get_response_class(cla) == expected


@pytest.mark.parametrize(("cla", "expected"), [(0x00, 0x10), (0x80, 0x90), (0x0C, 0x1C), (0x42, 0x52)])
def test_a_link_of_a_chain_sets_one_bit(cla, expected):
    assert chained(cla) == expected


def test_class_a0_knows_no_chaining():
    with pytest.raises(EncodingError, match="A0"):
        chained(0xA0)
