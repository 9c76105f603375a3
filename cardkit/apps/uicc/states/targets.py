"""Where things are on a card: directories, files and secrets as the chip model and the catalogue describe them."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.desired import Access

MF = "MF"
MF_FID = b"\x3f\x00"


@dataclass(frozen=True, slots=True)
class Place:
    """A directory.

    :param name: ``MF``, ``ADF.USIM``, ``DF.GSM``.  :param path: FIDs from the MF without 3F00; empty for an ADF.
    :param aid: full AID of an ADF, else empty.
    :param parent: the ADF it lies in where no path leads to it from the MF; ``path`` is one FID then.
    """

    name: str
    path: bytes = b""
    aid: bytes = b""
    parent: Place | None = None

    @property
    def by_path(self) -> bool:
        """Whether one SELECT by path from the MF reaches its files."""
        return not self.aid and self.parent is None


@dataclass(frozen=True, slots=True)
class Target:
    """One transparent EF, or one record of a linear fixed EF.

    :param name: as in a profile: ``ADF.USIM/EF.SMSP#1``.  :param fid: 2 bytes.  :param sfi: 0 where there is none.
    :param size: bytes of the body or of one record.  :param record: from 1; 0 for a transparent file.
    :param read, update: what opens it; None if it is always or never open.
    :param readable, writable: False where it never opens.
    """

    name: str
    place: Place
    fid: bytes
    sfi: int
    size: int
    record: int = 0
    read: Access | None = None
    update: Access | None = None
    readable: bool = True
    writable: bool = True

    @property
    def file(self) -> str:
        """The file's name without its record."""
        return self.name.partition("#")[0]

    @property
    def idle_state(self) -> str:
        """Name of the state that the file is deactivated."""
        return f"{self.file} is deactivated"
