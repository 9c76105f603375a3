"""What the chip remembers of a terminal until the next reset."""

from dataclasses import dataclass


@dataclass(slots=True)
class Session:
    """Security status.

    :ivar pin: the PIN has been verified.  :ivar fresh: by the command just before this one.
    :ivar managed: the management key has been shown.
    :ivar challenge: sent in clear, expected encrypted.  :ivar witness: sent encrypted, expected in clear.
    """

    pin: bool = False
    fresh: bool = False
    managed: bool = False
    challenge: bytes = b""
    witness: bytes = b""
