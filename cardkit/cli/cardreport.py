"""One card's outcome as text, as JSON and as a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import node
from typing import Any

import click

from cardkit.cli.order import Job
from cardkit.cli.render import facts, table
from cardkit.desired import Finding, Severity
from cardkit.perso import Outcome, Report
from cardkit.production.report import BatchReport, CardResult, Kind, ReportFiles, Verdict, write_report
from cardkit.production.report.identity import identity
from cardkit.production.report.masking import masked
from cardkit.profile import Record

UNBOUND = "not bound"


@dataclass(frozen=True, slots=True)
class Verified:
    """One card's verification, for :func:`verified_card`."""

    report: Report
    record: Record
    reader: str
    seconds: float


def outcome_card(outcome: Outcome, record: Record, reader: str) -> CardResult:
    """Return what a report shows of a personalized card."""
    reject = outcome.reject
    return CardResult(
        row=record.row_no,
        chip=outcome.chip_id if outcome.bound else "",
        identity=identity(record),
        verdict=Verdict.GOOD if reject is None else Verdict.REJECTED,
        code=reject.code if reject else "",
        reject_class=reject.kind if reject else "",
        findings=tuple(map(masked, outcome.findings)),
        apply_ms=outcome.apply_ms,
        verify_ms=outcome.verify_ms,
        coupler=reader,
    )


def verified_card(done: Verified) -> CardResult:
    """Return what a report shows of a verified card."""
    verdicts = {"GOOD": Verdict.GOOD, "BAD": Verdict.REJECTED, "UNPROVEN": Verdict.NOT_PROVEN}
    return CardResult(
        row=done.record.row_no,
        chip="",
        identity=identity(done.record),
        verdict=verdicts[done.report.verdict],
        findings=tuple(map(masked, done.report.findings)),
        verify_ms=round(done.seconds * 1000),
        coupler=done.reader,
    )


def finding_documents(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings as ``--json`` shows them."""
    return [
        {
            "rule": item.rule,
            "severity": item.severity.value,
            "clause": item.clause,
            "where": item.where,
            "expected": item.expected,
            "actual": item.actual,
            "decoded": item.decoded,
        }
        for item in map(masked, findings)
    ]


def outcome_document(outcome: Outcome, record: Record) -> dict[str, Any]:
    """Return an outcome as ``--json`` shows it."""
    reject = outcome.reject
    return {
        "record": record.row_no,
        "verdict": str(outcome.verdict),
        "chip_id": outcome.chip_id,
        "bound": outcome.bound,
        "reject": None
        if reject is None
        else {"code": reject.code, "class": reject.kind, "step": reject.step, "text": reject.text},
        "findings": finding_documents(outcome.findings),
        "facts": dict(outcome.facts),
        "evidence_sha256": outcome.evidence_sha256.hex(),
        "apply_ms": outcome.apply_ms,
        "verify_ms": outcome.verify_ms,
    }


def report_document(done: Verified) -> dict[str, Any]:
    """Return a verification as ``--json`` shows it."""
    return {
        "reader": done.reader,
        "record": done.record.row_no,
        "verdict": str(done.report.verdict),
        "checked": list(done.report.checked),
        "findings": finding_documents(done.report.findings),
        "facts": dict(done.report.facts),
        "evidence_sha256": done.report.evidence_sha256.hex(),
        "verify_ms": round(done.seconds * 1000),
    }


def show_outcome(outcome: Outcome) -> None:
    """Print an outcome for people."""
    rows: list[tuple[str, object]] = [
        ("verdict", outcome.verdict),
        ("chip", outcome.chip_id if outcome.bound else UNBOUND),
    ]
    if outcome.reject is not None:
        rows.append(("rejected", f"{outcome.reject.code} ({outcome.reject.step}): {outcome.reject.text}"))
    rows += [(name, value) for name, value in outcome.facts.items() if value]
    rows.append(("time", f"{outcome.apply_ms} ms written and sealed, {outcome.verify_ms} ms verified"))
    facts(rows)
    show_findings(outcome.findings)


def show_report(done: Verified) -> None:
    """Print a verification for people."""
    facts(
        [
            ("record", done.record.row_no),
            ("verdict", done.report.verdict),
            ("rules", f"{len(done.report.checked)} checked, {len(done.report.findings)} findings"),
        ]
    )
    show_findings(done.report.findings)


def show_findings(findings: Iterable[Finding]) -> None:
    """Print findings, one a row; rules nobody meant to check for this card are named in one line."""
    items = list(map(masked, findings))
    left_out = [item for item in items if item.not_checked and item.severity is Severity.INFO]
    rows = [
        (item.rule, item.severity.value, item.where, item.expected, item.actual, item.decoded, item.clause)
        for item in items
        if item not in left_out
    ]
    if rows:
        click.echo()
        table(["rule", "", "where", "expected", "actual", "decoded", "clause"], rows)
    if left_out:
        click.echo(f"\nnot checked: {', '.join(sorted({item.rule for item in left_out}))}; why: --json")


def write_cards(
    job: Job, cards: Iterable[CardResult], started: datetime, directory: Path, operator: str
) -> ReportFiles:
    """Write the report of cards made or verified outside a batch."""
    profile = job.profile
    return write_report(
        BatchReport(
            batch=job.order_path.name,
            profile=profile.name,
            profile_version=str(profile.version),
            profile_sha256=profile.sha256.hex(),
            kind=Kind(profile.kind),
            station=node(),
            operator=operator,
            software=f"cardkit {version('cardkit')}",
            started=started,
            ended=datetime.now(UTC),
            cards=cards,
        ),
        directory,
    )
