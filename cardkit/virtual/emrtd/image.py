"""Images of native document chips: what the maker delivers, read from TOML and shared by all chips.

See images/emrtd-native.toml for every key in use. The serial number of a chip is what its CPLC data call IC serial
number and IC batch; its key diversification data are four bytes of the image, then that serial number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ImageError
from ..gp.journal import Journal
from ..memory import Memory
from .document import ATR_INFO, MF, Condition, Document, Ef

SYSTEM_NATIVE, SYSTEM_2006 = "emrtd-native", "emrtd-2006"
FOLDER: Final = "emrtd/"
CPLC_CELL: Final = "cplc"
SERIAL_SIZE: Final = 6
_CPLC_SIZE: Final = 42
_SERIAL_AT: Final = 12
_KDD_PREFIX: Final = 4
_AES128: Final = 16
_SFI: Final = 0x1F


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmrtdImage:
    """A blank document chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar system: which chip it is, SYSTEM_NATIVE or SYSTEM_2006.
    :ivar kvn: version number of the transport key, 0 without one.  :ivar nvm: bytes all files may take.
    """

    name: str
    title: str
    digest: bytes
    system: str
    atr: bytes
    protocols: tuple[int, ...]
    cells: Mapping[str, bytes]
    kdd_prefix: bytes
    kvn: int
    transport_key: bytes
    nvm: int
    serial_size: int = SERIAL_SIZE

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image."""
        cplc = self.cells[CPLC_CELL]
        return {CPLC_CELL: cplc[:_SERIAL_AT] + serial + cplc[_SERIAL_AT + SERIAL_SIZE :]}

    def kdd(self, cplc: bytes) -> bytes:
        """Key diversification data of a chip, 10 bytes."""
        return self.kdd_prefix + cplc[_SERIAL_AT : _SERIAL_AT + SERIAL_SIZE]


def build(table: Mapping[str, Any], digest: bytes) -> EmrtdImage:
    """An image from its TOML table.

    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip, transport = table["chip"], table.get("transport", {})
    image = EmrtdImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        system=chip["system"],
        atr=bytes.fromhex(chip["atr"]),
        protocols=tuple(chip["protocols"]),
        cells=_cells(chip),
        kdd_prefix=bytes.fromhex(chip["kdd"]),
        kvn=transport.get("kvn", 0),
        transport_key=bytes.fromhex(transport.get("key", "")),
        nvm=chip["nvm"],
    )
    if len(image.kdd_prefix) != _KDD_PREFIX or len(image.cells[CPLC_CELL]) != _CPLC_SIZE:
        raise ImageError("chip: expected 4 bytes of kdd and 42 of cplc")
    if len(image.transport_key) != (_AES128 if image.system == SYSTEM_NATIVE else 0) or image.protocols != (1,):
        raise ImageError("expected protocols [1], and of a native chip a transport key of 16 bytes")
    return image


def _cells(chip: Mapping[str, Any]) -> dict[str, bytes]:
    memory = Memory({})
    journal = Journal(memory)
    if "atr_info" in chip:
        file = Ef(MF, ATR_INFO, ATR_INFO & _SFI, Condition.ALWAYS)
        Document(journal, FOLDER).put_file(file, bytes.fromhex(chip["atr_info"]))
    journal.commit()
    return {CPLC_CELL: bytes.fromhex(chip["cplc"]), **{name: value for name, value in memory.cells.items() if value}}
