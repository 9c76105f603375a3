"""``cardkit station``: a shift at the machine that makes the cards."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from cardkit import production
from cardkit.cli import options
from cardkit.cli.app import EXIT_INTERRUPTED
from cardkit.cli.batch import exit_code, reader_code, run_terms
from cardkit.cli.keys_option import named_keys, profile_keys
from cardkit.cli.people import opened
from cardkit.cli.progress import BatchProgress
from cardkit.cli.render import facts, on_terminal, print_json_line, say
from cardkit.cli.station_line import handler, line_options, line_terms, tls_context
from cardkit.production import events
from cardkit.production.action import next_action
from cardkit.production.report.atomic import replacing
from cardkit.production.run import couplers_of
from cardkit.production.station.metrics import Metrics, served
from cardkit.production.station.selftest import Trial
from cardkit.production.station.server import Address
from cardkit.production.station.serving import Listening, serve_shift
from cardkit.production.station.sheet import sheet, sheet_lines
from cardkit.production.station.shift import INTERRUPT, Shift, run_shift


@click.group()
def station() -> None:
    """Run a station: people feed its readers, or a handler does."""


station.add_command(handler)


class ShiftTalk:
    """Tells of a shift while it runs: a bar or plain lines on stderr, and JSON Lines on stdout where asked for.

    :param progress: shows the cards.  :param metrics: counts them.
    :param lines: whether each event is printed as JSON.
    """

    def __init__(self, progress: BatchProgress, metrics: Metrics, *, lines: bool) -> None:
        self.progress = progress
        self._metrics = metrics
        self._lines = lines

    def __call__(self, event: events.Event | Trial | Listening) -> None:
        """Take one event."""
        if self._lines:
            print_json_line(line_of(event))
        match event:
            case Trial(name, _, seen):
                self._talk(f"self-test: {name}: {seen}")
            case Listening(address):
                self._talk(f"handler: {address}")
            case _:
                self._metrics(event)
                self.progress(event)

    def _talk(self, text: str) -> None:
        if not self._lines:
            say(text)


def line_of(event: events.Event | Trial | Listening) -> dict[str, Any]:
    """Return one line of JSON Lines: what happened, and of a card what the operator does next."""
    values: dict[str, Any] = msgspec.to_builtins(event)
    if isinstance(event, events.CardDone):
        values["next_action"] = next_action(event.verdict, event.code, event.reject_class)
    return {"event": type(event).__name__, **values}


def shift_options(command: options.Command) -> options.Command:
    """Add the options of a station's verbs."""
    for option in (
        options.report,
        options.seed,
        options.store,
        profile_keys,
        click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal."),
        click.option(
            "--deadline", type=click.FloatRange(min=0.1), default=5.0, show_default=True,
            help="Seconds a card may take per APDU.",
        ),
        click.option(
            "--metrics", metavar="HOST:PORT",
            help="Serve figures as Prometheus text at http://HOST:PORT/metrics, to this machine alone.",
        ),
        options.readers,
        click.option("--station", "name", required=True, metavar="NAME", help="Name of this station."),
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ShiftTerms:
    """What the verbs of a station have in common."""

    name: str
    readers: tuple[str, ...]
    metrics: str | None
    deadline: float
    seed: int | None
    report_dir: Path | None
    as_json: bool
    keys_url: str
    descriptor: int | None
    store_url: str
    operator: str

    @property
    def lines(self) -> bool:
        """Whether stdout is JSON Lines."""
        return self.as_json or not on_terminal()


@contextmanager
def at_work(terms: ShiftTerms) -> Iterator[tuple[production.Store, production.RunOptions, ShiftTalk]]:
    """Open store and keys for a shift, and what tells of it."""
    metrics = Metrics(terms.name, len(couplers_of(terms.readers)))
    with (
        opened(terms.store_url, terms.operator) as store,
        named_keys(terms.keys_url, terms.descriptor) as keys,
        BatchProgress() as progress,
        nullcontext() if terms.metrics is None else served(Address.of(terms.metrics), metrics),
    ):
        chosen = replace(run_terms(terms.name, terms.seed, terms.deadline), keys=keys)
        yield store, chosen, ShiftTalk(progress, metrics, lines=terms.lines)


@station.command()
@click.argument("batch_name", metavar="[BATCH]", required=False)
@shift_options
def run(batch_name: str | None, **given: Any) -> int:
    """Make the cards of BATCH, or of every open batch, oldest first: self-test, cards, shift end sheet.

    Each reader is a coupler of its own, 1 to 64; one that fails leaves the others at work. On a terminal there is a
    bar; elsewhere stdout is JSON Lines, where each card's line names the operator's next action.
    """
    terms = ShiftTerms(**given)
    with at_work(terms) as (store, chosen, talk):
        shift = run_shift(store, terms.readers, batch_name, reporter=talk, options=chosen)
    return conclude(shift, talk.progress, terms.report_dir, lines=terms.lines)


@station.command()
@click.argument("batch_name", metavar="[BATCH]", required=False)
@line_options
@shift_options
def serve(
    batch_name: str | None,
    tcp: str,
    cert: Path | None,
    key: Path | None,
    authority: Path | None,
    bins: tuple[tuple[str, int], ...],
    adapter: str | None,
    **given: Any,
) -> int:
    """Make cards as `run` does, where a handler brings them: slot n of the handler is the n-th reader.

    The handler connects to HOST:PORT and speaks one JSON object a line. A card that is not where it was to go stops
    the station. A reader in which no card is found within 10 s of GO has its card seated again once, then rejected
    (NO_CARD). Beyond loopback both sides show certificates.
    """
    terms = ShiftTerms(**given)
    line = line_terms(tcp, bins, adapter, tls_context(cert, key, authority, ssl.Purpose.CLIENT_AUTH))
    with at_work(terms) as (store, chosen, talk):
        ended = serve_shift(store, terms.readers, line, batch_name, reporter=talk, options=chosen)
    if ended.uncleared:
        where = ", ".join(f"{slot} ({place})" for slot, place in ended.uncleared.items())
        say(f"slots that still hold a card: {where}")
    code = conclude(ended.shift, talk.progress, terms.report_dir, lines=terms.lines)
    return code or (1 if ended.uncleared else 0)


def conclude(shift: Shift, progress: BatchProgress, report_dir: Path | None, *, lines: bool) -> int:
    """Show the sheet, write it where it is wanted, and choose the exit code: that of the worst batch."""
    if lines:
        print_json_line({"event": "Shift", **sheet(shift)})
    else:
        facts(sheet_lines(shift))
    if report_dir is not None:
        write_sheet(shift, report_dir)
    if not shift.runs:
        say("no batch is open with cards to make")
    if any(run.stopped is not None and run.stopped.rule == INTERRUPT for run in shift.runs):
        torn = sum(run.counts["BOUND"] for run in shift.runs)
        say("interrupted: the same command goes on where this shift ended")
        if torn:
            say(f"{torn} cards were torn from their work: keep them apart, they are in doubt from the next start on")
        return EXIT_INTERRUPTED
    return max((exit_code(run) or reader_code(run, progress) for run in shift.runs), default=0)


def write_sheet(shift: Shift, folder: Path) -> None:
    """Write ``shift.json`` and ``shift.txt``.

    :raises StoreError: where they cannot be written.
    """
    lines = list(sheet_lines(shift))
    width = max(len(name) for name, _ in lines)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "shift.json") as file:
        file.write(msgspec.json.format(msgspec.json.encode(sheet(shift)), indent=2).decode() + "\n")
    with replacing(folder / "shift.txt") as file:
        file.writelines(f"{name.ljust(width)}  {value}\n" for name, value in lines)
    say(f"sheet: {folder / 'shift.txt'}")
