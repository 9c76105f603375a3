"""Verifying one card, whoever made it: read everything back, prove every secret, report what was not checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.desired import ATR_FITS, DIFFERS, LOOKED, Mistreats, OnEvent, Plan, Register, Role, Step, intent_of
from cardkit.perso.identify import Card
from cardkit.perso.outcome import (
    DELIVERED_KEYS,
    Report,
    Verdict,
    delivered_keys,
    evidence_of,
    evidence_sha256,
    verdict_of,
)
from cardkit.perso.planner import working
from cardkit.perso.register import note_repeated
from cardkit.transport.offers import offers

Look = Callable[[Channel], Mapping[str, Any]]

_WITH_SECRETS = frozenset((Role.PRESENT, Role.CHANGE, Role.PROVE))


def verify(  # noqa: PLR0913  (all but three are named, and have defaults)
    plan: Plan,
    card: Card,
    keystore: KeyStore,
    *,
    without_keys: bool = False,
    destructive: bool = False,
    differs: frozenset[str] | None = None,
    look: Look | None = None,
    register: Register | None = None,
    on_event: OnEvent | None = None,
) -> Report:
    """Check a card against a plan: nothing is written but what a proof needs.

    Each PIN, PUK and administrative key is presented once if its counter is full, and only to a card with the record's
    ICCID; a fresh challenge is sent only while the card's SQN stays within the profile's limit.

    :param card: is reset first.
    :param without_keys: present no secret and prove no key; such a report is UNPROVEN at best.
    :param destructive: also spend tries and break sessions, where the family has such tests: never on a card that
        leaves the house.
    :param differs: places in which the card's dump differs from a golden card's, None where nobody compared them.
    :param look: dumps the card, with the secrets the check has presented, for the rules about what the profile does
        not read; None where nobody asks for them.
    :param register: what is remembered of other cards; None where nobody does.
    :param on_event: gets one IntentEvent before the first secret is presented.
    :raises TransportError: when the link fails.
    """
    steps = _steps(plan, without_keys=without_keys)
    intent = intent_of("verify", steps)
    if on_event is not None and intent is not None:
        on_event(intent)
    blueprint = working(plan, keystore)
    session = blueprint.session(plan.contents, card.channel, {})
    session.seen.notes[ATR_FITS] = plan.fits(card.reset(cold=True))
    if differs is not None:
        session.seen.notes[DIFFERS] = differs
    session.run(steps, strict=False)
    if look is not None:
        session.seen.notes[LOOKED] = look(card.channel)
    note_repeated(session, register, plan.record_no)
    if destructive and offers(session, Mistreats):
        session.mistreat()
    findings = tuple(blueprint.judge(plan.contents, session.seen, None))
    verdict = verdict_of(findings)
    facts = {fact.name: fact.value for fact in session.facts()}
    facts[DELIVERED_KEYS] = delivered_keys(plan.blueprint.rules, good=verdict is Verdict.GOOD)
    evidence = evidence_of(plan, session.seen, findings, facts)
    unchecked = {finding.rule for finding in findings if finding.not_checked}
    return Report(
        verdict=verdict,
        findings=findings,
        checked=tuple(rule.id for rule in plan.blueprint.rules if rule.id not in unchecked),
        facts=facts,
        evidence=evidence,
        evidence_sha256=evidence_sha256(evidence),
    )


def _steps(plan: Plan, *, without_keys: bool) -> tuple[Step, ...]:
    survey = plan.blueprint.survey
    return tuple(step for step in survey if step.role not in _WITH_SECRETS) if without_keys else survey
