"""``cardkit station serve`` and ``handler``: both ends of the line to what moves the cards."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import click

from cardkit.cli import options
from cardkit.cli.render import facts, say
from cardkit.production.station.framing import adapter_named
from cardkit.production.station.mechanics import BINS, Kind, Trouble
from cardkit.production.station.server import Address, Certificates
from cardkit.production.station.serving import LineTerms
from cardkit.production.station.simulator import HandlerTerms, run_handler

DEFAULT = "127.0.0.1:7816"
NORMAL_ENDS = ("END", None)


class Fault(click.ParamType[Trouble]):
    """One thing that goes wrong: ``lose@7``."""

    name = "fault"
    _form = re.compile(r"([a-z-]+)@([1-9]\d{0,8})")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Trouble:
        """Return the fault that a text names."""
        found = self._form.fullmatch(str(value))
        if found is None or found[1] not in list(Kind):
            self.fail(f"got {value!r}, expected KIND@N, KIND one of {', '.join(Kind)}", param, ctx)
        return Trouble(Kind(found[1]), int(found[2]))


class Bin(click.ParamType[tuple[str, int]]):
    """The handler's number of a bin: ``GOOD=1``."""

    name = "bin"
    _form = re.compile(r"([A-Z_]{1,32})=(\d{1,9})")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return name and number."""
        found = self._form.fullmatch(str(value))
        if found is None:
            self.fail(f"got {value!r}, expected NAME=NUMBER, as GOOD=1", param, ctx)
        return found[1], int(found[2])


def tls_options(command: options.Command) -> options.Command:
    """Add ``--tcp``, ``--cert``, ``--key`` and ``--client-ca``."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--client-ca", "authority", type=file, metavar="PEM", help="TLS: who signed the other side's."),
        click.option("--key", type=file, metavar="PEM", help="TLS: the key of our certificate."),
        click.option("--cert", type=file, metavar="PEM", help="TLS: our certificate; needed beyond loopback."),
        click.option(
            "--tcp", default=DEFAULT, show_default=True, metavar="HOST:PORT", help="Where the handler connects."
        ),
    ):
        command = option(command)
    return command


def tls_context(
    cert: Path | None, key: Path | None, authority: Path | None, side: ssl.Purpose
) -> ssl.SSLContext | None:
    """Return the terms of TLS; None where no file is named."""
    if cert is None and key is None and authority is None:
        return None
    if cert is None or key is None or authority is None:
        raise click.UsageError("--cert, --key and --client-ca belong together")
    return Certificates(cert, key, authority).context(side)


def line_options(command: options.Command) -> options.Command:
    """Add the options of the station's end."""
    for option in (
        tls_options,
        click.option(
            "--bin", "bins", type=Bin(), multiple=True, metavar="NAME=N",
            help="The handler's number of GOOD, REJECT or HOLD; 1, 2 and 3 if absent.",
        ),
        click.option("--adapter", metavar="NAME", help="Installed translator of a controller's own protocol."),
    ):  # fmt: skip
        command = option(command)
    return command


def line_terms(
    tcp: str, bins: tuple[tuple[str, int], ...], adapter: str | None, tls: ssl.SSLContext | None
) -> LineTerms:
    """Return the terms of the station's end."""
    return LineTerms(Address.of(tcp), tls, {**BINS, **dict(bins)}, adapter_named(adapter))


@click.command()
@tls_options
@click.option("--couplers", type=click.IntRange(1, 64), default=1, show_default=True, help="Slots; as the station has.")
@click.option("--cards", type=click.IntRange(1, 9_999_999), default=50, show_default=True, help="In the feeder.")
@click.option("--fault", type=Fault(), metavar="KIND@N", help=f"Go wrong once: {', '.join(Kind)}.")
def handler(
    tcp: str,
    cert: Path | None,
    key: Path | None,
    authority: Path | None,
    couplers: int,
    cards: int,
    fault: Trouble | None,
) -> int:
    """Simulate a handler, to try a station whose readers are virtual: it feeds cards and brings them to their bins.

    Faults of the line happen at the N-th message, those of the cards at the N-th card. Exit code 1 when the station
    stopped before its work was done.
    """
    tls = tls_context(cert, key, authority, ssl.Purpose.SERVER_AUTH)
    done = run_handler(HandlerTerms(Address.of(tcp), couplers, cards, fault, tls))
    facts(
        [
            ("fed", f"{done.fed} cards"),
            ("bins", ", ".join(f"{name} {count}" for name, count in sorted(done.bins.items())) or "empty"),
            ("links", done.links),
            ("refused", ", ".join(f"{count} {code}" for code, count in done.refusals.items()) or "nothing"),
        ]
    )
    if done.stopped not in NORMAL_ENDS:
        say(f"the station stopped: {done.stopped}")
        return 1
    return 0
