"""Reports of a batch or of one card: HTML and PDF for people, JUnit XML for CI, JSON Lines and CSV for programs.

>>> from cardkit.production.report import BatchReport, CardResult, write_report
"""

from __future__ import annotations

from cardkit.production.report.model import BatchReport, CardResult, Kind, Verdict
from cardkit.production.report.write import ReportFiles, print_report, write_report

__all__ = [
    "BatchReport",
    "CardResult",
    "Kind",
    "ReportFiles",
    "Verdict",
    "print_report",
    "write_report",
]
