"""A station in Python: an order becomes a batch in a store, two virtual readers make its first cards.

Run it as it is (the store goes into a temporary folder), or give it a folder: ``python examples/batch.py plant``. Then
the second run finds its batch and makes the next cards, and no record is ever made twice.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cardkit import load_profile, read_order
from cardkit.production import RunOptions, batches, check_batch, import_batch, open_store, results, run_batch
from cardkit.production.events import CardDone, Event

BATCH = "first"
CARDS = 6


def show(event: Event) -> None:
    """Print every card as it leaves its reader; called while the batch runs."""
    if isinstance(event, CardDone):
        print(f"{event.coupler}: record {event.record_no} on chip {event.chip_ref}: {event.verdict}")


def main(folder: Path) -> None:
    """Import the order of the test profile, unless the store has it, and make some of its cards."""
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    source = profile.path.parent / "order.csv"
    order = read_order(profile, source, keystore)

    with open_store(f"sqlite:///{folder / 'plant.db'}", operator="ana", create=True) as store:
        if BATCH not in batches(store):
            import_batch(store, profile, order, keystore, source, name=BATCH)
        done = run_batch(store, BATCH, ["virtual:usim*2"], reporter=show, options=RunOptions(limit=CARDS))
        good = [card for card in results(store, BATCH) if card.verdict == "GOOD"]
        print(f"this run: {done.good} good, {done.rejected} rejected; {done.counts['READY']} records still to make")
        print(f"the store: {len(good)} good cards, {len(check_batch(store, BATCH))} broken invariants")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
