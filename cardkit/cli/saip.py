"""``cardkit saip``: profile packages of eUICCs, shown, filled with one card's data, and compiled."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.apps.uicc.app import UiccBlueprint
from cardkit.apps.uicc.saip.describe import describe, lines
from cardkit.apps.uicc.saip.image import card_image
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.cli import options
from cardkit.cli.order import open_job
from cardkit.cli.render import print_json, say
from cardkit.crypto.durable import replace_file
from cardkit.errors import EncodingError, ProfileError
from cardkit.perso.planner import compiled

package_file = click.argument("package", type=click.Path(path_type=Path, dir_okay=False), metavar="PACKAGE")
output = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="The file to write."
)


@click.group()
def saip() -> None:
    """Profile packages of eUICCs in TCA's interoperable format (DER)."""


def read_package(path: Path) -> Package:
    """Read a package.  :raises EncodingError: naming the file."""
    try:
        return Package.read(path.read_bytes())
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None


@saip.command()
@package_file
@options.as_json
def show(package: Path, as_json: bool) -> None:
    """Show what PACKAGE makes: files decoded, codes and keys without their values."""
    document = describe(read_package(package))
    if as_json:
        print_json(document)
        return
    for line in lines(document):
        click.echo(line)


@saip.command()
@package_file
@click.argument("profile")
@options.order
@click.option("--record", "record_no", type=click.IntRange(min=1), required=True, metavar="N", help="Row of the order.")
@output
def personalize(package: Path, profile: str, order_path: Path, record_no: int, out: Path) -> None:
    """Put the data of one record into PACKAGE, where PROFILE says, and write it back.

    The new file holds the record's keys and codes in clear, as every package does.
    """
    job = open_job(profile, order_path)
    record = job.record(record_no)
    blueprint = compiled(job.profile)
    if not isinstance(blueprint, UiccBlueprint):
        raise ProfileError(f"{job.profile.path}: profile.apps: got {', '.join(job.profile.apps)}, expected uicc")
    made = personalized(read_package(package), blueprint.product, record)
    replace_file(out, made.build())
    say(f"{out}: record {record_no} in {package.name}")


@saip.command()
@package_file
@output
def image(package: Path, out: Path) -> None:
    """Compile PACKAGE into an image: --reader virtual:FILE is then a card with this profile.

    The image holds the package's keys and codes in clear, as PACKAGE does.
    """
    made = card_image(read_package(package), out.stem)
    replace_file(out, made.text.encode())
    for problem in made.problems:
        say(f"left out: {problem}")
    say(f"{out}: try cardkit dump --reader virtual:{out}")
