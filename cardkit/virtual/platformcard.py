"""A UICC on a GlobalPlatform base: one chip with a file system and with security domains (ETSI TS 102 226; GPCS).

On each logical channel either the file system answers, with whatever application of it is active, or an application of
the platform does, such as the issuer security domain. SELECT by AID decides, and SELECT of a file leads back. USIM and
ISIM are entries of the registry, too: locked or deleted there, they cannot be selected any more. Where their keys come
by STORE DATA (subscriber.py), the commands of that go to the platform while they are active.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from . import statuswords as sw
from .card import VirtualCard
from .errors import PowerCutError
from .gp import applets, cells
from .gp.chip import GpChip
from .gp.domain import STORE_DATA
from .gp.exchange import exchange
from .gp.session import AUTHENTICATE, INITIALIZE_UPDATE, State
from .image import PlatformImage
from .instructions import Entry
from .ota.air import OverTheAir
from .protocol import Flow
from .toolkit import Toolkit, valid_nothing

_SELECT, _MANAGE_CHANNEL, _BY_AID = 0xA4, 0x70, 0x04
_GET_RESPONSE: Final = 0xC0
_PERSONALIZING: Final = frozenset((INITIALIZE_UPDATE, AUTHENTICATE, STORE_DATA))
_ANSWER: Final = 0x0C
_MORE_DATA: Final = 0x61
_GSM: Final = 0xA0
_PROPRIETARY: Final = 0x80
_SELECTED: Final = frozenset({0x61, 0x62, 0x90, 0x9F})  # first byte of the status word of a SELECT that found its file
_FOLDERS: Final = frozenset((cells.REGISTRY, cells.APPLICATION, *cells.OF_DOMAIN))


class PlatformCard(VirtualCard):
    """One virtual chip with both card operating systems; parameters as those of VirtualCard."""

    image: PlatformImage

    def __init__(
        self,
        image: PlatformImage,
        *,
        serial: bytes | None = None,
        seed: int | None = None,
        protocol: int | None = None,
        store: Path | None = None,
    ) -> None:
        super().__init__(image, serial=serial, seed=seed, protocol=protocol, store=store)
        self.platform = GpChip(image.platform, self.chip.memory, self.protocol, self.chip.random)
        self._toolkit = Toolkit()
        self._air = OverTheAir(self.chip, self.platform, self._toolkit, image.remote)
        if not self.chip.terminated:
            self._table = {**self._table, **_toolkit_entries(self._toolkit, self._air)}
        self._elsewhere: set[int] = set()  # logical channels on which the platform answers
        self._closed = self.platform.locked or self.platform.terminated
        self._gone = False

    def cut_at(self, step: int) -> None:
        """Take the power away before the `step`-th write of a cell from now on; 1 is the next one.

        The card is gone then until the next `power`, which finds what the writes before have left.
        """
        self.chip.memory.cut = step

    def power(self, cold: bool) -> None:
        """Cold or warm reset: the file system answers on the basic channel, unless the platform is locked."""
        super().power(cold)
        self._gone = False
        self.platform.reset()
        self._elsewhere.clear()
        self._toolkit.forget()
        self._air.forget()
        self._closed = self.platform.locked or self.platform.terminated

    def transmit(self, command: bytes) -> bytes:
        """Work on one C-APDU; each is atomic: done and saved, or not at all.

        :returns: R-APDU, at least 2 bytes; empty when the power was cut.
        """
        if self._gone:
            return b""
        try:
            return self._routed(command)
        except PowerCutError:
            self._gone = True
            if self.chip.memory.dirty:
                self._save()
            return b""

    def _routed(self, command: bytes) -> bytes:
        """To whom a command is for."""
        if len(command) < 4 or command[0] == _GSM:
            return self._to_files(command, 0)
        number, ins = _channel(command[0]), command[1]
        if self._closed:
            return self._to_platform(command)
        if command[0] & _PROPRIETARY == 0:
            if ins == _MANAGE_CHANNEL:
                return self._manage(command, number)
            if ins == _SELECT:
                chosen = self._is_for_platform(command) if command[2] == _BY_AID else False
                return self._select(command, number) if chosen else self._to_files(command, number)
        elsewhere = number in self._elsewhere or self._personalizes(ins, command[0], number)
        return self._to_platform(command) if elsewhere else self._to_files(command, number)

    def _to_files(self, command: bytes, number: int) -> bytes:
        answer = super().transmit(command)
        self.platform.waiting = None
        if command[1:2] == bytes((_SELECT,)) and answer[-2] in _SELECTED and self._left(command, number):
            self._elsewhere.discard(number)
            self.platform.channels[number].forget()
        return answer if command[:1] == bytes((_GSM,)) else self._toolkit.announced(answer)

    def _left(self, command: bytes, number: int) -> bool:
        """Has a SELECT that found its file ended what the platform did on this channel?"""
        if number in self._elsewhere:
            return True
        theirs, adf = self.platform.channels[number], self.chip.channels[number].adf
        if theirs.secure.state is State.NONE:
            return False
        return command[2] == _BY_AID or adf is None or adf.aid != theirs.selected

    def _personalizes(self, ins: int, cla: int, number: int) -> bool:
        """Is a command for the platform though an application of the file system is active: one whose keys it loads?"""
        if ins == _GET_RESPONSE and self.platform.waiting is not None:
            return True
        ours = self.chip.channels.get(number)
        if not cla & _PROPRIETARY or ins not in _PERSONALIZING or ours is None or ours.adf is None:
            return False
        entry = self.platform.registry.find(ours.adf.aid)
        if entry is None or not applets.takes_keys(self.platform, entry):
            return False
        if self.platform.channels[number].selected != entry.aid:
            self.platform.channels[number] = self.platform.channel(number, entry)
        return True

    def _to_platform(self, command: bytes) -> bytes:
        answer = exchange(self.platform, command)
        if self.chip.memory.dirty:
            self._closed = self.platform.locked or self.platform.terminated
            self._save()
        return answer

    def _select(self, command: bytes, number: int) -> bytes:
        """SELECT an application of the platform; P2 b4 b3 of a UICC terminal are 11 when it wants no answer."""
        wanted = command[3] & _ANSWER
        answer = self._to_platform(command[:3] + bytes((command[3] & ~_ANSWER,)) + command[4:])
        if answer[-2] not in _SELECTED:
            return answer
        self._elsewhere.add(number)
        if wanted != _ANSWER:
            return answer
        self.platform.waiting = None
        return sw.OK if answer[-2] == _MORE_DATA else answer[-2:]

    def _is_for_platform(self, command: bytes) -> bool:
        """Does a name mean no application of the file system that may be selected now?"""
        name = command[5 : 5 + command[4]] if len(command) > 4 else b""
        named = [file.aid for file in self.chip.tree.mf.children.values() if name and file.aid.startswith(name)]
        entries = [self.platform.registry.find(aid) for aid in named]
        hidden = any(entry is None or not entry.selectable for entry in entries)
        return not named or hidden

    def _manage(self, command: bytes, number: int) -> bytes:
        """MANAGE CHANNEL: both know the same channels; one opened from a supplementary channel is like that one."""
        answer = super().transmit(command)
        ours, theirs = self.chip.channels, self.platform.channels
        for opened in ours.keys() - theirs.keys():
            like = theirs.get(number) if number else None
            entry = self.platform.entry(like) if like and number in self._elsewhere else self.platform.registry.isd
            theirs[opened] = self.platform.channel(opened, entry)
            if number and number in self._elsewhere:
                self._elsewhere.add(opened)
        for closed in theirs.keys() - ours.keys():
            theirs.pop(closed).forget()
            self._elsewhere.discard(closed)
        return answer

    def memory(self) -> Mapping[str, bytes]:
        """What the chip really holds: its files and secrets, and each cell of the platform that holds anything."""
        found = dict(super().memory())
        for name, value in self.chip.memory.cells.items():
            if value and name.partition("/")[0] in _FOLDERS:
                found[name] = value
        return found


def _toolkit_entries(toolkit: Toolkit, air: OverTheAir) -> dict[bytes, Entry]:
    """The instructions of the toolkit; they have CLA 80 and the basic channel."""
    return {
        bytes.fromhex("8010"): (toolkit.terminal_profile, valid_nothing, int(Flow.WRITE), 0),
        bytes.fromhex("8012"): (toolkit.fetch, valid_nothing, int(Flow.READ), 0),
        bytes.fromhex("8014"): (toolkit.terminal_response, valid_nothing, int(Flow.WRITE), 0),
        bytes.fromhex("80C2"): (air.envelope, valid_nothing, int(Flow.BOTH), 0),
    }


def _channel(cla: int) -> int:
    return 4 + (cla & 0x0F) if cla & 0x40 else cla & 0x03
