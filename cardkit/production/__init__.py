"""Orders, batches and stations: never the same card twice.

with open_store("sqlite:///cardkit.db", operator="ana", create=True) as store:
    imported = import_batch(store, profile, order, keystore, "order.csv")
    done = run_batch(store, imported.batch, ["virtual:usim*4"], reporter=print)
"""

from __future__ import annotations

from cardkit.production.batch import (
    BatchStatus,
    Imported,
    batch_status,
    batches,
    check_batch,
    close_batch,
    doubts,
    import_batch,
    results,
)
from cardkit.production.events import Reporter
from cardkit.production.reconcile import CardCounts, Closing
from cardkit.production.resume import resume_batch
from cardkit.production.run import RunOptions, run_batch
from cardkit.production.stop import Stop, StopParameters
from cardkit.production.store.invariants import Violation
from cardkit.production.store.office import Office
from cardkit.production.store.reading import CardResult, Doubt
from cardkit.production.store.store import Store, open_store

__all__ = [
    "BatchStatus",
    "CardCounts",
    "CardResult",
    "Closing",
    "Doubt",
    "Imported",
    "Office",
    "Reporter",
    "RunOptions",
    "Stop",
    "StopParameters",
    "Store",
    "Violation",
    "batch_status",
    "batches",
    "check_batch",
    "close_batch",
    "doubts",
    "import_batch",
    "open_store",
    "results",
    "resume_batch",
    "run_batch",
]
