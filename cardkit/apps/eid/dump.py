"""What a PIV card shows to anybody, as plain data for ``cardkit info`` and ``dump``: no PIN is presented."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from cardkit.apps.eid import objects, shown
from cardkit.apps.eid.algorithms import BY_REFERENCE, SLOTS, Slot
from cardkit.apps.eid.client import Metadata, PivClient, card_at_fault
from cardkit.apps.eid.commands import PIN, PUK
from cardkit.apps.eid.objects import Capabilities, CertificateObject, Chuid, Discovery
from cardkit.channel import Channel
from cardkit.errors import CardError, NotFoundError

PART = "piv"
CLASS = "PIV"

Document = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""
_HOLDERS = ("chuid", "capabilities", "certificates")
_CODES = {"PIN": PIN, "PUK": PUK}


def look(channel: Channel, today: date) -> Document:  # noqa: ARG001 - no date of such a card is checked here
    """Return the PIV part of a dump.

    :raises CardError: when this is no PIV card.  :raises TransportError: when the link fails.
    """
    client = PivClient(channel)
    template = client.select()
    troubles: dict[str, str] = {}
    found: Document = {
        "label": template.label,
        "algorithms": [_algorithm(reference) for reference in template.algorithms],
        "discovery": _read(troubles, "discovery", lambda: _discovery(client)),
        "chuid": _read(troubles, "chuid", lambda: _chuid(client)),
        "capabilities": _read(troubles, "capabilities", lambda: _capabilities(client)),
        "certificates": _each(troubles, "certificate", lambda slot: _certificate(client, slot)),
        "keys": _each(troubles, "key", lambda slot: _key(client.metadata(slot.reference))),
        "codes": {},
        "troubles": troubles,
    }
    for name, reference in _CODES.items():
        known = _read(troubles, name, lambda reference=reference: client.metadata(reference))  # type: ignore[misc]
        if known is not None:
            found["codes"][name] = {"tries": known.tries, "left": known.left, "as_delivered": known.delivered}
    return {"class": CLASS, PART: found}


def _read(troubles: dict[str, str], name: str, reader: Callable[[], Any]) -> Any:
    """Return what a reader finds; None where nothing is there, or where it cannot be read: that is a trouble."""
    try:
        return reader()
    except NotFoundError:
        return None
    except CardError as error:
        troubles[name] = str(error)
        return None


def _each(troubles: dict[str, str], what: str, reader: Callable[[Slot], Any]) -> Document:
    found = {}
    for slot in SLOTS.values():
        item = _read(troubles, f"{what} {slot.name}", lambda slot=slot: reader(slot))  # type: ignore[misc]
        if item is not None:
            found[slot.name] = item
    return found


def _algorithm(reference: int) -> str:
    known = BY_REFERENCE.get(reference)
    return known.name if known else f"{reference:02X}"


def _discovery(client: PivClient) -> Document:
    with card_at_fault("discovery object"):
        found = Discovery.parse(client.read(objects.DISCOVERY))
    return {"aid": found.aid.hex().upper(), "pin_policy": found.policy.hex().upper()}


def _chuid(client: PivClient) -> Document:
    with card_at_fault("CHUID"):
        found = Chuid.parse(client.read(objects.CHUID))
        return {**asdict(found.fascn), "guid": found.guid.hex().upper(), "expiry": found.expiry.isoformat()}


def _capabilities(client: PivClient) -> Document:
    with card_at_fault("capability container"):
        found = Capabilities.parse(client.read(objects.CAPABILITIES))
    return {"card_identifier": found.card_id.hex().upper()}


def _certificate(client: PivClient, slot: Slot) -> Document:
    with card_at_fault(f"certificate {slot.name}"):
        return shown.certificate(CertificateObject.parse(client.read(slot.certificate)).certificate)


def _key(known: Metadata) -> Document:
    return {"algorithm": _algorithm(known.algorithm), "made_on_card": known.generated}


def public(document: Mapping[str, Any]) -> Document:
    """Return a document that says what the card has and nothing of its holder: no CHUID, no certificates."""
    part = {name: value for name, value in document[PART].items() if name not in _HOLDERS}
    return {**document, PART: part}


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part as an indented tree, a line at a time."""
    part = document[PART]
    yield f"  PIV application {part['label']}".rstrip()
    for name, value in part.items():
        if name not in ("label", "troubles") and value:
            yield f"    {name}: {', '.join(value)}" if isinstance(value, list) else f"    {name}"
            yield from shown.tree(value, 3)
    yield from (f"    ! {name}: {text}" for name, text in part["troubles"].items())


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every comparable place and what stands there: ``PIV certificates 9A subject``."""
    part = {name: value for name, value in document[PART].items() if name != "troubles"}
    yield from shown.leaves(CLASS, part)


def varying() -> frozenset[str]:
    """Return the places in which good cards of a product differ."""
    chuid = ("credential", "person", "guid", "expiry")
    return frozenset(
        [f"{CLASS} chuid {name}" for name in chuid]
        + [f"{CLASS} capabilities card_identifier"]
        + [f"{CLASS} certificates {slot} {name}" for slot in SLOTS for name in shown.VARYING]
    )
