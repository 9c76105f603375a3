"""Answer to reset: what a card says before the first command."""

from __future__ import annotations

from cardkit.atr.atr import ATR
from cardkit.atr.historical import Capabilities, Historical, StorageCard
from cardkit.atr.interface import InterfaceBytes

__all__ = ["ATR", "Capabilities", "Historical", "InterfaceBytes", "StorageCard"]
