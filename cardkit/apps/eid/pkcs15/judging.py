"""What a PKCS#15 card showed against what was planned for it (rules EID of the identity sheet)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.apps.eid.holder import refusal_findings
from cardkit.apps.eid.pkcs15.client import OPERATIONAL
from cardkit.apps.eid.pkcs15.plan import MASTER_FILE, Pkcs15Plan
from cardkit.apps.eid.pkcs15.product import APPLICATION, PIN, PUK, KeyPair, Pkcs15Product
from cardkit.apps.eid.pkcs15.session import NOTE, SeenPkcs15, certificate_fault
from cardkit.apps.eid.rules import CODES_SET, KEYS, REFUSED, STRUCTURE
from cardkit.crypto.secret import joined
from cardkit.desired import NOT_CHECKED, Content, Finding, Observations, Part, Secrecy

RULES = (KEYS, CODES_SET, REFUSED, STRUCTURE)


def judge(
    product: Pkcs15Product, plan: Pkcs15Plan, contents: Mapping[str, Content], seen: Observations, part: Part | None
) -> list[Finding]:
    """Apply the rules.  :param part: CHECK before sealing, STRANGER after it, None for a survey."""
    notes: SeenPkcs15 = seen.notes[NOTE]
    steps = plan.survey if part is None else plan.parts[part]
    found = [
        *_files(product, contents, seen, notes),
        *_conditions(product, notes),
        *_keys(product, contents, seen, notes),
    ]
    if part is not Part.CHECK:
        found += [*_life_cycle(notes), *_codes(product, notes), *refusal_findings(steps, notes.answers)]
    return found


def _files(
    product: Pkcs15Product, contents: Mapping[str, Content], seen: Observations, notes: SeenPkcs15
) -> Iterator[Finding]:
    for file in product.files.values():
        body = seen.bodies.get(file.name)
        secrecy = Secrecy.PERSONAL if file.private else Secrecy.PUBLIC
        if body is None:
            reason = notes.troubles.get(file.name, NOT_CHECKED)
            yield STRUCTURE.finding(file.name, "as planned", reason, secrecy=Secrecy.PUBLIC)
        elif file.ahead and body != contents[file.name]:
            expected = f"{len(joined(contents[file.name]))} bytes as planned"
            yield STRUCTURE.finding(file.name, expected, f"{len(body)} other bytes", secrecy=secrecy)


def _conditions(product: Pkcs15Product, notes: SeenPkcs15) -> Iterator[Finding]:
    for name in (APPLICATION, *product.files):
        found, wanted = notes.files.get(name), product.conditions_of(name).build()
        if found is not None and found.conditions != wanted:
            got = found.conditions.hex().upper() or "none"
            yield REFUSED.finding(name, wanted.hex().upper(), got, secrecy=Secrecy.PUBLIC)


def _life_cycle(notes: SeenPkcs15) -> Iterator[Finding]:
    found = notes.files.get(MASTER_FILE)
    if found is None or found.life_cycle != OPERATIONAL:
        got = NOT_CHECKED if found is None else f"{found.life_cycle:02X}"
        yield REFUSED.finding(MASTER_FILE, f"life cycle {OPERATIONAL:02X}", got, secrecy=Secrecy.PUBLIC)


def _keys(
    product: Pkcs15Product, contents: Mapping[str, Content], seen: Observations, notes: SeenPkcs15
) -> Iterator[Finding]:
    for pair in product.keys:
        reason = _certificate(product, pair, contents, seen)
        if reason:
            yield KEYS.finding(pair.certificate, "as planned, by the issuer", reason, secrecy=Secrecy.PUBLIC)
        if pair.name not in notes.proven:
            reason = notes.troubles.get(pair.name, NOT_CHECKED)
            yield KEYS.finding(pair.name, "answers with the key of its certificate", reason, secrecy=Secrecy.PUBLIC)


def _certificate(product: Pkcs15Product, pair: KeyPair, contents: Mapping[str, Content], seen: Observations) -> str:
    body = seen.bodies.get(pair.certificate)
    if body is None:
        return ""  # that the file cannot be read is said already
    return certificate_fault(product, pair, joined(contents[pair.certificate]), body, seen.bodies.get(pair.public))


def _codes(product: Pkcs15Product, notes: SeenPkcs15) -> Iterator[Finding]:
    full = product.chip.tries
    for name in (PIN, PUK):
        if name == PIN and notes.left is not None and notes.left != full:
            expected, got = f"{full} of {full} tries left", f"{notes.left} of {full}"
            yield CODES_SET.finding(name, expected, got, secrecy=Secrecy.PUBLIC)
        elif name not in notes.proven:
            yield CODES_SET.finding(name, "the order's", notes.troubles.get(name, NOT_CHECKED), secrecy=Secrecy.PUBLIC)
