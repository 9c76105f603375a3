"""DESFire's native commands on a channel: wrapped in ISO 7816 or raw, cut into frames and joined again (sheet 3.1).

``cmd data`` is answered ``status data``. Wrapped: ``90 cmd 00 00 [Lc data] 00`` is answered ``data 91 status``. AF as
status: more follows; AF as command: more, please, or more of a command.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from cardkit.channel.channel import Channel
from cardkit.errors import EncodingError, ProtocolError, StatusError
from cardkit.transport.base import CarriesFrames
from cardkit.transport.offers import offers

MORE = 0xAF
FRAME_BYTES = 55
"""Data of a wrapped frame that any card takes: FSC 64 less ISO 14443-4 and the wrapping."""

_CLA, _STATUS = 0x90, 0x91
_MOST_FRAME = 255
_MOST_ROUNDS, _MOST_BYTES = 300, 65_536


class Framing(Enum):
    """How native commands go through PC/SC."""

    WRAPPED = "wrapped"
    RAW = "raw"


class NativeChannel:
    """The native commands of the card on a channel.

    :param frame: data bytes of a frame that this card takes, 1 to 255, without the command byte.
    :raises EncodingError: on another size, and where the connection carries no raw frames.
    """

    def __init__(self, channel: Channel, framing: Framing = Framing.WRAPPED, frame: int = FRAME_BYTES) -> None:
        if not 1 <= frame <= _MOST_FRAME:
            raise EncodingError(f"native frames of {frame} bytes, expected 1 to {_MOST_FRAME}")
        self.channel = channel
        self._transmit: Callable[[bytes], bytes] = channel.connection.transmit
        self._frame = frame
        self._exchange = self._wrapped
        if framing is Framing.RAW:
            if not offers(channel.connection, CarriesFrames):
                raise EncodingError("raw native frames: this connection carries APDUs only")
            self._transmit = channel.connection.transmit_frame
            self._exchange = self._raw

    def send(self, op: int, data: bytes) -> tuple[int, bytes]:
        """Send a command, in as many frames as it takes, and return status and the whole answer.

        :raises ProtocolError: when the answer never ends.  :raises StatusError: when the card refuses the wrapping.
        :raises TransportError: when the link fails.
        """
        status, parts = self.frames(op, data)
        return status, parts[0] if len(parts) == 1 else b"".join(parts)

    def frames(self, op: int, data: bytes) -> tuple[int, list[bytes]]:
        """Return status and the frames of the answer, for a command that means something by them; raises as send."""
        status, answer = self._sent(op, data)
        parts, total = [answer], len(answer)
        while status == MORE:
            if not answer and len(parts) > 1:
                raise ProtocolError(f"command {op:02X}: the card promises more and sends none")
            if len(parts) > _MOST_ROUNDS or total > _MOST_BYTES:
                raise ProtocolError(f"command {op:02X}: the card has not finished after {total:,} bytes")
            status, answer = self._exchange(MORE, b"")
            parts.append(answer)
            total += len(answer)
        return status, parts

    def step(self, op: int, data: bytes) -> tuple[int, bytes]:
        """Send a command in one frame and return status and answer as they are: AF is the caller's."""
        return self._exchange(op, data)

    def _sent(self, op: int, data: bytes) -> tuple[int, bytes]:
        size = self._frame
        if len(data) <= size:
            return self._exchange(op, data)
        status, answer = self._exchange(op, data[:size])
        for start in range(size, len(data), size):
            if status != MORE or answer:
                break
            status, answer = self._exchange(MORE, data[start : start + size])
        return status, answer

    def _wrapped(self, op: int, data: bytes) -> tuple[int, bytes]:
        lc = bytes((len(data),)) if data else b""
        answer = self._transmit(bytes((_CLA, op, 0, 0)) + lc + data + b"\0")
        if answer[-2] != _STATUS:
            raise StatusError(f"command {op:02X}", answer[-2] << 8 | answer[-1], expected="91xx")
        return answer[-1], answer[:-2]

    def _raw(self, op: int, data: bytes) -> tuple[int, bytes]:
        answer = self._transmit(bytes((op,)) + data)
        return answer[0], answer[1:]
