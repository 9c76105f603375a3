"""The data that are signed and never change: records of the AFL, and the AIP (EMV 4.4 Book 3, 10.3)."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

RECORD_TEMPLATE = 0x70
# SFI 1 to 10 are of EMV: the template is left off. 11 to 30 are of the payment system: the whole record is taken.
LAST_EMV_SFI = 10
AIP_TAG_LIST = b"\x82"


def static_data(records: Iterable[tuple[int, bytes]], tag_list: bytes | None, aip: bytes) -> bytes:
    """Return the static data to be authenticated.

    :param records: SFI and record as read, in the order of the AFL: those its fourth bytes count.
    :param tag_list: value of 9F4A; None where the card has none.  :param aip: value of 82, 2 bytes.
    :raises EncodingError: on a record that is no template 70, or a tag list other than ``82``: the method failed then.
    Book 3, 10.3
    """
    data = b"".join(_signed_part(sfi, record) for sfi, record in records)
    if tag_list is None:
        return data
    if tag_list != AIP_TAG_LIST:
        raise EncodingError(f"static data tag list 9F4A: {tag_list.hex().upper() or 'empty'}, expected 82")
    return data + aip


def _signed_part(sfi: int, record: bytes) -> bytes:
    items = tlv.parse(record)
    if [item.tag for item in items] != [RECORD_TEMPLATE]:
        raise EncodingError(f"record of SFI {sfi}: {len(record)} bytes, expected one template 70 and nothing else")
    return items[0].value if sfi <= LAST_EMV_SFI else record
