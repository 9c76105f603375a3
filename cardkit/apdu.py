"""Command and response APDUs (ISO/IEC 7816-4 5.1, 7816-3 12.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.crypto import Secret
from cardkit.errors import EncodingError

_SHORT_NC, _SHORT_NE = 255, 256
_EXTENDED_NC, _EXTENDED_NE = 65_535, 65_536

CODE_COMMANDS = frozenset((0x20, 0x24, 0x26, 0x28, 0x2C))
"""VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK: their data is a code even where nobody wrapped it in a Secret."""


class Case(StrEnum):
    """Which fields follow the header, and how long their length fields are (ISO/IEC 7816-3 12.1.3)."""

    NOTHING = "1"
    LE_SHORT = "2S"
    DATA_SHORT = "3S"
    DATA_LE_SHORT = "4S"
    LE_EXTENDED = "2E"
    DATA_EXTENDED = "3E"
    DATA_LE_EXTENDED = "4E"


@dataclass(frozen=True, slots=True, repr=False)
class CommandAPDU:
    """One command.

    :param data: the data field, or its parts where some are secret; joined only by :meth:`encode`.
    :param ne: bytes expected, 0 (none) to 65,536.
    :param extended: write lengths in three bytes even where one would do.

    >>> CommandAPDU(0x00, 0xA4, 0x00, 0x04, bytes.fromhex("3F00"), 256)
    <CommandAPDU 00A40004 data=3F00 ne=256>
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes | tuple[bytes | Secret, ...] = b""
    ne: int = 0
    extended: bool = False

    @classmethod
    def parse(cls, wire: bytes) -> CommandAPDU:
        """Read a command of any of the seven forms: ``parse(wire).encode() == wire``.

        :raises EncodingError: if the lengths contradict each other or the end of the bytes.

        >>> CommandAPDU.parse(bytes.fromhex("00A40004023F0000")).case
        <Case.DATA_LE_SHORT: '4S'>
        """
        if len(wire) < 4:
            raise EncodingError(f"command APDU: got {len(wire)} bytes, expected 4 or more")
        cla, ins, p1, p2 = wire[:4]
        body = wire[4:]
        if len(body) >= 3 and body[0] == 0:
            data, ne = _parse_body(body[1:], 2, _EXTENDED_NE)
            return cls(cla, ins, p1, p2, data, ne, extended=len(data) <= _SHORT_NC and ne <= _SHORT_NE)
        data, ne = _parse_body(body, 1, _SHORT_NE)
        return cls(cla, ins, p1, p2, data, ne)

    @property
    def nc(self) -> int:
        """Length of the data field in bytes."""
        data = self.data
        return len(data) if isinstance(data, bytes) else sum(map(len, data))

    @property
    def is_extended(self) -> bool:
        """Whether the length fields are extended, by wish or by need."""
        nc, ne = self.nc, self.ne
        return nc > _SHORT_NC or ne > _SHORT_NE or (self.extended and (nc or ne) > 0)

    @property
    def case(self) -> Case:
        """The form of this command."""
        number = 1 + (self.ne > 0) + 2 * (self.nc > 0)
        return Case(f"{number}{'' if number == 1 else 'E' if self.is_extended else 'S'}")

    @property
    def shape(self) -> tuple[int, int, int, int, int, int]:
        """CLA, INS, P1, P2, Nc and Ne: everything but the contents."""
        return self.cla, self.ins, self.p1, self.p2, self.nc, self.ne

    def encode(self) -> bytes:
        """Return the bytes for the wire, secrets included: do not keep them.

        :raises EncodingError: if a header byte is not a byte, or a length is out of range.
        """
        data = self.data if isinstance(self.data, bytes) else _joined(self.data)
        nc, ne = len(data), self.ne
        try:
            if nc > _SHORT_NC or not 0 <= ne <= _SHORT_NE or self.extended:
                return bytes((self.cla, self.ins, self.p1, self.p2)) + _extended_body(data, ne)
            if nc and ne:
                return b"%c%c%c%c%c%b%c" % (self.cla, self.ins, self.p1, self.p2, nc, data, ne & 0xFF)
            if nc:
                return b"%c%c%c%c%c%b" % (self.cla, self.ins, self.p1, self.p2, nc, data)
            if ne:
                return bytes((self.cla, self.ins, self.p1, self.p2, ne & 0xFF))
            return bytes((self.cla, self.ins, self.p1, self.p2))
        except (ValueError, OverflowError):
            raise EncodingError(
                f"command APDU: got CLA {self.cla:#x}, INS {self.ins:#x}, P1 {self.p1:#x}, P2 {self.p2:#x}, Nc {nc}, "
                f"Ne {ne}, expected four bytes, Nc up to {_EXTENDED_NC}, Ne from 0 to {_EXTENDED_NE}"
            ) from None

    def __repr__(self) -> str:
        header = f"{self.cla:02X}{self.ins:02X}{self.p1:02X}{self.p2:02X}"
        data = f" data={self._shown()}" if self.data else ""
        return (
            f"<CommandAPDU {header}{data}{f' ne={self.ne}' if self.ne else ''}{' extended' if self.extended else ''}>"
        )

    def _shown(self) -> str:
        parts = (self.data,) if isinstance(self.data, bytes) else self.data
        if self.ins in CODE_COMMANDS:
            return f"<{self.nc} bytes>"
        return "".join(part.hex().upper() if isinstance(part, bytes) else repr(part) for part in parts)


@dataclass(frozen=True, slots=True)
class ResponseAPDU:
    """One response: data and status word (0 to 0xFFFF)."""

    data: bytes
    sw: int

    @classmethod
    def parse(cls, wire: bytes) -> ResponseAPDU:
        """Split a response into data and status word.

        :raises EncodingError: on fewer than 2 bytes, or more than 65,536 and a status word.

        >>> hex(ResponseAPDU.parse(bytes.fromhex("01029000")).sw)
        '0x9000'
        """
        if not 2 <= len(wire) <= _EXTENDED_NE + 2:
            raise EncodingError(f"response APDU: got {len(wire)} bytes, expected 2 to {_EXTENDED_NE + 2}")
        return cls(wire[:-2], wire[-2] << 8 | wire[-1])

    @property
    def sw1(self) -> int:
        """First status byte."""
        return self.sw >> 8

    @property
    def sw2(self) -> int:
        """Second status byte."""
        return self.sw & 0xFF

    def encode(self) -> bytes:
        """Return data and status word as bytes.

        :raises EncodingError: if the status word is not one.
        """
        if not 0 <= self.sw <= 0xFFFF:
            raise EncodingError(f"response APDU: status word {self.sw:#x}, expected 0 to 0xFFFF")
        return self.data + self.sw.to_bytes(2, "big")


def _parse_body(body: bytes, width: int, longest: int) -> tuple[bytes, int]:
    """Read Lc, data and Le with length fields of `width` bytes; Le 0 stands for `longest`."""
    if not body:
        return b"", 0
    first = int.from_bytes(body[:width], "big")
    if len(body) == width:
        return b"", first or longest
    data, le = body[width : width + first], body[width + first :]
    if not first or len(data) < first or len(le) not in (0, width):
        raise EncodingError(f"command APDU: Lc says {first} bytes, {len(body) - width} follow, expected those and Le")
    return data, (int.from_bytes(le, "big") or longest) if le else 0


def _extended_body(data: bytes, ne: int) -> bytes:
    """Write Lc, data and Le; OverflowError on a length out of range."""
    if not 0 <= ne <= _EXTENDED_NE:
        raise OverflowError
    lc = len(data).to_bytes(2, "big") + data if data else b""
    le = (ne % _EXTENDED_NE).to_bytes(2, "big") if ne else b""
    return b"\x00" + lc + le if lc or le else b""


def _joined(parts: tuple[bytes | Secret, ...]) -> bytes:
    clear = bytearray()
    for part in parts:
        if isinstance(part, bytes):
            clear += part
        else:
            with part.reveal() as secret:
                clear += secret
    return bytes(clear)
