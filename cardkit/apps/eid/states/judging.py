"""What a PIV card showed against what was planned for it (rules EID of the identity sheet)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.apps.eid.holder import refusal_findings
from cardkit.apps.eid.objects import ApplicationTemplate, Capabilities, Chuid, Discovery, PivObject
from cardkit.apps.eid.rules import CODES_SET, KEYS, READABLE, REFUSED
from cardkit.apps.eid.states.certificates import fault
from cardkit.apps.eid.states.plan import CODES, DISCOVERY, PIV, EidPlan
from cardkit.apps.eid.states.product import CAPABILITIES, CHUID, MANAGEMENT, EidProduct
from cardkit.apps.eid.states.session import NOTE, SeenPiv
from cardkit.crypto.secret import joined
from cardkit.desired import NOT_CHECKED, Content, Finding, Observations, Part, Role, Secrecy, Step
from cardkit.errors import EncodingError

RULES = (READABLE, KEYS, CODES_SET, REFUSED)
_KINDS: Mapping[str, type[PivObject]] = {
    PIV: ApplicationTemplate,
    DISCOVERY: Discovery,
    CHUID: Chuid,
    CAPABILITIES: Capabilities,
}


def judge(
    product: EidProduct, plan: EidPlan, contents: Mapping[str, Content], seen: Observations, part: Part | None
) -> list[Finding]:
    """Apply the rules.  :param part: CHECK before sealing, STRANGER after it, None for a survey."""
    notes: SeenPiv = seen.notes[NOTE]
    steps = plan.survey if part is None else plan.parts[part]
    found = [*_objects(contents, seen, notes), *_certificates(product, contents, seen, notes), *_proofs(steps, notes)]
    if part is not Part.CHECK:
        found += [*_codes(product, steps, notes), *refusal_findings(steps, notes.answers)]
    return found


def _objects(contents: Mapping[str, Content], seen: Observations, notes: SeenPiv) -> Iterator[Finding]:
    for name, kind in _KINDS.items():
        body = seen.bodies.get(name)
        expected = "as planned" if name in contents else "readable"
        if body is None:
            yield READABLE.finding(name, expected, notes.troubles.get(name, NOT_CHECKED), secrecy=Secrecy.PUBLIC)
            continue
        try:
            kind.parse(body)
        except EncodingError as error:
            yield READABLE.finding(name, expected, str(error))
            continue
        if name in contents and body != contents[name]:
            yield READABLE.finding(name, expected, f"{len(body)} other bytes", secrecy=Secrecy.PUBLIC)


def _certificates(
    product: EidProduct, contents: Mapping[str, Content], seen: Observations, notes: SeenPiv
) -> Iterator[Finding]:
    for pair in product.keys:
        name = pair.certificate
        body = seen.bodies.get(name)
        if body is None:
            reason = notes.troubles.get(name, NOT_CHECKED)
        else:
            reason = fault(product, pair, joined(contents[name]), body, notes.public.get(pair.name, b""))
        if reason:
            yield KEYS.finding(name, "as planned, by the issuer", reason, secrecy=Secrecy.PUBLIC)


def _proofs(steps: tuple[Step, ...], notes: SeenPiv) -> Iterator[Finding]:
    for step in steps:
        if step.role is Role.PROVE and step.serves not in notes.proven:
            reason = notes.troubles.get(step.serves, NOT_CHECKED)
            yield KEYS.finding(step.serves, "answers with the key of its certificate", reason, secrecy=Secrecy.PUBLIC)


def _codes(product: EidProduct, steps: tuple[Step, ...], notes: SeenPiv) -> Iterator[Finding]:
    presented = {step.serves for step in steps if step.role is Role.PRESENT}
    for name in CODES:
        known = notes.metadata.get(name)
        if known is not None and known.delivered:
            yield CODES_SET.finding(name, "the card's own", "still the one delivered", secrecy=Secrecy.PUBLIC)
        elif known is not None and name != MANAGEMENT and (known.tries, known.left) != (product.chip.tries,) * 2:
            full, left = product.chip.tries, f"{known.left} of {known.tries}"
            yield CODES_SET.finding(name, f"{full} of {full} tries left", left, secrecy=Secrecy.PUBLIC)
        elif name in presented and name not in notes.proven:
            reason = notes.troubles.get(name, NOT_CHECKED)
            yield CODES_SET.finding(name, "the order's", reason, secrecy=Secrecy.PUBLIC)
