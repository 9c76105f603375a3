"""Between commands and bytes: protocol mapping, 61xx and 6Cxx, chaining, logical channels, secure messaging."""

from __future__ import annotations

from cardkit.channel.channel import Channel
from cardkit.channel.messaging import SecureMessaging

__all__ = ["Channel", "SecureMessaging"]
