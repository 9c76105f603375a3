"""Rules about what a sample was put through: TRANSIT-025, 030, 045, 046."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.desfire.rules import table
from cardkit.apps.desfire.rules.evidence import Evidence, public
from cardkit.apps.desfire.states.misuse import CHANGED, COMMITTED, CREDITED, REPLAYED
from cardkit.desired import Finding

_RULES = {
    CREDITED: (table.NO_CREDIT, "refused"),
    COMMITTED: (table.TRANSACTION_PROVEN, "a MAC by the file's key"),
    CHANGED: (table.CHANGED_REFUSED, "911E"),
    REPLAYED: (table.REPLAY_REFUSED, "9100, then 911E"),
}


def check_samples(evidence: Evidence) -> Iterator[Finding]:
    """Apply the rules to a card that was mistreated; none to any other."""
    for (what, where), came in (evidence.notes.misused or {}).items():
        if came:
            rule, expected = _RULES[what]
            yield public(rule, where, expected, came)
