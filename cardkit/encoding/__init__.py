"""Layouts, TLV, digits and text: bytes to values and back, without loss.

Lowest floor beside ``crypto``. construct is used through :func:`parse_exact` and :func:`build_exact` only.
"""

from __future__ import annotations

from cardkit.encoding.strict import build_exact, parse_exact

__all__ = ["build_exact", "parse_exact"]
