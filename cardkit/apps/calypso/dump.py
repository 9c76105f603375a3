"""What a Calypso card shows to anybody, as plain data for ``cardkit info``, ``dump``, ``transit``: no key used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.calypso.client import CalypsoClient, ListedFile
from cardkit.apps.calypso.fci import WRITES_A_SESSION, Fci
from cardkit.apps.calypso.header import LEVELS, FileHeader
from cardkit.apps.eid.shown import leaves, tree
from cardkit.channel import Channel
from cardkit.errors import CardError, EncodingError, ProtocolError

PART, CLASS = "calypso", "Calypso"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
AIDS = ("315449432E494341", "A000000291", "315449432E")
"""Beginnings of AIDs that are tried: 1TIC.ICA, of the Calypso network, and of any ticketing application."""
_KINDS = {1: "binary", 2: "linear", 4: "cyclic", 8: "simulated counters", 9: "counters"}
_CONTACTLESS = b"\x80\x01"


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - what it shows has no dates
    """Return the Calypso part of a dump.

    :raises CardError: when this is no Calypso card.  :raises TransportError: when the link fails.
    """
    if channel.atr[2:4] != _CONTACTLESS:
        raise ProtocolError("no contactless card")
    client = CalypsoClient(channel)
    fci = _selected(client)
    return {"class": CLASS, PART: _fci(fci) | {"applications": {fci.aid.hex().upper(): _application(client, fci)}}}


def _selected(client: CalypsoClient) -> Fci:
    strange = []
    for aid in AIDS:
        try:
            return client.select(bytes.fromhex(aid))
        except CardError as error:
            strange.append(str(error))
    raise ProtocolError("; ".join(strange))


def _fci(fci: Fci) -> Document:
    found: Document = {
        "product": fci.product.value,
        "uid": fci.serial.hex().upper(),
        "invalidated": fci.invalidated,
        "phone": fci.hce,
        "startup": fci.startup.hex().upper(),
        "pin": fci.pin,
        "stored_value": fci.stored_value,
        "extended_mode": fci.extended_mode,
        "pki": fci.pki,
    }
    writes = WRITES_A_SESSION.get(fci.product)
    try:
        found["session"] = f"{writes} commands" if writes else f"{fci.session_buffer_bytes} bytes"
    except EncodingError as error:
        found["session"] = str(error)
    return found


def _application(client: CalypsoClient, fci: Fci) -> Document:
    found = _described(lambda: client.directory(fci))
    try:
        files = client.files(fci)
    except CardError as error:
        return {**found, "files": {}, "trouble": str(error)}
    return {**found, "files": {f"{file.sfi}": _file(client, fci, file) for file in files}}


def _described(header: Callable[[], FileHeader]) -> Document:
    """Return what the header of a file or directory says; of keys, kind (KIF) and version (KVC) by level."""
    try:
        told = header()
    except CardError as error:
        return {"header": str(error)}
    found: Document = {
        "access": told.access.hex().upper(),
        "key_indexes": told.key_indexes.hex().upper(),
        "status": f"{told.status:02X}",
    }
    if told.kifs:
        keys = zip(LEVELS, told.kifs, told.kvcs, strict=True)
        found["keys"] = {level: f"KIF {kif:02X}, KVC {kvc:02X}" for level, kif, kvc in keys}
    return found


def _file(client: CalypsoClient, fci: Fci, file: ListedFile) -> Document:
    found: Document = {
        "lid": file.lid.hex().upper(),
        "type": _KINDS.get(file.kind, f"{file.kind:02X}"),
        "size": file.record_bytes,
        "records": file.records,
        **_described(lambda: client.header(file.lid, fci)),
    }
    if file.kind == 1 or not file.sfi:
        return found
    try:
        found["data"] = [client.read(file.sfi, number + 1, fci).hex().upper() for number in range(file.records)]
    except CardError as error:
        found["closed"] = str(error)
    return found


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what card it is and nothing of what is on it."""
    part = dict(document[PART])
    part["applications"] = {
        aid: {**app, "files": {sfi: _bare(file) for sfi, file in app["files"].items()}}
        for aid, app in part["applications"].items()
    }
    return {**document, PART: part}


def _bare(file: Mapping[str, Any]) -> Document:
    return {name: value for name, value in file.items() if name != "data"}


def structure(application: Mapping[str, Any]) -> dict[str, str]:
    """Return places and values of what an application is made of: files, rights, keys; no contents."""
    files = {
        sfi: {name: value for name, value in file.items() if name not in ("data", "closed")}
        for sfi, file in application["files"].items()
    }
    return dict(leaves("application", {**application, "files": files}))


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  Calypso {part['product']}, serial number {part['uid']}"
    yield from tree({name: value for name, value in part.items() if name not in ("product", "uid")}, 2)


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``Calypso applications ... files 7 type``."""
    yield from leaves(CLASS, document[PART])
