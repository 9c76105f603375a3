"""What must hold between the applications of one card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from cardkit.crypto import KeyStore
from cardkit.desired import NOT_CHECKED, Blueprint, Finding, Neighbour, Rule, Severity

_CLAUSE = "cards with several applications"
NAMES = Rule("TRANSIT-056", Severity.STOP, _CLAUSE, "no AID belongs to two applications")
KEYS = Rule("TRANSIT-059", Severity.STOP, _CLAUSE, "no key is shared between applications")
NUMBERS = Rule("TRANSIT-060", Severity.ERROR, _CLAUSE, "the chip number of every application is this card's alone")
RULES = (NAMES, KEYS, NUMBERS)


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


def _neighbours(apps: Mapping[str, Blueprint]) -> dict[str, Neighbour]:
    return {app: one for app, one in apps.items() if isinstance(one, Neighbour)}


def _mark(keystore: KeyStore, reference: str) -> tuple[str, str]:
    """Return what two names of one key have in common: algorithm and check value, or the name where it has none."""
    info = keystore.find(reference)
    return info.algorithm, info.kcv or reference
