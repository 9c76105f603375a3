"""The payment directories: PSE with records, PPSE with all of it in its FCI (EMV Book 1, 12; Contactless B, 3.3)."""

from collections.abc import Mapping
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, Channel, PlainCommand
from . import commands, dgis, objects, reading, transaction
from .applet import CpsApplet
from .commands import Operation
from .data import CardData, check_record

_SFI, _DISCRETIONARY, _ENTRY = 0x88, 0xBF0C, 0x61
_SFIS: Final = range(1, 11)


def _read_record(data: CardData, command: PlainCommand) -> Answer:
    """READ RECORD of the directory.

    :raises StatusWordError: 6A86, 6700, 6A82, 6A83.
    """
    sfi, number = reading.record_reference(command)
    if command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    found = data.record(sfi, number)
    if not found:
        raise StatusWordError(sw.RECORD_NOT_FOUND if data.has_file(sfi) else sw.FILE_NOT_FOUND)
    return found, sw.OK


class _DirectoryApplet(CpsApplet):
    """What both have in common: an FCI, and nothing secret.

    :ivar contactless: the interface that applications selected after it show.
    """

    contactless: bool
    operations: Mapping[int, Operation[CardData]]

    def select(self) -> Answer:
        """File control information; the interface is known from now on."""
        transaction.enter(self.chip, contactless=self.contactless)
        return self.fci(self.data.dgi(dgis.FCI)), sw.OK

    def process(self, channel: Channel, command: PlainCommand) -> Answer:
        """One command.

        :raises StatusWordError: 6D00, 6E00; 6985 before personalization.
        """
        del channel
        operation = commands.find(self.operations, command)
        if not self.personalized:
            raise StatusWordError(sw.CONDITIONS)
        return operation.handler(self.data, command)

    def is_secret(self, tag: int) -> bool:
        """Nothing is."""
        del tag
        return False

    def store(self, tag: int, value: bytes) -> None:
        """Take the FCI.

        :raises StatusWordError: 6A88 another grouping, 6A80.
        """
        if tag != dgis.FCI:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        dgis.take(self.data, tag, value)


class PseApplet(_DirectoryApplet):
    """The payment system environment 1PAY.SYS.DDF01."""

    contactless = False
    operations: Mapping[int, Operation[CardData]] = {0xB2: Operation(_read_record, p1p2=None)}

    def store(self, tag: int, value: bytes) -> None:
        """Take the FCI, or a record of SFI 1 to 10.

        :raises StatusWordError: 6A88 another grouping, 6A80.
        """
        if tag >> 8 not in _SFIS or not tag & 0xFF:
            super().store(tag, value)
            return
        check_record(tag >> 8, value)
        self.data.put(f"record/{tag:04X}", value)

    def check(self) -> None:
        """Refuse to end personalization too early.

        :raises StatusWordError: 6A86 without FCI, SFI in it, or any record there.
        """
        sfi = objects.find(self.data.dgi(dgis.FCI), _SFI) or bytes(1)
        if sfi[0] not in _SFIS or not self.data.has_file(sfi[0]):
            raise StatusWordError(sw.WRONG_P1P2)


class PpseApplet(_DirectoryApplet):
    """The proximity payment system environment 2PAY.SYS.DDF01; it has no command of its own."""

    contactless = True
    operations: Mapping[int, Operation[CardData]] = {}

    def check(self) -> None:
        """Refuse to end personalization too early.

        :raises StatusWordError: 6A86 without FCI or any entry in it.
        """
        directory = objects.find(self.data.dgi(dgis.FCI), _DISCRETIONARY) or b""
        if objects.find(directory, _ENTRY) is None:
            raise StatusWordError(sw.WRONG_P1P2)
