"""What a chip showed against what was prepared for it, what its keys proved, and whether its lock holds."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emrtd.driver import CAN, MRZ
from cardkit.apps.emrtd.prepare.keys import ACTIVE, MAPPING
from cardkit.apps.emrtd.rules.passwords import EVEN, ODD, can_troubles
from cardkit.apps.emrtd.rules.table import RULES as TABLE
from cardkit.apps.emrtd.states.notes import NOTE, SeenDocument
from cardkit.apps.emrtd.states.plan import BY_BAC, RIGHTS, TERMINAL, WITHOUT_RIGHT, WITHOUT_TERMINAL, DocumentPlan
from cardkit.apps.emrtd.states.product import is_public
from cardkit.crypto.secret import joined
from cardkit.desired import NOT_CHECKED, REPEATED, Finding, Observations, Part, Role, Rule, Secrecy, Severity, Step

BASIC, PACE_MRZ, PACE_CAN, CHIP, ACTIVELY, LOCKED, TRANSPORT, ALIKE, GUESSED = (
    TABLE[f"EMRTD-{number}"] for number in ("013", "017", "018", "030", "032", "090", "091", "092", "096")
)
MAPPED, TERMINALS = TABLE["EMRTD-027"], TABLE["EMRTD-034"]
PRESENT = Rule("PERSO-011", Severity.ERROR, "house rule", "the chip has every key and password before it is locked")
RULES = (BASIC, PACE_MRZ, PACE_CAN, CHIP, ACTIVELY, LOCKED, TRANSPORT, ALIKE, GUESSED, MAPPED, TERMINALS, PRESENT)

_PROOFS = {BY_BAC: BASIC, MRZ: PACE_MRZ, CAN: PACE_CAN, ACTIVE: ACTIVELY, TERMINAL: TERMINALS}
_TRANSPORT_COMMANDS = frozenset({"INITIALIZE UPDATE"})


def judge(plan: DocumentPlan, seen: Observations, part: Part | None) -> list[Finding]:
    """Apply the rules.  :param part: CHECK before sealing, STRANGER after it, None for a survey."""
    notes: SeenDocument = seen.notes[NOTE]
    if part is Part.CHECK:
        found = [*_files(plan, plan.parts[Part.CHECK], seen, notes), *_present(plan, notes)]
        return [*found, *_passwords(plan), *_numbers(seen)]
    steps = plan.survey if part is None else plan.parts[Part.STRANGER]
    found = [*_lock(steps, notes), *_proofs(steps, notes), *_mapping(plan, notes), *_files(plan, steps, seen, notes)]
    return [*found, *_passwords(plan)] if part is None else found


def _passwords(plan: DocumentPlan) -> Iterator[Finding]:
    """Judge the access number before the chip is locked, and again in a survey."""
    document = plan.document
    if document.can is not None:
        for trouble in can_troubles(joined((document.can,)).decode("ascii", "replace"), document.mrz):
            yield GUESSED.finding(trouble.where, trouble.expected, trouble.actual, secrecy=Secrecy.PUBLIC)


def _numbers(seen: Observations) -> Iterator[Finding]:
    """Judge the document number by those of the run's other documents, where it is all of the key there is."""
    if seen.notes.get(REPEATED, frozenset()) & {EVEN, ODD}:
        where, expected = "document number", "drawn, or with gaps: nothing else opens the document"
        yield GUESSED.finding(where, expected, "next to that of another document of this run", secrecy=Secrecy.PUBLIC)


def _mapping(plan: DocumentPlan, notes: SeenDocument) -> Iterator[Finding]:
    if plan.document.keys.mapping is not None and MAPPING not in notes.proven:
        yield MAPPED.finding(MAPPING, MAPPED.text, notes.troubles.get(MAPPING, NOT_CHECKED), secrecy=Secrecy.PUBLIC)


def _files(plan: DocumentPlan, steps: tuple[Step, ...], seen: Observations, notes: SeenDocument) -> Iterator[Finding]:
    files = plan.document.files
    refused = TERMINAL not in notes.proven and any(step.serves == TERMINAL for step in steps)
    for name in dict.fromkeys(step.serves for step in steps if step.role is Role.READ and step.serves in files):
        body, expected = seen.bodies.get(name), f"{len(files[name])} bytes as prepared"
        if body is None and name in RIGHTS and refused:
            continue  # that no terminal gets in is said already
        if body is None:
            reason = notes.troubles.get(name)
            yield ALIKE.finding(name, expected, reason or NOT_CHECKED, secrecy=Secrecy.PUBLIC)
        elif body != files[name]:
            secrecy = Secrecy.PUBLIC if is_public(name) else Secrecy.PERSONAL
            yield ALIKE.finding(name, expected, _difference(files[name], body), secrecy=secrecy)


def _difference(expected: bytes, actual: bytes) -> str:
    if len(expected) != len(actual):
        return f"{len(actual)} bytes"
    first = next(at for at, pair in enumerate(zip(expected, actual, strict=True)) if pair[0] != pair[1])
    return f"{len(actual)} bytes that differ from byte {first} on"


def _present(plan: DocumentPlan, notes: SeenDocument) -> Iterator[Finding]:
    files = plan.document.files
    asked = {step.serves for step in plan.parts[Part.CHECK] if step.role is Role.READ and step.serves not in files}
    for name in sorted(asked - notes.present):
        yield PRESENT.finding(name, "stored", notes.troubles.get(name, NOT_CHECKED), secrecy=Secrecy.PUBLIC)


def _lock(steps: tuple[Step, ...], notes: SeenDocument) -> Iterator[Finding]:
    for step in steps:
        if step.role is not Role.GONE:
            continue
        closed = step.serves.endswith((WITHOUT_TERMINAL, WITHOUT_RIGHT))
        rule = TERMINALS if closed else TRANSPORT if step.serves in _TRANSPORT_COMMANDS else LOCKED
        expected = " or ".join(f"{sw:04X}" for sw in step.sw)
        sw = notes.answers.get(step.serves)
        if sw is None:
            reason = notes.troubles.get(step.serves, NOT_CHECKED)
            yield rule.finding(step.serves, expected, reason, secrecy=Secrecy.PUBLIC)
        elif sw not in step.sw:
            yield rule.finding(step.serves, expected, f"{sw:04X}", secrecy=Secrecy.PUBLIC)


def _proofs(steps: tuple[Step, ...], notes: SeenDocument) -> Iterator[Finding]:
    for name in dict.fromkeys(step.serves for step in steps if step.role in (Role.PRESENT, Role.PROVE)):
        trouble = notes.troubles.get(name)
        if trouble is not None or name not in notes.proven:
            rule = _PROOFS.get(name, CHIP)
            yield rule.finding(name, rule.text, trouble or NOT_CHECKED, secrecy=Secrecy.PUBLIC)
