"""The shared language of applications (:mod:`cardkit.apps`) and one card's run (:mod:`cardkit.perso`): data only.

A profile and a record become States; States become Steps, the exact commands a blank card gets. Nothing here talks to
a card, reads a clock or knows a secret: contents that hold keys keep them as :class:`~cardkit.crypto.Secret` parts.
"""

from __future__ import annotations

from cardkit.desired.apps import App, BlockWithFiles, Checks, Ruled, Shows, UsesFiles
from cardkit.desired.events import BindEvent, DoneEvent, Event, IntentEvent, OnEvent, UnknownEvent, intent_of
from cardkit.desired.findings import (
    ALIKE,
    ATR_FITS,
    DIFFERS,
    LOOKED,
    MARKER_GONE,
    MARKER_STANDS,
    NOT_ALIKE,
    NOT_CHECKED,
    REPEATED,
    Finding,
    Observations,
    Rule,
    Secrecy,
    Severity,
)
from cardkit.desired.plan import Plan
from cardkit.desired.protocols import (
    Blueprint,
    Challenge,
    CompileTemplate,
    Distinct,
    Keyed,
    Mails,
    Mistreats,
    Neighbour,
    Prepares,
    Prints,
    Register,
    Remarks,
    Scripted,
    Session,
    Template,
    Unmarked,
)
from cardkit.desired.script import Script
from cardkit.desired.states import Access, AfterUnknown, Content, Fact, Group, Interface, Phase, Seen, State
from cardkit.desired.steps import Part, Role, ShapeOfCommand, Step

__all__ = [
    "ALIKE",
    "ATR_FITS",
    "DIFFERS",
    "LOOKED",
    "MARKER_GONE",
    "MARKER_STANDS",
    "NOT_ALIKE",
    "NOT_CHECKED",
    "REPEATED",
    "Access",
    "AfterUnknown",
    "App",
    "BindEvent",
    "BlockWithFiles",
    "Blueprint",
    "Challenge",
    "Checks",
    "CompileTemplate",
    "Content",
    "Distinct",
    "DoneEvent",
    "Event",
    "Fact",
    "Finding",
    "Group",
    "IntentEvent",
    "Interface",
    "Keyed",
    "Mails",
    "Mistreats",
    "Neighbour",
    "Observations",
    "OnEvent",
    "Part",
    "Phase",
    "Plan",
    "Prepares",
    "Prints",
    "Register",
    "Remarks",
    "Role",
    "Rule",
    "Ruled",
    "Script",
    "Scripted",
    "Secrecy",
    "Seen",
    "Session",
    "Severity",
    "ShapeOfCommand",
    "Shows",
    "State",
    "Step",
    "Template",
    "UnknownEvent",
    "Unmarked",
    "UsesFiles",
    "intent_of",
]
