"""Applying the rules to a picture: every rule speaks, or says that it was not checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from cardkit.apps.emv.picture import CardPicture, Side
from cardkit.apps.emv.rules import (
    authentication,
    cryptograms,
    cvm,
    identity,
    lists,
    plant,
    proofs,
    records,
    selection,
    usage,
)
from cardkit.apps.emv.rules.check import CardCheck, Scene, SideCheck, Trouble
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.rules.table import TABLE
from cardkit.desired import NOT_CHECKED, Finding, Severity

_MODULES = (selection, records, identity, usage, cvm, lists, authentication, proofs, cryptograms, plant)
SIDE_CHECKS: tuple[SideCheck, ...] = tuple(check for module in _MODULES for check in module.SIDE_CHECKS)
CARD_CHECKS: tuple[CardCheck, ...] = tuple(check for module in _MODULES for check in module.CARD_CHECKS)
BATCH_RULES = ("EMV-090", "EMV-112")
"""Rules that need more than one card: :mod:`cardkit.apps.emv.rules.batch`."""

_WORDS = {
    "data": "GET DATA", "options": "GET PROCESSING OPTIONS", "mislengthed": "GET PROCESSING OPTIONS of a wrong length",
    "atc": "the transaction counter", "signatures": "INTERNAL AUTHENTICATE", "cryptogram": "GENERATE AC",
    "code": "COMPUTE CRYPTOGRAPHIC CHECKSUM", "stored": "STORE DATA", "destroyed": "what only a sample card may suffer",
    "pse": "the contact directory", "ppse": "the contactless directory", "cplc": "CPLC",
}  # fmt: skip


def findings(picture: CardPicture, expected: Expectation, *, rules: Collection[str] | None = None) -> list[Finding]:
    """Return what the rules say of one card; a faultless one has no finding but those that say "not checked".

    :param rules: numbers of the rules to apply; None for all.
    """
    found = (item for item in _troubles(picture, expected) if rules is None or item[0] in rules)
    return [finding(rule, trouble) for rule, trouble in merged(found)]


def concerned(picture: CardPicture) -> frozenset[str]:
    """Return the rules a card has something for; the others hold because what they are about is not there."""
    found = {check.rule for check in SIDE_CHECKS if any(_concerns(check, side) for side in picture.sides)}
    return frozenset(found.union((check.rule for check in CARD_CHECKS), BATCH_RULES))


def finding(rule: str, trouble: Trouble) -> Finding:
    """Return a finding of a rule of the table."""
    known = TABLE[rule]
    actual = f"{NOT_CHECKED}: {trouble.actual}" if trouble.unseen else trouble.actual
    expected = trouble.expected or known.text
    found = known.finding(trouble.where, expected, actual, decoded=trouble.decoded, secrecy=trouble.secrecy)
    if trouble.unseen:
        return replace(found, severity=Severity.INFO)
    return replace(found, severity=Severity.WARNING) if trouble.mild else found


def merged(troubles: Iterable[tuple[str, Trouble]]) -> Iterator[tuple[str, Trouble]]:
    """Say each thing once: a trouble of a rule at a place, and for the same reason only once that it was not seen."""
    said: set[tuple[str, str, str]] = set()
    for rule, trouble in troubles:
        key = (rule, "" if trouble.unseen else trouble.where, trouble.actual)
        if key not in said:
            said.add(key)
            yield rule, trouble


def _troubles(picture: CardPicture, expected: Expectation) -> Iterator[tuple[str, Trouble]]:
    for check in CARD_CHECKS:
        yield from ((check.rule, trouble) for trouble in _of_card(check, picture, expected))
    scenes = [Scene(side, picture, expected) for side in picture.sides]
    for each in SIDE_CHECKS:
        if not scenes:
            yield each.rule, Trouble("card", "no payment application was seen", unseen=True)
        for scene in scenes:
            yield from ((each.rule, trouble) for trouble in _of_side(each, scene))
    yield from ((rule, Trouble("card", "that takes more than one card", unseen=True)) for rule in BATCH_RULES)


def _of_card(check: CardCheck, picture: CardPicture, expected: Expectation) -> Iterable[Trouble]:
    lacking = next((need for need in check.needs if getattr(picture, need) is None), None)
    why = "" if check.asks is None else check.asks(expected)
    if lacking is not None:
        why = f"nobody looked at {_WORDS[lacking]}"
    return (Trouble("card", why, unseen=True),) if why else check.test(picture, expected)


def _of_side(check: SideCheck, scene: Scene) -> Iterable[Trouble]:
    side = scene.side
    hidden = [tag for tag in check.tags if bytes.fromhex(tag) in side.masked]
    if hidden:
        return (scene.unseen(f"{', '.join(hidden)}: the dump hides it"),)
    if not _concerns(check, side):
        return ()
    why = "" if check.asks is None else check.asks(scene)
    lacking = next((need for need in check.needs if _lacks(side, need)), None)
    if lacking is not None:
        why = f"{_WORDS[lacking]} was not sent"
    return (scene.unseen(why),) if why else check.test(scene)


def _concerns(check: SideCheck, side: Side) -> bool:
    there = all(side.get(tag) is not None or bytes.fromhex(tag) in side.masked for tag in check.tags)
    return there and (check.applies is None or check.applies(side))


def _lacks(side: Side, need: str) -> bool:
    return getattr(side, need) is None
