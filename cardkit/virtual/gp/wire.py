"""APDUs on the wire: class byte, cases, lengths, and how an answer leaves (ISO/IEC 7816-3 12; GPCS 11.1.4, 11.1.5)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError

_FULL_SHORT: Final = 256
_FULL_EXTENDED: Final = 65_536
_FIRST_FAR_CHANNEL: Final = 4


@dataclass(frozen=True, slots=True)
class Apdu:
    """One command as it came.

    :ivar ne: bytes expected; 256 or 65,536 when Le was zero, 0 when absent.
    :ivar channel: logical channel, 0 to 19.  :ivar proprietary: CLA b8.
    :ivar secured: secure messaging of GlobalPlatform.  :ivar chained: more segments follow (CLA b5).
    :ivar extended: Lc or Le has three bytes.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    channel: int
    proprietary: bool
    secured: bool
    chained: bool
    extended: bool


def parse(command: bytes, *, protocol: int, extended: bool) -> Apdu:
    """Take a C-APDU apart.

    :param extended: the ATR declares extended length; T=0 never carries it.
    :raises StatusWordError: 6700, 6E00 on a class that is none, 6882 on secure messaging of another kind.
    """
    if len(command) < 4:
        raise StatusWordError(sw.WRONG_LENGTH)
    cla = command[0]
    if cla & 0x60 == 0x20 or cla == 0xFF:
        raise StatusWordError(sw.NO_CLASS)
    far = bool(cla & 0x40)
    if not far and cla & 0x08:
        raise StatusWordError(sw.NO_SECURE_MESSAGING)
    data, ne, long = _body_t0(command) if protocol == 0 else _body_t1(command, extended=extended)
    return Apdu(
        cla=cla,
        ins=command[1],
        p1=command[2],
        p2=command[3],
        data=data,
        ne=ne,
        channel=_FIRST_FAR_CHANNEL + (cla & 0x0F) if far else cla & 0x03,
        proprietary=bool(cla & 0x80),
        secured=bool(cla & (0x20 if far else 0x04)),
        chained=bool(cla & 0x10),
        extended=long,
    )


def _body_t0(command: bytes) -> tuple[bytes, int, bool]:
    """Five header bytes, then data in one direction only; P3 alone is Le."""
    size = len(command)
    if size <= 5:
        return b"", (command[4] or _FULL_SHORT) if size == 5 else 0, False
    if size != 5 + command[4]:
        raise StatusWordError(sw.WRONG_LENGTH)
    return command[5:], 0, False


def _body_t1(command: bytes, *, extended: bool) -> tuple[bytes, int, bool]:
    size = len(command)
    if size <= 5:
        return b"", (command[4] or _FULL_SHORT) if size == 5 else 0, False
    if not command[4]:
        return _body_extended(command, allowed=extended)
    end = 5 + command[4]
    if not end <= size <= end + 1:
        raise StatusWordError(sw.WRONG_LENGTH)
    return command[5:end], (command[end] or _FULL_SHORT) if size > end else 0, False


def _body_extended(command: bytes, *, allowed: bool) -> tuple[bytes, int, bool]:
    size = len(command)
    if not allowed or size < 7:
        raise StatusWordError(sw.WRONG_LENGTH)
    number = int.from_bytes(command[5:7], "big")
    if size == 7:
        return b"", number or _FULL_EXTENDED, True
    end = 7 + number
    if number == 0 or size not in (end, end + 2):
        raise StatusWordError(sw.WRONG_LENGTH)
    ne = (int.from_bytes(command[end:], "big") or _FULL_EXTENDED) if size > end else 0
    return command[7:end], ne, True


@dataclass(frozen=True, slots=True)
class Waiting:
    """The rest of an answer, for GET RESPONSE on the same channel."""

    data: bytes
    status: bytes
    channel: int


def answer(apdu: Apdu, data: bytes, status: bytes, *, protocol: int) -> tuple[bytes, Waiting | None]:
    """The R-APDU, and what is left for GET RESPONSE.

    An absent Le is served as 00: hosts that send INITIALIZE UPDATE without Le expect the answer at once.
    """
    if not data:
        return status, None
    if protocol == 0:
        if apdu.data:
            return sw.more_data(len(data)), Waiting(data, status, apdu.channel)
        return (data + status if len(data) == apdu.ne else sw.right_length(len(data))), None
    return _part(data, status, apdu.ne or _FULL_SHORT, apdu.channel)


def get_response(apdu: Apdu, waiting: Waiting | None, *, protocol: int) -> tuple[bytes, Waiting | None]:
    """GET RESPONSE: the next part of the answer that waits.

    :raises StatusWordError: 6A86; 6985 when nothing waits on this channel.
    """
    if apdu.p1 or apdu.p2:
        raise StatusWordError(sw.WRONG_P1P2)
    if waiting is None or waiting.channel != apdu.channel or apdu.data:
        raise StatusWordError(sw.CONDITIONS)
    ne = apdu.ne or _FULL_SHORT
    if protocol == 0 and ne > len(waiting.data) and ne != _FULL_SHORT:
        return sw.right_length(len(waiting.data)), waiting
    return _part(waiting.data, waiting.status, ne, apdu.channel)


def _part(data: bytes, status: bytes, ne: int, channel: int) -> tuple[bytes, Waiting | None]:
    if len(data) <= ne:
        return data + status, None
    rest = data[ne:]
    return data[:ne] + sw.more_data(len(rest)), Waiting(rest, status, channel)
