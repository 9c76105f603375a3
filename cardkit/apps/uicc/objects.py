"""Data objects of BER-TLV files: which there are, and each of them whole (ETSI TS 102 221 11.3.1)."""

from __future__ import annotations

import re

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.client import UiccSession, is_done, refused
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProtocolError

_CLA, _RETRIEVE_DATA = 0x80, 0xCB
_FIRST, _NEXT = 0x80, 0x00
_TAG_LIST = 0x5C
_ALL = 256
# More of the object waits; F2: and a proactive command, too (TS 102 221 10.2.1.3).
_MORE = frozenset((0x62F1, 0x62F2))
_MOST_BLOCKS = 260
"""A length of two bytes, in blocks of 256."""

# One byte, or one that says there are more, and the last of them (ISO/IEC 7816-4 5.2.2.1).
_TAG = re.compile(rb"(?s:[^\x1f\x3f\x5f\x7f\x9f\xbf\xdf\xff]|.[\x80-\xff]*[\x00-\x7f])")


def tags(session: UiccSession) -> list[bytes]:
    """Return the tags of the objects in the current file.

    :raises StatusError: when the card refuses.  :raises ProtocolError: when it answers something else.
    """
    return list_tags(retrieve(session, bytes((_TAG_LIST,))))


def retrieve(session: UiccSession, tag: bytes) -> bytes:
    """Return one object of the current file, tag and length included.

    :raises StatusError: when the card refuses, 6A88 if there is none.
    :raises ProtocolError: when it never ends.
    """
    command = CommandAPDU(_CLA, _RETRIEVE_DATA, 0x00, _FIRST, tag, ne=_ALL)
    parts = []
    for _ in range(_MOST_BLOCKS):
        response = session.send(command)
        parts.append(response.data)
        if is_done(response.sw):
            return b"".join(parts)
        if response.sw not in _MORE:
            raise refused(f"RETRIEVE DATA {tag.hex().upper()}", response.sw, cla=_CLA, ins=_RETRIEVE_DATA)
        command = CommandAPDU(_CLA, _RETRIEVE_DATA, 0x00, _NEXT, ne=_ALL)
    raise ProtocolError(f"RETRIEVE DATA {tag.hex().upper()}: more than {_MOST_BLOCKS} blocks, expected an end")


def list_tags(answer: bytes) -> list[bytes]:
    """Return the tags in a tag list object.

    :raises ProtocolError: when it is none.

    >>> [tag.hex() for tag in list_tags(bytes.fromhex("5C05805F8101A1"))]
    ['80', '5f8101', 'a1']
    """
    try:
        listed = tlv.parse(answer)
    except EncodingError as error:
        raise ProtocolError(f"RETRIEVE DATA 5C: {error}") from None
    if len(listed) != 1 or listed[0].tag != _TAG_LIST:
        raise ProtocolError("RETRIEVE DATA 5C: card answered something else, expected one object 5C")
    found = _TAG.findall(listed[0].value)
    if b"".join(found) != listed[0].value:
        raise ProtocolError("RETRIEVE DATA 5C: the list ends inside a tag")
    return found
