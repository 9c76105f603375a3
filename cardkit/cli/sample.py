"""``cardkit batch sample`` and ``batch verdict``: which cards are looked at, what was found, and what that proves."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.people import opened
from cardkit.cli.render import facts, print_json, say, table
from cardkit.errors import EncodingError
from cardkit.production.sampling.curve import cards_to_see, honest_sentence, operating_characteristic
from cardkit.production.sampling.draw import SEED_BYTES, Inspection, Sample, draw_sample
from cardkit.production.sampling.plan import AQLS, LEVELS, severity_after
from cardkit.production.sampling.verdict import ACCEPTED, REFUSED, Looked, LotVerdict, enter_verdicts

DEFAULT = "verification of every card stays the default; samples are for destructive, printed or slow checks"
WORTH_SEEING = 0.001


@click.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--aql", type=click.Choice(AQLS), help="Acceptance quality limit in per cent.")
@click.option("--level", type=click.Choice(list(LEVELS)), default="II", show_default=True, help="Inspection level.")
@click.option(
    "--lots-before", default="", metavar="RESULTS",
    help="How the lots before were judged, oldest first, such as AARAR: A accepted, R not.",
)  # fmt: skip
@click.option("--whole", is_flag=True, help="Every good card that no sample found good yet, as a refused lot needs it.")
@click.option("--seed", metavar="HEX", help=f"Of an earlier draw, {2 * SEED_BYTES} digits: draw the same rows again.")
@options.store
@options.as_json
def sample(
    batch_name: str,
    aql: str | None,
    level: str,
    lots_before: str,
    whole: bool,
    seed: str | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Draw a sample from the good cards of BATCH by ISO 2859-1, and say what accepting it proves.

    The store keeps the sample until `batch verdict` says what was found on each of its cards; with more bad ones than
    Ac the batch is refused. The audit keeps the seed and the rows.
    """
    if (aql is None) != whole:
        raise click.UsageError("expected --aql, or --whole without it")
    inspection = None if aql is None else Inspection(level, aql, severity_after(lots_before))
    with opened(store_url, operator) as store:
        done = draw_sample(store, batch_name, inspection, _seed(seed))
    if as_json:
        print_json(_document(done))
        return
    plan = done.plan
    arrow = "" if plan.letter == plan.first_letter else f", by an arrow from {plan.first_letter}"
    tables = [
        ("plan", f"ISO 2859-1, {plan.severity} inspection, level {plan.level}, AQL {plan.aql} %"),
        ("letter", f"{plan.letter}{arrow}"),
    ]
    facts(
        [
            ("lot", f"{plan.lot} good cards of batch {done.batch}"),
            *([("plan", "every card")] if whole else tables),
            ("sample", f"n {len(done.rows)}, Ac {plan.ac}, Re {plan.re}"),
            ("seed", done.seed.hex()),
            ("rows", " ".join(map(str, done.rows))),
        ]
    )
    curve = operating_characteristic(plan)
    if curve:
        click.echo()
        table(["bad cards %", "accepted %"], [(f"{bad:g}", f"{accepted:.1f}") for bad, accepted in curve])
    say(honest_sentence(plan))
    say(f"to see one bad card in 1,000 with 95 % certainty takes {cards_to_see(WORTH_SEEING):,} cards")
    if done.drawn_before:
        say(f"batch {done.batch} was sampled before, {done.drawn_before} times: each sample counts")
    say(DEFAULT)


def _seed(digits: str | None) -> bytes:
    if digits is None:
        return secrets.token_bytes(SEED_BYTES)
    try:
        seed = bytes.fromhex(digits)
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise click.UsageError(f"--seed: expected {2 * SEED_BYTES} hex digits")
    return seed


def _document(done: Sample) -> dict[str, object]:
    plan = done.plan
    return {
        "batch": done.batch,
        "lot": plan.lot,
        "level": plan.level,
        "aql_percent": plan.aql,
        "severity": plan.severity.value,
        "first_letter": plan.first_letter,
        "letter": plan.letter,
        "n": len(done.rows),
        "ac": plan.ac,
        "re": plan.re,
        "whole_lot": plan.whole,
        "seed": done.seed.hex(),
        "rows": list(done.rows),
        "drawn_before": done.drawn_before,
        "accepted_percent": {f"{bad:g}": round(accepted, 1) for bad, accepted in operating_characteristic(plan)},
        "says": honest_sentence(plan),
    }


@click.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--good", default="", metavar="ROWS", help="Rows whose cards are good: 3,8,20-45.")
@click.option("--bad", multiple=True, metavar="ROW=CODE", help="A row whose card is bad, and what is; several times.")
@click.option("--spent", default="", metavar="ROWS", help="Of these rows, whose cards the check destroyed.")
@click.option(
    "--results", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="FILE",
    help="CSV with the columns row, verdict (GOOD or BAD), finding and spent (yes or empty).",
)  # fmt: skip
@options.store
@options.as_json
def verdict(
    batch_name: str,
    good: str,
    bad: tuple[str, ...],
    spent: str,
    results: Path | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> int:
    """Enter what was found on cards of BATCH's samples; the lot is judged with the last of them, or the first too many.

    A card that is bad, or that its check destroyed, has to be recalled and scrapped: it does not count as good.
    """
    looked = [*_told(good, bad, spent), *(_read(results) if results else ())]
    if not looked:
        raise click.UsageError("expected --good, --bad or --results")
    with opened(store_url, operator) as store:
        found = enter_verdicts(store, batch_name, looked)
    if as_json:
        print_json([sample_row(each) for each in found])
    else:
        facts([("sample", each.says) for each in found])
    refused = any(each.state == REFUSED for each in found)
    if refused and found[-1].state != ACCEPTED:
        say(f"batch {batch_name}: refused; it closes when every card was looked at (`batch sample --whole`)")
    return 1 if refused else 0


def _told(good: str, bad: Sequence[str], spent: str) -> Iterator[Looked]:
    destroyed = set(_rows(spent, "--spent"))
    findings = dict(_finding(text) for text in bad)
    rows = [*_rows(good, "--good"), *findings]
    if unsaid := destroyed - set(rows):
        raise click.UsageError(f"--spent: row {min(unsaid)} is neither in --good nor in --bad")
    for row in rows:
        yield Looked(row, findings.get(row), spent=row in destroyed)


def _finding(text: str) -> tuple[int, str]:
    row, mark, code = text.partition("=")
    if not mark or not row.isdecimal():
        raise click.UsageError(f"--bad: expected ROW=CODE, such as 17=PRINT, got {text!r}")
    return int(row), code


def _rows(text: str, option: str) -> Iterator[int]:
    """Yield rows written as numbers and ranges."""
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise click.UsageError(f"{option}: expected rows such as 3,8,20-45, got {part!r}")
        yield from range(int(first), int(last or first) + 1)


def _read(path: Path) -> Iterator[Looked]:
    with path.open("r", encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream, strict=True)
        if lines.fieldnames != ["row", "verdict", "finding", "spent"]:
            raise EncodingError(f"{path}: expected the columns row,verdict,finding,spent, got {lines.fieldnames}")
        for line in lines:
            yield _line(f"{path}: line {lines.line_num}", line)


def _line(where: str, line: dict[str, str | None]) -> Looked:
    row, said, finding, spent = (line.get(name) or "" for name in ("row", "verdict", "finding", "spent"))
    if (
        not row.isdecimal()
        or said not in ("GOOD", "BAD")
        or spent not in ("", "yes")
        or (said == "BAD") != bool(finding)
    ):
        raise EncodingError(f"{where}: expected a row, GOOD or BAD, a finding for BAD alone, and yes or nothing")
    return Looked(int(row), finding or None, spent=spent == "yes")


def sample_row(found: LotVerdict) -> dict[str, object]:
    """Return what ``--json`` prints of a sample as it stands."""
    return {
        "state": found.state,
        "whole_lot": found.plan.whole,
        "lot": found.plan.lot,
        "level": found.plan.level,
        "aql_percent": found.plan.aql,
        "severity": found.plan.severity.value,
        "n": found.plan.n,
        "ac": found.plan.ac,
        "seed": found.seed.hex(),
        "judged": found.judged,
        "bad": found.bad,
        "spent": found.spent,
        "findings": dict(found.findings),
        "says": found.says,
    }
