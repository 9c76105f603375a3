"""All of one chip that its commands work on: what lies in memory, and what is lost with the field."""

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Final

from ..gp.journal import Journal
from . import cells, statuses
from .model import Application, File, Key, KeySet
from .session import NoSession, Session
from .statuses import RefusedError
from .transaction import Transaction

if TYPE_CHECKING:
    from .image import DesfireImage
    from .isoauthenticate import Half
    from .proximity import Rounds

FORMAT_DISABLED, RANDOM_UID = 0x01, 0x02  # flags of SetConfiguration 00
D40_OFF, EV1_OFF = 0x01, 0x02  # of SetConfiguration 04
FIRST_PICC_KEY: Final = 0x10  # of the further keys at PICC level
BLOCK: Final = 32  # memory is counted in blocks
_RANDOM_UID_MARK: Final = b"\x08"
_RANDOM_UID_SIZE: Final = 3


class State:
    """One chip.

    :ivar uid: 7 bytes.  :ivar shown_uid: what the reader sees: the UID, or 4 random bytes.
    :ivar ats: answer to select; a new one is heard from the next activation on.
    :ivar aid: application selected.  :ivar session: what protects commands now.
    :ivar ending: the session ends behind the answer of this command.
    :ivar transaction: changes nobody has committed.  :ivar iso_file: number of the file that ISO SELECT chose.
    :ivar mirrors: files as their readers see them now, by number.
    :ivar challenge: what GET CHALLENGE left.  :ivar half: what EXTERNAL AUTHENTICATE left.
    :ivar rounds: a proximity check under way.
    """

    def __init__(self, image: "DesfireImage", journal: Journal, random: Random, uid: bytes) -> None:
        self.image = image
        self.journal = journal
        self.random = random
        self.uid = uid
        self.forget()

    def forget(self) -> None:
        """The field is gone: nothing volatile stays."""
        self.aid = cells.PICC
        self.session: Session = NoSession()
        self.ending = False
        self.transaction = Transaction()
        self.iso_file: int | None = None
        self.challenge: bytes = b""
        self.half: Half | None = None
        self.rounds: Rounds | None = None
        self.mirrors: dict[int, bytes] = {}
        self.shown_uid = self.uid
        self.ats = self.journal.get(cells.ATS) or self.image.ats
        if self.flags & RANDOM_UID:
            self.shown_uid = _RANDOM_UID_MARK + self.random.randbytes(_RANDOM_UID_SIZE)

    def select(self, aid: bytes) -> None:
        """An application, or PICC for the card itself; session and transaction end."""
        self.aid = aid
        self.end_session()
        self.transaction = Transaction()
        self.iso_file = None
        self.mirrors = {}
        self.challenge, self.half = b"", None

    def end_session(self) -> None:
        """Nobody is authenticated any more."""
        self.session = NoSession()

    # the card

    @property
    def flags(self) -> int:
        """Of SetConfiguration 00."""
        return self.journal.get(cells.SETTINGS)[0]

    @property
    def messaging_off(self) -> int:
        """Of SetConfiguration 04."""
        return self.journal.get(cells.SETTINGS)[1]

    @property
    def lrp(self) -> bool:
        """Is LRP switched on, and AES off?"""
        return bool(self.journal.get(cells.SETTINGS)[2])

    def set_card(self, at: int, value: int) -> None:
        """Change a byte of the card's own settings."""
        cell = self.journal.get(cells.SETTINGS)
        self.journal.put(cells.SETTINGS, cell[:at] + bytes((value,)) + cell[at + 1 :])

    # applications

    def find_application(self, aid: bytes) -> Application | None:
        """By AID as on the wire."""
        cell = self.journal.get(cells.application(aid))
        return Application.decode(aid, cell) if cell else None

    @property
    def application(self) -> Application:
        """The one that is selected; the PICC level is one, too.

        :raises RefusedError: A0 when it is not there any more.
        """
        found = self.find_application(self.aid)
        if found is None:
            raise RefusedError(statuses.NO_APPLICATION)
        return found

    def applications(self) -> list[Application]:
        """All but the PICC level."""
        names = self.journal.names(cells.APPLICATIONS)
        aids = (bytes.fromhex(name[len(cells.APPLICATIONS) :]) for name in names)
        return [Application.decode(aid, self.journal.get(cells.application(aid))) for aid in aids if aid != cells.PICC]

    def put_application(self, application: Application) -> None:
        """Write its settings."""
        self.journal.put(cells.application(application.aid), application.encode())

    def remove_application(self, aid: bytes) -> None:
        """Everything of it."""
        self.journal.put(cells.application(aid), b"")
        for prefix in (
            cells.folder(cells.KEYS, aid),
            cells.folder(cells.FILES, aid),
            cells.folder(cells.BODIES, aid),
            cells.folder(cells.COUNTERS, aid),
        ):
            for name in self.journal.names(prefix):
                self.journal.put(name, b"")

    def take(self, size: int, application: Application | None = None) -> Application:
        """Take memory for the application that is selected, or another.

        :param size: bytes; whole blocks are taken.
        :raises RefusedError: 0E when there is no room.
        """
        owner = application or self.application
        blocks = -(-size // BLOCK)
        quota = int.from_bytes(owner.slot[3:5], "little")
        beyond = blocks > self.free // BLOCK if not owner.slot else owner.blocks + blocks > quota
        if beyond:
            raise RefusedError(statuses.NO_MEMORY)
        taken = replace(owner, blocks=owner.blocks + blocks)
        self.put_application(taken)
        return taken

    @property
    def free(self) -> int:
        """Bytes nobody has taken; a delegated application counts with its whole quota."""
        owners = (*self.applications(), self.find_application(cells.PICC))
        taken = (int.from_bytes(one.slot[3:5], "little") or one.blocks for one in owners if one is not None)
        return self.image.nvm - BLOCK * sum(taken)

    # keys

    def key_set(self, number: int | None = None) -> KeySet:
        """Of the selected application: the active one, or another.

        :raises RefusedError: 40 when it is not there.
        """
        chosen = self.application.active if number is None else number
        cell = self.journal.get(cells.numbered(cells.KEYS, self.aid, chosen))
        if not cell:
            raise RefusedError(statuses.NO_SUCH_KEY)
        return KeySet.decode(cell)

    def key(self, number: int) -> Key:
        """A key of the active set; at PICC level also the further ones.

        :raises RefusedError: 40.
        """
        if self.aid == cells.PICC and number >= FIRST_PICC_KEY:
            return self.picc_key(number)
        return _one_of(self.journal.get(cells.numbered(cells.KEYS, self.aid, self.application.active)), number)

    def picc_key(self, number: int) -> Key:
        """A further key of the PICC level, 10 and up; their cells are named by the first of each sixteen.

        :raises RefusedError: 40.
        """
        return _one_of(self.journal.get(cells.numbered(cells.KEYS, cells.PICC, number & 0xF0)), number & 0x0F)

    def put_key_set(self, number: int, keys: KeySet) -> None:
        """Write a key set of the selected application."""
        self.journal.put(cells.numbered(cells.KEYS, self.aid, number), keys.encode())

    # files

    def file_numbers(self) -> list[int]:
        """Of the selected application, in order."""
        prefix = cells.folder(cells.FILES, self.aid)
        return [int(name[len(prefix) :], 16) for name in self.journal.names(prefix)]

    def files(self) -> list[File]:
        """Of the selected application, in order."""
        return [self.file(number) for number in self.file_numbers()]

    def file(self, number: int) -> File:
        """By number.

        :raises RefusedError: F0.
        """
        cell = self.journal.get(cells.numbered(cells.FILES, self.aid, number))
        if not cell:
            raise RefusedError(statuses.NO_FILE)
        return File.decode(number, cell)

    def put_file(self, file: File) -> None:
        """Write its settings."""
        self.journal.put(cells.numbered(cells.FILES, self.aid, file.number), file.encode())

    def body(self, number: int) -> bytes:
        """Committed content of a file."""
        return self.journal.get(cells.numbered(cells.BODIES, self.aid, number))

    def put_body(self, number: int, body: bytes) -> None:
        """Write the content of a file."""
        self.journal.put(cells.numbered(cells.BODIES, self.aid, number), body)

    def remove_file(self, number: int) -> None:
        """Everything of it."""
        for kind in cells.OF_FILE:
            self.journal.put(cells.numbered(kind, self.aid, number), b"")

    def counter(self, number: int) -> int:
        """SDM read counter of a file."""
        return int.from_bytes(self.journal.get(cells.numbered(cells.COUNTERS, self.aid, number)), "little")

    def put_counter(self, number: int, value: int) -> None:
        """Write the SDM read counter of a file."""
        self.journal.put(cells.numbered(cells.COUNTERS, self.aid, number), value.to_bytes(3, "little"))


def _one_of(cell: bytes, at: int) -> Key:
    keys = KeySet.decode(cell).keys if cell else ()
    if at >= len(keys):
        raise RefusedError(statuses.NO_SUCH_KEY)
    return keys[at]
