"""The header of a file of a Calypso card, object 85: rights, keys of a directory by level (transport sheet 6)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

LEVELS = ("personalization", "load", "debit")
"""What the three keys of a directory are for, in their order."""

_HEADER, _HEADER_BYTES, _ELEMENTARY = 0x85, 23, 4
_LID_AT, _LID_AT_2 = 21, 20


@dataclass(frozen=True, slots=True)
class FileHeader:
    """A header.

    :param kind: 1 MF, 2 DF, 4 EF.  :param access, key_indexes: of four groups of commands, 4 bytes each.
    :param kvcs, kifs: versions and kinds of a directory's keys, by level, 3 bytes each; empty for an EF.
    """

    kind: int
    access: bytes
    key_indexes: bytes
    status: int
    kvcs: bytes
    kifs: bytes
    lid: bytes

    @classmethod
    def parse(cls, data: bytes, *, revision_2: bool = False) -> FileHeader:
        """Read object 85.

        :param revision_2: whether the LID stands a byte earlier.
        :raises EncodingError: on anything but one object of 23 bytes.

        >>> found = FileHeader.parse(bytes.fromhex("85170001000000101000000103010100777879616770003F00"))
        >>> found.kifs.hex(), found.kvcs.hex(), found.lid.hex()
        ('616770', '777879', '3f00')
        """
        values = [item.value for item in tlv.parse(data) if item.tag == _HEADER]
        if len(values) != 1 or len(values[0]) != _HEADER_BYTES:
            raise EncodingError(f"{len(data)} bytes, expected one object {_HEADER:02X} of {_HEADER_BYTES}")
        (value,) = values
        at = _LID_AT_2 if revision_2 else _LID_AT
        keys = b"" if value[1] == _ELEMENTARY else value[14:20]
        return cls(value[1], value[5:9], value[9:13], value[13], keys[:3], keys[3:], value[at : at + 2])
