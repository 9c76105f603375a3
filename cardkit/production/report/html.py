"""``report.html``: one file, no outside link, no script, that opens at once however many cards it shows.

Cards are written into blocks that a browser skips while they are off screen (``content-visibility: auto``); cards that
are not good come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from cardkit.production.report.atomic import Spool
from cardkit.production.report.figures import clock, duration, known, number, percent, seconds
from cardkit.production.report.model import BatchReport, CardResult, Verdict, weight
from cardkit.production.report.summary import Summary
from cardkit.production.report.text import compare, visible

BLOCK_ROWS = 100
"""Cards per block: large enough to keep the number of blocks small, small enough to lay out in a frame."""

DETAILED_CARDS = 1_000
"""So many cards with findings show all of each; of those after them the page names the worst, or a batch that fails
as a whole would take seconds to open."""

_OPEN_CARDS = 3


class HtmlPage:
    """Collects the cards in two spools, because the summary stands above them.

    :param stream: text stream that takes the page at the end.
    """

    def __init__(self, report: BatchReport, stream: TextIO) -> None:
        self._report = report
        self._stream = stream
        environment = _environment()
        self._page = environment.get_template("report.html")
        card = environment.get_template("card.html")
        self._attention = _CardList(card, "full", open_cards=_OPEN_CARDS)
        self._good = _CardList(card, "brief", open_cards=0)

    def add(self, card: CardResult) -> None:
        """Render one card."""
        cards = self._good if card.verdict is Verdict.GOOD else self._attention
        cards.add(card)

    def finish(self, summary: Summary) -> None:
        """Write the page: summary, cards that need attention, good cards."""
        values = {"report": self._report, "summary": summary, "Verdict": Verdict, "detailed_cards": DETAILED_CARDS}
        lists = {"attention": self._attention, "good": self._good}
        for piece in self._page.generate(**values, **lists):
            self._stream.write(piece)

    def close(self) -> None:
        """Drop the spools."""
        self._attention.close()
        self._good.close()


class _CardList:
    """Rendered cards in blocks, kept out of memory.

    :param style: ``full``, or ``brief``: without verdict and code.  :param open_cards: the first show their findings.
    """

    def __init__(self, template: Template, style: str, *, open_cards: int) -> None:
        self._template = template
        self.style = style
        self._open_cards = open_cards
        self._spool = Spool()
        self._explained = 0
        self.count = 0

    def add(self, card: CardResult) -> None:
        if self.count % BLOCK_ROWS == 0:
            self._spool.write("</table></div>\n" if self.count else "")
            self._spool.write('<div class="block"><table class="cards">\n')
        self.count += 1
        self._explained += bool(card.findings)
        shown = {"detailed": self._explained <= DETAILED_CARDS, "open": self.count <= self._open_cards}
        self._spool.write(self._template.render(card=card, brief=self.style == "brief", **shown))

    @property
    def shortened(self) -> bool:
        """Whether the findings of some cards are only named."""
        return self._explained > DETAILED_CARDS

    def chunks(self) -> Iterator[Markup]:
        """Give back the rendered blocks, piece by piece."""
        for chunk in self._spool.chunks():
            yield Markup(chunk)  # noqa: S704  # rendered by an escaping template above
        yield Markup("</table></div>\n")

    def close(self) -> None:
        self._spool.close()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cardkit.production.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters.update(
        percent=percent, number=number, known=known, clock=clock, duration=duration, seconds=seconds
    )
    environment.globals.update(compare=compare, weight=weight)
    return environment
