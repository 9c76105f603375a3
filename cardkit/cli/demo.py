"""``cardkit demo``: the whole job on virtual cards, from the order file to the reports."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from cardkit import production
from cardkit.cli import batch as batches
from cardkit.cli.progress import BatchProgress
from cardkit.cli.render import facts, say
from cardkit.errors import StoreError
from cardkit.production.report import write_report
from cardkit.production.report.source import batch_report
from cardkit.profile import load_profile, read_order

PROFILE = "sim/usim-test"
MOST_CARDS = 50  # records in the order of the profile


@click.command()
@click.option(
    "--cards", type=click.IntRange(1, MOST_CARDS), default=MOST_CARDS, show_default=True, help="Cards to make."
)
@click.option("--readers", type=click.IntRange(1, 16), default=4, show_default=True, help="Virtual readers.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cardkit-demo"),
    show_default=True,
    metavar="DIR",
    help="Where the store and the reports go.",
)
def demo(cards: int, readers: int, out: Path) -> int:
    """Make 50 test USIMs on virtual readers: personalize, verify, prove the keys, journal, report."""
    profile = load_profile(PROFILE)
    order_path = profile.path.parent / "order.csv"
    keystore = profile.test_keystore()
    order = read_order(profile, order_path, keystore)
    store_path = new_store(out)
    say(f"order {order_path}: {order.rows} records for {profile.name} {profile.version} on chip {profile.chip.name}")
    with production.open_store(f"sqlite:///{store_path}", operator="demo", create=True) as store:
        imported = production.import_batch(store, profile, order, keystore, order_path, name="demo")
        with BatchProgress() as progress:
            done = production.run_batch(
                store,
                imported.batch,
                [f"virtual:usim*{readers}"],
                reporter=progress,
                options=production.RunOptions(limit=cards),
            )
        violations = production.check_batch(store, imported.batch)
        files = write_report(batch_report(store, imported.batch), out)
    facts(
        [
            *batches.summary_lines(done),
            ("store check", f"{len(violations)} violations" if violations else "sound"),
            ("report", files.html),
            ("JUnit XML", files.junit),
            ("JSON Lines", files.jsonl),
            ("store", store_path),
        ]
    )
    return 1 if violations else batches.exit_code(done)


def new_store(out: Path) -> Path:
    """Return where the demo's store goes; the one of an earlier demo is removed.

    :raises StoreError: if the folder holds something that no demo wrote.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("demo.db*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    except OSError as error:
        raise StoreError(f"{out}: {error.strerror}, expected a folder to write into (--out)") from error
    return out / "demo.db"
