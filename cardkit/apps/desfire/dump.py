"""What a DESFire card shows to anybody, as plain data for ``cardkit info`` and ``dump``: no key is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.desfire.commands import PICC, Op
from cardkit.apps.desfire.originality import signed_by
from cardkit.apps.desfire.rights import effective_mode
from cardkit.apps.desfire.settings import (
    DataBody,
    FileSettings,
    FileType,
    KeySettings,
    RecordBody,
    ValueBody,
    right_name,
)
from cardkit.apps.desfire.version import Version
from cardkit.apps.eid.shown import leaves, tree
from cardkit.channel import Channel
from cardkit.channel.native import NativeChannel
from cardkit.errors import CardError, ProtocolError

PART = "desfire"
CLASS = "DESFire"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
_READER, _GET_UID, _SUCCESS = 0xFF, 0xCA, 0x9000
_CONTACTLESS = (b"\x80\x01", slice(2, 4))
_T0 = 0x3B
_MOST_READ = 8192
_VARYING = ("uid", "version batch", "version made")


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - no date of such a card is checked here
    """Return the DESFire part of a dump.

    :raises CardError: when this is no DESFire card.  :raises TransportError: when the link fails.
    """
    if channel.atr[:1] != bytes((_T0,)) or channel.atr[_CONTACTLESS[1]] != _CONTACTLESS[0]:
        raise ProtocolError("no contactless card")
    client = DesfireClient(NativeChannel(channel))
    version = client.version()
    uid = channel.send(CommandAPDU(_READER, _GET_UID, 0, 0, ne=256))
    told = uid.data if uid.sw == _SUCCESS else b""
    troubles: dict[str, str] = {}
    found: Document = {
        "product": version.product,
        "generation": version.generation.lower(),
        "uid": told.hex().upper(),
        "version": _version(version),
        "free_memory": _read(troubles, "free memory", client.free_memory),
        "originality": _read(troubles, "originality", lambda: _signature(client, told)),
        "card_key_version": _read(troubles, "version of the card's key", lambda: f"{client.key_version(0):02X}"),
        "settings": _read(troubles, "settings of the card", lambda: settings_in_words(client.key_settings())),
        "applications": {},
        "troubles": troubles,
    }
    names = _read(troubles, "DF names", client.df_names) or {}
    for aid in _read(troubles, "applications", client.applications) or ():
        found["applications"][aid.hex().upper()] = _application(troubles, client, aid, names.get(aid))
    client.select(PICC)
    return {"class": CLASS, PART: found}


def _read(troubles: dict[str, str], name: str, reader: Callable[[], Any]) -> Any:
    """Return what a reader finds; None where it cannot be read: that is a trouble."""
    try:
        return reader()
    except CardError as error:
        troubles[name] = str(error)
        return None


def _version(version: Version) -> Document:
    low, high = version.hardware.storage_bytes
    return {
        "hardware": f"{version.hardware.major:X}.{version.hardware.minor:X}",
        "software": f"{version.software.major:X}.{version.software.minor:X}",
        "vendor": f"{version.hardware.vendor:02X}",
        "storage": f"{low}" if low == high else f"{low} to {high}",
        "batch": version.batch.hex().upper(),
        "made": version.made,
    }


def _signature(client: DesfireClient, uid: bytes) -> str:
    signature = client.signature()
    return signed_by(uid, signature) or ("under an unknown key" if signature else "never signed")


def settings_in_words(found: KeySettings) -> Document:
    """Return key settings as people read them."""
    first = found.first
    return {
        "raw": found.build().hex().upper(),
        "keys": found.keys,
        "algorithm": str(found.kind or "unknown"),
        "master_key_changeable": bool(first & 1),
        "listing_free": bool(first & 2),
        "creating_free": bool(first & 4),
        "settings_changeable": bool(first & 8),
        "keys_changed_by": {0xE: "each key itself", 0xF: "nobody"}.get(first >> 4, f"key {first >> 4}"),
    }


def _application(
    troubles: dict[str, str], client: DesfireClient, aid: bytes, name: tuple[int, bytes] | None
) -> Document:
    title = aid.hex().upper()
    client.select(aid)
    found: Document = {"files": {}, "keys": {}}
    if name is not None:
        found["iso_fid"], found["df_name"] = f"{name[0]:04X}", name[1].hex().upper()
    found["settings"] = _read(troubles, f"{title} settings", lambda: settings_in_words(client.key_settings()))
    for number in range(found["settings"]["keys"] if found["settings"] else 0):
        version = _read(troubles, f"{title} key {number}", lambda number=number: f"{client.key_version(number):02X}")  # type: ignore[misc]
        found["keys"][str(number)] = version
    for number in _read(troubles, f"{title} files", client.files) or ():
        place = f"{title} file {number}"
        settings = _read(troubles, place, lambda number=number: client.file_settings(number))  # type: ignore[misc]
        if settings is not None:
            found["files"][str(number)] = _file(settings) | _contents(troubles, place, client, number)
    return found


def _file(settings: FileSettings) -> Document:
    rights, body = settings.rights, settings.body
    found: Document = {
        "type": settings.type.name.lower().replace("_", " "),
        "mode": {0: "plain", 1: "MAC", 3: "enciphered"}[settings.mode],
        "rights": {
            "read": right_name(rights.read),
            "write": right_name(rights.write),
            "read_write": right_name(rights.both),
            "change": right_name(rights.change),
        },
    }
    if isinstance(body, DataBody):
        found["size"] = body.size
    elif isinstance(body, RecordBody):
        found |= {"size": body.size, "records": body.current, "most": body.most}
    elif isinstance(body, ValueBody):
        found |= {"lower": body.lower, "upper": body.upper, "limited_credit": body.limited_credit}
    return found


def _contents(troubles: dict[str, str], place: str, client: DesfireClient, number: int) -> Document:
    """Return what anybody may read of a file."""
    settings = client.file_settings(number)
    kind, body = settings.type, settings.body
    op = Op.GET_VALUE if kind is FileType.VALUE else Op.READ_DATA if isinstance(body, DataBody) else Op.READ_RECORDS
    try:
        effective_mode(op, settings, None)
    except CardError:
        return {}
    if op is Op.GET_VALUE:
        return {"value": _read(troubles, place, lambda: client.value(number))}
    if isinstance(body, DataBody):
        size = min(body.size, _MOST_READ)
        return {"data": _read(troubles, place, lambda: client.read(number, 0, size).hex().upper())}
    records = _read(troubles, place, lambda: [record.hex().upper() for record in client.records(number)])
    return {"records_read": records}


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the card has and nothing of its holder: no contents."""
    part = dict(document[PART])
    part["applications"] = {aid: {**app, "files": _bare(app["files"])} for aid, app in part["applications"].items()}
    return {**document, PART: part}


def _bare(files: Mapping[str, Document]) -> Document:
    held = ("data", "value", "records_read")
    return {number: {name: value for name, value in file.items() if name not in held} for number, file in files.items()}


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  {part['product']}, UID {part['uid'] or 'not told'}"
    hidden = ("product", "uid", "troubles")
    yield from tree({name: value for name, value in part.items() if name not in hidden and value not in (None, {})}, 2)
    yield from (f"    ! {name}: {text}" for name, text in part["troubles"].items())


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``DESFire applications F21190 files 1 data``."""
    part = {name: value for name, value in document[PART].items() if name != "troubles"}
    yield from leaves(CLASS, part)


def varying(files: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    """Return the places in which good cards of a product differ.

    :param files: whose contents the record fills in, by application.
    """
    contents = [
        f"{CLASS} applications {aid} files {number} {held}"
        for aid, numbers in files.items()
        for number in numbers
        for held in ("data", "value", "records_read")
    ]
    return frozenset([f"{CLASS} {name}" for name in _VARYING] + contents)
