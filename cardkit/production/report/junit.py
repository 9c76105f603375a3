"""``junit.xml``: every card a test case, for the dashboards of any CI server.

The layout follows the common JUnit schema: at most one of ``failure``, ``error``, ``skipped`` per test case, counts on
the suite before its cases.
"""

from __future__ import annotations

from datetime import UTC
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from cardkit.desired import Finding
from cardkit.production.report.atomic import Spool
from cardkit.production.report.model import BatchReport, CardResult, Verdict, weight
from cardkit.production.report.summary import Summary
from cardkit.production.report.text import visible

_ELEMENTS = {
    Verdict.REJECTED: "failure",
    Verdict.SCRAPPED: "failure",
    Verdict.LOST: "failure",
    Verdict.IN_DOUBT: "error",
    Verdict.NOT_PROVEN: "skipped",
}
"""What a verdict is in JUnit's words; GOOD has no element. A skipped case is not a passed one."""


class JUnit:
    """Collects cases in a spool, because the counts of a suite stand before its cases.

    :param stream: text stream that takes the document at the end.
    """

    def __init__(self, report: BatchReport, stream: TextIO) -> None:
        self._report = report
        self._stream = stream
        self._cases = Spool()
        self._suite = visible(f"{report.profile} {report.profile_version}")

    def add(self, card: CardResult) -> None:
        """Write one test case."""
        name = f"row {card.row} {card.identity}".rstrip()
        head = f"  <testcase name={_value(name)} classname={_value(self._suite)} time={_seconds(card)}"
        element = _ELEMENTS.get(card.verdict)
        if element is None:
            self._cases.write(f"{head}/>\n")
            return
        self._cases.write(f"{head}>\n    {_outcome(element, card)}\n  </testcase>\n")

    def finish(self, summary: Summary) -> None:
        """Write the document: the suite with its counts, then the cases."""
        self._stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        self._stream.write(f"<testsuite {self._suite_attributes(summary)}>\n")
        self._stream.write(f"  <properties>\n{self._properties()}  </properties>\n")
        self._stream.writelines(self._cases.chunks())
        self._stream.write("  <system-out/>\n  <system-err/>\n</testsuite>\n</testsuites>\n")

    def close(self) -> None:
        """Drop the spool."""
        self._cases.close()

    def _suite_attributes(self, summary: Summary) -> str:
        report = self._report
        counts = {kind: sum(summary.verdicts[v] for v, e in _ELEMENTS.items() if e == kind) for kind in _KINDS}
        attributes = {
            "name": report.batch,
            "tests": str(summary.cards),
            "failures": str(counts["failure"]),
            "errors": str(counts["error"]),
            "skipped": str(counts["skipped"]),
            "time": f"{(report.ended - report.started).total_seconds():.3f}",
            "timestamp": report.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": report.station,
            "id": "0",
            "package": self._suite,
        }
        return " ".join(f"{name}={_value(text)}" for name, text in attributes.items())

    def _properties(self) -> str:
        report = self._report
        properties = {
            "kind": report.kind.value,
            "profile.sha256": report.profile_sha256,
            "operator": report.operator,
            "software": report.software,
        }
        return "".join(f"    <property name={_value(n)} value={_value(v)}/>\n" for n, v in properties.items())


_KINDS = ("failure", "error", "skipped")


def _outcome(element: str, card: CardResult) -> str:
    message = _value(f"{card.verdict.value} {card.code}".rstrip())
    if element == "skipped":
        return f"<skipped message={message}/>"
    kind = _value(card.code or card.verdict.value)
    text = "\n".join([*(_finding_text(finding) for finding in card.findings), f"Next: {card.action}"])
    return f"<{element} message={message} type={kind}>{escape(text)}</{element}>"


def _finding_text(finding: Finding) -> str:
    head = f"{finding.rule} {weight(finding)} {finding.where} ({finding.clause}): {finding.decoded}"
    lines = [head, f"  expected {finding.expected}", f"  actual   {finding.actual}"]
    return "\n".join(visible(line) for line in lines)


def _value(text: str) -> str:
    return quoteattr(visible(text))


def _seconds(card: CardResult) -> str:
    return f'"{(card.milliseconds or 0) / 1000:.3f}"'
