"""The rules about Calypso cards, applied to what a card shows: no profile makes one, a card as ordered is the measure.

Every function raises EncodingError on a part that no dump has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.calypso.dump import structure
from cardkit.desired import NOT_CHECKED, Finding, Rule, Secrecy, Severity
from cardkit.errors import EncodingError

SELECTED = Rule(
    "TRANSIT-053",
    Severity.ERROR,
    "transport sheet 6",
    "AID, serial number and startup information are those ordered; the application is not invalidated",
)
STRUCTURE = Rule(
    "TRANSIT-054",
    Severity.ERROR,
    "transport sheet 6",
    "files, rights, and kind and version of the keys of each level are those ordered",
)
RULES = (SELECTED, STRUCTURE)

Part = Mapping[str, Any]
"""The Calypso part of a dump."""
_SAID = ("product", "pin", "stored_value", "extended_mode", "pki")
_PLACES = frozenset(("uid", "startup", "invalidated", "applications", *_SAID))


def findings(card: Part | None, ordered: Part | None = None, serial: str = "") -> list[Finding]:
    """Apply the rules to what a card shows; what nobody can tell is "not checked".

    :param card: None for a card that has no Calypso application.
    :param ordered: what a card shows that is as ordered; None where nobody has one.
    :param serial: ordered serial number, upper hex; empty where nobody told it.
    """
    if card is None:
        return [_said(rule, "card", "as ordered", f"{NOT_CHECKED}: no Calypso application") for rule in RULES]
    for part in (card,) if ordered is None else (card, ordered):
        _check(part)
    return [*_selected(card, ordered, serial), *_made(card, ordered)]


def _check(part: Part) -> None:
    """Refuse what :func:`cardkit.apps.calypso.dump.look` does not write: dumps come from files, too."""
    missing = ", ".join(sorted(_PLACES - set(part)))
    if missing:
        raise EncodingError(f"Calypso part of a dump: no {missing}")
    applications = part["applications"]
    if not isinstance(applications, dict) or len(applications) != 1:
        raise EncodingError("Calypso part of a dump: expected one application")
    files = next(iter(applications.values())).get("files")
    if not isinstance(files, dict) or not all(isinstance(file, dict) for file in files.values()):
        raise EncodingError("Calypso part of a dump: expected files by number")


def _said(rule: Rule, where: str, expected: str, actual: str) -> Finding:
    return rule.finding(where, expected, actual, secrecy=Secrecy.PUBLIC)


def _selected(card: Part, ordered: Part | None, serial: str) -> Iterator[Finding]:
    if card["invalidated"]:
        yield _said(SELECTED, "application", "in use", "invalidated (6283)")
    if not serial:
        yield _said(SELECTED, "serial number", "as ordered", f"{NOT_CHECKED}: nobody told it")
    elif serial != card["uid"]:
        yield _said(SELECTED, "serial number", serial, card["uid"])
    if ordered is None:
        yield _said(SELECTED, "AID and startup", "as ordered", f"{NOT_CHECKED}: no card to compare with")
        return
    wanted, found = (" ".join(one["applications"]) for one in (ordered, card))
    if wanted != found:
        yield _said(SELECTED, "AID", wanted, found)
    if ordered["startup"] != card["startup"]:
        yield _said(SELECTED, "startup", _startup(ordered), _startup(card))


def _startup(part: Part) -> str:
    words = (f"{name.replace('_', ' ')} {part[name]}" for name in _SAID)
    return f"{part['startup']} ({', '.join(words)})"


def _made(card: Part, ordered: Part | None) -> Iterator[Finding]:
    if ordered is None:
        yield _said(STRUCTURE, "files and keys", "as ordered", f"{NOT_CHECKED}: no card to compare with")
        return
    wanted, found = (_structure(one) for one in (ordered, card))
    for place in [*wanted, *(place for place in found if place not in wanted)]:
        expected, actual = (one.get(place, "not there") for one in (wanted, found))
        if expected != actual:
            yield _said(STRUCTURE, place, expected, actual)


def _structure(part: Part) -> dict[str, str]:
    """Return what its application is made of; another AID is another rule's."""
    return structure(next(iter(part["applications"].values())))
