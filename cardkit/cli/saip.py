"""``cardkit saip``: profile packages of eUICCs, shown, filled with one card's data, and compiled."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import click

from cardkit.apps.uicc.app import UiccBlueprint
from cardkit.apps.uicc.saip.describe import describe, lines
from cardkit.apps.uicc.saip.image import card_image
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.apps.uicc.saip.profile import compiled_profile
from cardkit.apps.uicc.schema import ChipBlock
from cardkit.cli import options
from cardkit.cli.order import open_job
from cardkit.cli.render import print_json, say, table
from cardkit.crypto.durable import replace_file
from cardkit.errors import EncodingError, ProfileError
from cardkit.perso.planner import compiled
from cardkit.profile import load_profile
from cardkit.profile.chips import chip_of
from cardkit.profile.document import read_toml
from cardkit.profile.locate import part_file

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
@options.record
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


@saip.command()
@package_file
@click.option("--chip", required=True, metavar="NAME", help="Chip model: virtual-uicc-bare, virtual-usim ...")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write profile.toml there."
)
@click.option(
    "--order",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the package's own record there: keys and codes in clear.",
)
@click.option(
    "--issuer",
    default="",
    metavar="KVN=REF",
    help="Keys of the security domain, 30=plant:isd, on a chip that takes K and OPc through one.",
)
def plan(package: Path, chip: str, out: Path | None, order: Path | None, issuer: str) -> None:
    """Compile PACKAGE into a profile for a chip, and show the states it plans.

    With --out, cardkit plan, personalize and verify take DIR. The chip's transport keys go beside the profile, into
    test-keys.toml.
    """
    made = compiled_profile(read_package(package), _product_name(package), chip, _chip_block(chip), issuer=issuer)
    with tempfile.TemporaryDirectory(prefix="cardkit-") as folder:
        path = (out or Path(folder)) / "profile.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made.toml(), encoding="utf-8")
        blueprint = compiled(load_profile(path))
    if order is not None:
        replace_file(order, made.order())
    table(
        ["phase", "state", "access", "seen by", "what"],
        [(s.phase, s.name, s.access.name if s.access else "-", s.seen, s.title) for s in blueprint.states],
    )
    for problem in made.problems:
        say(f"not as in the package: {problem}")
    say(f"{len(blueprint.states)} states, {sum(map(len, blueprint.parts.values()))} commands a card")


def _chip_block(name: str) -> ChipBlock:
    path = part_file("chips", name, Path("profile.toml"))
    block = chip_of(read_toml(path)[0], path).blocks.get("uicc")
    if not isinstance(block, ChipBlock):
        raise ProfileError(f"{path}: chip {name} has no table chip.uicc")
    return block


def _product_name(package: Path) -> str:
    """Return a name for the product: the file's, as far as a name may have it."""
    return re.sub(r"[^a-z0-9]+", "-", package.stem.lower()).strip("-")[:64] or "package"
