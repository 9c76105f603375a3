"""The way of a command through the card: OPEN, chains, session, application, answer (GPCS 6.2, 6.4, 10).

1 is the channel open (6881)         4 segments are joined
2 SELECT by name, MANAGE CHANNEL     5 a session is opened, or the command checked against the open one
3 a TERMINATED card: GET DATA only   6 the selected application works, its writes are committed, the answer protected
"""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError, WriteFailedError
from . import applets, domain, manager, scp11data
from .chip import Answer, Chain, Channel, GpChip, PlainCommand
from .domain import GET_DATA
from .protection import Command
from .registry import Entry
from .session import State
from .wire import Apdu

_CHAINED: Final = 0x10  # CLA b5
_MORE: Final = 0x80  # P1 b8 of INSTALL, DELETE, PUT KEY (11.1.5)
_LONGEST: Final = 65_535
_FULL_SHORT: Final = 255


def run(chip: GpChip, apdu: Apdu) -> Answer:
    """Work on one command; its writes are committed, or nothing of it stays.

    :returns: data and status word.
    """
    try:
        return _on_channel(chip, _channel(chip, apdu.channel), apdu)
    except StatusWordError as refusal:
        chip.journal.forget()
        return b"", refusal.sw
    except WriteFailedError:
        chip.journal.forget()
        return b"", sw.MEMORY_PROBLEM


def _channel(chip: GpChip, number: int) -> Channel:
    found = chip.channels.get(number)
    if found is None:
        raise StatusWordError(sw.NO_CHANNEL)
    return found


def _on_channel(chip: GpChip, channel: Channel, apdu: Apdu) -> Answer:
    if manager.is_for_open(apdu):
        channel.chain = None
        return manager.run(chip, channel, apdu)
    if chip.terminated and apdu.ins != GET_DATA:
        raise StatusWordError(sw.CONDITIONS)
    command = _joined(channel, apdu)
    if command is None:
        return b"", sw.OK
    entry = chip.entry(channel)
    _refresh(chip, channel, entry)
    if channel.secure.opens(command):
        return _open_session(chip, channel, command)
    return _in_session(chip, channel, entry, command, apdu)


def _refresh(chip: GpChip, channel: Channel, entry: Entry) -> None:
    """The secure channel sees the keys as they are now."""
    domain_entry = chip.domain_of(entry)
    channel.secure.keys = chip.session_keys(domain_entry)
    channel.secure.allow_lists = scp11data.allow_lists(chip, domain_entry.aid)


def _joined(channel: Channel, apdu: Apdu) -> Command | None:
    """The whole command, or None while segments are missing: ISO chaining (CLA b5), or P1 b8 of three commands.

    :raises StatusWordError: 6700 when the whole is too long.
    """
    segmented = domain.is_segmented(apdu)
    p1 = apdu.p1 & ~_MORE if segmented else apdu.p1
    header = bytes((apdu.cla & ~_CHAINED, apdu.ins, p1, apdu.p2))
    chain, channel.chain = channel.chain, None
    if chain is None or chain.header != header:
        chain = Chain(header)
    chain.data += apdu.data
    if len(chain.data) > _LONGEST:
        raise StatusWordError(sw.WRONG_LENGTH)
    if apdu.chained or p1 != apdu.p1:
        channel.chain = chain
        return None
    long = apdu.extended or len(chain.data) > _FULL_SHORT
    return Command(header[0], apdu.ins, apdu.p1, apdu.p2, chain.data, long)


def _open_session(chip: GpChip, channel: Channel, command: Command) -> Answer:
    """INITIALIZE UPDATE and its kind: they change tries and counters, which the journal writes at once."""
    channel.pages = channel.load = channel.target = None
    channel.forget_store()
    try:
        return channel.secure.open(command), sw.OK
    except StatusWordError:
        domain.lock_card_if_due(chip, channel)
        raise


def _in_session(chip: GpChip, channel: Channel, entry: Entry, command: Command, apdu: Apdu) -> Answer:
    own = command.secured and channel.secure.state is State.NONE and _has_own_messaging(chip, entry, command)
    data = command.data if own else channel.secure.unwrap(command)
    plain = PlainCommand(command.ins, command.p1, command.p2, data, apdu.ne, apdu.proprietary, own)
    answer, status = chip.journal.settle(lambda: _work(chip, channel, entry, plain))
    protected = channel.secure.wrap_response(answer, status)
    if chip.terminated:
        for other in chip.channels.values():
            other.forget()
    return protected, status


def _has_own_messaging(chip: GpChip, entry: Entry, command: Command) -> bool:
    return not entry.is_domain and command.ins in applets.of(chip, entry).own_messaging


def _work(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    operation = domain.OPERATIONS.get(command.ins)
    if not entry.is_domain and (operation is None or not operation.also_for_applets):
        if chip.locked:
            raise StatusWordError(sw.CONDITIONS)
        return applets.of(chip, entry).process(channel, command)
    if operation is None:
        raise StatusWordError(sw.NO_INSTRUCTION)
    return domain.run(chip, channel, entry, command, operation)
