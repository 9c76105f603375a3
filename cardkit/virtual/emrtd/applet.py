"""A document as an application of a GlobalPlatform card: personalized by data groupings, locked by one of them.

0101 to 0110 data groups, 011C EF.CVCA, 011D EF.SOD, 011E EF.COM, A000 EF.DIR, A001 EF.ATR/INFO, A01C EF.CardAccess,
A01D EF.CardSecurity: whole files; 8001 to 8130 key objects (keys.py); 9F01 with 01 locks
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import cells, registry
from ..gp.chip import Answer, Channel, GpChip, PlainCommand
from ..gp.crypto import AES_BLOCK, PaddingError, unpad80
from ..gp.registry import Entry
from . import factory, keys
from .document import ATR_INFO, CARD_ACCESS, CARD_SECURITY, EMRTD_AID, MF, OPERATIONAL, Condition, Document, Ef
from .groups import refuse
from .session import FULL_SHORT, Command, Session

_DIRECTORY: Final = 0x3F01
_EF_DIR: Final = 0x2F00
_SFI: Final = 0x1F
_LOCK, _LOCKED = 0x9F01, b"\x01"
_IN_MF: Final[Mapping[int, tuple[int, Condition]]] = {
    0xA000: (_EF_DIR, Condition.ALWAYS),
    0xA001: (ATR_INFO, Condition.ALWAYS),
    0xA01C: (CARD_ACCESS, Condition.ALWAYS),
    0xA01D: (CARD_SECURITY, Condition.PACE),
}
_SFI_OF: Final = {_EF_DIR: 0x1E}
_GROUPS: Final = range(0x0101, 0x0111)
_OTHERS: Final = range(0x011C, 0x011F)
_BIOMETRIC: Final = {0x0103: Condition.FINGERS, 0x0104: Condition.IRIS}
_ATR_INFO: Final = bytes.fromhex("4703C821C0 7F660802020800 02020800")


class EmrtdApplet:
    """One instance, on its way to the lock; what strangers then meet is `appletcard`'s."""

    groupings = True
    level = 0
    own_messaging: frozenset[int] = frozenset()

    def __init__(self, chip: GpChip, entry: Entry) -> None:
        self._chip = chip
        self._aid = entry.aid
        self.document = Document(chip.journal, cells.folder(cells.APPLICATION, entry.aid))

    def install(self, parameters: bytes) -> None:
        """Come into being under the one name readers know.

        :raises StatusWordError: 6A80 for another name, or parameters.
        """
        if parameters or self._aid != EMRTD_AID:
            raise refuse()
        self.document.put_directory(_DIRECTORY, EMRTD_AID)
        self._put_file(MF, ATR_INFO, Condition.ALWAYS, _ATR_INFO)

    def select(self) -> Answer:
        """No data."""
        return b"", sw.OK

    def process(self, channel: Channel, command: PlainCommand) -> Answer:
        """Read back, in a session of the security domain.

        :raises StatusWordError: 6982 outside one, and as `factory.read`.
        """
        opened = channel.secure.authenticated
        if not isinstance(channel.transient, Session):
            channel.transient = Session(df=_DIRECTORY)
        room = factory.room(channel.secure, extended=command.ne > FULL_SHORT)
        plain = Command(0, command.ins, command.p1, command.p2, command.data, command.ne, room=room)
        return factory.read(self.document, channel.transient, plain, opened=opened)

    def is_secret(self, tag: int) -> bool:
        """Passwords and private keys never come in clear."""
        return keys.is_secret(tag)

    def store(self, tag: int, value: bytes) -> None:
        """Take one grouping, decrypted.

        :raises StatusWordError: 6A88 unknown, 6A80 wrong.
        """
        if tag in _IN_MF:
            fid, read = _IN_MF[tag]
            self._put_file(MF, fid, read, value)
        elif tag in _GROUPS or tag in _OTHERS:
            self._put_file(_DIRECTORY, tag, _BIOMETRIC.get(tag, Condition.SESSION), value)
        elif tag == _LOCK:
            self._lock(value)
        else:
            keys.put(self.document, tag, _unpadded(tag, value), self._chip.random.randbytes)

    def _put_file(self, df: int, fid: int, read: Condition, body: bytes) -> None:
        file = Ef(df, fid, _SFI_OF.get(fid, fid & _SFI), read)
        if body:
            self.document.put_file(file, body)
        else:
            self.document.delete_file(file)

    def _lock(self, value: bytes) -> None:
        if value != _LOCKED:
            raise refuse()
        self.document.life_cycle = OPERATIONAL
        entry = self._chip.registry.get(self._aid)
        self._chip.registry.put(replace(entry, state=registry.PERSONALIZED))

    def store_opaque(self, data: bytes) -> None:
        """Blocks without a structure are groupings here; `groupings` says so.

        :raises StatusWordError: 6A80.
        """
        del data
        raise refuse()

    def close(self) -> None:
        """The end of one run of STORE DATA; only the lock ends personalization."""

    @property
    def personalized(self) -> bool:
        """Is it locked?"""
        return self.document.life_cycle == OPERATIONAL


def _unpadded(tag: int, value: bytes) -> bytes:
    """A secret grouping is padded for its cipher, always."""
    if not keys.is_secret(tag):
        return value
    try:
        return unpad80(value, AES_BLOCK)
    except PaddingError:
        raise StatusWordError(sw.WRONG_DATA) from None
