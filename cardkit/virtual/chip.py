"""The state of one chip that commands work on: its memory, what is granted, its logical channels.

Volatile: channels, verified secrets, the answer waiting for GET RESPONSE. Everything else is in `memory`.
"""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from . import fcp
from . import statuswords as sw
from .access import ALWAYS, Condition, Rules
from .errors import StatusWordError
from .filerules import rule_cells, rules_of
from .files import ACTIVATED, DEACTIVATED, TERMINATED, File
from .filesystem import FileSystem
from .image import OF_PLATFORM, Image
from .memory import Memory
from .secretstate import SecretStore

FULL_SHORT: Final = 256  # Ne of Le = 00
_FID: Final = 4  # hex digits


class Transfer(NamedTuple):
    """An object of a BER-TLV file on its way, block by block.

    :ivar retrieved: towards the terminal; `data` is then what is still to be sent, else what has come so far.
    """

    file: File
    retrieved: bool
    data: bytes


class LogicalChannel:
    """What one logical channel has selected (ETSI TS 102 221 8.3, 10.3).

    :ivar adf: the application active on this channel; stays active while directories outside it are selected.
    :ivar record: current record number, 0 for none.
    :ivar transfer: an object of a BER-TLV file that goes in blocks.
    :ivar grants: key references a remote application counts as verified; None for a terminal's channel.
    """

    __slots__ = ("adf", "df", "ef", "grants", "number", "record", "transfer")

    def __init__(self, number: int, df: File) -> None:
        self.number = number
        self.df = df
        self.adf: File | None = None
        self.ef: File | None = None
        self.record = 0
        self.transfer: Transfer | None = None
        self.grants: frozenset[int] | None = None

    def select(self, file: File) -> None:
        """Make a directory or EF current; an EF's directory becomes current with it (TS 102 221 8.4)."""
        self.adf = file.adf or self.adf
        if file.is_df:
            self.df, self.ef, self.record, self.transfer = file, None, 0, None
            return
        self.df = file.parent or file
        self.use(file)

    def use(self, file: File) -> None:
        """Make an EF of the current directory current; a cyclic one starts at its newest record."""
        self.ef = file
        self.record = 1 if file.cyclic else 0
        self.transfer = None


class Command:
    """One command, after the transport level: what its handler needs.

    :ivar ne: number of bytes expected; 256 or 65,536 when Le was zero; 0 when absent.
    """

    __slots__ = ("channel", "data", "ne", "p1", "p2")

    def __init__(self, channel: LogicalChannel, p1: int, p2: int, data: bytes, ne: int) -> None:
        self.channel = channel
        self.p1 = p1
        self.p2 = p2
        self.data = data
        self.ne = ne


Answer = tuple[bytes, bytes]  # data, status word


class Chip:
    """One chip.

    :ivar exact_le: T=0, where a card knows no "as much as there is": Le must be right to the byte.
    :ivar pending: data waiting for GET RESPONSE; with the status word that ends them, and their channel.
    """

    def __init__(self, image: Image, memory: Memory, protocol: int, random: Random) -> None:
        self.image = image
        self.memory = memory
        self.exact_le = protocol == 0
        self.random = random
        self.secrets = SecretStore(image.secrets, memory)
        self.tree = FileSystem(image, memory)
        self.rules = image.rules
        self.reset()
        if self.tree.files is not image.files or memory.restored_rules(image.rule_cells):
            self.refresh_rules()
        else:
            self._watch(image.rule_cells)

    def reset(self) -> None:
        """Lose everything volatile; the MF is current on the basic channel."""
        self.channels = {0: LogicalChannel(0, self.tree.mf)}
        self.secrets.forget()
        self.pending: bytes = b""
        self.pending_status = sw.OK
        self.pending_channel = 0

    def _watch(self, cells: tuple[str, ...]) -> None:
        watchers: dict[str, Callable[[], None]] = dict.fromkeys(cells, self.refresh_rules)
        watchers.update(dict.fromkeys(self.secrets.cells, self.secrets.refresh))
        self.memory.watchers = watchers

    def refresh_rules(self) -> None:
        """Read the access rules anew: an EF.ARR was written, or files came, went or changed their life cycle."""
        files, cells = self.tree.files, self.memory.cells
        self.rules = rules_of(files, cells, self.image.mask_rules)
        self._watch(rule_cells(files, cells))

    def refresh_channels(self) -> None:
        """Let go of files that are there no more, and see those that changed, on all logical channels."""
        find = self.tree.find
        for channel in self.channels.values():
            channel.adf = find(channel.adf.path) if channel.adf is not None else None
            channel.ef = find(channel.ef.path) if channel.ef is not None else None
            channel.record = channel.record if channel.ef is not None else 0
            path = channel.df.path
            while (directory := find(path)) is None and len(path) > _FID:
                path = path[: -_FID - 1]
            channel.df = directory or self.tree.mf

    @property
    def terminated(self) -> bool:
        """Has TERMINATE CARD USAGE ended the life of the card?"""
        return self.life_cycle(self.tree.mf) == TERMINATED

    def life_cycle(self, file: File) -> bytes:
        """The life cycle status byte, empty for a deleted file."""
        return self.memory.cells.get(file.lcs_cell, ACTIVATED)

    def body(self, path: str) -> bytes:
        """What an EF holds, or a cell of the platform; nothing when there is none at that path."""
        return self.memory.cells.get(self.cell(path), b"")

    def cell(self, path: str) -> str:
        """The cell of an EF; one of the platform stands for itself. Empty for a directory, or without a file."""
        if path.startswith(OF_PLATFORM):
            return path
        file = self.tree.find(path)
        return file.cell if file is not None else ""

    def child(self, directory: File, fid: int) -> File | None:
        """The child of that FID, unless deleted."""
        found = directory.children.get(fid)
        return found if found is not None and self.tree.exists(found) else None

    def short(self, channel: LogicalChannel, sfi: int) -> File:
        """Find an EF of the current directory by SFI and make it current.

        :raises StatusWordError: 6A82.
        """
        found = channel.df.by_sfi.get(sfi)
        if found is None or not self.tree.exists(found):
            raise StatusWordError(sw.FILE_NOT_FOUND)
        channel.use(found)
        return found

    def usable(self, file: File) -> None:
        """Refuse work on a file that is deactivated or terminated.

        :raises StatusWordError: 6984, 6985.
        """
        if file.lcs_cell not in self.memory.cells:
            return
        state = self.life_cycle(file)
        if state == DEACTIVATED:
            raise StatusWordError(sw.DATA_INVALIDATED)
        if state == TERMINATED:
            raise StatusWordError(sw.CONDITIONS)

    def readable(self, file: File) -> None:
        """As `usable`, but some files may be read while deactivated.

        :raises StatusWordError: 6984, 6985.
        """
        if not file.lasting or self.life_cycle(file) != DEACTIVATED:
            self.usable(file)

    def require(self, condition: Condition, channel: LogicalChannel) -> None:
        """Refuse unless one alternative of the condition is granted on this channel.

        :raises StatusWordError: 6982.
        """
        if condition is ALWAYS:
            return
        granted = channel.grants
        if granted is None:
            granted = self.secrets.granted(channel.adf.path if channel.adf is not None else "")
        for needed in condition:
            if needed <= granted:
                return
        raise StatusWordError(sw.SECURITY_STATUS)

    def rule(self, file: File) -> Rules:
        """The access rules of a file as its EF.ARR states them now."""
        return self.rules[file]

    def fcp(self, file: File) -> bytes:
        """The FCP template with today's life cycle and PIN status."""
        life_cycle = self.memory.cells.get(file.lcs_cell)
        if not file.pins and life_cycle is None:
            return file.fcp
        enabled = 0
        for position, reference in enumerate(file.pins):
            if self.secrets.is_enabled(reference, file.path):
                enabled |= 0x80 >> position
        return fcp.current(file, life_cycle, enabled)
