"""The JSON Schema of profile.toml, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from cardkit.apps import registry
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.load import ProfileTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile that may use every registered application."""
    apps = registry.names()
    kinds = [ProfileTable, Layout, Field, *(registry.get_app(name).block for name in apps)]
    (profile, layout, field, *blocks), definitions = msgspec.json.schema_components(
        kinds, ref_template="#/$defs/{name}"
    )
    return {
        "$schema": DIALECT,
        "title": "cardkit profile",
        "type": "object",
        "properties": {
            "profile": profile,
            "record": {"type": "object", "additionalProperties": field},
            "layout": {"anyOf": [layout, {"type": "string", "description": "name of a file in layouts/"}]},
            **dict(zip(apps, blocks, strict=True)),
        },
        "required": ["profile", "layout"],
        "additionalProperties": False,
        "$defs": definitions,
    }
