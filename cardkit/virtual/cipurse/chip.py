"""The state of one transport card that commands work on, and in which order it checks them (sheet 2.6, 2.7)."""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from .. import contactless
from .. import statuswords as sw
from ..errors import StatusWordError, WriteFailedError
from ..gp.journal import Journal
from ..memory import Memory
from . import files
from .files import ID_INFO, MF, SERIAL, Directory, File
from .image import CipurseImage
from .messaging import FULL, PLAIN, SECURED, Command, Session
from .rules import Rules
from .store import Store

_HEADER: Final = 4
_CHANNEL, _OTHER_MESSAGING, _PROPRIETARY = 0x03, 0x08, 0x80
_SECURED: Final = {0x00: False, _PROPRIETARY: False, SECURED: True, _PROPRIETARY | SECURED: True}  # by class byte
_GET_CHALLENGE: Final = b"\x84"
_FOR_THE_READER: Final = bytes((contactless.CLASS,))
_RANDOM_UID: Final = b"\x08"
_EXACT, _KEEPS, _HOLDS_ALL = "exact", "keeps", "all"


class Operation(NamedTuple):
    """How one instruction is done.

    :ivar parameters: are P1 and P2 ones this instruction knows? (6A86)
    :ivar sizes: least and most bytes of data. (6700)  :ivar answers: it must carry Le; others may.
    :ivar outside: unsecured it leaves a session as it is, unless it ends it itself.
    """

    work: Callable[["CipurseChip", Command], bytes]
    parameters: Callable[[int, int], bool]
    sizes: tuple[int, int] = (0, 0)
    answers: bool = False
    outside: bool = False


class CipurseChip:
    """One chip.

    :ivar session: the open one.  :ivar challenge: RP || rP while a terminal may answer it.
    :ivar operations: its instructions, by CLA b8 and INS.  :ivar uid: what the reader shows.
    :ivar current: FID of the current directory.  :ivar current_file: FID of the current elementary file.
    """

    def __init__(
        self, image: CipurseImage, memory: Memory, random: Random, operations: dict[tuple[int, int], Operation]
    ) -> None:
        self.image = image
        self.memory = memory
        self.random = random
        self.journal = Journal(memory)
        self.store = Store(self.journal, image.behaviour.transaction_buffer)
        self.operations = operations
        self.reset()

    def reset(self) -> None:
        """Lose everything volatile, take back what a power cut left unfinished."""
        self.journal.forget()
        self.journal.recover()
        self.enter(MF)
        self.uid = self.image.uid_prefix + self.memory.cells[SERIAL]
        if self.image.behaviour.random_uid:
            self.uid = _RANDOM_UID + self.random.randbytes(3)

    def enter(self, fid: int) -> None:
        """Make a directory current: no file in it is, and session and transaction are over."""
        self.end_session()
        self.challenge = b""
        self.current = fid
        self.current_file: int | None = None

    def end_session(self) -> None:
        """Nobody is authenticated any more, and what waited for PERFORM TRANSACTION is lost."""
        self.session: Session | None = None
        self.store.cancel()

    @property
    def directory(self) -> Directory:
        """The current one."""
        return self.store.directory(self.current)

    @property
    def home(self) -> int:
        """FID of the directory of the current file: EF.ID_INFO lies in the MF, wherever it was selected."""
        return MF if self.current_file == ID_INFO else self.current

    def selected_file(self) -> File | None:
        """The current file, unless there is none."""
        return None if self.current_file is None else self.store.directory(self.home).by_fid(self.current_file)

    def file(self, sfid: int = 0) -> File:
        """The elementary file that a command means, which is current from now on.

        :param sfid: short identifier in the current directory, 0 for the current file.
        :raises StatusWordError: 6A82, 6986.
        """
        if sfid:
            found = self.directory.by_sfid(sfid)
            if found is None:
                raise StatusWordError(sw.FILE_NOT_FOUND)
            self.current_file = found.fid
            return found
        found = self.selected_file()
        if found is None:
            raise StatusWordError(sw.NO_CURRENT_EF)
        return found

    def body(self, file: File) -> bytes:
        """Contents of the current file."""
        return self.store.body(self.home, file)

    def update(self, file: File, body: bytes, size: int) -> None:
        """Change the contents of the current file; held when its descriptor says so.

        :param size: bytes of the command that wait.
        """
        cell = files.data_cell(self.home, file.fid)
        self.store.change(cell, lambda _: body, held=size if file.held else 0)

    def change(self, cell: str, change: Callable[[bytes], bytes]) -> None:
        """Change keys or attributes; held when the image says so."""
        held = len(cell) if self.image.behaviour.commit_scope == _HOLDS_ALL else 0
        self.store.change(cell, change, held=held)

    def require_active(self) -> None:
        """Refuse work in a deactivated directory.

        :raises StatusWordError: 6985.
        """
        if not self.directory.active:
            raise StatusWordError(sw.CONDITIONS)

    def require(self, owner: File | Directory, groups: tuple[int, int], command: Command) -> None:
        """Refuse a command that is not secured as its file wants it, or whose key may not give it.

        :param owner: the current file or the current directory; keys of another directory are nobody's.
        :param groups: of the SMR and the ART.
        :raises StatusWordError: 6982.
        """
        behaviour = self.image.behaviour
        in_force = owner.rules or Rules(b"\0\0", bytes((behaviour.without_rules,)))
        level, response_level = in_force.levels(groups[0])
        if behaviour.smr_match == _EXACT:
            fits = level in (0, command.level) and response_level in (0, command.response_level)
        else:
            fits = level <= command.level and response_level <= command.response_level
        at_home = isinstance(owner, Directory) or self.home == self.current
        key = self.session.number if self.session is not None and command.secured and at_home else 0
        if not fits or not in_force.grants(groups[1], key):
            raise StatusWordError(sw.SECURITY_STATUS)

    def exchange(self, apdu: bytes) -> bytes:
        """Work on one C-APDU, one for the reader included."""
        if apdu[:1] == _FOR_THE_READER:
            return contactless.answer(apdu, self.uid, self.image.historical)
        answer = self._answer(apdu)
        if self.challenge and (apdu[1:2] != _GET_CHALLENGE or answer[-2:] != sw.OK):
            self.challenge = b""
        return answer

    def _answer(self, apdu: bytes) -> bytes:
        secured = _SECURED.get(apdu[0]) if len(apdu) >= _HEADER else None
        if secured is None:
            return _wrong_class(apdu)
        operation = self.operations.get((apdu[0] & _PROPRIETARY, apdu[1]))
        return self._secured(apdu, operation) if secured else self._unsecured(apdu, operation)

    def _unsecured(self, apdu: bytes, operation: Operation | None) -> bytes:
        ends = self.session is not None and (operation is None or not operation.outside)
        if ends and self.image.behaviour.unsecured_in_session != _KEEPS:
            self.end_session()
        try:
            command = _plain(apdu)
        except StatusWordError as refusal:
            return sw.NO_INSTRUCTION if operation is None else refusal.sw
        data, status = self._work(operation, command)
        return data + status

    def _secured(self, apdu: bytes, operation: Operation | None) -> bytes:
        """A secured command; the session it came in secures the answer, though the command may have ended it.

        A bare status word leaves the frame key as it is. Where the answer is PLAIN there is none: two bytes are then a
        whole answer, and the frame key goes on, as the OSPT terminal library has it.
        """
        session, unknown = self.session, sw.NO_INSTRUCTION
        if session is None:
            return unknown if operation is None else sw.WRONG_SECURE_MESSAGING
        try:
            command = session.unwrap(apdu)
        except StatusWordError as refusal:
            self.end_session()
            return unknown if operation is None else refusal.sw
        data, status = self._work(operation, command)
        if status != sw.OK and self.image.behaviour.bare_error_sw and command.response_level != PLAIN:
            return status
        return session.wrap(data, status, command.response_level)

    def _work(self, operation: Operation | None, command: Command) -> tuple[bytes, bytes]:
        """Check and do a command; its writes are committed, or nothing of it stays."""
        if operation is None:
            return b"", sw.NO_INSTRUCTION
        try:
            _fits(operation, command)
            data = operation.work(self, command)
            self.journal.commit()
        except StatusWordError as refusal:
            self.journal.forget()
            return b"", refusal.sw
        except WriteFailedError:
            self.journal.forget()
            return b"", sw.MEMORY_PROBLEM
        return data, sw.OK


def _wrong_class(apdu: bytes) -> bytes:
    """Status word for a command whose class this card does not know, or that has less than a header."""
    if len(apdu) < _HEADER:
        return sw.WRONG_LENGTH
    if apdu[0] & ~(_PROPRIETARY | SECURED | _OTHER_MESSAGING | _CHANNEL):
        return sw.NO_CLASS
    return sw.NO_SECURE_MESSAGING if apdu[0] & _OTHER_MESSAGING else sw.NO_CHANNEL


def _plain(apdu: bytes) -> Command:
    """The command in an unsecured APDU of short length, cases 1 to 4.

    :raises StatusWordError: 6700.
    """
    size = len(apdu)
    if size <= 5:
        return Command(apdu[1], apdu[2], apdu[3], b"", (apdu[4] or FULL) if size == 5 else 0)
    end = 5 + apdu[4]
    if not apdu[4] or size not in (end, end + 1):
        raise StatusWordError(sw.WRONG_LENGTH)
    return Command(apdu[1], apdu[2], apdu[3], apdu[5:end], (apdu[end] or FULL) if size > end else 0)


def _fits(operation: Operation, command: Command) -> None:
    least, most = operation.sizes
    if not operation.parameters(command.p1, command.p2):
        raise StatusWordError(sw.WRONG_P1P2)
    if not least <= len(command.data) <= most or (operation.answers and not command.ne):
        raise StatusWordError(sw.WRONG_LENGTH)
