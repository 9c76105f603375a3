"""EF.ID_INFO: which version of the command syntax a card speaks, who made it (transport sheet 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.cipurse.commands import Syntax
from cardkit.errors import EncodingError

LEAST_BYTES = 9
_SYNTAXES = {0x0200: Syntax.V1, 0x0201: Syntax.V2}
_PROFILES = {0x01: "L", 0x02: "S", 0x04: "T"}
_MODES = {0x01: "file system", 0x02: "EMV style", 0x04: "transactions"}
_MAKERS = {0x05: "Infineon"}


@dataclass(frozen=True, slots=True)
class IdInfo:
    """The file as read, 9 bytes or more.  :raises EncodingError: on fewer."""

    data: bytes

    def __post_init__(self) -> None:
        """Refuse what is too short to say all of it."""
        if len(self.data) < LEAST_BYTES:
            raise EncodingError(f"EF.ID_INFO: {len(self.data)} bytes, expected {LEAST_BYTES} or more")

    @property
    def version(self) -> int:
        """Two bytes: 0200, 0201 ..."""
        return int.from_bytes(self.data[:2])

    @property
    def syntax(self) -> Syntax:
        """The syntax of its commands: V3 for every version that is not older."""
        return _SYNTAXES.get(self.version, Syntax.V3)

    @property
    def modes(self) -> list[str]:
        """How it can be personalized."""
        return [name for bit, name in _MODES.items() if self.data[2] & bit]

    @property
    def profiles(self) -> str:
        """The profiles it offers: ``LST``."""
        return "".join(name for bit, name in _PROFILES.items() if self.data[3] & bit)

    @property
    def maker(self) -> str:
        """Who made the chip: a name, or the byte."""
        return _MAKERS.get(self.data[8], f"manufacturer {self.data[8]:02X}")
