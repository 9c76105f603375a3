"""Who may do what with a file: rules of secure messaging (SMR) and access rights (ART), group by group.

Which group a command belongs to is public for some commands only (transport sheet 2.3); the rest is as one chip has it,
and a chip model may say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cardkit.errors import EncodingError
from cardkit.secure.cipurse import Pair

GROUPS = 8
SMR_BYTES = 2
MOST_KEYS = 8
ALWAYS = 0
"""Place of the rights that need no key, in front of those of keys 1, 2, ..."""


class Operation(StrEnum):
    """What a command does to a file."""

    READ = "read"
    UPDATE = "update"
    INCREASE = "increase"
    DECREASE = "decrease"
    LIMITED_INCREASE = "limited_increase"
    LIMITED_DECREASE = "limited_decrease"
    READ_ATTRIBUTES = "read_attributes"
    UPDATE_ATTRIBUTES = "update_attributes"
    CREATE = "create"
    DELETE = "delete"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    UPDATE_KEY = "update_key"
    UPDATE_KEY_ATTRIBUTES = "update_key_attributes"
    PERFORM = "perform"
    FORMAT_ALL = "format_all"


class Groups(NamedTuple):
    """Of one operation.  :param messaging: 1 to 4, 0 for plain.  :param right: 1 to 8, 0 for a right nobody needs."""

    messaging: int
    right: int


GroupTable = Mapping[Operation, Groups]

_ATTRIBUTES = {Operation.READ_ATTRIBUTES: Groups(3, 7), Operation.UPDATE_ATTRIBUTES: Groups(4, 8)}

# Rights 3, 4, 6 of a directory, all of a value file but read and update, and FORMAT ALL: not public (unverified).
DIRECTORY: GroupTable = {
    **_ATTRIBUTES,
    Operation.CREATE: Groups(4, 5),
    Operation.DELETE: Groups(1, 5),
    Operation.ACTIVATE: Groups(1, 3),
    Operation.DEACTIVATE: Groups(1, 4),
    Operation.UPDATE_KEY: Groups(2, 1),
    Operation.UPDATE_KEY_ATTRIBUTES: Groups(2, 1),
    Operation.PERFORM: Groups(0, 2),
    Operation.FORMAT_ALL: Groups(1, 6),
}
FILE: GroupTable = {**_ATTRIBUTES, Operation.READ: Groups(1, 1), Operation.UPDATE: Groups(2, 2)}
VALUE: GroupTable = {
    **FILE,
    Operation.INCREASE: Groups(2, 3),
    Operation.DECREASE: Groups(2, 4),
    Operation.LIMITED_INCREASE: Groups(2, 5),
    Operation.LIMITED_DECREASE: Groups(2, 6),
}


@dataclass(frozen=True, slots=True)
class AccessTables:
    """The groups of one chip."""

    directory: GroupTable
    file: GroupTable
    value: GroupTable


STANDARD = AccessTables(DIRECTORY, FILE, VALUE)


@dataclass(frozen=True, slots=True)
class Security:
    """Rules of one file.

    :param smr: 2 bytes, a nibble for each messaging group.  :param art: rights of everybody, then of each key.
    :raises EncodingError: where they are not of that length, or a level is none.
    """

    smr: bytes
    art: bytes

    def __post_init__(self) -> None:
        """Refuse what no card takes."""
        if len(self.smr) != SMR_BYTES or not 1 <= len(self.art) <= 1 + MOST_KEYS:
            raise EncodingError(
                f"file rules: SMR of {len(self.smr)} bytes and rights of {len(self.art)}, expected {SMR_BYTES}, and "
                f"1 to {1 + MOST_KEYS}"
            )
        for group in range(1, 5):
            self.pair(group)

    @property
    def keys(self) -> int:
        """How many keys it gives rights to."""
        return len(self.art) - 1

    def pair(self, group: int) -> Pair:
        """Return the levels of a messaging group, 0 for the one without protection."""
        if not group:
            return Pair.of(0)
        nibbles = int.from_bytes(self.smr, "big")
        return Pair.of(nibbles >> 4 * (4 - group) & 0xF)

    def allows(self, group: int, key: int = ALWAYS) -> bool:
        """Whether whoever has proven a key, or nobody (0), has a right."""
        mine = self.art[key] if key < len(self.art) else 0
        return not group or bool((self.art[ALWAYS] | mine) >> (group - 1) & 1)

    def granting(self, key: int, groups: frozenset[int]) -> Security:
        """Return the same with more rights for one key."""
        art = bytearray(self.art)
        for group in groups - {0}:
            art[key] |= 1 << (group - 1)
        return Security(self.smr, bytes(art))

    def build(self) -> bytes:
        """Return both as commands carry them."""
        return self.smr + self.art


FREE = Security(bytes(SMR_BYTES), b"\xff")
"""Rules of a file that has none (card option, unverified)."""


@dataclass(frozen=True, slots=True)
class FileRules:
    """Rules of one file, and what their groups mean for it."""

    security: Security
    groups: GroupTable

    def pair(self, operation: Operation) -> Pair:
        """Return the levels an operation must have."""
        return self.security.pair(self.groups[operation].messaging)

    def allows(self, operation: Operation, key: int = ALWAYS) -> bool:
        """Whether whoever has proven a key, or nobody (0), may do it."""
        return self.security.allows(self.groups[operation].right, key)
