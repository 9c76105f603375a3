"""One card: plan, personalize, verify.

prepared = prepare(profile, record, keystore, rng)     random values, made once
todo = plan(profile, record, prepared, keystore)       everything checked before a card is touched
outcome = personalize(todo, card, keystore)
report = verify(todo, card, keystore)
"""

from __future__ import annotations

from cardkit.desired import Plan
from cardkit.perso.identify import Identity, MarkerState, Presented, identify, read_identity
from cardkit.perso.keys import check_keys
from cardkit.perso.outcome import Outcome, Reject, Report, Verdict
from cardkit.perso.ownkeys import OwnKeyDigests
from cardkit.perso.planner import Prepared, draw, mailed, plan, prepare, prepares, printed, varying_places
from cardkit.perso.recovery import ChipSeen, Decision, MarkerSeen, decide
from cardkit.perso.register import RunRegister
from cardkit.perso.run import personalize
from cardkit.perso.tracing import redactor
from cardkit.perso.verify import verify

__all__ = [
    "ChipSeen",
    "Decision",
    "Identity",
    "MarkerSeen",
    "MarkerState",
    "Outcome",
    "OwnKeyDigests",
    "Plan",
    "Prepared",
    "Presented",
    "Reject",
    "Report",
    "RunRegister",
    "Verdict",
    "check_keys",
    "decide",
    "draw",
    "identify",
    "mailed",
    "personalize",
    "plan",
    "prepare",
    "prepares",
    "printed",
    "read_identity",
    "redactor",
    "varying_places",
    "verify",
]
