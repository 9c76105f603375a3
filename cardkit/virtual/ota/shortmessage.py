"""Short messages as far as they carry secured packets (3GPP TS 31.115 4; TS 23.040 9.2)."""

from typing import Final, NamedTuple

from .. import statuswords as sw
from ..errors import StatusWordError

COMMAND_HEADER: Final = bytes.fromhex("027000")
RESPONSE_HEADER: Final = bytes.fromhex("027100")
LONGEST: Final = 140  # bytes of user data

_MESSAGE_TYPE, _HEADER_THERE = 0x03, 0x40
_DELIVER: Final = 0x00
_SUBMIT_WITH_HEADER: Final = 0x41
_DATA_DOWNLOAD, _CLASS_2_BINARY = 0x7F, 0xF6
_TIME_STAMP: Final = 7
_PARTS_8, _PARTS_16, _COMMAND_PACKET = 0x00, 0x08, 0x70


class Deliver(NamedTuple):
    """An SMS-DELIVER.

    :ivar sender: TP-OA as it came: digits, type, number.
    :ivar reference, total, part: of a concatenated message; 0, 1, 1 for one alone.
    :ivar packet: its user data are part of a command packet, or begin one.
    """

    sender: bytes
    reference: int
    total: int
    part: int
    packet: bool
    data: bytes


def read(tpdu: bytes) -> Deliver:
    """An SMS-DELIVER TPDU.

    :raises StatusWordError: 6A80 when it is none.
    """
    if len(tpdu) < 2 or tpdu[0] & _MESSAGE_TYPE != _DELIVER:
        raise StatusWordError(sw.WRONG_DATA)
    end = 3 + (tpdu[1] + 1) // 2
    sender, pid = tpdu[1:end], tpdu[end : end + 1]
    at = end + 2 + _TIME_STAMP
    data = tpdu[at + 1 :]
    if at >= len(tpdu) or len(data) != tpdu[at]:
        raise StatusWordError(sw.WRONG_DATA)
    if not tpdu[0] & _HEADER_THERE or pid != bytes((_DATA_DOWNLOAD,)):
        return Deliver(sender, 0, 1, 1, packet=False, data=data)
    return _with_header(sender, data)


def _with_header(sender: bytes, data: bytes) -> Deliver:
    if not data or len(data) <= data[0]:
        raise StatusWordError(sw.WRONG_DATA)
    elements = _elements(data[1 : 1 + data[0]])
    reference, total, part = 0, 1, 1
    joined = elements.get(_PARTS_8) or elements.get(_PARTS_16)
    if joined is not None:
        if len(joined) not in (3, 4):
            raise StatusWordError(sw.WRONG_DATA)
        reference, total, part = int.from_bytes(joined[:-2], "big"), joined[-2], joined[-1]
        if not 1 <= part <= total:
            raise StatusWordError(sw.WRONG_DATA)
    packet = _COMMAND_PACKET in elements or part > 1
    return Deliver(sender, reference, total, part, packet=packet, data=data[1 + data[0] :])


def _elements(header: bytes) -> dict[int, bytes]:
    """:raises StatusWordError: 6A80 when the elements do not fill the header."""
    found, at = {}, 0
    while at < len(header):
        end = at + 2 + (header[at + 1] if at + 1 < len(header) else len(header))
        if end > len(header):
            raise StatusWordError(sw.WRONG_DATA)
        found[header[at]] = header[at + 2 : end]
        at = end
    return found


def submit(receiver: bytes, data: bytes) -> bytes:
    """An SMS-SUBMIT TPDU with a user data header in front of `data`."""
    return b"".join(
        (bytes((_SUBMIT_WITH_HEADER, 0)), receiver, bytes((_DATA_DOWNLOAD, _CLASS_2_BINARY, len(data))), data)
    )
