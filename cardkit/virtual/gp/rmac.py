"""BEGIN and END R-MAC SESSION (GPCS E.5.3, E.5.4; Amendment D 7.1.3, 7.1.4): the work is the secure channel's."""

from .. import statuswords as sw
from .chip import Answer, Channel, GpChip, PlainCommand
from .registry import Entry


def begin(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """BEGIN R-MAC SESSION."""
    del chip, entry
    channel.secure.begin_r_mac(command.p1, command.p2, command.data)
    return b"", sw.OK


def end(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """END R-MAC SESSION: the R-MAC is the answer."""
    del chip, entry
    return channel.secure.end_r_mac(command.p1, command.p2), sw.OK
