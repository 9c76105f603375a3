"""SELECT and GET DATA: finding the security domain and what it says without a session (GPCS 11.3, 11.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp import aids
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import FCI
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProtocolError

ANY_LENGTH = 256
CLA, CLA_ISO = 0x80, 0x00
OK, CARD_LOCKED = 0x9000, 0x6283
_SELECT, _GET_DATA = 0xA4, 0xCA
_BY_AID, _FIRST, _NEXT = 0x04, 0x00, 0x02
_APPLICATION, _AID = 0x61, 0x4F
# What cards answer to SELECT without an AID when they do not know it.
_NO_EMPTY_SELECT = frozenset((0x6A82, 0x6A86, 0x6A87, 0x6D00))
# What cards answer for an object they do not have.
ABSENT = frozenset((0x6A81, 0x6A82, 0x6A86, 0x6A88, 0x6D00))

Exchange = Callable[[CommandAPDU], ResponseAPDU]
"""Sends one command; no status word raises."""


class DataTag(IntEnum):
    """Objects of GET DATA (11.3.3)."""

    ISSUER_NUMBER = 0x42
    CARD_NUMBER = 0x45
    CARD_DATA = 0x66
    CAPABILITIES = 0x67
    SEQUENCE_COUNTER = 0xC1
    CONFIRMATION_COUNTER = 0xC2
    DIVERSIFICATION_DATA = 0xCF
    SECURITY_LEVEL = 0xD3
    KEY_INFORMATION = 0xE0
    APPLICATIONS = 0x2F00
    MANAGER_URL = 0x5F50
    CPLC = 0x9F7F
    CERTIFICATES = 0xBF21
    RESOURCES = 0xFF21


def select(aid: bytes = b"", *, following: bool = False) -> CommandAPDU:
    """Select an application by its AID or the start of it; without one, the issuer security domain.

    :param following: the next application with the same start.

    >>> select().encode().hex()
    '00a4040000'
    """
    return CommandAPDU(CLA_ISO, _SELECT, _BY_AID, _NEXT if following else _FIRST, aid, ANY_LENGTH)


def get_data(tag: int, data: bytes = b"", *, cla: int = CLA) -> CommandAPDU:
    """Ask for a data object.

    :param tag: 1 or 2 bytes.  :param data: a qualifier some objects take.
    :param cla: with 00 the card answers the value without tag and length (11.3.3.1).

    >>> get_data(DataTag.CPLC).encode().hex()
    '80ca9f7f00'
    """
    return CommandAPDU(cla, _GET_DATA, tag >> 8, tag & 0xFF, data, ANY_LENGTH)


@dataclass(frozen=True, slots=True)
class Selected:
    """A security domain that answered SELECT.

    :param aid: its full AID, by the card; the one asked for where the card does not say; empty if nobody knows.
    :param locked: the card is CARD_LOCKED (6283).
    """

    fci: FCI
    aid: bytes
    locked: bool


def select_domain(exchange: Exchange, aid: bytes | None = None) -> Selected:
    """Select a security domain.

    :param aid: which; None for the issuer security domain, found without an AID first and then by the usual ones.
    :raises StatusError: when the card refuses.  :raises ProtocolError: on an answer that is no FCI.
    """
    if aid is not None:
        return _selected(exchange(select(aids.checked_aid(aid))), aid, f"SELECT {aid.hex().upper()}")
    response = exchange(select())
    asked, tried = b"", "without an AID"
    for usual in (aids.ISD, aids.ISD_OPEN_PLATFORM):
        if response.sw not in _NO_EMPTY_SELECT:
            break
        asked, tried = usual, f"{tried}, as {usual.hex().upper()}"
        response = exchange(select(usual))
    return _selected(response, asked, f"SELECT of the issuer security domain ({tried})")


def _selected(response: ResponseAPDU, asked: bytes, what: str) -> Selected:
    if response.sw not in (OK, CARD_LOCKED):
        raise status_error(what, response.sw)
    try:
        fci = FCI.parse(response.data)
    except EncodingError as error:
        raise ProtocolError(f"SELECT: {error}") from None
    return Selected(fci, fci.aid or asked, response.sw == CARD_LOCKED)


def value_of(tag: int, answer: bytes) -> bytes:
    """Return the value of the one object a card answered.

    :raises ProtocolError: when the answer is another object, or several.

    >>> value_of(DataTag.SEQUENCE_COUNTER, bytes.fromhex("C102002A")).hex()
    '002a'
    """
    try:
        items = tlv.parse(answer)
    except EncodingError as error:
        raise ProtocolError(f"GET DATA {tag:02X}: {error}") from None
    if len(items) != 1 or items[0].tag != tag:
        raise ProtocolError(
            f"GET DATA {tag:02X}: card answered tags {', '.join(f'{item.tag:02X}' for item in items) or 'none'}, "
            f"expected {tag:02X}"
        )
    return items[0].value


def listed_applications(answer: bytes) -> tuple[bytes, ...]:
    """Read the list of applications (2F00): templates 61 that hold AIDs 4F, one each or all in one.

    :raises EncodingError: if it is none.

    >>> [aid.hex() for aid in listed_applications(bytes.fromhex("6109 4F07A0000000041010"))]
    ['a0000000041010']
    """
    items = tlv.parse(answer)
    strange = next((item.tag for item in items if item.tag != _APPLICATION), None)
    if strange is not None:
        raise EncodingError(f"list of applications: got tag {strange:02X}, expected 61")
    return tuple(inner.value for item in items for inner in item.children().find(_AID))
