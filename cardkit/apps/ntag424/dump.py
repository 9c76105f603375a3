"""What an NTAG 424 DNA shows to anybody, as plain data for ``cardkit info``, ``dump`` and ``transit``: no key is used.

Its URL is read once, as a phone does it: where it mirrors a counter, that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.eid import shown
from cardkit.apps.iso7816 import commands as iso
from cardkit.apps.ntag424.plan import APPLICATION, DF_NAME
from cardkit.apps.ntag424.schema import KEYS
from cardkit.apps.ntag424.text import url_of
from cardkit.channel import Channel
from cardkit.channel.native import NativeChannel
from cardkit.errors import CardError, EncodingError, ProtocolError

PART, CLASS = "ntag424", "NTAG 424 DNA"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
_T0, _CONTACTLESS = b"\x3b", b"\x80\x01"
_NDEF_FID = bytes.fromhex("E104")
_OK = 0x9000
_VARYING = ("uid", "batch", "made", "url")


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - no date of such a tag is checked here
    """Return the NTAG 424 part of a dump.

    :raises CardError: when this is no such tag.  :raises TransportError: when the link fails.
    """
    if channel.atr[:1] != _T0 or channel.atr[2:4] != _CONTACTLESS:
        raise ProtocolError("no contactless card")
    client = DesfireClient(NativeChannel(channel))
    version = client.version()
    if version.product != CLASS:
        raise ProtocolError(f"it is a {version.product}")
    client.select_iso(iso.select(iso.SelectBy.AID, DF_NAME, iso.Answer.NOTHING), APPLICATION)
    troubles: dict[str, str] = {}
    found: Document = {
        "product": version.product,
        "uid": version.uid.hex().upper(),
        "batch": version.batch.hex().upper(),
        "made": version.made,
        "keys": {},
        "url": "",
        "applications": {},
        "troubles": troubles,
    }
    try:
        found["keys"] = {f"{number}": f"version {client.key_version(number):02X}" for number in range(KEYS)}
    except CardError as error:
        troubles["versions of keys"] = str(error)
    try:
        found["url"] = _url(channel)
    except (CardError, EncodingError) as error:
        troubles["URL"] = str(error)
    return {"class": CLASS, PART: found}


def _url(channel: Channel) -> str:
    """Return the URL of the NDEF file; empty where nothing was written.  :raises EncodingError: when it holds none."""
    channel.require(iso.select(iso.SelectBy.FID, _NDEF_FID, iso.Answer.NOTHING), what="SELECT of the NDEF file")
    body = channel.require(iso.read_binary(0, iso.ANY_LENGTH), what="READ BINARY of the NDEF file")
    return url_of(body) if any(body) else ""


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the tag is, and not where its URL leads."""
    return {**document, PART: {name: value for name, value in document[PART].items() if name != "url"}}


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  {part['product']}, UID {part['uid']}"
    told = {name: part[name] for name in ("batch", "made", "keys", "url") if part.get(name)}
    yield from shown.tree(told, 2)
    yield from (f"    ! {name}: {text}" for name, text in part["troubles"].items())


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``NTAG 424 DNA keys 1``."""
    yield from shown.leaves(CLASS, {name: value for name, value in document[PART].items() if name != "troubles"})


def varying() -> frozenset[str]:
    """Return the places in which good tags of a product differ."""
    return frozenset(f"{CLASS} {name}" for name in _VARYING)
