"""Profiles: a product, its chip, the record of one card, and the order files that bring records."""

from __future__ import annotations

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
