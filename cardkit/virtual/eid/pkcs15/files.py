"""The file system: directories, transparent files, their access bytes (ISO 7816-4 5.3.3, 5.4.3.1 compact format)."""

from dataclasses import dataclass
from typing import Final

from ... import statuswords as sw
from ... import tlv
from ...errors import StatusWordError
from ...gp.journal import Journal
from .layout import BODIES, FILES

CREATION, OPERATIONAL = 0x03, 0x05  # life cycle bytes, before and after the PIN was set
DIRECTORY, TRANSPARENT = 0x38, 0x01
ACCESS_SIZE: Final = 8
OPEN: Final = b"\xff" + bytes(ACCESS_SIZE - 1)  # every operation, always
_FCI, _SIZE, _DESCRIPTOR, _FID, _NAME, _ACCESS, _SFI, _LIFE_CYCLE = 0x6F, 0x81, 0x82, 0x83, 0x84, 0x86, 0x88, 0x8A
_SFI_SHIFT: Final = 3
_HEAD: Final = 2


@dataclass(frozen=True, slots=True)
class File:
    """A directory or a transparent file.

    :ivar path: FIDs from the MF on, "3F00/5015".  :ivar descriptor: DIRECTORY or TRANSPARENT.
    :ivar sfi: 0 for none.  :ivar access: FF, then the conditions of b6 to b0.  :ivar name: of a directory, or empty.
    """

    path: str
    descriptor: int
    sfi: int
    access: bytes
    name: bytes = b""

    @property
    def fid(self) -> bytes:
        """The file identifier, 2 bytes."""
        return bytes.fromhex(self.path[-4:])

    @property
    def is_directory(self) -> bool:
        """Is it a directory?"""
        return self.descriptor == DIRECTORY

    @property
    def parent(self) -> str:
        """Path of the directory above; empty for the MF."""
        return self.path[:-5]

    def condition(self, bit: int) -> int:
        """The security condition byte of an access mode bit, 0 to 6."""
        return self.access[ACCESS_SIZE - 1 - bit]


def cell(file: File) -> bytes:
    """What the cell of a file holds."""
    return bytes((file.descriptor, file.sfi)) + file.access + file.name


class FileSystem:
    """All files of a chip, behind its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def find(self, path: str) -> File | None:
        """The file at a path."""
        body = self._journal.get(FILES + path)
        if not body:
            return None
        at = _HEAD + ACCESS_SIZE
        return File(path, body[0], body[1], body[_HEAD:at], body[at:])

    def directory(self, path: str) -> File:
        """A directory that is known to be there.

        :raises StatusWordError: 6F00 when the memory lost it.
        """
        found = self.find(path)
        if found is None:
            raise StatusWordError(sw.INTERNAL)
        return found

    def children(self, path: str) -> list[File]:
        """What lies directly in a directory."""
        depth = path.count("/") + 1
        below = (name[len(FILES) :] for name in self._journal.names(f"{FILES}{path}/"))
        return [file for name in below if name.count("/") == depth and (file := self.find(name)) is not None]

    def named(self, name: bytes) -> File | None:
        """The directory of that name."""
        paths = (cell[len(FILES) :] for cell in self._journal.names(FILES))
        return next((file for path in paths if (file := self.find(path)) is not None and file.name == name), None)

    def put(self, file: File, body: bytes) -> None:
        """A new file, with its contents."""
        self._journal.put(FILES + file.path, cell(file))
        self._journal.put(BODIES + file.path, body)

    def delete(self, file: File) -> None:
        """A file, with everything in it."""
        for folder in (FILES, BODIES):
            for name in (folder + file.path, *self._journal.names(f"{folder}{file.path}/")):
                self._journal.put(name, b"")

    def body(self, file: File) -> bytes:
        """The contents of a transparent file."""
        return self._journal.get(BODIES + file.path)

    def write(self, file: File, body: bytes) -> None:
        """New contents."""
        self._journal.put(BODIES + file.path, body)

    def used(self) -> int:
        """Bytes that all contents take."""
        return sum(len(self._journal.get(name)) for name in self._journal.names(BODIES))

    def fci(self, file: File, life_cycle: int) -> bytes:
        """File control information, as SELECT answers it."""
        fields = tlv.build(_SIZE, len(self.body(file)).to_bytes(2, "big"))
        fields += tlv.build(_DESCRIPTOR, bytes((file.descriptor,))) + tlv.build(_FID, file.fid)
        if file.name:
            fields += tlv.build(_NAME, file.name)
        if file.sfi:
            fields += tlv.build(_SFI, bytes((file.sfi << _SFI_SHIFT,)))
        return tlv.build(_FCI, fields + tlv.build(_ACCESS, file.access) + tlv.build(_LIFE_CYCLE, bytes((life_cycle,))))
