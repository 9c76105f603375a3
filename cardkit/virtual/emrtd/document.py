"""What one document chip holds: directories and files, key objects, counters, its life cycle.

Everything lies in cells below one folder, written through the journal: a command changes all it changes, or nothing.

    state                life cycle byte              df/FID         name (AID) of a directory
    key/ID               a key object                 ef/DF/FID      SFI, read condition, life cycle of a file
    tries/ID             tries left, tries at most    body/DF/FID    what a file holds
"""

from enum import IntEnum
from typing import Final, NamedTuple

from ..gp.journal import Journal

MF: Final = 0x3F00
EMRTD_AID: Final = bytes.fromhex("A0000002471001")
ATR_INFO, CARD_ACCESS, CARD_SECURITY = 0x2F01, 0x011C, 0x011D  # in the MF (Doc 9303-10 3.11)
CVCA, DG14 = 0x011C, 0x010E  # in the directory of the application
BLANK, INITIALIZED, OPERATIONAL, TERMINATED = 0x01, 0x03, 0x05, 0x0C  # life cycle (ISO/IEC 7816-4 table 14)


class Condition(IntEnum):
    """Who may read a file; the numbers are this chip's own."""

    ALWAYS = 0x00
    SESSION = 0x10  # BAC or PACE
    PACE = 0x11
    FINGERS = 0x21  # terminal authentication with bit 0 of the authorization
    IRIS = 0x22  # with bit 1
    NEVER = 0xFF


class Ef(NamedTuple):
    """One elementary file.

    :ivar df: FID of its directory.  :ivar sfi: 0 for none.
    """

    df: int
    fid: int
    sfi: int
    read: Condition
    life_cycle: int = INITIALIZED


class Document:
    """The persistent half of a chip.

    :param folder: what the names of all its cells begin with.
    """

    def __init__(self, journal: Journal, folder: str) -> None:
        self.journal = journal
        self.folder = folder

    def _get(self, name: str) -> bytes:
        return self.journal.get(self.folder + name)

    def _put(self, name: str, value: bytes) -> None:
        self.journal.put(self.folder + name, value)

    def _names(self, prefix: str) -> list[str]:
        """The last parts of the names below a prefix."""
        whole = self.folder + prefix
        return [name[len(whole) :] for name in self.journal.names(whole)]

    @property
    def life_cycle(self) -> int:
        """Life cycle byte of the chip."""
        return (self._get("state") or bytes((BLANK,)))[0]

    @life_cycle.setter
    def life_cycle(self, value: int) -> None:
        self._put("state", bytes((value,)))

    def directories(self) -> dict[int, bytes]:
        """Names by FID, without the MF."""
        return {int(fid, 16): self._get(f"df/{fid}") for fid in self._names("df/")}

    def put_directory(self, fid: int, name: bytes) -> None:
        """Make a directory in the MF."""
        self._put(f"df/{fid:04X}", name)

    def application(self, name: bytes) -> int | None:
        """FID of the directory whose name begins like that."""
        return next((fid for fid, known in self.directories().items() if name and known.startswith(name)), None)

    def files(self, df: int) -> list[Ef]:
        """The files of a directory."""
        return [self._ef(df, int(fid, 16)) for fid in self._names(f"ef/{df:04X}/")]

    def _ef(self, df: int, fid: int) -> Ef:
        sfi, read, life_cycle = self._get(f"ef/{df:04X}/{fid:04X}")
        return Ef(df, fid, sfi, Condition(read), life_cycle)

    def find(self, df: int, fid: int) -> Ef | None:
        """A file by its FID."""
        return self._ef(df, fid) if self._get(f"ef/{df:04X}/{fid:04X}") else None

    def by_sfi(self, df: int, sfi: int) -> Ef | None:
        """A file by its short identifier."""
        return next((file for file in self.files(df) if sfi and file.sfi == sfi), None)

    def put_file(self, file: Ef, body: bytes) -> None:
        """Make a file, or replace it."""
        self._put(f"ef/{file.df:04X}/{file.fid:04X}", bytes((file.sfi, file.read, file.life_cycle)))
        self.write(file, body)

    def write(self, file: Ef, body: bytes) -> None:
        """Replace what a file holds."""
        self._put(f"body/{file.df:04X}/{file.fid:04X}", body)

    def delete_file(self, file: Ef) -> None:
        """Take a file away."""
        for folder in ("ef", "body"):
            self._put(f"{folder}/{file.df:04X}/{file.fid:04X}", b"")

    def body(self, file: Ef) -> bytes:
        """What a file holds, its zero fill too."""
        return self._get(f"body/{file.df:04X}/{file.fid:04X}")

    def content(self, df: int | None, fid: int) -> bytes:
        """What the file of that FID holds; nothing when there is no such file or directory."""
        return b"" if df is None else self._get(f"body/{df:04X}/{fid:04X}")

    def used(self) -> int:
        """Bytes all files take."""
        return sum(len(self._get(f"body/{name}")) for name in self._names("body/"))

    def key(self, identifier: int) -> bytes:
        """A key object, as it came; nothing when there is none."""
        return self._get(f"key/{identifier:04X}")

    def put_key(self, identifier: int, value: bytes) -> None:
        """Store a key object; nothing deletes it."""
        self._put(f"key/{identifier:04X}", value)

    def key_identifiers(self) -> list[int]:
        """Identifiers of the key objects that are there."""
        return [int(name, 16) for name in self._names("key/")]

    def tries(self, identifier: int) -> tuple[int, int]:
        """Tries left and at most of a password; (0, 0) for one without a counter."""
        left, most = self._get(f"tries/{identifier:04X}") or bytes(2)
        return left, most

    def put_tries(self, identifier: int, left: int, most: int) -> None:
        """Set a counter when the command succeeds."""
        self._put(f"tries/{identifier:04X}", bytes((left, most)))

    def take_try(self, identifier: int) -> None:
        """Lower a counter at once, whatever becomes of the command.

        :raises WriteFailedError: it could not be lowered.
        """
        left, most = self.tries(identifier)
        self.journal.put_now(f"{self.folder}tries/{identifier:04X}", bytes((left - 1, most)))

    @property
    def failures(self) -> int:
        """Wrong passwords since the last right one; 255 stands for more."""
        return (self._get("failures") or bytes(1))[0]

    def count_failure(self) -> None:
        """One more wrong password, at once."""
        self.journal.put_now(self.folder + "failures", bytes((min(self.failures + 1, 0xFF),)))

    def clear_failures(self) -> None:
        """A right password."""
        if self.failures:
            self._put("failures", b"\x00")
