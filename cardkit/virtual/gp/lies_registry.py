"""Cards that lie about their registry and keys, behind the same seam as a good GlobalPlatform card; one lie each.

    card = registry_lies()["delete-not-done"](make_card("gp-scp03"), seed)

They lie under a right R-MAC, where there is one: only who reads back, compares and counts finds them out. Each lie is
told whenever there is an occasion.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Final

from ..faultbase import Fault
from ..faults_answers import EndlessMoreData, MoreDataWithoutData
from ..maker import AnyCard
from ..statuswords import OK
from . import ber
from .chip import Answer, GpChip
from .lies import ChannelLie, LyingChannel

_PUT_KEY, _STORE_DATA, _DELETE, _INSTALL, _LOAD, _SET_STATUS, _GET_STATUS = 0xD8, 0xE2, 0xE4, 0xE6, 0xE8, 0xF0, 0xF2
_MORE_PAGES: Final = b"\x63\x10"

Page = Callable[[bytes, bytes, Random], Answer]  # data and status word of a page -> what is told instead


class NotDone(ChannelLie):
    """One instruction is answered as if it had been done, and nothing has changed.

    :param instruction: INS of that command.
    """

    def __init__(
        self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, instruction: int = _DELETE
    ) -> None:
        super().__init__(card, seed, at=at)
        self._instruction = instruction
        self._idle = False
        self.chip.memory.intercept = self._intercept

    def transmit(self, command: bytes) -> bytes:
        """Lose what the command writes."""
        self._idle = command[1:2] == bytes((self._instruction,))
        return super().transmit(command)

    def _intercept(self, cell: str, value: bytes) -> bytes | None:
        del cell
        return None if self._idle and self._due() else value


class LyingEcho(ChannelLie):
    """The answer to PUT KEY names another key version, or a check value that is not that of the key.

    :param version: whether it is the version that is wrong.
    """

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, version: bool = False) -> None:
        super().__init__(card, seed, at=at)
        self._version = version
        self._instruction = b""

    def transmit(self, command: bytes) -> bytes:
        """Remember which command it is."""
        self._instruction = command[1:2]
        return super().transmit(command)

    def response(self, channel: LyingChannel, data: bytes, status: bytes) -> bytes:
        """One bit is wrong."""
        if self._instruction == bytes((_PUT_KEY,)) and status == OK and data and self._due():
            at = 0 if self._version else self.random.randrange(1, len(data))
            data = data[:at] + bytes((data[at] ^ 1 << self.random.randrange(7),)) + data[at + 1 :]
        return channel.honest_response(data, status)


class LyingPages(ChannelLie):
    """Changes the answers to GET STATUS.

    :param lie: what becomes of a page.
    """

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, lie: Page | None = None) -> None:
        super().__init__(card, seed, at=at)
        self._lie = lie or _again
        self._asked = False
        self._page = b""
        self._status = b""

    def transmit(self, command: bytes) -> bytes:
        """Put the other status word where the honest one would have stood."""
        self._asked, self._status = command[1:2] == bytes((_GET_STATUS,)), b""
        answer = super().transmit(command)
        if not self._status:
            return answer
        chip = self.chip
        if isinstance(chip, GpChip) and chip.waiting is not None:
            chip.waiting = replace(chip.waiting, status=self._status)
            return answer
        return answer[:-2] + self._status

    def response(self, channel: LyingChannel, data: bytes, status: bytes) -> bytes:
        """The changed page; where the card has no more to tell, the last one is changed again."""
        self._page = data or self._page
        if not (self._asked and self._page and self._due()):
            return channel.honest_response(data, status)
        told, self._status = self._lie(self._page, status, self.random)
        return channel.honest_response(told, self._status)


def _again(data: bytes, status: bytes, random: Random) -> Answer:
    del status, random
    return data, _MORE_PAGES


def _empty(data: bytes, status: bytes, random: Random) -> Answer:
    del data, status, random
    return b"", _MORE_PAGES


def _cut(data: bytes, status: bytes, random: Random) -> Answer:
    """Without the end of the last entry."""
    last = len(ber.build(*ber.parse(data)[-1]))
    return data[: -random.randrange(1, last)], status


_LIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {
        "put-key-not-done": partial(NotDone, instruction=_PUT_KEY),
        "store-data-not-done": partial(NotDone, instruction=_STORE_DATA),
        "delete-not-done": partial(NotDone, instruction=_DELETE),
        "install-not-done": partial(NotDone, instruction=_INSTALL),
        "load-not-done": partial(NotDone, instruction=_LOAD),
        "set-status-not-done": partial(NotDone, instruction=_SET_STATUS),
        "put-key-other-kcv": LyingEcho,
        "put-key-other-kvn": partial(LyingEcho, version=True),
        "pages-for-ever": LyingPages,
        "page-empty": partial(LyingPages, lie=_empty),
        "entry-cut": partial(LyingPages, lie=_cut),
        "61-for-ever": EndlessMoreData,
        "61-without-data": MoreDataWithoutData,
    }
)


def registry_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie about registry and keys by its name; call it as factory(card, seed)."""
    return _LIES
