"""``cardkit doctor``: what works on this station, what is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from cardkit import doctor as checks
from cardkit.cli import options
from cardkit.cli.render import print_json
from cardkit.doctor import Check, Verdict

EXIT_NOT_READY = 3

# Word and colour of each verdict in the text report.
_SHOWN = {
    Verdict.OK: ("ok", "green"),
    Verdict.WARN: ("warn", "yellow"),
    Verdict.FAIL: ("FAIL", "red"),
    Verdict.NOT_APPLICABLE: ("-", None),
}


@click.command()
@click.option("--reader", metavar="R", help="Also test this reader and the card in it with harmless commands.")
@options.as_json
def doctor(reader: str | None, as_json: bool) -> int:
    """Check libraries, the PC/SC service, readers and virtual cards. Reads only; sends nothing without --reader.

    Exit code 3 when something fails: this station cannot drive readers like that. Warnings do not count.
    """
    found = checks.run(reader)
    if as_json:
        print_json(
            [
                {"id": item.id, "verdict": item.verdict, "evidence": item.evidence, "remedy": item.remedy}
                for item in found
            ]
        )
    else:
        for item in found:
            show(item)
        click.echo(f"\n{conclusion(found)}")
    return EXIT_NOT_READY if any(item.verdict is Verdict.FAIL for item in found) else 0


def show(item: Check) -> None:
    """Print one check, its remedy below."""
    word, colour = _SHOWN[item.verdict]
    click.echo(f"{click.style(f'{word:<4}', fg=colour)}  {item.id:<8}  {item.evidence}")
    if item.remedy:
        click.echo(f"{'':16}-> {item.remedy}")


def conclusion(found: Sequence[Check]) -> str:
    """Say in a sentence or two what can be done here."""
    failed = [item.id for item in found if item.verdict is Verdict.FAIL]
    if "virtual" in failed:
        return f"Even virtual cards do not work here; mend: {', '.join(failed)}."
    if failed:
        return f"Virtual cards work here: try `cardkit demo`. Before readers can be used, mend: {', '.join(failed)}."
    if not any(item.id == "mute" for item in found):
        return "Virtual cards and the PC/SC service work. Test a reader and its card: cardkit doctor --reader pcsc:0"
    return "Virtual cards, the PC/SC service and this reader work."
