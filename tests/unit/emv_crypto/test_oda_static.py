"""Which bytes of a card are signed."""

import pytest

from cardkit.apps.emv.oda.static import static_data
from cardkit.errors import EncodingError

RECORD = bytes.fromhex("70055A03112233")
PRIVATE = bytes.fromhex("7003DF0100")


def test_records_of_emv_lose_their_template_and_others_keep_it():
    assert static_data([(1, RECORD), (10, RECORD), (11, PRIVATE)], None, b"\x3c\0").hex() == (
        "5a03112233" + "5a03112233" + "7003df0100"
    )


def test_aip_stands_at_the_end():
    assert static_data([(2, RECORD)], b"\x82", b"\x3c\0").hex() == "5a03112233" + "3c00"
    assert static_data([], b"\x82", b"\x3c\0").hex() == "3c00"


@pytest.mark.parametrize("tag_list", [b"", b"\x82\x82", b"\x95", b"\x5a\x82"])
def test_other_tag_lists_fail(tag_list):
    with pytest.raises(EncodingError, match="static data tag list 9F4A"):
        static_data([(1, RECORD)], tag_list, b"\x3c\0")


@pytest.mark.parametrize("record", [b"", RECORD[2:], RECORD + RECORD, RECORD + b"\0", RECORD[:-1],
                                    b"\x77" + RECORD[1:]])  # fmt: skip
@pytest.mark.parametrize("sfi", [1, 30])
def test_record_that_is_no_template_fails(record, sfi):
    with pytest.raises(EncodingError):
        static_data([(sfi, record)], None, b"")
