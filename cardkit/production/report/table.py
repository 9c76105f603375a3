"""``results.csv``: one line a card for a spreadsheet, findings by the names of their rules."""

from __future__ import annotations

import csv
from typing import TextIO

from cardkit.production.report.model import BatchReport, CardResult
from cardkit.production.report.summary import Summary
from cardkit.production.report.text import visible

COLUMNS = (
    "batch", "kind", "row", "chip", "identity", "verdict", "code", "class", "coupler", "sample", "apdus", "apply_ms",
    "verify_ms", "rules", "action",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@")


class Table:
    """Writes each card as it comes.

    :param stream: text stream that takes the lines, ended by LF.
    """

    def __init__(self, report: BatchReport, stream: TextIO) -> None:
        self._head = (_cell(report.batch), report.kind.value)
        self._lines = csv.writer(stream, lineterminator="\n")
        self._lines.writerow(COLUMNS)

    def add(self, card: CardResult) -> None:
        """Write one line."""
        rules = " ".join(dict.fromkeys(finding.rule for finding in card.worst_first))
        names = (card.chip, card.identity, card.verdict.value, card.code, card.reject_class, card.coupler, card.sample)
        texts = (*(_cell(text) for text in names), card.apdus, card.apply_ms, card.verify_ms)
        self._lines.writerow((*self._head, card.row, *texts, _cell(rules), card.action))

    def finish(self, summary: Summary) -> None:
        """Nothing follows the last card."""

    def close(self) -> None:
        """Nothing is kept."""


def _cell(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula: an apostrophe goes before it."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
