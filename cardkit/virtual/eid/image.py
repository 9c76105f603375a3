"""Images of blank chips for electronic identity, read from TOML; see images/piv.toml and images/pkcs15.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ImageError
from . import reference
from .piv import layout
from .pkcs15 import files
from .pkcs15.layout import FILES, MF

SYSTEM_PIV, SYSTEM_PKCS15 = "piv", "pkcs15"
SYSTEMS: Final = (SYSTEM_PIV, SYSTEM_PKCS15)
SERIAL: Final = "serial"  # the cell of a chip's serial number
_SERIAL_SIZES: Final = {SYSTEM_PIV: 4, SYSTEM_PKCS15: 8}
_VERSION: Final = 3
_MF_ALONE: Final = {FILES + MF: files.cell(files.File(MF, files.DIRECTORY, 0, files.OPEN))}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EidImage:
    """A blank chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar system: which chip it is, SYSTEM_PIV or SYSTEM_PKCS15.
    :ivar version: 3 bytes; of PKCS#15 major, minor and features of its command set.
    :ivar nvm: bytes that files or objects may take.
    """

    name: str
    title: str
    digest: bytes
    system: str
    atr: bytes
    protocols: tuple[int, ...]
    cells: Mapping[str, bytes]
    version: bytes
    nvm: int
    serial_size: int

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image."""
        return {SERIAL: serial}


def build(table: Mapping[str, Any], digest: bytes) -> EidImage:
    """An image from its TOML table.

    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip = table["chip"]
    system = chip["system"]
    image = EidImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        system=system,
        atr=bytes.fromhex(chip["atr"]),
        protocols=tuple(chip["protocols"]),
        cells=_born_with(table["born"]) if system == SYSTEM_PIV else _MF_ALONE,
        version=bytes(chip["version"]),
        nvm=chip["nvm"],
        serial_size=_SERIAL_SIZES[system],
    )
    if image.protocols != (1,) or len(image.version) != _VERSION:
        raise ImageError("chip: expected protocols [1] and a version of 3 bytes")
    return image


def _born_with(born: Mapping[str, Any]) -> dict[str, bytes]:
    pin, puk, key = (bytes.fromhex(born[name]) for name in ("pin", "puk", "key"))
    if {len(pin), len(puk)} != {layout.PIN_SIZE} or len(key) != layout.MANAGEMENT_KEY_SIZES[born["algorithm"]]:
        raise ImageError("born: expected pin and puk of 8 bytes, a key as long as its algorithm says")
    return {
        layout.PIN_CELL: reference.cell(pin, born["tries"]),
        layout.PUK_CELL: reference.cell(puk, born["tries"]),
        layout.MANAGEMENT_CELL: bytes((born["algorithm"],)) + key,
        layout.object_cell(layout.DISCOVERY): bytes.fromhex(born["discovery"]),
    }
