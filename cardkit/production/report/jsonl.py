"""``results.jsonl``: one object per card, the same keys in the same order in every line."""

from __future__ import annotations

import json
from typing import Any, TextIO

from cardkit.production.report.model import BatchReport, CardResult
from cardkit.production.report.summary import Summary


class JsonLines:
    """Writes each card as it comes.

    :param stream: text stream that takes the lines, ASCII only: a terminal shows no card's escape codes.
    """

    def __init__(self, report: BatchReport, stream: TextIO) -> None:
        self._batch = report.batch
        self._kind = report.kind.value
        self._stream = stream

    def add(self, card: CardResult) -> None:
        """Write one line."""
        self._stream.write(json.dumps(self._line(card), separators=(",", ":")) + "\n")

    def finish(self, summary: Summary) -> None:
        """Nothing follows the last card."""

    def close(self) -> None:
        """Nothing is kept."""

    def _line(self, card: CardResult) -> dict[str, Any]:
        return {
            "batch": self._batch,
            "kind": self._kind,
            "row": card.row,
            "chip": card.chip,
            "identity": card.identity,
            "verdict": card.verdict.value,
            "code": card.code,
            "class": card.reject_class,
            "coupler": card.coupler,
            "sample": card.sample,
            "apdus": card.apdus,
            "apply_ms": card.apply_ms,
            "verify_ms": card.verify_ms,
            "action": card.action,
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": finding.severity.value,
                    "clause": finding.clause,
                    "where": finding.where,
                    "expected": finding.expected,
                    "actual": finding.actual,
                    "decoded": finding.decoded,
                }
                for finding in card.findings
            ],
        }
