"""A sample application: it stores the data groupings of its personalization, shows them, and closes.

SELECT          answers `6F{84 AID, A5{...}}`, the DGI 9102 inside A5 if there is one
GET DATA P1P2   answers the object of that tag: TLV, or its value for CLA 00
STORE DATA      from its security domain or on its own session; DGI 8xxx and Axxx are secret and never shown
"""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells
from .chip import Answer, Channel, GpChip, PlainCommand
from .registry import Entry

_GET_DATA: Final = 0xCA
_FCI_DGI: Final = 0x9102
_CLOSED: Final = "closed"
_PARAMETERS: Final = "parameters"
_OPAQUE: Final = "opaque"
_OPEN, _DONE = b"\x00", b"\x01"
_MOST: Final = 4096  # bytes of one object


class StoringApplet:
    """One instance."""

    groupings = False
    level = 0
    own_messaging: frozenset[int] = frozenset()

    def __init__(self, chip: GpChip, entry: Entry) -> None:
        self._journal = chip.journal
        self._aid = entry.aid

    def _cell(self, name: str) -> str:
        return cells.application(self._aid, name)

    def _get(self, name: str) -> bytes:
        return self._journal.get(self._cell(name))

    def _put(self, name: str, value: bytes) -> None:
        self._journal.put(self._cell(name), value)

    def install(self, parameters: bytes) -> None:
        """Keep the parameters; personalization is open."""
        self._put(_PARAMETERS, parameters)
        self._put(_CLOSED, _OPEN)

    def select(self) -> Answer:
        """File control information."""
        inside = self._get(f"{_FCI_DGI:04X}")
        return ber.build(0x6F, ber.build(0x84, self._aid) + ber.build(0xA5, inside)), sw.OK

    def process(self, channel: Channel, command: PlainCommand) -> Answer:
        """GET DATA.

        :raises StatusWordError: 6A88 unknown or secret; 6D00.
        """
        del channel
        if command.ins != _GET_DATA:
            raise StatusWordError(sw.NO_INSTRUCTION)
        value = self._get(f"{command.tag:04X}")
        if not value or _is_secret(command.tag):
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return (ber.build(command.tag, value) if command.proprietary else value), sw.OK

    def is_secret(self, tag: int) -> bool:
        """None: a block in clear is taken as it comes."""
        del tag
        return False

    def store(self, tag: int, value: bytes) -> None:
        """Keep an object.

        :raises StatusWordError: 6A80 when it is empty or too long.
        """
        if not 0 < len(value) <= _MOST:
            raise StatusWordError(sw.WRONG_DATA)
        self._put(f"{tag:04X}", value)

    def store_opaque(self, data: bytes) -> None:
        """Keep the block behind those before it.

        :raises StatusWordError: 6A80 when it is too long.
        """
        whole = self._get(_OPAQUE) + data
        if len(whole) > _MOST:
            raise StatusWordError(sw.WRONG_DATA)
        self._put(_OPAQUE, whole)

    def close(self) -> None:
        """No STORE DATA is taken from now on."""
        self._put(_CLOSED, _DONE)

    @property
    def personalized(self) -> bool:
        """Is it closed?"""
        return self._get(_CLOSED) == _DONE


def _is_secret(tag: int) -> bool:
    return tag >> 12 in (0x8, 0xA)
