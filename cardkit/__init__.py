"""cardkit: personalize and verify smart cards from versioned profiles.

    from cardkit import load_profile, read_order, prepare, plan, open_card, personalize, verify

The names are imported when they are first used, so that ``import cardkit`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardkit.perso import personalize, plan, prepare, verify
    from cardkit.profile import load_profile, read_order
    from cardkit.target import open_card

__all__ = ["load_profile", "open_card", "personalize", "plan", "prepare", "read_order", "verify"]

_HOMES = {
    "load_profile": "cardkit.profile",
    "open_card": "cardkit.target",
    "personalize": "cardkit.perso",
    "plan": "cardkit.perso",
    "prepare": "cardkit.perso",
    "read_order": "cardkit.profile",
    "verify": "cardkit.perso",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
