"""A GlobalPlatform chip with a document on it: once that is locked, readers talk to it as to any travel document.

SELECT by name decides who answers: the document, or the platform. After a reset the document does, when it was
installed with the privilege Card Reset.
"""

from typing import Final

from .. import statuswords as sw
from ..gp import cells
from ..gp.chip import GpChip
from ..gp.exchange import exchange
from .document import EMRTD_AID, OPERATIONAL, Document
from .passport import SELECT, Passport

_BY_NAME: Final = 0x04
_NAME_AT: Final = 5


class DocumentPlatform:
    """Both behind one seam.

    :ivar passport: what the document is for strangers.
    """

    def __init__(self, chip: GpChip) -> None:
        self.chip = chip
        document = Document(chip.journal, cells.folder(cells.APPLICATION, EMRTD_AID))
        self.passport = Passport(document, chip.random)

    def exchange(self, command: bytes) -> bytes:
        """To the document while it is locked and selected, to the platform else."""
        name = _selected_name(command)
        if self.passport.document.life_cycle != OPERATIONAL or (name is None and not self._is_selected()):
            return exchange(self.chip, command)
        if name is None or (EMRTD_AID.startswith(name) and self._is_selected()):
            return self.passport.exchange(command)
        self.passport.reset()
        answer = exchange(self.chip, bytes((0, SELECT, _BY_NAME, 0, len(name))) + name + b"\x00")
        if answer[-2:] == sw.OK and self._is_selected():
            return self.passport.exchange(command)
        return answer

    def _is_selected(self) -> bool:
        chip = self.chip
        entry = chip.registry.find(EMRTD_AID)
        usable = entry is not None and entry.selectable and not (chip.locked or chip.terminated)
        return usable and chip.channels[0].selected == EMRTD_AID


def _selected_name(command: bytes) -> bytes | None:
    """The name a plain SELECT is for; None when it is another command."""
    if command[:3] != bytes((0, SELECT, _BY_NAME)) or len(command) < _NAME_AT or not command[_NAME_AT - 1]:
        return None
    return command[_NAME_AT : _NAME_AT + command[_NAME_AT - 1]]
