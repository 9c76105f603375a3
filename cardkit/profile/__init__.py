"""Profiles: a product, its chip, the record of one card, and the order files that bring records.

The names are imported when they are first used: a process that reads rows needs no application.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardkit.profile.chip import ChipModel
    from cardkit.profile.diff import Change, diff_profiles
    from cardkit.profile.jsonschema import json_schema
    from cardkit.profile.load import Profile, load_profile
    from cardkit.profile.order import Order, OrderRows, open_order, read_order
    from cardkit.profile.record import Record, RecordSchema
    from cardkit.profile.rowreader import BadRow
    from cardkit.profile.values import CompiledValues, compile_values

__all__ = [
    "BadRow",
    "Change",
    "ChipModel",
    "CompiledValues",
    "Order",
    "OrderRows",
    "Profile",
    "Record",
    "RecordSchema",
    "compile_values",
    "diff_profiles",
    "json_schema",
    "load_profile",
    "open_order",
    "read_order",
]

_HOMES = {
    "BadRow": "rowreader",
    "Change": "diff",
    "ChipModel": "chip",
    "CompiledValues": "values",
    "Order": "order",
    "OrderRows": "order",
    "Profile": "load",
    "Record": "record",
    "RecordSchema": "record",
    "compile_values": "values",
    "diff_profiles": "diff",
    "json_schema": "jsonschema",
    "load_profile": "load",
    "open_order": "order",
    "read_order": "order",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
