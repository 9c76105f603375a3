"""``cardkit batch sample``: which cards of a finished batch are looked at, and what that proves."""

from __future__ import annotations

import secrets

import click

from cardkit.cli import options
from cardkit.cli.people import opened
from cardkit.cli.render import facts, print_json, say, table
from cardkit.production.sampling.curve import cards_to_see, honest_sentence, operating_characteristic
from cardkit.production.sampling.draw import SEED_BYTES, Inspection, Sample, draw_sample
from cardkit.production.sampling.plan import AQLS, LEVELS, severity_after

DEFAULT = "verification of every card stays the default; samples are for destructive, printed or slow checks"
WORTH_SEEING = 0.001


@click.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--aql", required=True, type=click.Choice(AQLS), help="Acceptance quality limit in per cent.")
@click.option("--level", type=click.Choice(list(LEVELS)), default="II", show_default=True, help="Inspection level.")
@click.option(
    "--lots-before", default="", metavar="RESULTS",
    help="How the lots before were judged, oldest first, such as AARAR: A accepted, R not.",
)  # fmt: skip
@click.option("--seed", metavar="HEX", help=f"Of an earlier draw, {2 * SEED_BYTES} digits: draw the same rows again.")
@options.store
@options.as_json
def sample(
    batch_name: str,
    aql: str,
    level: str,
    lots_before: str,
    seed: str | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Draw a sample from the good cards of BATCH by ISO 2859-1, and say what accepting it proves.

    The audit keeps the seed and the rows. With more bad cards than Ac the batch is refused.
    """
    inspection = Inspection(level, aql, severity_after(lots_before))
    with opened(store_url, operator) as store:
        done = draw_sample(store, batch_name, inspection, _seed(seed))
    if as_json:
        print_json(_document(done))
        return
    plan = done.plan
    arrow = "" if plan.letter == plan.first_letter else f", by an arrow from {plan.first_letter}"
    facts(
        [
            ("lot", f"{plan.lot} good cards of batch {done.batch}"),
            ("plan", f"ISO 2859-1, {plan.severity} inspection, level {plan.level}, AQL {plan.aql} %"),
            ("letter", f"{plan.letter}{arrow}"),
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
        say(f"batch {done.batch} was sampled before, {done.drawn_before} times: the first sample counts")
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
