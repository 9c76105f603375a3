"""The files of a chip as its mask defines them: fixed places, sizes and access references.

Contents and life cycle live in memory.py.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

ACTIVATED: Final = b"\x05"  # life cycle status, ETSI TS 102 221 11.1.1.4.9
DEACTIVATED: Final = b"\x04"
GONE: Final = b""  # deleted: no file any more


class Kind(Enum):
    """Structures of ETSI TS 102 221 8.2 that this card knows; the value is the file descriptor byte (11.1.1.4.3)."""

    DF = 0x78
    TRANSPARENT = 0x41
    LINEAR = 0x42
    CYCLIC = 0x46


@dataclass(slots=True, eq=False)
class File:
    """One file of the mask. Built once by the image and shared by all its chips; never changed afterwards.

    :param path: FIDs from the MF on, ADFs by their own FID: `3F00/7FF0/6F07`.
    :param cell: name of the memory cell that holds the body; linked files share one. Empty for directories.
    :param arr: FID of the EF.ARR that rules this file, and the record number in it.
    :param pins: key references a directory shows in its PIN status template, in order.
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
    pins: tuple[int, ...] = ()
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

    @property
    def records(self) -> int:
        """Number of records, 0 for a file without them."""
        return self.size // self.record_length if self.record_length else 0
