"""``report.pdf``: the report to print and to sign by hand; needs reportlab (``pip install 'cardkit[pdf]'``).

The figures of the batch, then every card that is not good with its findings. Good cards are counted, not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table

from cardkit.production.report.figures import clock, duration, known, number, percent, seconds
from cardkit.production.report.model import BatchReport, CardResult, Kind, Verdict, weight
from cardkit.production.report.summary import CouplerRow, ParetoRow, Summary, TimeBar
from cardkit.production.report.text import MAX_SHOWN, visible

MOST_CARDS = 200
"""So many cards that are not good are shown; a batch that fails as a whole would fill a book."""

_MARGIN = 42.0
_PAGE_WIDTH, _PAGE_HEIGHT = A4  # in points
_WIDTH = _PAGE_WIDTH - 2 * _MARGIN
_BAR = 90.0
_INK, _SOFT, _LINE, _BAD, _OPEN = "#191d23", "#5b6470", "#d5d9e0", "#bd2432", "#4a5fc1"


class PdfPages:
    """Collects the cards that are not good, because the summary stands before them.

    :param stream: takes the document at the end.
    """

    def __init__(self, report: BatchReport, stream: BinaryIO) -> None:
        self._report = report
        self._stream = stream
        self._cards: list[CardResult] = []
        self._left_out = 0

    def add(self, card: CardResult) -> None:
        """Keep a card that has something to say."""
        if card.verdict is Verdict.GOOD and not card.findings:
            return
        if len(self._cards) < MOST_CARDS:
            self._cards.append(card)
        else:
            self._left_out += 1

    def finish(self, summary: Summary) -> None:
        """Write the document."""

        report = self._report
        margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
        title = f"{_plain(report.batch)}, personalization report"
        pages = SimpleDocTemplate(self._stream, pagesize=A4, title=title, author="cardkit", invariant=1, **margins)
        frame = partial(_frame, report)
        story = [*_head(report, summary), *_figures(report, summary), *self._attention()]
        pages.build(story, onFirstPage=frame, onLaterPages=frame)

    def _attention(self) -> Iterator[Flowable]:
        if not self._cards:
            return
        yield _text("Cards that need attention, and every finding", "heading")
        for card in self._cards:
            yield from _card(card)
        if self._left_out:
            yield _text(f"{number(self._left_out)} more are in report.html and results.jsonl.", "soft")


def _frame(report: BatchReport, canvas: Any, pages: Any) -> None:
    """Draw what stands on each page: the watermark of a TEST batch, and which page of what it is."""
    canvas.saveState()
    if report.kind is Kind.TEST:
        canvas.setFillGray(0.94)
        canvas.setFont("Helvetica-Bold", 150)
        canvas.translate(_PAGE_WIDTH / 2, _PAGE_HEIGHT / 2)
        canvas.rotate(45)
        canvas.drawCentredString(0, -50, "TEST")
        canvas.rotate(-45)
        canvas.translate(-_PAGE_WIDTH / 2, -_PAGE_HEIGHT / 2)
    canvas.setFillColor(_SOFT)
    canvas.setFont("Helvetica", 7.5)
    kind = "TEST batch: test keys and test data, not for delivery" if report.kind is Kind.TEST else report.kind.value
    canvas.drawString(_MARGIN, 24, f"{_plain(report.batch)}   {kind}")
    canvas.drawRightString(_MARGIN + _WIDTH, 24, f"page {pages.page}")
    canvas.restoreState()


def _head(report: BatchReport, summary: Summary) -> Iterator[Flowable]:
    others = summary.cards - summary.good
    yield _text("Personalization report", "soft")
    yield _text(report.batch, "title")
    yield _text(f"{number(summary.good)} of {number(summary.cards)} cards are good; {number(others)} others.", "says")
    yield _table(
        None,
        [
            ("Profile", f"{report.profile} version {report.profile_version}"),
            ("Profile SHA-256", report.profile_sha256),
            ("Station and operator", f"{report.station}, {report.operator}"),
            ("Software", report.software),
            ("Made", f"{clock(report.started)} to {clock(report.ended)}"),
        ],
        (110, _WIDTH - 110),
    )


def _figures(report: BatchReport, summary: Summary) -> Iterator[Flowable]:
    running_s = (report.ended - report.started).total_seconds()
    per_hour = number(int(summary.good * 3600 / running_s)) if running_s > 0 else known(None)
    yield _text("Figures", "heading")
    yield _table(
        None,
        [
            *((_title(verdict.value), number(summary.verdicts[verdict])) for verdict in Verdict),
            ("Yield, good / (good + rejected)", f"{percent(summary.yield_rate)} %"),
            ("Good cards per hour", f"{per_hour} in {duration(running_s)}"),
            ("Card time, median, p95, p99", ", ".join(seconds(summary.percentile_seconds(p)) for p in (50, 95, 99))),
        ],
        (200, _WIDTH - 200),
    )
    if report.equations or report.totals:
        yield _text("Reconciliation", "heading")
        yield from (_text(equation) for equation in report.equations)
        yield _table(None, [(_title(name), number(n)) for name, n in report.totals.items()], (200, _WIDTH - 200))
    if report.samples:
        yield _text("Samples (ISO 2859-1)", "heading")
        yield from (_text(sentence) for sentence in report.samples)
    if report.keys:
        yield _text("Keys", "heading")
        yield from (_text(sentence) for sentence in report.keys)
    yield from _charts(summary)


def _charts(summary: Summary) -> Iterator[Flowable]:
    yield from _pareto("Why cards were not good", "Code", summary.reject_pareto())
    yield from _pareto("Where cards were not good", "Coupler", summary.place_pareto())
    yield from _couplers(summary.couplers())
    yield from _times(summary.card_times())


def _pareto(title: str, name: str, rows: Sequence[ParetoRow]) -> Iterator[Flowable]:
    if not rows:
        return
    lines = [
        (*row.name, number(row.count), _bar(row.share / rows[0].share, _BAD), f"{percent(row.cumulative)} %")
        for row in rows
    ]
    yield _text(title, "heading")
    yield _table((name, "Class", "Cards", "", "Cumulative"), lines, (150, 110, 60, _BAR + 12, 70))


def _couplers(rows: Sequence[CouplerRow]) -> Iterator[Flowable]:
    if not rows:
        return
    lines = [
        (
            row.name,
            *(number(count) for count in (row.cards, row.good, row.rejected)),
            *(f"{percent(rate)} %" for rate in (row.reject_rate, row.upper_limit)),
            seconds(row.mean_seconds),
        )
        for row in rows
    ]
    names = ("Coupler", "Cards", "Good", "Rejected", "Reject rate", "Limit", "Mean time")
    yield _text("Couplers", "heading")
    yield _table(names, lines, (140, 60, 60, 60, 65, 55, 65))


def _times(bars: Sequence[TimeBar]) -> Iterator[Flowable]:
    if not bars:
        return
    longest = max(bar.share for bar in bars)
    lines = [
        (
            *(f"{number(limit)} ms" for limit in (bar.from_ms, bar.to_ms)),
            number(bar.count),
            _bar(bar.share / longest, _OPEN),
            f"{percent(bar.share)} %",
        )
        for bar in bars
    ]
    yield _text("Card time, apply and verify", "heading")
    yield _table(("From", "To", "Cards", "", "Share"), lines, (90, 90, 60, _BAR + 12, 70))


def _card(card: CardResult) -> Iterator[Flowable]:
    sample = f", sample {card.sample.lower()}" if card.sample else ""
    code = " ".join(filter(None, (card.code, card.reject_class and f"({card.reject_class})")))
    names = f"Row {card.row}  {card.identity}  chip {card.chip}"
    yield _text(f"{names}  {_title(card.verdict.value)} {code}  {card.coupler}{sample}", "card")
    yield _text(card.action, "soft")
    for finding in card.worst_first:
        yield _text(f"{weight(finding)}: {finding.rule}  {finding.where}  {finding.clause}", "finding")
        if finding.decoded:
            yield _text(finding.decoded, "detail")
        if finding.expected or finding.actual:
            yield _text(f"expected {finding.expected or 'nothing'}", "value")
            yield _text(f"on the card {finding.actual or 'nothing'}", "value")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(text: str) -> str:
    """Spell out what the fonts of every PDF reader do not have, and cut what would fill pages."""
    shown = visible(text)
    cut = f"{shown[:MAX_SHOWN]} (+{len(shown) - MAX_SHOWN} characters)" if len(shown) > MAX_SHOWN else shown
    return cut.replace("\N{EN DASH}", "-").encode("latin-1", "backslashreplace").decode("latin-1")


_SIZES = {
    "title": (18, "Helvetica-Bold", _INK, 0.0),
    "says": (11, "Helvetica", _INK, 0.0),
    "heading": (11.5, "Helvetica-Bold", _INK, 0.0),
    "body": (8.5, "Helvetica", _INK, 0.0),
    "soft": (8, "Helvetica", _SOFT, 0.0),
    "card": (8.5, "Helvetica-Bold", _INK, 0.0),
    "finding": (8, "Helvetica-Bold", _BAD, 12.0),
    "detail": (8, "Helvetica", _INK, 12.0),
    "value": (7.5, "Courier", _INK, 12.0),
}
_BEFORE = {"heading": 14.0, "card": 7.0, "finding": 2.0}


def _text(text: str, kind: str = "body") -> Flowable:

    size, font, color, indent = _SIZES[kind]
    style = ParagraphStyle(
        kind, fontName=font, fontSize=size, leading=size * 1.35, textColor=color, leftIndent=indent,
        spaceBefore=_BEFORE.get(kind, 0.0), spaceAfter=2, wordWrap="CJK", keepWithNext=kind in ("heading", "card"),
    )  # fmt: skip
    return Paragraph(escape(_plain(text)), style)


def _table(names: Sequence[str] | None, rows: Iterable[Sequence[Any]], widths: Sequence[float]) -> Flowable:

    cells = [[_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    head = [[_text(name, "soft") for name in names]] if names else []
    table = Table(head + cells, colWidths=widths, hAlign="LEFT", repeatRows=len(head))
    lines = [("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    table.setStyle([*lines, ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5)])
    return table


def _bar(share: float, color: str) -> Flowable:

    bar = Drawing(_BAR, 7)
    bar.add(Rect(0, 0, max(1.5, _BAR * share) if share else 0, 7, fillColor=HexColor(color), strokeColor=None))
    return bar
