"""Security attributes of a file: which level its commands must have, and which keys may give them (sheet 2.3)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .messaging import ENC

SMR_SIZE: Final = 2
MOST_KEYS: Final = 8
_NIBBLES: Final = [command << 2 | response for command in range(ENC + 1) for response in range(ENC + 1)]
_LEVELS: Final = frozenset(high << 4 | low for high in _NIBBLES for low in _NIBBLES)  # bytes of an SMR


@dataclass(frozen=True, slots=True)
class Rules:
    """SMR and ART of one file.

    :ivar smr: 2 bytes, four nibbles: command level << 2 | response level, of access groups 1 to 4.
    :ivar art: 1 byte always granted, then 1 for each key; bit i - 1 grants access group i.
    """

    smr: bytes
    art: bytes

    @property
    def keys(self) -> int:
        """For how many keys the rules speak."""
        return len(self.art) - 1

    def levels(self, group: int) -> tuple[int, int]:
        """Levels of command and response that a group of the SMR asks for; group 0 asks for none."""
        if not group:
            return 0, 0
        nibble = self.smr[(group - 1) // 2] >> (0 if group % 2 == 0 else 4) & 0x0F
        return nibble >> 2, nibble & 3

    def grants(self, group: int, key: int) -> bool:
        """Is an access group open to whoever has shown this key; 0 for nobody?"""
        granted = self.art[0] | (self.art[key] if key < len(self.art) else 0)
        return not group or bool(granted >> (group - 1) & 1)

    def string(self) -> bytes:
        """Number of keys, SMR, ART."""
        return bytes((self.keys,)) + self.smr + self.art


def rules(smr: bytes, art: bytes) -> Rules:
    """Rules that came in a command.

    :raises StatusWordError: 6A80 when they are cut short, speak for too many keys, or ask for a level there is none of.
    """
    if len(smr) != SMR_SIZE or not 1 < len(art) <= 1 + MOST_KEYS or not _LEVELS.issuperset(smr):
        raise StatusWordError(sw.WRONG_DATA)
    return Rules(smr, art)


def counted_rules(string: bytes) -> Rules | None:
    """Rules with the number of keys before them; None for no keys.

    :raises StatusWordError: 6A80.
    """
    if string[:1] in (b"", b"\0"):
        if len(string) > 1:
            raise StatusWordError(sw.WRONG_DATA)
        return None
    if len(string) != 1 + SMR_SIZE + 1 + string[0]:
        raise StatusWordError(sw.WRONG_DATA)
    return rules(string[1 : 1 + SMR_SIZE], string[1 + SMR_SIZE :])
