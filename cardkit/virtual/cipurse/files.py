"""What the memory holds of files: directories, elementary files, and in which cells (sheet 2.3).

df/5F00     the directory: its header, FCP, elementary files; of the MF also which directories there are
keys/5F00   its keys, 18 bytes each: attributes, version of the issuer, key
tries/5F00  wrong authentications in a row, one byte a key
data/5F00/0001   the body of an elementary file
"""

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Final, Self

from .rules import SMR_SIZE, Rules

MF: Final = 0x3F00
ID_INFO: Final = 0x2FF7
DIRECTORIES: Final = "df/"
JOURNAL: Final = "journal"
SERIAL: Final = "serial"
FD_DIRECTORY, FD_PXSE = 0x38, 0x3F
_ALLOWANCE: Final = 4  # bytes beside each value record: what LIMITED INCREASE, or DECREASE, may still do


class Kind(Enum):
    """Structure of an elementary file."""

    BINARY = "binary"
    LINEAR = "linear"
    CYCLIC = "cyclic"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a file descriptor byte says.

    :ivar held: changes wait for PERFORM TRANSACTION.
    """

    kind: Kind
    held: bool


DESCRIPTORS: Final = {
    0x01: Descriptor(Kind.BINARY, held=False),
    0x11: Descriptor(Kind.BINARY, held=True),
    0x02: Descriptor(Kind.LINEAR, held=False),
    0x12: Descriptor(Kind.LINEAR, held=True),
    0x06: Descriptor(Kind.CYCLIC, held=False),
    0x16: Descriptor(Kind.CYCLIC, held=True),
    0x1E: Descriptor(Kind.VALUE, held=False),
    0x1F: Descriptor(Kind.VALUE, held=True),
}


@dataclass(frozen=True, slots=True)
class File:
    """An elementary file.

    :ivar descriptor_byte: FD.  :ivar sfid: 0 for none.
    :ivar extent: 2 bytes: size of a binary file, else number and size of records.
    :ivar rules: None for a file without rules of its own.
    """

    descriptor_byte: int
    sfid: int
    fid: int
    extent: bytes
    rules: Rules | None

    @property
    def kind(self) -> Kind:
        """Its structure."""
        return DESCRIPTORS[self.descriptor_byte].kind

    @property
    def held(self) -> bool:
        """Do its changes wait for PERFORM TRANSACTION?"""
        return DESCRIPTORS[self.descriptor_byte].held

    @property
    def records(self) -> int:
        """Number of its records, 0 for a binary file."""
        return 0 if self.kind is Kind.BINARY else self.extent[0]

    @property
    def record_size(self) -> int:
        """Bytes of a record."""
        return self.extent[1]

    @property
    def size(self) -> int:
        """Bytes of its contents."""
        if self.kind is Kind.BINARY:
            return int.from_bytes(self.extent, "big")
        return self.records * self.record_size

    @property
    def room(self) -> int:
        """Bytes of its cell: behind the contents, the records used of a linear file, or the allowances of values."""
        if self.kind is Kind.LINEAR:
            return self.size + 1
        return self.size + _ALLOWANCE * self.records if self.kind is Kind.VALUE else self.size

    def string(self) -> bytes:
        """Its attributes as READ FILE ATTRIBUTES shows them."""
        rules = self.rules.string() if self.rules is not None else b"\0"
        return bytes((self.descriptor_byte, self.sfid)) + self.fid.to_bytes(2, "big") + self.extent + rules


@dataclass(frozen=True, slots=True)
class Directory:
    """The MF, an ADF or a PxSE.

    :ivar active: neither new and never activated, nor deactivated.
    :ivar header: FD, type, FID 2, number of files, number of short identifiers, number of keys.
    :ivar rules: None for one without keys.  :ivar fcp: the value of template 62.
    :ivar children: FIDs of the directories below the MF, in order of creation.
    """

    active: bool
    header: bytes
    rules: Rules | None
    fcp: bytes
    files: tuple[File, ...] = ()
    children: tuple[int, ...] = ()

    @property
    def descriptor_byte(self) -> int:
        """FD: 38, or 3F for a PxSE."""
        return self.header[0]

    @property
    def kind(self) -> int:
        """The type byte: profile, and what a PxSE does with it."""
        return self.header[1]

    @property
    def fid(self) -> int:
        """File identifier."""
        return int.from_bytes(self.header[2:4], "big")

    @property
    def keys(self) -> int:
        """Number of its keys."""
        return self.header[6]

    def by_fid(self, fid: int) -> File | None:
        """The elementary file of that identifier."""
        for file in self.files:
            if file.fid == fid:
                return file
        return None

    def by_sfid(self, sfid: int) -> File | None:
        """The elementary file of that short identifier."""
        for file in self.files:
            if sfid and file.sfid == sfid:
                return file
        return None

    def changed(self, file: File) -> Self:
        """The same with other attributes of one file."""
        return replace(self, files=tuple(file if old.fid == file.fid else old for old in self.files))

    def cell(self) -> bytes:
        """What its cell holds."""
        parts = [
            bytes((self.active,)),
            self.header,
            self.rules.smr + self.rules.art if self.rules is not None else b"",
            self.fcp,
            b"".join(child.to_bytes(2, "big") for child in self.children),
            *(file.string() for file in self.files),
        ]
        return b"".join(bytes((len(part),)) + part for part in parts)


@lru_cache(maxsize=4096)
def directory(cell: bytes) -> Directory:
    """The directory that a cell holds; one of nothing where its write was lost."""
    if not cell:
        return Directory(active=True, header=bytes((FD_DIRECTORY, *bytes(6))), rules=None, fcp=b"")
    parts = []
    at = 0
    while at < len(cell):
        end = at + 1 + cell[at]
        parts.append(cell[at + 1 : end])
        at = end
    active, header, rules, fcp, children, *strings = parts
    return Directory(
        active=active != b"\0",
        header=header,
        rules=_rules(rules),
        fcp=fcp,
        files=tuple(_file(string) for string in strings),
        children=tuple(int.from_bytes(children[at : at + 2], "big") for at in range(0, len(children), 2)),
    )


def _file(string: bytes) -> File:
    return File(string[0], string[1], int.from_bytes(string[2:4], "big"), string[4:6], _rules(string[7:]))


def _rules(string: bytes) -> Rules | None:
    return Rules(string[:SMR_SIZE], string[SMR_SIZE:]) if string else None


@lru_cache(maxsize=1024)
def directory_cell(fid: int) -> str:
    """Name of a directory's cell."""
    return f"{DIRECTORIES}{fid:04X}"


@lru_cache(maxsize=1024)
def keys_cell(fid: int) -> str:
    """Name of the cell of a directory's keys."""
    return f"keys/{fid:04X}"


@lru_cache(maxsize=1024)
def tries_cell(fid: int) -> str:
    """Name of the cell of a directory's wrong authentications."""
    return f"tries/{fid:04X}"


@lru_cache(maxsize=1024)
def data_cell(fid: int, file: int) -> str:
    """Name of the cell of a file's body."""
    return f"data/{fid:04X}/{file:04X}"
