"""What a storage card shows, as plain data for ``cardkit info``, ``dump`` and ``transit``; keys only where given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.eid.shown import leaves, tree
from cardkit.apps.storage.client import BLOCK_BYTES, KeyKind, StorageClient
from cardkit.apps.storage.layout import CLASSIC, PAGE_BYTES, PAGED, PagesHead, Sector, access_bits, sectors
from cardkit.atr import ATR, Historical
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import CardError, EncodingError, ProtocolError

PART, CLASS = "storage", "storage card"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
_HELD = ("pages", "sectors")
_PAGES = BLOCK_BYTES // PAGE_BYTES
_SLOT = 0


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - there are no dates on such a card
    """Return the part of a dump that needs no key.

    :raises CardError: when this is no storage card.  :raises TransportError: when the link fails.
    """
    return _document(channel, lambda client, name: _pages(client) if name in PAGED else {})


def look_with_key(channel: Channel, key: Secret, kind: KeyKind) -> Document:
    """Return the same of a Classic card with what one key opens.

    :param key: 6 bytes.  :raises CardError: when this is no storage card.
    :raises EncodingError: on a key of another length.
    """
    StorageClient(channel).load_key(_SLOT, key)
    return _document(channel, lambda client, name: {"sectors": _sectors(client, CLASSIC.get(name, 0), kind)})


def _document(channel: Channel, held: Callable[[StorageClient, int], Document]) -> Document:
    try:
        card = Historical(ATR.parse(channel.atr).historical).storage_card
    except EncodingError as error:
        raise ProtocolError(f"ATR: {error}") from None
    if card is None:
        raise ProtocolError("its ATR names no storage card")
    client = StorageClient(channel)
    found: Document = {"product": str(card), "uid": client.uid().hex().upper(), "applications": {}}
    return {"class": CLASS, PART: found | held(client, card.card_name)}


def _pages(client: StorageClient) -> Document:
    """Return the pages anybody may read of an Ultralight or NTAG."""
    first = client.read(0)
    try:
        head = PagesHead.parse(first)
    except EncodingError as error:
        raise ProtocolError(str(error)) from None
    pages: Document = {}
    for page in range(0, head.pages, _PAGES):
        data = _read(client, page)
        if data is None:
            break
        pages |= {str(page + place): data[PAGE_BYTES * place :][:PAGE_BYTES].hex().upper() for place in range(_PAGES)}
    return {"lock": head.lock.hex().upper(), "capability": head.capability.hex().upper(), "pages": pages}


def _read(client: StorageClient, place: int) -> bytes | None:
    try:
        return client.read(place)
    except CardError:
        return None


def _sectors(client: StorageClient, count: int, kind: KeyKind) -> Document:
    """Return what a key opens: blocks by number, and who may do what; others say that they are closed."""
    found: Document = {}
    for sector in sectors(count):
        try:
            client.authenticate(sector.first, kind, _SLOT)
        except CardError:
            found[str(sector.number)] = "closed"
        else:
            found[str(sector.number)] = _sector(client, sector)
    return found


def _sector(client: StorageClient, sector: Sector) -> Document:
    blocks = {number: _read(client, number) for number in range(sector.first, sector.trailer)}
    found: Document = {str(number): data.hex().upper() if data else "closed" for number, data in blocks.items()}
    trailer = _read(client, sector.trailer)
    if trailer is not None:
        try:
            found["access"] = " ".join(map(str, access_bits(trailer)))
        except EncodingError as error:
            found["access"] = str(error)
    return found


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what card it is and nothing of what is on it."""
    part = {name: value for name, value in document[PART].items() if name not in _HELD}
    return {**document, PART: part}


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  {part['product']}, UID {part['uid']}"
    hidden = ("product", "uid")
    yield from tree({name: value for name, value in part.items() if name not in hidden and value}, 2)


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``storage card pages 4``."""
    yield from leaves(CLASS, document[PART])
