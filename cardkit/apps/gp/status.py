"""GET STATUS: reading the registry page by page (GPCS 11.4; 2.1.1 for cards without TLV)."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.discovery import ANY_LENGTH, CLA, OK, Exchange
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import StatusEntry, StatusKind, parse_old_status, parse_status
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ParameterError, ProtocolError

_GET_STATUS = 0xF2
_TLV_FORM, _OLD_FORM, _NEXT = 0x02, 0x00, 0x01
_MORE, _NONE_FOUND = 0x6310, 0x6A88
_AID = 0x4F
_MOST_PAGES = 256

Reader = Callable[[bytes, StatusKind], tuple[StatusEntry, ...]]

_READERS: dict[int, Reader] = {_TLV_FORM: parse_status, _OLD_FORM: parse_old_status}


def get_status(kind: StatusKind, aid: bytes = b"", *, following: bool = False, old_form: bool = False) -> CommandAPDU:
    """Ask for a page of the registry.

    :param aid: start of the AIDs wanted, empty for all.  :param following: the next page.
    :param old_form: without TLV, as cards before 2.2 answer.

    >>> get_status(StatusKind.APPLICATIONS).encode().hex()
    '80f24002024f0000'
    """
    form = _OLD_FORM if old_form else _TLV_FORM
    return CommandAPDU(CLA, _GET_STATUS, kind, form | (_NEXT if following else 0), tlv.build(_AID, aid), ANY_LENGTH)


def read_status(
    exchange: Exchange, kind: StatusKind, aid: bytes = b"", *, old_form: bool = False, modules: bool = True
) -> tuple[StatusEntry, ...]:
    """Read all entries of one kind.

    A card that does not list modules is asked for load files alone, one that does not know the TLV form for the old.

    :param exchange: sends one command, through the session.  :param aid: start of the AIDs wanted.
    :param old_form: a card that is known not to know the TLV form.  :param modules: whether it may list modules.
    :returns: entries in the card's order; none where the card finds nothing (6A88).
    :raises StatusError: when the card refuses.
    :raises ProtocolError: on malformed entries, an empty page that promises more, and more than 256 pages.
    """
    asked_for = [StatusKind.MODULES, StatusKind.LOAD_FILES] if kind is StatusKind.MODULES else [kind]
    kinds = asked_for if modules else asked_for[-1:]
    attempts = [(form, asked) for form in ((_OLD_FORM,) if old_form else _READERS) for asked in kinds]
    for form, asked in attempts[:-1]:
        try:
            return _read(exchange, asked, aid, form)
        except ParameterError:
            continue
    return _read(exchange, attempts[-1][1], aid, attempts[-1][0])


def _read(exchange: Exchange, kind: StatusKind, aid: bytes, form: int) -> tuple[StatusEntry, ...]:
    data = _pages(exchange, kind, aid, form)
    try:
        return _READERS[form](data, kind)
    except EncodingError as error:
        raise ProtocolError(f"GET STATUS {kind:02X}: {error}") from None


def _pages(exchange: Exchange, kind: StatusKind, aid: bytes, form: int) -> bytes:
    """Return the data of all pages: an entry may begin on one and end on the next."""
    pages: list[bytes] = []
    while len(pages) < _MOST_PAGES:
        command = get_status(kind, aid, following=bool(pages), old_form=form == _OLD_FORM)
        response = exchange(command)
        if response.sw == _NONE_FOUND and not pages:
            return b""
        if response.sw not in (OK, _MORE):
            raise status_error(f"GET STATUS {kind:02X}", response.sw)
        pages.append(response.data)
        if response.sw == OK:
            return b"".join(pages)
        if not response.data:
            raise ProtocolError(f"GET STATUS {kind:02X}: page {len(pages)} is empty and says that more follows (6310)")
    raise ProtocolError(f"GET STATUS {kind:02X}: more than {_MOST_PAGES} pages")
