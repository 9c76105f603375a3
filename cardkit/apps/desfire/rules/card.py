"""Rules about the card as a whole: TRANSIT-018 and 031 to 040."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cardkit.apps.desfire.commands import UID_BYTES
from cardkit.apps.desfire.originality import FURTHER, signed_by
from cardkit.apps.desfire.rules import table
from cardkit.apps.desfire.rules.evidence import Evidence, public
from cardkit.apps.desfire.states.plan import WITHOUT_KEY
from cardkit.apps.desfire.states.product import FORMAT_DISABLED, RANDOM_UID
from cardkit.apps.desfire.states.steps import APPLICATIONS, CARD, CONFIGURATION, MEMORY, SIGNATURE, UID, VERSION
from cardkit.apps.desfire.version import NXP, Version
from cardkit.desired import ATR_FITS, NOT_CHECKED, REPEATED, Finding, Role, Severity

_RANDOM_BYTES, _RANDOM = 4, 0x08
_WEEKS = range(1, 54)


def check_card(evidence: Evidence) -> Iterator[Finding]:
    """Apply the rules about the card."""
    yield from _uid(evidence)
    if evidence.of_applications:
        yield from _version(evidence)
        yield from _signature(evidence)
        yield from _memory(evidence)
        if evidence.seen.notes.get(ATR_FITS) is False:
            yield public(table.ATR, "ATR", "the chip's", "another")
    if evidence.of_card:
        yield from _applications(evidence)
        yield from _configured(evidence)
    yield from _creation(evidence)
    budget, sent = evidence.product.block.budget, evidence.notes.commands
    if budget and sent > budget:
        yield public(table.BUDGET, "card", f"{budget} commands or fewer", f"{sent} commands")
    if evidence.part is None:
        yield from _unchecked()


def _uid(evidence: Evidence) -> Iterator[Finding]:
    notes = evidence.notes
    random = len(notes.told) == _RANDOM_BYTES and notes.told[0] == _RANDOM
    if not notes.uid:
        yield evidence.missing(table.UID_PROVEN, UID, "told inside a session")
    else:
        others = {told for told in (notes.identified, b"" if random else notes.told) if told and told != notes.uid}
        for told in others:
            yield public(table.UID_PROVEN, UID, told.hex().upper(), notes.uid.hex().upper())
    if evidence.part is None and notes.told:
        wanted = bool(evidence.product.configuration & RANDOM_UID)
        if random != wanted or (not random and len(notes.told) != UID_BYTES):
            expected = "random" if wanted else "fixed"
            yield public(table.RANDOM_UID, CONFIGURATION, expected, f"{len(notes.told)} bytes")
    if "uid" in evidence.seen.notes.get(REPEATED, ()):
        yield public(table.UID_UNIQUE, UID, "no other card's", "another card's")


def _version(evidence: Evidence) -> Iterator[Finding]:
    found = evidence.notes.version
    if found is None:
        yield evidence.missing(table.PLAUSIBLE, VERSION, "a version block")
    elif not _plausible(found):
        expected = "vendor 04, a week and a year"
        yield public(table.PLAUSIBLE, VERSION, expected, f"vendor {found.hardware.vendor:02X}, made {found.made}")


def _plausible(found: Version) -> bool:
    digits = f"{found.week:02X}{found.year:02X}"
    return found.hardware.vendor == NXP and digits.isdecimal() and int(digits[:2]) in _WEEKS


def _signature(evidence: Evidence) -> Iterator[Finding]:
    wanted = evidence.product.block.originality
    if wanted is None:
        return
    found = evidence.notes.signature
    if found is None:
        yield evidence.missing(table.ORIGINAL, SIGNATURE, "a signature")
        return
    name = signed_by(evidence.notes.uid, found, map(bytes.fromhex, wanted.keys))
    if name != FURTHER and name not in wanted.products:
        actual = name or ("under no known key" if found else "the card was never signed")
        yield public(table.ORIGINAL, SIGNATURE, ", ".join((*wanted.products, *(FURTHER for _ in wanted.keys))), actual)


def _memory(evidence: Evidence) -> Iterator[Finding]:
    reserve, found = evidence.product.block.reserve, evidence.notes.memory
    if reserve and found is None:
        yield evidence.missing(table.RESERVE, MEMORY, f"{reserve} bytes")
    elif found is not None and found < reserve:
        yield public(table.RESERVE, MEMORY, f"{reserve} bytes or more", f"{found} bytes")


def _applications(evidence: Evidence) -> Iterator[Finding]:
    wanted = {app.aid for app in evidence.product.apps}
    found = evidence.notes.applications
    if found is None:
        yield evidence.missing(table.APPLICATIONS, APPLICATIONS, f"{len(wanted)} applications")
    elif set(found) != wanted or len(found) != len(wanted):
        names = (", ".join(sorted(aid.hex().upper() for aid in aids)) or "none" for aids in (wanted, found))
        yield public(table.APPLICATIONS, APPLICATIONS, *names)


def _unchecked() -> Iterator[Finding]:
    for rule, why in table.UNCHECKED.items():
        yield replace(public(rule, "card", rule.text, f"{NOT_CHECKED}: {why}"), severity=Severity.INFO)


def _configured(evidence: Evidence) -> Iterator[Finding]:
    if evidence.part is None and evidence.product.configuration & FORMAT_DISABLED:
        yield public(
            table.NO_FORMAT, CONFIGURATION, "no formatting", f"{NOT_CHECKED}: a card that is sold is not tried"
        )


def _creation(evidence: Evidence) -> Iterator[Finding]:
    for step in evidence.steps:
        if step.role is not Role.GONE or step.serves not in (CARD + WITHOUT_KEY, APPLICATIONS + WITHOUT_KEY):
            continue
        rule = table.NO_CREATION if step.serves.startswith(CARD) else table.KEY_SETTINGS
        word = evidence.notes.answers.get(step.serves)
        if word is None:
            yield evidence.missing(rule, step.serves, "refused")
        elif word not in step.sw:
            yield public(rule, step.serves, "refused", f"{word:04X}")
