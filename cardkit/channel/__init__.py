"""Between commands and bytes: protocol mapping, 61xx and 6Cxx, chaining, logical channels."""

from __future__ import annotations

from cardkit.channel.channel import Channel

__all__ = ["Channel"]
