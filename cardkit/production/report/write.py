"""All files of a report in one pass over the cards."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from cardkit.errors import StoreError
from cardkit.production.report.atomic import replacing, replacing_bytes
from cardkit.production.report.html import HtmlPage
from cardkit.production.report.jsonl import JsonLines
from cardkit.production.report.junit import JUnit
from cardkit.production.report.model import BatchReport
from cardkit.production.report.summary import Summary
from cardkit.production.report.table import Table


class ReportFiles(NamedTuple):
    """Where the files are."""

    html: Path
    junit: Path
    jsonl: Path
    csv: Path


def write_report(report: BatchReport, directory: Path) -> ReportFiles:
    """Write ``report.html``, ``junit.xml``, ``results.jsonl`` and ``results.csv``, each whole or not at all.

    The cards are read once and not kept. If reading them fails, no file is written and none is replaced.

    :param directory: made if it is not there.
    :raises StoreError: if a file cannot be written.
    """
    _make(directory)
    paths = ReportFiles(*(directory / name for name in ("report.html", "junit.xml", "results.jsonl", "results.csv")))
    summary = Summary()
    with ExitStack() as files:
        renderers = (
            HtmlPage(report, files.enter_context(replacing(paths.html))),
            JUnit(report, files.enter_context(replacing(paths.junit))),
            JsonLines(report, files.enter_context(replacing(paths.jsonl))),
            Table(report, files.enter_context(replacing(paths.csv))),
        )
        for renderer in renderers:
            files.callback(renderer.close)
        for card in report.cards:
            summary.add(card)
            for renderer in renderers:
                renderer.add(card)
        for renderer in renderers:
            renderer.finish(summary)
    return paths


def print_report(report: BatchReport, directory: Path) -> Path | None:
    """Write ``report.pdf``, whole or not at all; None where the library that writes it is not installed.

    :param directory: made if it is not there.
    :raises StoreError: if the file cannot be written.
    """
    if find_spec("reportlab") is None:
        return None
    from cardkit.production.report.pdf import PdfPages  # noqa: PLC0415  (an extra: cardkit[pdf])

    _make(directory)
    path = directory / "report.pdf"
    summary = Summary()
    with replacing_bytes(path) as stream:
        pages = PdfPages(report, stream)
        for card in report.cards:
            summary.add(card)
            pages.add(card)
        pages.finish(summary)
    return path


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be made, {error.strerror or error}") from error
