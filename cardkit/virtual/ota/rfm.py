"""Remote file management: commands on the file system with the rights of a remote application (ETSI TS 102 226 9)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .. import statuswords as sw
from ..chip import Chip, Command, LogicalChannel
from ..errors import StatusWordError, WriteFailedError
from ..files import File
from ..image import RemoteApplication
from ..instructions import dispatch_table
from ..protocol import T1, Flow
from . import script

_CHANNEL: Final = -1  # a logical channel no terminal can name
# Life cycle, SEARCH, SELECT, READ, GET RESPONSE, UPDATE, CREATE, DELETE, TERMINATE, INCREASE, RESIZE, BER-TLV, STATUS
_ALLOWED: Final = frozenset(
    (0x04, 0x44, 0xA2, 0xA4, 0xB0, 0xB2, 0xC0, 0xD6, 0xDC, 0xE0, 0xE4, 0xE6, 0xE8, 0x32, 0xD4, 0xCB, 0xDB, 0xF2)
)
_WRITING: Final = frozenset((0xD6, 0xDC, 0x32, 0xDB))
_TABLE: Final = dispatch_table(1)
_LINK: Final = T1(extended=False)


class RemoteFiles:
    """One script on the file system.

    :ivar changed: paths of the EFs it wrote, each once, in order.
    """

    def __init__(self, chip: Chip, application: RemoteApplication) -> None:
        self._chip = chip
        self._application = application
        self.changed: dict[str, File] = {}

    def run(self, data: bytes) -> bytes:
        """Run a script; its directory is current at first."""
        with self._channel() as channel:
            return script.run(data, lambda command: self._transmit(channel, command), _takes_data)

    @contextmanager
    def _channel(self) -> Iterator[LogicalChannel]:
        chip = self._chip
        channel = LogicalChannel(_CHANNEL, chip.tree.mf)
        channel.grants = self._application.grants
        directory = chip.tree.find(self._application.directory)
        if directory is not None:
            channel.select(directory)
        chip.channels[_CHANNEL] = channel
        try:
            yield channel
        finally:
            del chip.channels[_CHANNEL]
            chip.pending = b""

    def _transmit(self, channel: LogicalChannel, command: bytes) -> bytes:
        entry = _TABLE.get(command[:2])
        if len(command) < 4 or entry is None or command[1] not in _ALLOWED:
            return sw.WRONG_LENGTH if len(command) < 4 else sw.NO_INSTRUCTION
        handler, valid, flow, _ = entry
        if not valid(command[2], command[3]):
            return sw.WRONG_P1P2
        try:
            data, ne = _LINK.parse(command, flow)
            todo = Command(channel, command[2], command[3], data, ne)
            answer = _LINK.answer(self._chip, todo, flow, handler(self._chip, todo))
        except StatusWordError as refusal:
            return refusal.sw
        except WriteFailedError:
            return sw.MEMORY_PROBLEM
        if command[1] in _WRITING and channel.ef is not None:
            self.changed[channel.ef.path] = channel.ef
        return answer


def _takes_data(header: bytes) -> bool:
    entry = _TABLE.get(header[:2])
    return entry is None or bool(entry[2] & Flow.DATA)
