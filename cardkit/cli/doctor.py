"""``cardkit doctor``: what works on this station, what is missing, and how to get it."""

from __future__ import annotations

import click

from cardkit import doctor as checks
from cardkit.cli import options
from cardkit.cli.render import print_json, table

EXIT_NOT_READY = 3


@click.command()
@click.option("--reader", metavar="R", help="Also test this reader with a few harmless commands.")
@options.as_json
def doctor(reader: str | None, as_json: bool) -> int:
    """Check libraries, the PC/SC service, readers and the virtual stack. Reads only; sends nothing without --reader."""
    found = checks.run(reader)
    if as_json:
        print_json(
            [
                {"id": item.id, "verdict": item.verdict, "evidence": item.evidence, "remedy": item.remedy}
                for item in found
            ]
        )
    else:
        table(
            ["check", "verdict", "what was seen", "remedy"],
            [(item.id, item.verdict, item.evidence, item.remedy) for item in found],
        )
    return EXIT_NOT_READY if any(item.verdict == "fail" for item in found) else 0
