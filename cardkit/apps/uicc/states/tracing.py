"""Which contents of a chip's files a trace may show: follows SELECT and short file identifiers."""

from __future__ import annotations

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.states.chip import Chip
from cardkit.apps.uicc.states.route import BY_AID, BY_FID, BY_PATH, BY_SFI, SELECT
from cardkit.apps.uicc.states.targets import MF, MF_FID
from cardkit.desired import Secrecy
from cardkit.errors import EncodingError
from cardkit.transport.redact import DATA, KEY

PERSONAL, IMSI = "PERSONAL", "IMSI"
CURRENT_ADF = b"\x7f\xff"
RECORD_COMMANDS = frozenset((0xB2, 0xDC, 0xA2))
CREATE = 0xE0
OK = 0x90, 0x91, 0x61, 0x9F, 0x62

_CLASSES = {Secrecy.PUBLIC: None, Secrecy.PERSONAL: PERSONAL, Secrecy.SECRET: KEY}


class UiccFileClasses:
    """The selected directory and file of one card, and what a trace calls the contents of each.

    A file the chip model does not know is masked.

    :param chip: directories and files by name.
    """

    def __init__(self, chip: Chip) -> None:
        self._files = {
            (name.rpartition("/")[0], bytes.fromhex(model.fid)): name for name, model in chip.block.files.items()
        }
        self._by_sfi = {
            (name.rpartition("/")[0], model.sfi): name for name, model in chip.block.files.items() if model.sfi
        }
        self._by_path = {place.path: name for name, place in chip.places.items() if place.by_path and place.path}
        self._by_aid = {place.aid: name for name, place in chip.places.items() if place.aid}
        self._children = {
            (place.parent.name, place.path): name for name, place in chip.places.items() if place.parent is not None
        }
        self._place, self._adf, self._file = MF, "", ""

    def reset(self) -> None:
        """The MF is selected, and no file."""
        self._place, self._adf, self._file = MF, "", ""

    def follow(self, command: bytes, answer: bytes) -> None:
        """See an exchange: a SELECT or a short file identifier that the card accepts changes the current file."""
        if len(answer) < 2 or answer[-2] not in OK:
            return
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        if command[1] == SELECT:
            self._select(command[2], data)
        elif command[1] == CREATE:
            self._create(data)
        elif sfi := _sfi(command):
            self._file = self._by_sfi.get((self._place, sfi), "")

    def mask(self, command: bytes) -> str | None:
        """Return the class that masks the contents a read or update addresses; None shows them."""
        sfi = _sfi(command)
        name = self._by_sfi.get((self._place, sfi), "") if sfi else self._file
        spec = CATALOGUE.get(name)
        if spec is None:
            return DATA
        return IMSI if spec.title == "EF.IMSI" else _CLASSES[spec.secrecy]

    def _select(self, how: int, data: bytes) -> None:
        if how == BY_AID:
            found = [name for aid, name in self._by_aid.items() if aid.startswith(data)]
            self._enter(found[0] if found else "?")
            self._adf = self._place
        elif how == BY_PATH:
            self._walk(data)
        elif how == BY_FID:
            self._step(data)
        else:
            self._enter("?")

    def _create(self, template: bytes) -> None:
        """What is made is current (TS 102 222 6.3)."""
        try:
            made = Fcp.parse(template)
        except EncodingError:
            made = None
        if made is None or made.fid is None:
            self._enter("?")
        elif made.df_name is not None:
            self._select(BY_AID, made.df_name)
        else:
            self._step(made.fid.to_bytes(2))

    def _walk(self, path: bytes) -> None:
        self._enter(MF)
        if path[:2] == CURRENT_ADF:
            self._enter(self._adf)
            path = path[2:]
        for at in range(0, len(path), 2):
            self._step(path[at : at + 2])

    def _step(self, fid: bytes) -> None:
        if fid == MF_FID:
            self._enter(MF)
        elif (self._place, fid) in self._files:
            self._file = self._files[self._place, fid]
        elif (self._place, fid) in self._children:
            self._enter(self._children[self._place, fid])
        else:
            self._enter(self._by_path.get(fid, "?"))

    def _enter(self, place: str) -> None:
        self._place, self._file = place, ""


def _sfi(command: bytes) -> int:
    """The short file identifier a read or update names, 0 if it names none (TS 102 221 11.1.3, 11.1.5)."""
    if command[1] in RECORD_COMMANDS:
        return command[3] >> 3
    return command[2] & 0x1F if command[1] in (0xB0, 0xD6) and command[2] & BY_SFI else 0
