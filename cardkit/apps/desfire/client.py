"""A DESFire card on one channel: sessions opened, files used in the mode the card asks for, every answer checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import LONG_FORMS, PICC, Op
from cardkit.apps.desfire.rights import CHANGE_SETTINGS, effective_mode
from cardkit.apps.desfire.settings import FileSettings, KeySettings, RecordBody
from cardkit.apps.desfire.status import AUTHENTICATION, DELAY, NO_CHANGES, status_error
from cardkit.apps.desfire.version import Version
from cardkit.channel.native import MORE, NativeChannel
from cardkit.crypto.desfire import DesfireKey
from cardkit.errors import AuthenticationError, CardError, EncodingError, ProtocolError
from cardkit.secure.desfire import OK, SIGNATURE_OK, Authentication, DesfireSession, KeyChange, Mode, NativeCommand
from cardkit.secure.desfire_ev2 import CountedSession
from cardkit.secure.desfire_opening import AesOpening, ChainedOpening, D40Opening, Ev2Opening, LrpOpening, Opening

_CHAINED: dict[Authentication, Callable[[DesfireKey, int, bytes], Opening]] = {
    Authentication.D40: D40Opening,
    Authentication.ISO: ChainedOpening,
    Authentication.AES: AesOpening,
}
_COUNTED = {Authentication.EV2: Ev2Opening, Authentication.LRP: LrpOpening}
_BLANK_SIGNATURE = bytes(commands.SIGNATURE_BYTES)


@contextmanager
def card_at_fault(what: str) -> Iterator[None]:
    """Turn bytes that cannot be read into the error of the card that sent them.

    :raises ProtocolError: in place of EncodingError.
    """
    try:
        yield
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


class DesfireClient:
    """A card.

    Every method raises TransportError when the link fails, StatusError when the card refuses, ProtocolError when its
    answer cannot be read, SecureMessagingError when it does not hold, or when the session is over: a session that has
    ended is never followed by commands in clear, :meth:`select` or :meth:`authenticate` comes first.

    :param long_frames: the card has twins of the commands on contents whose frames have any length.
    :ivar selected: the application, as printed.  :ivar session: None before an authentication.
    """

    def __init__(self, link: NativeChannel, *, long_frames: bool = False) -> None:
        self._link = link
        self._forms = LONG_FORMS if long_frames else {}
        self.selected = PICC
        self.session: DesfireSession | None = None
        self._settings: dict[int, FileSettings] = {}

    def restarted(self) -> None:
        """The card was reset."""
        self._forget(PICC)

    def _forget(self, selected: bytes) -> None:
        self.selected, self.session = selected, None
        self._settings.clear()

    # Commands

    def send(self, command: NativeCommand, what: str) -> bytes:
        """Send one logical command, protected as the session asks, and return its answer in clear.

        :param what: the command in words, for errors.
        """
        if command.op in self._forms:
            command = replace(command, op=self._forms[command.op])
        session = self.session
        sent = session.wrap(command) if session else command.in_clear()
        status, data = self._link.send(command.op, sent)
        return self._taken(command, status, data, what)

    def protected(self, command: NativeCommand) -> bytes:
        """Return what follows the command byte in this session, without sending it.

        :raises AuthenticationError: outside a session.
        """
        if self.session is None:
            raise AuthenticationError(f"command {command.op:02X}: outside a session")
        return self.session.wrap(command)

    def _taken(self, command: NativeCommand, status: int, data: bytes, what: str) -> bytes:
        session = self.session
        if status not in (OK, SIGNATURE_OK):
            if session:
                session.refused(status)
            raise status_error(what, status)
        plain = session.unwrap(command, status, data) if session else data
        if command.answer is not None and len(plain) != command.answer:
            raise ProtocolError(f"{what}: {len(plain)} bytes, expected {command.answer}")
        return plain

    def select(self, aid: bytes) -> None:
        """Select an application, or the card's own level by zeros; every session ends."""
        command = commands.select(aid)
        status, data = self._link.send(command.op, command.in_clear())
        self._forget(aid)
        if status != OK or data:
            raise status_error(f"application {aid.hex().upper()}", status)

    def select_iso(self, command: CommandAPDU, aid: bytes) -> int:
        """Select an application as ISO 7816 does it, and return the status word; every session ends.

        :param command: SELECT by DF name or file identifier.  :param aid: of the application.
        """
        word = self._link.channel.send(command).sw
        self._forget(aid)
        return word

    def authenticate(self, how: Authentication, number: int, key: DesfireKey, random: Callable[[int], bytes]) -> None:
        """Open a session; EV2 and LRP go on with the transaction of a session that is still open.

        :param random: source of random bytes.
        :raises AuthenticationError: when the card refuses, or does not know the key itself: never tried again.
        """
        before = self.session
        self.session = None
        self._settings.clear()
        opening = self._opening(how, number, key, random(key.kind.random_bytes), before)
        op, first = opening.first()
        status, answer = self._link.step(op, first)
        self._check_step(status, MORE, number)
        status, answer = self._link.step(MORE, opening.second(answer))
        self._check_step(status, OK, number)
        self.session = opening.session(answer)

    def _opening(
        self, how: Authentication, number: int, key: DesfireKey, rnd_a: bytes, before: DesfireSession | None
    ) -> Opening:
        if how in _COUNTED:
            goes_on = isinstance(before, CountedSession) and before.authentication is how and not before.ended
            previous = before if goes_on and isinstance(before, CountedSession) else None
            return _COUNTED[how](key, number, rnd_a, previous)
        return _CHAINED[how](key, number, rnd_a)

    def _check_step(self, status: int, expected: int, number: int) -> None:
        if status == expected:
            return
        error = status_error(f"authentication with key {number:02X}", status)
        if status in (AUTHENTICATION, DELAY):
            raise AuthenticationError(str(error))
        raise error

    # The card

    def version(self) -> Version:
        """Return what product it is; its MAC comes with the third frame."""
        with card_at_fault("GetVersion"):
            return Version.parse(self.send(commands.inform(Op.GET_VERSION), "GetVersion"))

    def uid(self) -> bytes:
        """Return the card's real UID, inside a session only."""
        return self.send(commands.get_card_uid(), "GetCardUID")

    def free_memory(self) -> int:
        """Return the free memory in bytes."""
        return int.from_bytes(self.send(commands.inform(Op.FREE_MEMORY, answer=3), "FreeMemory"), "little")

    def signature(self) -> bytes:
        """Return the maker's signature of the UID, 56 bytes; empty where the card was not signed."""
        enciphered = isinstance(self.session, CountedSession)
        found = self.send(commands.read_signature(enciphered=enciphered), "Read_Sig")
        return b"" if found == _BLANK_SIGNATURE else found

    def applications(self) -> tuple[bytes, ...]:
        """Return the identifiers of all applications, as printed."""
        answer = self.send(commands.inform(Op.GET_APPLICATION_IDS), "GetApplicationIDs")
        with card_at_fault("GetApplicationIDs"):
            return tuple(commands.identifiers(answer, commands.AID_BYTES))

    def df_names(self) -> dict[bytes, tuple[int, bytes]]:
        """Return ISO file identifier and DF name by application, as printed; outside a session."""
        status, frames = self._link.frames(Op.GET_DF_NAMES, b"")
        if status != OK:
            raise status_error("GetDFNames", status)
        return {frame[2::-1]: (int.from_bytes(frame[3:5], "little"), frame[5:]) for frame in frames if frame}

    # Keys

    def key_settings(self) -> KeySettings:
        """Return the settings of the selected application, or of the card."""
        with card_at_fault("GetKeySettings"):
            return KeySettings.parse(self.send(commands.inform(Op.GET_KEY_SETTINGS), "GetKeySettings"))

    def key_version(self, number: int) -> int:
        """Return the version of a key."""
        return self.send(commands.inform(Op.GET_KEY_VERSION, bytes((number,)), 1), f"version of key {number:02X}")[0]

    def change_key(self, change: KeyChange) -> None:
        """Set a key; with the session's own, the session ends."""
        session = self.session
        what = f"change of key {change.number:02X}"
        if session is None:
            raise AuthenticationError(f"{what}: outside a session")
        status, data = self._link.send(change.op, session.change_key(change))
        if status != OK:
            session.refused(status)
            raise status_error(what, status)
        session.key_changed(change, data)

    # Files

    def files(self) -> tuple[int, ...]:
        """Return the numbers of all files of the application."""
        return tuple(self.send(commands.inform(Op.GET_FILE_IDS), "GetFileIDs"))

    def iso_files(self) -> tuple[int, ...]:
        """Return the ISO file identifiers of the application."""
        answer = self.send(commands.inform(Op.GET_ISO_FILE_IDS), "GetISOFileIDs")
        with card_at_fault("GetISOFileIDs"):
            return tuple(int.from_bytes(fid) for fid in commands.identifiers(answer, 2))

    def file_settings(self, number: int) -> FileSettings:
        """Return the settings of a file, asked for once a session."""
        if number not in self._settings:
            command = commands.inform(Op.GET_FILE_SETTINGS, bytes((number,)))
            with card_at_fault(f"settings of file {number}"):
                self._settings[number] = FileSettings.parse(self.send(command, f"settings of file {number}"))
        return self._settings[number]

    def assume(self, number: int, settings: FileSettings) -> None:
        """Take settings from elsewhere, of a file that was just made or does not show them."""
        self._settings[number] = settings

    def mode(self, op: int, number: int) -> Mode:
        """Return how an operation on a file travels; raises as :func:`~.rights.effective_mode`."""
        session = self.session
        return effective_mode(op, self.file_settings(number), session.number if session else None)

    def change_file_settings(self, number: int, settings: FileSettings) -> None:
        """Change mode and rights of a file."""
        mode = self.mode(CHANGE_SETTINGS, number)
        self.send(
            commands.change_file_settings(number, settings.change(), mode), f"change of settings of file {number}"
        )
        self._settings.pop(number, None)

    def read(self, number: int, offset: int, length: int) -> bytes:
        """Return bytes of a standard or backup file."""
        mode = self.mode(Op.READ_DATA, number)
        return self.send(commands.read_data(number, offset, length, mode), f"reading file {number}")

    def write(self, number: int, offset: int, data: bytes) -> None:
        """Write bytes; in a backup file they count from :meth:`commit` on."""
        mode = self.mode(Op.WRITE_DATA, number)
        self.send(commands.write_data(number, offset, data, mode), f"writing file {number}")

    def value(self, number: int) -> int:
        """Return the value of a value file."""
        mode = self.mode(Op.GET_VALUE, number)
        answer = self.send(commands.get_value(number, mode), f"value of file {number}")
        return int.from_bytes(answer, "little", signed=True)

    def change_value(self, op: Op, number: int, amount: int) -> None:
        """Credit, debit or give back; it counts from :meth:`commit` on."""
        self.send(commands.change_value(op, number, amount, self.mode(op, number)), f"{op.name} of file {number}")

    def records(self, number: int) -> tuple[bytes, ...]:
        """Return all records, oldest first."""
        mode = self.mode(Op.READ_RECORDS, number)
        body = self.file_settings(number).body
        if not isinstance(body, RecordBody) or not body.current:
            return ()
        answer = self.send(
            commands.read_records(number, 0, body.current, body.size, mode), f"reading records of file {number}"
        )
        return tuple(answer[start : start + body.size] for start in range(0, len(answer), body.size))

    def write_record(self, number: int, data: bytes) -> None:
        """Write a new record; it counts from :meth:`commit` on."""
        mode = self.mode(Op.WRITE_RECORD, number)
        self.send(commands.write_record(number, 0, data, mode), f"writing a record of file {number}")

    def commit(self) -> None:
        """Make all changes since the last commit count; none is no error."""
        try:
            self.send(commands.commit(), "CommitTransaction")
        except CardError as error:
            if getattr(error, "sw", 0) != 0x9100 | NO_CHANGES:
                raise
