"""The command line: one module per verb; they parse, call the floors below and render."""

from __future__ import annotations

from cardkit.cli.app import main

__all__ = ["main"]
