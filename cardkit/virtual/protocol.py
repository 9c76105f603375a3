"""T=0 and T=1 as the card sees them: where data and Le stand, and how an answer leaves.

The link carries whole APDUs for both. At T=0 this card refuses what a TPDU could not have carried: extended lengths,
and Le behind a data field; the answer of a case 4 command waits for GET RESPONSE (ISO/IEC 7816-3 12; TS 102 221 7.3).
"""

from enum import IntFlag
from typing import Protocol

from . import statuswords as sw
from .chip import FULL_SHORT, Answer, Chip, Command, LogicalChannel
from .errors import StatusWordError


class Flow(IntFlag):
    """Which fields a command has."""

    NONE = 0
    DATA = 1
    DATA_NEEDED = 2
    ANSWER = 4
    ANSWER_NEEDED = 8
    READ = ANSWER | ANSWER_NEEDED
    WRITE = DATA | DATA_NEEDED
    BOTH = DATA | DATA_NEEDED | ANSWER


class TransmissionProtocol(Protocol):
    """What differs between T=0 and T=1."""

    def parse(self, command: bytes, flow: int) -> tuple[bytes, int]:
        """Data field and Ne of a command of at least 4 bytes.

        :raises StatusWordError: 6700.
        """

    def answer(self, chip: Chip, command: Command, flow: int, result: Answer) -> bytes:
        """The R-APDU; what does not fit waits for GET RESPONSE."""


class T1:
    """T=1: an APDU travels whole.

    :param extended: the card's ATR declares extended length.
    """

    def __init__(self, *, extended: bool) -> None:
        self._extended = extended

    def parse(self, command: bytes, flow: int) -> tuple[bytes, int]:
        """Short cases 1 to 4, and the extended ones if declared."""
        size = len(command)
        if size == 5:
            absent = not command[4] and flow & 5 == 1  # hosts that think in TPDUs send P3 = 00 when there are no data
            data, ne = b"", 0 if absent else command[4] or FULL_SHORT
        elif size == 4:
            data, ne = b"", 0
        elif command[4]:
            end = 5 + command[4]
            data = command[5:end]
            ne = command[end] or FULL_SHORT if size == end + 1 else 0
            if not end <= size <= end + 1:
                raise StatusWordError(sw.WRONG_LENGTH)
        else:
            data, ne = self._parse_extended(command)
        if (data and not flow & 1) or (ne and not flow & 4) or (flow & 8 and not ne) or (flow & 2 and not data):
            raise StatusWordError(sw.WRONG_LENGTH)
        return data, ne

    def _parse_extended(self, command: bytes) -> tuple[bytes, int]:
        size = len(command)
        if not self._extended or size < 7:
            raise StatusWordError(sw.WRONG_LENGTH)
        number = command[5] << 8 | command[6]
        if size == 7:
            return b"", number or 65_536
        end = 7 + number
        if number == 0 or size not in (end, end + 2):
            raise StatusWordError(sw.WRONG_LENGTH)
        ne = int.from_bytes(command[end:], "big") or 65_536 if size > end else 0
        return command[7:end], ne

    def answer(self, chip: Chip, command: Command, flow: int, result: Answer) -> bytes:
        """At most Ne bytes; the rest is announced by 61XX."""
        del flow
        data, status = result
        if len(data) <= command.ne:
            return data + status
        return _hold(chip, command.channel, data, command.ne)


class T0:
    """T=0: five header bytes, then data in one direction only."""

    def parse(self, command: bytes, flow: int) -> tuple[bytes, int]:
        """P3 is Lc or Le depending on the instruction; a case 1 command counts as P3 = 00."""
        size = len(command)
        p3 = command[4] if size > 4 else 0
        if flow & 1:
            if size > 4 and size != 5 + p3:
                raise StatusWordError(sw.WRONG_LENGTH)
            if flow & 2 and not p3:
                raise StatusWordError(sw.WRONG_LENGTH)
            return command[5:], 0
        if size > 5 or (p3 and not flow & 4):
            raise StatusWordError(sw.WRONG_LENGTH)
        return b"", (p3 or FULL_SHORT) if flow & 4 else 0

    def answer(self, chip: Chip, command: Command, flow: int, result: Answer) -> bytes:
        """Data that P3 asked for exactly go out; 6CXX corrects another P3; a case 4 command's data wait."""
        data, status = result
        if not data or len(data) == command.ne:
            return data + status
        if not flow & 1:
            return sw.right_length(len(data))
        chip.pending, chip.pending_status, chip.pending_channel = data, sw.OK, command.channel.number
        if status == sw.MORE_TO_RETRIEVE:
            chip.pending_status = status
            return sw.more_data(len(data))
        return status if status != sw.OK else sw.more_data(len(data))


def _hold(chip: Chip, channel: LogicalChannel, data: bytes, sent: int) -> bytes:
    chip.pending, chip.pending_status, chip.pending_channel = data[sent:], sw.OK, channel.number
    return data[:sent] + sw.more_data(len(data) - sent)


def valid_get_response(p1: int, p2: int) -> bool:
    """P1 P2 00 00."""
    return p1 == p2 == 0


def get_response(chip: Chip, command: Command) -> Answer:
    """GET RESPONSE: data of the command just before, on the same channel.

    Less than there is leaves the rest waiting; more is 6CXX, and the data still wait.

    :raises StatusWordError: 6985 when nothing waits.
    """
    pending = chip.pending
    if not pending or chip.pending_channel != command.channel.number:
        chip.pending = b""
        raise StatusWordError(sw.CONDITIONS)
    ne = command.ne
    if ne > len(pending) and (chip.exact_le or ne % FULL_SHORT):
        raise StatusWordError(sw.right_length(len(pending)))
    rest = pending[ne:]
    chip.pending = rest
    return pending[:ne], sw.more_data(len(rest)) if rest else chip.pending_status
