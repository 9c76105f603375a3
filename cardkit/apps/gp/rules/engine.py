"""Applying the rules to a picture: every rule speaks, or says that it was not checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules import channel, data, keys, registry
from cardkit.apps.gp.rules.check import Check, Trouble, unknown
from cardkit.apps.gp.rules.expectation import Expectation
from cardkit.apps.gp.rules.table import TABLE
from cardkit.desired import Finding, Severity

CHECKS = tuple(sorted((*channel.CHECKS, *data.CHECKS, *keys.CHECKS, *registry.CHECKS), key=lambda check: check.rule))

# What a survey reads only where somebody gave it: their absence does not make a card doubtful.
_GIVEN = frozenset(("journal", "history", "golden", "refusals"))
# What the standard lets a card do without.
_OPTIONAL = frozenset(("capabilities",))

_TITLES = {
    "select_sw": "SELECT", "fci": "FCI", "card_data": "card recognition data (66)",
    "capabilities": "card capabilities (67)", "keys": "key information (E0)", "cplc": "CPLC (9F7F)",
    "isd": "GET STATUS 80", "applications": "GET STATUS 40", "load_files": "GET STATUS 20",
    "status_faults": "GET STATUS", "greetings": "INITIALIZE UPDATE", "session": "session",
    "memory": "card resources (FF21)", "counter": "sequence counter (C1)", "chain": "certificate store (BF21)",
    "plain_status": "GET STATUS without a session", "values": "GET DATA with class 00",
    "channels": "logical channels", "words": "trace", "journal": "journal", "golden": "golden card",
}  # fmt: skip


def findings(picture: CardPicture, expected: Expectation, *, rules: Collection[str] | None = None) -> list[Finding]:
    """Return what the rules say; a faultless card has no finding but those that say "not checked".

    :param rules: numbers of the rules to apply; None for all.
    """
    return [
        _worded(check, trouble)
        for check in CHECKS
        if rules is None or check.rule in rules
        for trouble in _troubles(check, picture, expected)
    ]


def _troubles(check: Check, picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    text = TABLE[check.rule].text
    if check.asks is not None and not check.asks(expected):
        yield unknown("profile", text, "the profile asks for nothing here", by_design=True)
        return
    missing = next((need for need in check.needs if _lacks(picture, need)), None)
    if missing is None:
        yield from check.test(picture, expected)
        return
    yield _missing(check, missing, text, picture.troubles.get(missing))


def _lacks(picture: CardPicture, need: str) -> bool:
    """Whether nobody read it; a registry may be empty, greetings without an answer are none."""
    value = getattr(picture, need)
    return value is None or (need == "greetings" and not value)


def _missing(check: Check, need: str, text: str, trouble: str | None) -> Trouble:
    where = _TITLES[need]
    if trouble is not None and need == check.owns:
        return Trouble(where, text, trouble)
    if need in _GIVEN:
        return unknown(where, text, "nobody gave it", by_design=True)
    return unknown(where, text, trouble or "it was not read", by_design=need in _OPTIONAL and trouble is not None)


def _worded(check: Check, trouble: Trouble) -> Finding:
    rule = TABLE[check.rule]
    found = rule.finding(
        trouble.where, trouble.expected, trouble.actual, decoded=trouble.decoded, secrecy=trouble.secrecy
    )
    return replace(found, severity=Severity.INFO) if trouble.by_design else found
