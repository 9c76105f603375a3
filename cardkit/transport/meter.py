"""What a session costs: APDUs, bytes each way, seconds on the line at any bit rate, seconds of memory writes.

The link model counts elementary time units (etu): a T=0 character takes 12, a T=1 character 11 (ISO/IEC 7816-3 7.2,
11.2); a change of direction costs 4 more at T=0 and the block guard time of 22 at T=1. Waiting bytes (60) are not in
it. The write model is declared, not measured: pages of a size, each with a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from cardkit.atr.tables import BAUD_RATE, CLOCK_RATE
from cardkit.errors import EncodingError
from cardkit.transport.base import Connection, TransmissionProtocol
from cardkit.transport.redact import GET_RESPONSE, split_command
from cardkit.transport.wrapper import ConnectionWrapper

T0_CHARACTER = 12
T1_CHARACTER = 11
T0_TURN = 4
T1_BLOCK_GUARD = 22
T1_FRAME = 4  # NAD, PCB, LEN, LRC
TPDU_HEADER = 5
STATUS = 2
INFORMATION_FIELD = 254

# The rates a plan is priced at: TA1, and the protocol.
USUAL_TA1 = (0x11, 0x94, 0x95, 0x96, 0x97)
DEFAULT_CLOCK_HZ = 5_000_000

# Instructions whose data field goes to non-volatile memory (ISO/IEC 7816-4 table 5, TS 102 222, GlobalPlatform).
_WRITES = frozenset((0x24, 0x2C, 0xD0, 0xD6, 0xD8, 0xDA, 0xDB, 0xDC, 0xE0, 0xE2))
_MORE = (0x61, 0x9F)


def clocks_per_etu(ta1: int) -> float:
    """Return F/D: the clock cycles of one elementary time unit (ISO/IEC 7816-3 7.1).

    :raises EncodingError: where TA1 names a reserved F or D.

    >>> clocks_per_etu(0x96)
    16.0
    """
    try:
        return CLOCK_RATE[ta1 >> 4][0] / BAUD_RATE[ta1 & 0x0F]
    except KeyError as error:
        raise EncodingError(f"TA1={ta1:02X} is reserved, expected F 0-6 or 9-D and D 1-9") from error


def t0_etu(lc: int, le: int) -> int:
    """Return the time of one command at T=0, GET RESPONSE included where it has data both ways.

    :param lc: data bytes sent.  :param le: data bytes received, 0 if none.  :returns: etu.

    >>> t0_etu(2, 30)
    592
    """
    if lc and le:
        return t0_etu(lc, 0) + t0_etu(0, le)
    procedure = 1 if lc or le else 0
    return T0_CHARACTER * (TPDU_HEADER + procedure + lc + le + STATUS) + 2 * T0_TURN


def t1_etu(lc: int, le: int, *, ifsc: int = INFORMATION_FIELD, ifsd: int = INFORMATION_FIELD) -> int:
    """Return the time of one command at T=1, in I-blocks with the R-blocks that chain them.

    :param ifsc: bytes the card takes in a block.  :param ifsd: bytes the reader takes.  :returns: etu.

    >>> t1_etu(2, 30)
    550
    """
    command = max(TPDU_HEADER, 4 + (1 + lc if lc else 0) + (1 if le else 0))
    answer = le + STATUS
    sent, received = -(-command // ifsc), -(-answer // ifsd)
    frames = sent + received + (sent - 1) + (received - 1)
    return T1_CHARACTER * (command + answer + T1_FRAME * frames) + T1_BLOCK_GUARD * (sent + received - 1)


@dataclass(frozen=True, slots=True)
class WriteModel:
    """How long a chip's memory takes, as its profile declares it.

    :param page_bytes: bytes written at once.  :param page_ms: milliseconds for that.
    :param command_ms: milliseconds of the card's own work for each command.
    :param journalling: how often each page is written, 1 to 2.
    """

    page_bytes: int = 64
    page_ms: float = 2.5
    command_ms: float = 0.5
    journalling: float = 1.0

    def seconds(self, apdus: int, nvm_bytes: int) -> float:
        """Return the card's own time for so many commands that write so many bytes."""
        pages = -(-nvm_bytes // self.page_bytes)
        return (self.journalling * pages * self.page_ms + self.command_ms * apdus) / 1000


@dataclass(slots=True)
class Tally:
    """Commands counted by their lengths: all that a price needs.

    ``counts`` maps (bytes sent, bytes received), data fields only, to a number of commands.
    """

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    nvm_bytes: int = 0

    def add(self, lc: int, le: int, *, times: int = 1, nvm_bytes: int = 0) -> None:
        """Count commands with lc bytes of data that brought le bytes back, and what they wrote in all."""
        self.counts[lc, le] += times
        self.nvm_bytes += nvm_bytes

    @property
    def apdus(self) -> int:
        """Commands; a GET RESPONSE belongs to the command it completes."""
        return self.counts.total()

    @property
    def bytes_in(self) -> int:
        """Bytes to the card: five of header and the data field of each command."""
        return sum(times * (TPDU_HEADER + lc) for (lc, _), times in self.counts.items())

    @property
    def bytes_out(self) -> int:
        """Bytes from the card: data and status word of each command."""
        return sum(times * (le + STATUS) for (_, le), times in self.counts.items())

    def etu(self, protocol: TransmissionProtocol) -> int:
        """Return the time on the line in elementary time units."""
        price = t0_etu if protocol == TransmissionProtocol.T0 else t1_etu
        return sum(times * price(lc, le) for (lc, le), times in self.counts.items())

    def line_seconds(self, ta1: int, protocol: TransmissionProtocol, clock_hz: float = DEFAULT_CLOCK_HZ) -> float:
        """Return the seconds on the line at a bit rate."""
        return self.etu(protocol) * clocks_per_etu(ta1) / clock_hz


@dataclass(frozen=True, slots=True)
class Price:
    """What a session costs: line and memory in seconds, at one bit rate and protocol."""

    ta1: int
    protocol: TransmissionProtocol
    line_seconds: float
    write_seconds: float

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.line_seconds + self.write_seconds


def prices(tally: Tally, writes: WriteModel, clock_hz: float = DEFAULT_CLOCK_HZ) -> Iterator[Price]:
    """Yield the price at each usual bit rate, T=0 and T=1."""
    write_seconds = writes.seconds(tally.apdus, tally.nvm_bytes)
    for protocol in (TransmissionProtocol.T0, TransmissionProtocol.T1):
        for ta1 in USUAL_TA1:
            yield Price(ta1, protocol, tally.line_seconds(ta1, protocol, clock_hz), write_seconds)


@dataclass(frozen=True, slots=True)
class MeterReport:
    """What passed a metered connection, and what it would cost on a line.

    ``apdus`` and the bytes are those really passed; the prices count a GET RESPONSE with its command.
    """

    apdus: int
    bytes_in: int
    bytes_out: int
    nvm_bytes: int
    prices: tuple[Price, ...]


class MeterConnection(ConnectionWrapper):
    """Pass commands on and count them.

    :param inner: the connection that carries the bytes.  :param writes: the chip's declared write time.
    """

    def __init__(
        self, inner: Connection, *, writes: WriteModel | None = None, clock_hz: float = DEFAULT_CLOCK_HZ
    ) -> None:
        super().__init__(inner)
        self._writes = writes or WriteModel()
        self._clock_hz = clock_hz
        self._tally = Tally()
        self._unfinished: tuple[int, int] | None = None
        self._apdus = self._bytes_in = self._bytes_out = 0

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU and return the response APDU."""
        answer = self.inner.transmit(command)
        self._apdus += 1
        self._bytes_in += len(command)
        self._bytes_out += len(answer)
        self._count(command, answer)
        return answer

    def report(self) -> MeterReport:
        """Return what has passed so far and its price."""
        tally = self._tally
        return MeterReport(
            self._apdus,
            self._bytes_in,
            self._bytes_out,
            tally.nvm_bytes,
            tuple(prices(tally, self._writes, self._clock_hz)),
        )

    def _count(self, command: bytes, answer: bytes) -> None:
        received = len(answer) - STATUS
        if command[1] == GET_RESPONSE and self._unfinished is not None:
            lc, le = self._unfinished
            self._tally.counts[lc, le] -= 1
            self._tally.add(lc, le + received)
            counted = (lc, le + received)
        else:
            lc = len(split_command(command).data)
            self._tally.add(lc, received, nvm_bytes=lc if command[1] in _WRITES else 0)
            counted = (lc, received)
        self._unfinished = counted if answer[-2] in _MORE else None
