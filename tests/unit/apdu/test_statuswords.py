"""Status words in words: the command's class and instruction decide."""

from __future__ import annotations

import pytest

from cardkit.errors import EncodingError
from cardkit.statuswords import meaning


@pytest.mark.parametrize(
    ("sw", "ins", "cla", "text", "clause"),
    [
        (0x9000, None, None, "done", "ISO/IEC 7816-4 5.1.3"),
        (0x6100, None, None, "256 bytes wait", "ISO/IEC 7816-4 5.1.3"),
        (0x6112, None, None, "18 bytes wait", "ISO/IEC 7816-4 5.1.3"),
        (0x6C00, None, None, "256 bytes are there", "ISO/IEC 7816-4 5.1.3"),
        (0x6C10, None, None, "16 bytes are there", "ISO/IEC 7816-4 5.1.3"),
        (0x63C2, 0x20, 0x00, "2 tries left", "10.2.1"),
        (0x63C2, 0xD6, 0x00, "done after 2 internal retries", "10.2.1"),
        (0x63C2, None, None, "2 tries left (codes), or done after 2 internal retries", "10.2.1"),
        (0x6983, 0x24, 0x00, "code blocked", "ISO/IEC 7816-4 5.1.3"),
        (0x6300, 0x82, 0x80, "a try is gone", "GlobalPlatform"),
        (0x6283, 0xA4, 0x00, "deactivated", "ISO/IEC 7816-4 5.1.3"),
        (0x9110, None, 0x80, "proactive command of 16 bytes", "ETSI TS 102 221 10.2.1.1"),
        (0x9300, None, None, "toolkit is busy", "ETSI TS 102 221 10.2.1.2"),
        (0x9850, 0x32, 0x80, "maximum value", "ETSI TS 102 221 10.2.1.9"),
        (0x9862, 0x88, 0x00, "refuses the MAC", "ETSI TS 102 221 10.2.1.9"),
        (0x9F16, 0xA4, 0xA0, "22 bytes wait", "3GPP TS 51.011 9.4.1"),
        (0x9F16, None, None, "22 bytes wait", "3GPP TS 51.011 9.4.1"),
        (0x9404, 0xA4, 0xA0, "not found", "3GPP TS 51.011 9.4.4"),
        (0x9202, 0xD6, 0xA0, "done after 2 internal retries", "3GPP TS 51.011 9.4.3"),
        (0x9840, 0x20, 0xA0, "no tries left", "3GPP TS 51.011 9.4.5"),
        (0x6709, 0xB0, 0xA0, "expected 9", "3GPP TS 51.011 9.4.6"),
        (0x6700, 0xB0, 0xA0, "wrong P3", "3GPP TS 51.011 9.4.6"),
        (0x6E00, 0xA4, 0xA0, "not a 2G SIM", "3GPP TS 51.011 9.4.6"),
        (0x6E00, 0xA4, 0x00, "CLA not supported", "ISO/IEC 7816-4 5.1.3"),
        (0x6ABC, None, None, "wrong parameters", "ISO/IEC 7816-4 5.1.3"),
        (0x9404, 0xA4, 0x00, "card's maker only", "ISO/IEC 7816-4 5.1.3"),
        (0x6000, None, None, "no status word", "ISO/IEC 7816-4 5.1.3"),
        (0x1234, None, None, "no status word", "ISO/IEC 7816-4 5.1.3"),
    ],
)
def test_meaning_depends_on_the_command(sw: int, ins: int | None, cla: int | None, text: str, clause: str) -> None:
    found = meaning(sw, ins, cla)
    assert text in found.text
    assert clause in found.clause


def test_every_status_word_has_words_and_a_clause() -> None:
    for sw in range(0x10000):
        for cla in (None, 0xA0):
            found = meaning(sw, 0x20, cla)
            assert found.text
            assert found.clause
            assert "{" not in found.text


@pytest.mark.parametrize("sw", [-1, 0x10000])
def test_other_numbers_are_refused(sw: int) -> None:
    with pytest.raises(EncodingError, match="expected 0 to 0xFFFF"):
        meaning(sw)
