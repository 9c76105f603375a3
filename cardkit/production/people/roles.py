"""Roles, and which of them each step of people asks for. security.md 4"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import permutations

from cardkit.errors import StoreError


class Role(StrEnum):
    """What an account may be."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    CUSTODIAN = "custodian"
    SECURITY_OFFICER = "security-officer"
    QA = "qa"
    AUTHOR = "author"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


ABOUT: Mapping[Role, str] = {
    Role.OPERATOR: "runs stations; sees counts, masked identities and verdicts",
    Role.SUPERVISOR: "imports and closes batches; second person of scrap, doubt and restarts",
    Role.CUSTODIAN: "brings one component of a key",
    Role.SECURITY_OFFICER: "witnesses key ceremonies; approves, declares cards lost, purges",
    Role.QA: "approves profiles; recalls cards, purges",
    Role.AUTHOR: "writes profiles and proposes them; cannot approve the own",
    Role.AUDITOR: "reads and verifies the audit, and does nothing else",
    Role.ADMINISTRATOR: "keeps accounts; touches neither keys nor cards",
}


class Step(StrEnum):
    """What people do to a store; the value is how messages call it."""

    IMPORT = "importing an order"
    PREPARE = "preparing a batch"
    RUN = "running a batch"
    HOLD = "holding a batch"
    CLOSE = "closing a batch"
    OUTPUT = "writing an output file"
    SAMPLE = "drawing a sample"
    JUDGE = "judging a sample"
    PROPOSE = "proposing a profile"
    APPROVE = "an approval"
    OPEN = "opening a batch"
    UNHOLD = "restarting a held batch"
    RESUME = "resuming a card in doubt"
    RESOLVE = "resolving a card in doubt"
    SCRAP = "scrapping a card"
    REMAKE = "a re-make"
    CANCEL = "cancelling a record"
    LOST = "declaring a card lost"
    RECALL = "recalling a card"
    DISPOSE = "disposing of quarantined rows"
    WRITE_OFF = "writing off a journal"
    DECLARE_DEAD = "declaring a station dead"
    TRACE = "unlocking a trace"
    PURGE = "a purge"
    RETENTION = "changing how long data is kept"
    KEY_IMPORT = "a key ceremony"
    ACCOUNTS = "changing accounts"
    AUDIT = "reading the audit"
    AUDIT_KEY = "changing the key of the audit"


_LINE = frozenset({Role.OPERATOR, Role.SUPERVISOR})
_SUPERVISOR = frozenset({Role.SUPERVISOR})
_OFFICER = frozenset({Role.SECURITY_OFFICER})
_QA = frozenset({Role.QA})
_CUSTODIAN = frozenset({Role.CUSTODIAN})

# For each person a step needs: one of these roles. Where the sheet names no roles for a step of two persons (opening,
# re-make, cancel, quarantine, journals) those of the nearest step it does name are taken.
NEEDS: Mapping[Step, Sequence[frozenset[Role]]] = {
    Step.IMPORT: (_SUPERVISOR,),
    Step.PREPARE: (_LINE,),
    Step.RUN: (_LINE,),
    Step.HOLD: (_LINE | _OFFICER | _QA,),
    Step.CLOSE: (_SUPERVISOR,),
    Step.OUTPUT: (_SUPERVISOR,),
    Step.SAMPLE: (_SUPERVISOR | _QA,),
    Step.JUDGE: (_SUPERVISOR | _QA,),
    Step.PROPOSE: (frozenset({Role.AUTHOR}),),
    Step.APPROVE: (_OFFICER, _QA),
    Step.OPEN: (_SUPERVISOR, _LINE),
    Step.UNHOLD: (_OFFICER, _SUPERVISOR),
    Step.RESUME: (_SUPERVISOR, _LINE),
    Step.RESOLVE: (_SUPERVISOR, _LINE),
    Step.SCRAP: (_SUPERVISOR, _LINE),
    Step.REMAKE: (_SUPERVISOR, _LINE),
    Step.CANCEL: (_SUPERVISOR, _LINE),
    Step.LOST: (_OFFICER, _SUPERVISOR),
    Step.RECALL: (_QA, _SUPERVISOR),
    Step.DISPOSE: (_SUPERVISOR, _LINE),
    Step.WRITE_OFF: (_OFFICER, _SUPERVISOR),
    Step.DECLARE_DEAD: (_SUPERVISOR, _LINE),
    Step.TRACE: (_OFFICER, _SUPERVISOR),
    Step.PURGE: (_OFFICER, _QA),
    Step.RETENTION: (_OFFICER, _QA),
    Step.KEY_IMPORT: (_CUSTODIAN, _CUSTODIAN, _OFFICER),
    Step.ACCOUNTS: (frozenset({Role.ADMINISTRATOR}),),
    Step.AUDIT_KEY: (_OFFICER, frozenset({Role.SUPERVISOR, Role.QA})),
    Step.AUDIT: (frozenset({Role.AUDITOR, Role.SECURITY_OFFICER, Role.SUPERVISOR}),),
}


def check_combination(name: str, roles: Iterable[Role]) -> None:
    """Refuse roles that one person must not have together.

    :raises StoreError: auditor with anything, administrator with custodian, or no role at all.
    """
    held = frozenset(roles)
    if not held:
        raise StoreError(f"account {name}: no role, expected one or more of {', '.join(Role)}")
    if Role.AUDITOR in held and len(held) > 1:
        raise StoreError(f"account {name}: an auditor has no other role, got {_named(held)}")
    if {Role.ADMINISTRATOR, Role.CUSTODIAN} <= held:
        raise StoreError(f"account {name}: administrator and custodian do not go together")


def fulfils(step: Step, held: Sequence[frozenset[Role]]) -> bool:
    """Whether some people together have what a step asks for, each filling one place.

    :param held: the roles of each, different, person.

    >>> fulfils(Step.SCRAP, [frozenset({Role.SUPERVISOR}), frozenset({Role.OPERATOR})])
    True
    >>> fulfils(Step.SCRAP, [frozenset({Role.SUPERVISOR, Role.OPERATOR})])
    False
    """
    places = NEEDS[step]
    return any(
        all(roles & place for roles, place in zip(people, places, strict=True))
        for people in permutations(held, len(places))
    )


def asked(step: Step) -> str:
    """Say whom a step needs.

    >>> asked(Step.LOST)
    'security-officer and supervisor'
    """
    return " and ".join(" or ".join(sorted(place)) for place in NEEDS[step])


def _named(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
