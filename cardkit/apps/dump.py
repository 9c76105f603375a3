"""What is on a card, whatever card it is: each application that knows such cards tells its part.

    look(channel, today) -> {"format": "cardkit-dump-1", "class": "UICC", "atr": "3B...", "directories": [...]}

A card may be several things: a UICC on a GlobalPlatform base has directories and a security domain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import msgspec

from cardkit.apps.registry import get_app, names
from cardkit.channel import Channel
from cardkit.desired import Checks, Finding, Rule, Ruled, Shows
from cardkit.errors import CardError, EncodingError

FORMAT = "cardkit-dump-1"
_FORMATS = frozenset((FORMAT, "cardkit-uicc-dump-1"))

# What says least of a card: others stand on it, and one of them gives the card its class.
_GROUND = frozenset(("unknown", "GlobalPlatform"))
STRANGE = frozenset(("unknown", "ISO 7816"))
"""Classes that say nothing of a card."""

MISSING = "(not there)"

Document: TypeAlias = dict[str, Any]
"""Plain values only: it goes to JSON as it is."""


def look(channel: Channel, today: date) -> Document:
    """Return what every application finds on a card, with the rights the channel has now; no key is used.

    :param today: the latest day a date on the card can be.  :raises TransportError: when the link fails.
    """
    document: Document = {"format": FORMAT, "class": "unknown", "atr": channel.atr.hex().upper()}
    strange = {}
    for app in _showing():
        kind = document["class"]
        try:
            found = app.look(channel, today)
        except CardError as error:
            strange[app.title] = str(error)
            continue
        if kind in _GROUND:
            document |= found
        elif found["class"] not in STRANGE:  # a known card has files that mean nothing to who does not know it
            document |= {**found, "class": kind}
    if document["class"] == "unknown":
        document["error"] = "; ".join(f"no {title}: {error}" for title, error in strange.items())
    return document


def observe(channel: Channel, document: Document, *, toolkit: bool = False) -> Document:
    """Return the document with what the rules ask for besides; nothing is spent or presented, the card may be reset.

    :param toolkit: let the card's own programs act as in a phone.  :raises TransportError: when the link fails.
    """
    for app in _parts(document):
        if isinstance(app, Checks):
            document = {**document, **app.observe(channel, document, toolkit=toolkit)}
    return document


def check(document: Document, *, printed: str = "") -> list[Finding]:
    """Apply every rule of every application to a dump, without a profile.

    :param printed: the number in print on the card, "" where nobody read it.
    :raises EncodingError: when no application has rules for such a card, or the dump is none.
    """
    checking = [app for app in _parts(document) if isinstance(app, Checks)]
    if not checking:
        raise EncodingError(f"{document['class']} card: no rules without a profile for such a card")
    return [finding for app in checking for finding in app.check(document, printed)]


def meanings() -> dict[str, str]:
    """Return what each rule that needs no profile means to the card's holder, by number."""
    return {rule.id: rule.meaning for rule in rules()}


def public(document: Document) -> Document:
    """Return who issued a card and what it offers, nothing of its holder."""
    for app in _parts(document):
        document = {**document, **app.public(document)}
    return document


def lines(document: Document) -> Iterator[str]:
    """Yield a document as an indented tree, a line at a time."""
    yield f"{document['class']} card, ATR {document['atr']}"
    if "error" in document:
        yield f"  ! {document['error']}"
    for app in _parts(document):
        yield from app.lines(document)


def parse(data: bytes) -> Document:
    """Read a document from JSON.

    :raises EncodingError: when it is none.
    """
    try:
        document = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise EncodingError(f"{error}, expected what `cardkit dump --json` prints") from None
    if not isinstance(document, dict) or document.get("format") not in _FORMATS:
        raise EncodingError(f"its format is not {FORMAT}, expected what `cardkit dump --json` prints")
    return document


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two cards differ.

    :param where: ``ATR``, or as an application names its places: ``ADF.USIM/EF.IMSI``, ``CPLC ic serial``.
    :param left, right: in words, ``(not there)`` where a card has no such thing.
    """

    where: str
    left: str
    right: str


def compare(left: Document, right: Document, *, masked: Collection[str] = ()) -> list[Difference]:
    """Return where two documents differ.

    :param masked: places left out; a file stands for all its records.
    """
    ours, theirs = dict(_places(left)), dict(_places(right))
    wheres = list(ours) + [where for where in theirs if where not in ours]
    return [
        Difference(where, ours.get(where, MISSING), theirs.get(where, MISSING))
        for where in wheres
        if ours.get(where) != theirs.get(where) and not {where, where.partition("#")[0]} & set(masked)
    ]


def _places(document: Document) -> Iterator[tuple[str, str]]:
    yield "ATR", str(document.get("atr", ""))
    for app in _parts(document):
        yield from app.places(document)


def rules() -> Iterator[Rule]:
    """Yield the rules of every application."""
    for app in map(get_app, names()):
        if isinstance(app, Ruled):
            yield from app.rules


def _showing() -> Iterator[Shows]:
    yield from (app for app in map(get_app, names()) if isinstance(app, Shows))


def _parts(document: Mapping[str, Any]) -> Iterator[Shows]:
    yield from (app for app in _showing() if app.part in document)
