"""Rules about keys and who may change them: TRANSIT-001 to 013."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.desfire.rules import table
from cardkit.apps.desfire.rules.evidence import Evidence, public
from cardkit.apps.desfire.settings import KeySettings
from cardkit.apps.desfire.states.plan import OLDER, OLDEST
from cardkit.apps.desfire.states.steps import CARD_KEY, CARD_SETTINGS
from cardkit.crypto.desfire import KeyKind
from cardkit.desired import Finding, Role

_WHO_CHANGES = 0xF0


def check_keys(evidence: Evidence) -> Iterator[Finding]:
    """Apply the rules about keys."""
    yield from _proven(evidence)
    yield from _versions(evidence)
    yield from _alike(evidence)
    yield from _settings(evidence)
    yield from _refused(evidence)
    yield from _inputs(evidence)
    if evidence.of_applications:
        for key in evidence.product.all_keys():
            if key.m and "uid" not in key.m:
                yield public(table.DIVERSIFIED, key.name, "uid in M", f"M of {', '.join(key.m)}")


def _proven(evidence: Evidence) -> Iterator[Finding]:
    opened = {step.serves for step in evidence.steps if step.role is Role.PRESENT}
    for state in sorted(opened - evidence.notes.proven):
        yield evidence.missing(table.KEYS_PROVEN, state, "opens a session")


def _versions(evidence: Evidence) -> Iterator[Finding]:
    product = evidence.product
    wanted = {}
    if evidence.of_applications:
        wanted = {app.key_state(key.number): key.version for app in product.apps for key in app.keys}
    if evidence.of_card:
        wanted[CARD_KEY] = product.picc.version
    for state, version in wanted.items():
        shown = evidence.notes.versions.get(state)
        if shown is None:
            yield evidence.missing(table.VERSIONS, state, f"{version:02X}")
        elif shown != version:
            yield public(table.VERSIONS, state, f"{version:02X}", f"{shown:02X}")


def _alike(evidence: Evidence) -> Iterator[Finding]:
    for one, other in sorted(evidence.notes.alike):
        yield public(table.NO_TWO_ALIKE, one, "a key of its own", f"that of {other}")


def _settings(evidence: Evidence) -> Iterator[Finding]:
    product = evidence.product
    if evidence.of_applications:
        for app in product.apps:
            yield from _compared(evidence, app.title, KeySettings(app.first, app.second, app.rest))
    if evidence.of_card:
        shown = evidence.notes.key_settings.get(CARD_SETTINGS)
        yield from _compared(
            evidence,
            CARD_SETTINGS,
            KeySettings(product.settings, shown.second if shown else 0, shown.rest if shown else b""),
        )
        if shown is not None and shown.kind is not KeyKind.AES:
            yield public(table.CARD_KEY_AES, CARD_KEY, KeyKind.AES, shown.kind or "unknown")


def _compared(evidence: Evidence, where: str, wanted: KeySettings) -> Iterator[Finding]:
    shown = evidence.notes.key_settings.get(where)
    if shown is None:
        yield evidence.missing(table.KEY_SETTINGS, where, f"{wanted.first:02X}")
        return
    if (shown.first ^ wanted.first) & ~_WHO_CHANGES:
        yield public(table.KEY_SETTINGS, where, f"{wanted.first:02X}", f"{shown.first:02X}")
    if (shown.first ^ wanted.first) & _WHO_CHANGES:
        yield public(table.CHANGE_KEY, where, f"{wanted.first:02X}", f"{shown.first:02X}")
    if shown.second != wanted.second or shown.rest != wanted.rest:
        tables = (f"{one.second:02X} {one.rest.hex().upper()}".rstrip() for one in (wanted, shown))
        yield public(table.KEY_TABLE, where, *tables)


def _inputs(evidence: Evidence) -> Iterator[Finding]:
    """M is computed anew from the UID the card tells inside a session."""
    notes, product = evidence.notes, evidence.product
    keys = {CARD_KEY: product.picc} | {app.key_state(key.number): key for app in product.apps for key in app.keys}
    for state, used in notes.inputs.items():
        wanted = keys[state].card_key(notes.identified).data
        if used != wanted:
            yield public(table.INPUTS, state, f"M {wanted.hex().upper()}", f"M {used.hex().upper()}")


def _refused(evidence: Evidence) -> Iterator[Finding]:
    rules = {OLDER: table.NO_DELIVERED_KEY, OLDEST: table.OLDEST_REFUSED}
    for step in evidence.steps:
        if step.serves not in rules or step.role is not Role.GONE:
            continue
        word = evidence.notes.answers.get(step.serves)
        if word is None:
            yield evidence.missing(rules[step.serves], step.serves, "refused")
        elif word not in step.sw:
            yield public(rules[step.serves], step.serves, "refused", f"{word:04X}")
