"""What must hold between the applications of one card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from cardkit.crypto import KeyStore
from cardkit.desired import NOT_CHECKED, Blueprint, Finding, Neighbour, Phase, Role, Rule, Secrecy, Severity, Step
from cardkit.perso.joined.names import joint

_CLAUSE = "cards with several applications"
NAMES = Rule("TRANSIT-056", Severity.STOP, _CLAUSE, "no AID belongs to two applications")
KEYS = Rule("TRANSIT-059", Severity.STOP, _CLAUSE, "no key is shared between applications")
NUMBERS = Rule("TRANSIT-060", Severity.ERROR, _CLAUSE, "the chip number of every application is this card's alone")
ALONE = Rule("PERSO-005", Severity.STOP, _CLAUSE, "no application answers for another")
FACES = Rule("TRANSIT-057", Severity.STOP, _CLAUSE, "each application is reached through its interface only")
HOLDER = Rule("TRANSIT-058", Severity.ERROR, _CLAUSE, "what applications hold of one person agrees")
UNCHECKED = {
    FACES: "a run has one reader, and knows one face of the card",
    HOLDER: "both come from one field of the record, which each application's own rules compare with what was read",
}
"""Rules nobody applies to a card with several applications, and why; a survey says so."""
RULES = (NAMES, KEYS, NUMBERS, ALONE, *UNCHECKED)
CARD = "card"
"""What steps of no application begin with."""
_REFUSALS = range(0x64, 0x70)  # first status bytes: error, or checking error


def questions(apps: Mapping[str, Blueprint]) -> tuple[Step, ...]:
    """Return what every application is asked that is another's: each must refuse.  PERSO-005"""
    neighbours = _neighbours(apps)
    asked = (
        (here, of, command) for here in neighbours for of, its in neighbours.items() for command in its.own_questions
    )
    return tuple(
        Step(Phase.VERIFY, Role.GONE, joint(CARD, f"{here} asked for {of}"), here, command)
        for here, of, command in asked
        if here != of
    )


def answered(steps: Iterable[Step], words: Mapping[str, int]) -> Iterator[Finding]:
    """Yield what an application answered that is another's.  PERSO-005

    :param words: status words by what the step serves.
    """
    for step in steps:
        word = words.get(step.serves)
        if word is None:
            yield ALONE.finding(step.serves, "a refusal", f"{NOT_CHECKED}: it was not asked")
        elif word >> 8 not in _REFUSALS:
            yield ALONE.finding(step.serves, "a refusal", f"status {word:04X}")


def names_apart(apps: Mapping[str, Blueprint]) -> Iterator[Finding]:
    """Yield what two applications answer to.  TRANSIT-056"""
    for (one, first), (other, second) in combinations(_neighbours(apps).items(), 2):
        for aid in sorted(first.aids & second.aids):
            yield NAMES.finding(aid.hex().upper(), "one application of this name", f"{one} and {other} have it")


def keys_apart(apps: Mapping[str, Blueprint], keystore: KeyStore | None) -> Iterator[Finding]:
    """Yield long-term keys that stand behind two applications, under one name or two.  TRANSIT-059

    :param keystore: None where no key is to be used.
    """
    if keystore is None:
        yield KEYS.finding("keys", "no key shared", f"{NOT_CHECKED}: no key store")
        return
    for (one, first), (other, second) in combinations(_neighbours(apps).items(), 2):
        known = {_mark(keystore, reference): reference for reference in first.key_references}
        for reference in sorted(second.key_references):
            twin = known.get(_mark(keystore, reference))
            if twin is not None:
                yield KEYS.finding(reference, f"a key of {other} alone", f"{one} has it too, as {twin}")


def numbers_alone(
    numbers: Mapping[str, str], apps: Mapping[str, Blueprint], repeated: frozenset[str]
) -> Iterator[Finding]:
    """Yield applications that tell no chip number, or one that another record's card told.  TRANSIT-060

    :param numbers: chip number by application.  :param repeated: applications whose number another card had.
    """
    for app in apps:
        if app not in numbers:
            yield NUMBERS.finding(app, "a chip number", f"{NOT_CHECKED}: it was not read")
        elif app in repeated:
            yield NUMBERS.finding(app, "a chip number of its own", f"{numbers[app]}, as another record's card had")


def unchecked() -> Iterator[Finding]:
    """Yield the rules that nobody applies.  TRANSIT-057, TRANSIT-058"""
    for rule, why in UNCHECKED.items():
        told = rule.finding(CARD, rule.text, f"{NOT_CHECKED}: {why}", secrecy=Secrecy.PUBLIC)
        yield replace(told, severity=Severity.INFO)


def _neighbours(apps: Mapping[str, Blueprint]) -> dict[str, Neighbour]:
    return {app: one for app, one in apps.items() if isinstance(one, Neighbour)}


def _mark(keystore: KeyStore, reference: str) -> tuple[str, str]:
    """Return what two names of one key have in common: algorithm and check value, or the name where it has none."""
    info = keystore.find(reference)
    return info.algorithm, info.kcv or reference
