"""Orders, batches and stations: never the same card twice.

with open_store("sqlite:///cardkit.db", operator="ana", create=True) as store:
    imported = import_batch(store, profile, order, keystore, "order.csv")
    done = run_batch(store, imported.batch, ["virtual:usim*4"], reporter=print)

The names are imported when they are first used: a coupler's process needs neither store nor SQL.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardkit.production.batch import (
        BatchStatus,
        batch_status,
        batches,
        check_batch,
        close_batch,
        doubts,
        results,
    )
    from cardkit.production.events import Reporter
    from cardkit.production.input.importing import Imported, import_batch
    from cardkit.production.input.opening import opened_order
    from cardkit.production.input.openpgp import Sender
    from cardkit.production.output import (
        Envelope,
        OutputTemplate,
        Written,
        export_order,
        load_template,
        write_output,
    )
    from cardkit.production.preparation import Preparation, kept_values, prepare_batch
    from cardkit.production.reconcile import CardCounts, Closing
    from cardkit.production.resume import resume_batch
    from cardkit.production.run import RunOptions, run_batch
    from cardkit.production.stop import Stop, StopParameters
    from cardkit.production.store.invariants import Violation
    from cardkit.production.store.office import Office
    from cardkit.production.store.orderbook import (
        CustomerOrder,
        NewOrder,
        approve_order,
        close_order,
        create_order,
        order_names,
        order_of,
    )
    from cardkit.production.store.reading import CardResult, Doubt
    from cardkit.production.store.sessions import declare_dead
    from cardkit.production.store.store import Store, open_store

__all__ = [
    "BatchStatus",
    "CardCounts",
    "CardResult",
    "Closing",
    "CustomerOrder",
    "Doubt",
    "Envelope",
    "Imported",
    "NewOrder",
    "Office",
    "OutputTemplate",
    "Preparation",
    "Reporter",
    "RunOptions",
    "Sender",
    "Stop",
    "StopParameters",
    "Store",
    "Violation",
    "Written",
    "approve_order",
    "batch_status",
    "batches",
    "check_batch",
    "close_batch",
    "close_order",
    "create_order",
    "declare_dead",
    "doubts",
    "export_order",
    "import_batch",
    "kept_values",
    "load_template",
    "open_store",
    "opened_order",
    "order_names",
    "order_of",
    "prepare_batch",
    "results",
    "resume_batch",
    "run_batch",
    "write_output",
]

_HOMES = {
    "BatchStatus": "cardkit.production.batch",
    "CardCounts": "cardkit.production.reconcile",
    "CardResult": "cardkit.production.store.reading",
    "Closing": "cardkit.production.reconcile",
    "CustomerOrder": "cardkit.production.store.orderbook",
    "Doubt": "cardkit.production.store.reading",
    "Envelope": "cardkit.production.output",
    "Imported": "cardkit.production.input.importing",
    "NewOrder": "cardkit.production.store.orderbook",
    "Office": "cardkit.production.store.office",
    "OutputTemplate": "cardkit.production.output",
    "Preparation": "cardkit.production.preparation",
    "Reporter": "cardkit.production.events",
    "RunOptions": "cardkit.production.run",
    "Sender": "cardkit.production.input.openpgp",
    "Stop": "cardkit.production.stop",
    "StopParameters": "cardkit.production.stop",
    "Store": "cardkit.production.store.store",
    "Violation": "cardkit.production.store.invariants",
    "Written": "cardkit.production.output",
    "approve_order": "cardkit.production.store.orderbook",
    "batch_status": "cardkit.production.batch",
    "batches": "cardkit.production.batch",
    "check_batch": "cardkit.production.batch",
    "close_batch": "cardkit.production.batch",
    "close_order": "cardkit.production.store.orderbook",
    "create_order": "cardkit.production.store.orderbook",
    "declare_dead": "cardkit.production.store.sessions",
    "doubts": "cardkit.production.batch",
    "export_order": "cardkit.production.output",
    "import_batch": "cardkit.production.input.importing",
    "kept_values": "cardkit.production.preparation",
    "load_template": "cardkit.production.output",
    "open_store": "cardkit.production.store.store",
    "opened_order": "cardkit.production.input.opening",
    "order_names": "cardkit.production.store.orderbook",
    "order_of": "cardkit.production.store.orderbook",
    "prepare_batch": "cardkit.production.preparation",
    "results": "cardkit.production.batch",
    "resume_batch": "cardkit.production.resume",
    "run_batch": "cardkit.production.run",
    "write_output": "cardkit.production.output",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
