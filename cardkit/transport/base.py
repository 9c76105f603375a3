"""The seam every card sits behind: bytes in, bytes out."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, runtime_checkable


class TransmissionProtocol(IntEnum):
    """How bytes travel: T=0, T=1, or contactless (ISO/IEC 14443-4)."""

    T0 = 0
    T1 = 1
    CONTACTLESS = 14


@runtime_checkable
class Connection(Protocol):
    """A powered card in one reader. Raises TransportError and its kinds, nothing else."""

    reader: str
    atr: bytes
    protocol: TransmissionProtocol

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU (4 to 65,535 bytes), return the response APDU (2 bytes or more)."""
        ...

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card and return its ATR; CardChangedError if it differs from before."""
        ...

    def close(self) -> None:
        """Power the card off; idempotent, never raises for a dead service."""
        ...


@runtime_checkable
class CarriesFrames(Protocol):
    """A connection that also carries native frames, which are no APDUs (DESFire)."""

    def transmit_frame(self, frame: bytes) -> bytes:
        """Send one frame of 1 to 65,535 bytes, return the card's, 1 byte or more."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A connection whose reader counts card movements."""

    def confirm_presence(self) -> None:
        """Raise CardChangedError when the card has moved since it was connected."""
        ...
