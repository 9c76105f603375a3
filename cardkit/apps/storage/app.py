"""Storage cards as cardkit sees them: looked at, never made."""

from __future__ import annotations

from cardkit.apps.lookedat import LookedAt
from cardkit.apps.storage import dump

APP = LookedAt("storage", dump, "storage cards are read and checked, no profile makes one")
