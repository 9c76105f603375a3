"""MANAGE CHANNEL (ETSI TS 102 221 11.1.17) and GET CHALLENGE (11.1.15)."""

from . import statuswords as sw
from .chip import Answer, Chip, Command, LogicalChannel
from .errors import StatusWordError

_CLOSE = 0x80


def valid_manage(p1: int, p2: int) -> bool:
    """P1 00: open, P2 00 or the number wished. P1 80: close P2."""
    return p2 < 20 and (p1 == 0 or (p1 == _CLOSE and p2 != 0))


def manage(chip: Chip, command: Command) -> Answer:
    """MANAGE CHANNEL: open a channel and answer its number unless it was asked for, or close one."""
    return _close(chip, command) if command.p1 == _CLOSE else _open(chip, command)


def _open(chip: Chip, command: Command) -> Answer:
    number = command.p2 or next((n for n in range(1, chip.image.channels) if n not in chip.channels), 0)
    if not command.p2 and (not command.ne or (chip.exact_le and command.ne != 1)):
        raise StatusWordError(sw.right_length(1) if command.ne else sw.WRONG_LENGTH)
    if number == 0 or number >= chip.image.channels or number in chip.channels:
        raise StatusWordError(sw.NOT_SUPPORTED)
    opener = command.channel
    channel = LogicalChannel(number, chip.tree.mf)
    if opener.number:
        channel.select(opener.df)
    chip.channels[number] = channel
    return (b"" if command.p2 else bytes((number,))), sw.OK


def _close(chip: Chip, command: Command) -> Answer:
    if command.p2 not in chip.channels:
        raise StatusWordError(sw.NO_CHANNEL)
    del chip.channels[command.p2]
    return b"", sw.OK


def valid_challenge(p1: int, p2: int) -> bool:
    """P1 P2 00 00."""
    return p1 == p2 == 0


def get_challenge(chip: Chip, command: Command) -> Answer:
    """GET CHALLENGE: Ne random bytes."""
    return chip.random.randbytes(command.ne), sw.OK
