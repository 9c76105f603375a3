"""What comes out of a run: verdict, findings, facts, evidence, and why a card was rejected."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from cardkit.desired import Finding, Observations, Plan, Rule, Seen, Severity, State
from cardkit.errors import AuthenticationError, CardkitError, CounterGuardError, StatusError

EVIDENCE_FORMAT = 1
DELIVERED_KEYS, REPLACED = "delivered keys", "replaced"
"""A fact of each card, and how it begins where they open nothing any more."""


class Verdict(StrEnum):
    """GOOD: everything proven.  BAD: something is wrong.  UNPROVEN: nothing wrong, something not checked."""

    GOOD = "GOOD"
    BAD = "BAD"
    UNPROVEN = "UNPROVEN"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a card was rejected, in the plant's words (codes and kinds).

    :param step: what was being done.  :param sw: the status word, 0 where there is none.
    :param security_stop: never retried, whoever asks; kind ``security`` stops the whole batch besides.
    """

    code: str
    kind: str
    step: str
    sw: int
    text: str
    security_stop: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A card's run.

    :param bound: the card may have been written to.  :param evidence_sha256: 32 bytes over the canonical evidence.
    :param reject: None for a good card.  :param apply_ms, verify_ms: milliseconds spent.
    """

    verdict: Verdict
    chip_id: str
    bound: bool
    findings: tuple[Finding, ...]
    facts: Mapping[str, str]
    evidence: Mapping[str, Any] = field(repr=False)
    evidence_sha256: bytes
    reject: Reject | None
    apply_ms: int
    verify_ms: int


@dataclass(frozen=True, slots=True)
class Report:
    """A card's verification.

    :param checked: numbers of the rules applied.  :param evidence_sha256: 32 bytes over the canonical evidence.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    facts: Mapping[str, str]
    evidence: Mapping[str, Any] = field(repr=False)
    evidence_sha256: bytes


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Return BAD if anything is wrong, UNPROVEN if anything was not checked, else GOOD."""
    if any(finding.bad for finding in findings):
        return Verdict.BAD
    return Verdict.UNPROVEN if any(map(_unproven, findings)) else Verdict.GOOD


def _unproven(finding: Finding) -> bool:
    return finding.not_checked and finding.severity is not Severity.INFO


def evidence_of(
    plan: Plan, seen: Observations, findings: Sequence[Finding], facts: Mapping[str, str]
) -> dict[str, Any]:
    """Return what was seen as plain values: keyed digests in place of contents, no personal data.

    The key is the marker's tag, which is kept with the record and gone from the card.
    """
    return {
        "format": EVIDENCE_FORMAT,
        "profile": plan.profile,
        "profile_sha256": plan.profile_sha256.hex(),
        "verdict": verdict_of(findings).value,
        "facts": dict(facts),
        "states": [_state_evidence(plan.tag, state, seen.bodies.get(state.name)) for state in plan.states],
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.value,
                "where": finding.where,
                "digest": _keyed(plan.tag, finding.rule, f"{finding.expected}\0{finding.actual}".encode()),
            }
            for finding in findings
        ],
    }


def evidence_sha256(evidence: Mapping[str, Any]) -> bytes:
    """Return SHA-256 over the canonical JSON: sorted keys, no blanks, UTF-8."""
    return hashlib.sha256(msgspec.json.encode(evidence, order="sorted")).digest()


def delivered_keys(rules: Iterable[Rule], *, good: bool) -> str:
    """Say what became of the keys a card was delivered with: a good card's are dead, by the rules that it kept.

    security.md K14
    """
    judges = sorted(rule.id for rule in rules if rule.delivered)
    if not good or not judges:
        return "not proved"
    return f"{REPLACED}: {', '.join(judges)}"


def _state_evidence(key: bytes, state: State, body: bytes | None) -> dict[str, str]:
    evidence = {"name": state.name, "rule": state.rule, "seen": str(state.seen)}
    if body is not None and state.seen is Seen.READ:
        evidence["digest"] = _keyed(key, state.name, body)
    return evidence


def _keyed(key: bytes, name: str, value: bytes) -> str:
    return hmac.digest(key, name.encode() + b"\0" + value, "sha256").hex()


NVM_CODES = {0x6581: "NVM_6581", 0x6A84: "MEMORY_6A84", 0x6983: "COUNTER_BLOCKED"}


def reject_of(error: CardkitError, step: str) -> Reject:
    """Return the reject of what a card did wrong."""
    sw = error.sw if isinstance(error, StatusError) else 0
    if isinstance(error, CounterGuardError):
        return Reject("COUNTER_BLOCKED", "card dead", step, sw, str(error))
    if isinstance(error, AuthenticationError):
        return Reject("RETRY_LEFT", "key", step, sw, str(error), security_stop=error.security_stop)
    if sw in NVM_CODES:
        return Reject(NVM_CODES[sw], "card dead", step, sw, str(error), security_stop=error.security_stop)
    return Reject("STATUS", "card dead", step, sw, str(error), security_stop=error.security_stop)


def reject_of_findings(findings: Sequence[Finding], rules: Iterable[Rule]) -> Reject | None:
    """Return the reject of the bad findings, or of the unproven ones where none is bad; None for a good card.

    :param rules: one with a security code goes before all others.
    """
    weighty = [finding for finding in findings if finding.bad] or list(filter(_unproven, findings))
    if not weighty:
        return None
    codes = {rule.id: rule.security_code for rule in rules}
    worst = next((finding for finding in weighty if codes.get(finding.rule)), weighty[0])
    # What it is and what it should be stays in the finding, which is masked where people see it.
    text = f"{worst.rule} {worst.where}: {'not checked' if worst.not_checked else 'is not what the record asks for'}"
    if code := codes.get(worst.rule):
        return Reject(code, "security", worst.where, 0, text, security_stop=True)
    return Reject("DATA_READBACK", "data", worst.where, 0, text)
