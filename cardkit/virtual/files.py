"""What a file is: its place, structure, size and access references. Contents and life cycle live in memory.py."""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from .access import Rules

# Life cycle status, ETSI TS 102 221 11.1.1.4.9
CREATION: Final = b"\x01"
INITIALISATION: Final = b"\x03"
DEACTIVATED: Final = b"\x04"
ACTIVATED: Final = b"\x05"
TERMINATED: Final = b"\x0c"
GONE: Final = b""  # deleted: no file any more

UNFINISHED: Final = frozenset({CREATION, INITIALISATION})


class Kind(Enum):
    """Structures of ETSI TS 102 221 8.2 that this card knows; the value is the file descriptor byte (11.1.1.4.3)."""

    DF = 0x78
    TRANSPARENT = 0x41
    LINEAR = 0x42
    CYCLIC = 0x46
    BER_TLV = 0x79


@dataclass(slots=True, eq=False)
class File:
    """One file. Those of an image are shared by all its chips and never changed.

    :param path: FIDs from the MF on, ADFs by their own FID: `3F00/7FF0/6F07`.
    :param cell: name of the memory cell that holds the body; linked files share one. Empty for directories.
    :param arr: FID of the EF.ARR that rules this file, and the record number in it.
    :param attributes: rules stated by the file itself, in place of a reference (FCP tags 8C, AB).
    :param pins: key references a directory shows in its PIN status template, in order.
    :param fill: pattern of bytes nobody has written; its last byte goes on unless `repeats` (TS 102 222, C1 and C2).
    :param lasting: may be read while deactivated (TS 102 222, C0 b7).
    :param fcp: FCP template to answer verbatim as long as nothing it states has changed.
    """

    path: str
    name: str
    fid: int
    kind: Kind
    parent: "File | None"
    cell: str = ""
    size: int = 0
    record_length: int = 0
    sfi: int | None = None
    aid: bytes = b""
    arr: tuple[int, int] = (0, 0)
    attributes: Rules | None = None
    pins: tuple[int, ...] = ()
    fill: bytes = b"\xff"
    repeats: bool = True
    lasting: bool = False
    fcp: bytes = b""
    children: "dict[int, File]" = field(default_factory=dict)
    by_sfi: "dict[int, File]" = field(default_factory=dict)
    is_df: bool = field(init=False)
    transparent: bool = field(init=False)
    cyclic: bool = field(init=False)
    lcs_cell: str = field(init=False)
    adf: "File | None" = field(init=False)

    def __post_init__(self) -> None:
        self.is_df = self.kind is Kind.DF
        self.transparent = self.kind is Kind.TRANSPARENT
        self.cyclic = self.kind is Kind.CYCLIC
        self.lcs_cell = f"{self.path}#lcs"
        self.adf = self if self.aid else self.parent.adf if self.parent else None

    def copy(self, parent: "File | None") -> "File":
        """The same file below another directory, without its children."""
        return replace(self, parent=parent, children={}, by_sfi={})

    def filling(self, size: int) -> bytes:
        """`size` bytes nobody has written, the pattern beginning anew with each record."""
        room = self.record_length or size
        pattern = self.fill * (room // len(self.fill) + 1) if self.repeats else self.fill + self.fill[-1:] * room
        return (pattern[:room] * (size // room + 1))[:size] if room else b""

    @property
    def records(self) -> int:
        """Number of records, 0 for a file without them."""
        return self.size // self.record_length if self.record_length else 0
