"""Command and response APDUs (ISO/IEC 7816-4 5.1, 7816-3 12.1.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.crypto import Secret
from cardkit.errors import EncodingError


@dataclass(frozen=True, slots=True)
class CommandAPDU:
    """One command.

    :param data: the data field, or its parts where some are secret; joined only by :meth:`encode`.
    :param ne: bytes expected, 0 (none) to 65,536.
    :param extended: write lengths in three bytes even where one would do.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes | tuple[bytes | Secret, ...] = b""
    ne: int = 0
    extended: bool = False

    @property
    def nc(self) -> int:
        """Length of the data field in bytes."""
        if isinstance(self.data, bytes):
            return len(self.data)
        return sum(len(part) for part in self.data)

    def encode(self) -> bytes:
        """Return the bytes for the wire, secrets included: do not keep them."""
        raise EncodingError("to be written by author E")


@dataclass(frozen=True, slots=True)
class ResponseAPDU:
    """One response: data and status word (0 to 0xFFFF)."""

    data: bytes
    sw: int
