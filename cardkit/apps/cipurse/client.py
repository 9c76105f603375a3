"""A CIPURSE card on one channel: files selected, keys proven, each command at the level its file asks for.

The level is always exactly the one the rules name, never the user's to choose, and never weaker after an error.
"""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import FileRules, Operation
from cardkit.apps.cipurse.attributes import DfAttributes, EfAttributes
from cardkit.apps.cipurse.commands import CipurseIns, Syntax
from cardkit.apps.cipurse.idinfo import IdInfo
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.iso7816 import commands as iso
from cardkit.channel import Channel
from cardkit.crypto import Key, Secret
from cardkit.crypto.cipurse import BLOCK, CHALLENGE_BYTES, Rekeyed, handshake
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError, SecureMessagingError
from cardkit.secure.cipurse import CipurseSession, Level, Pair

OK, ENDED = 0x9000, 0x6988
PLAIN, SEALED = Pair(Level.PLAIN, Level.PLAIN), Pair(Level.ENC, Level.PLAIN)
_GET_UID = CommandAPDU(0xFF, 0xCA, 0x00, 0x00, ne=256)  # answered by the reader (PC/SC part 3)
_UID_SIZES = (4, 7, 10)
_VALUE_BYTES = 4
_MOST_SFID_OFFSET = 256
_AMOUNTS = {
    Operation.INCREASE: CipurseIns.INCREASE_VALUE,
    Operation.DECREASE: CipurseIns.DECREASE_VALUE,
    Operation.LIMITED_INCREASE: CipurseIns.LIMITED_INCREASE_VALUE,
    Operation.LIMITED_DECREASE: CipurseIns.LIMITED_DECREASE_VALUE,
}


class CipurseClient:
    """A card; the MF is selected when it is powered.

    Every method raises TransportError when the link fails, StatusError when the card refuses (in a session nobody
    vouches for that: read again what was written), SecureMessagingError when an answer is not protected as it must be.

    :ivar key: number of the key that was proven, 0 without a session.
    """

    def __init__(self, channel: Channel, syntax: Syntax = Syntax.V3) -> None:
        self._channel = channel
        self.syntax = syntax
        self._session: CipurseSession | None = None
        self._challenges: set[bytes] = set()
        self._cipher = Rekeyed()
        self.key = 0

    # Sending

    def send(self, command: CommandAPDU, pair: Pair = PLAIN) -> ResponseAPDU:
        """Send a command, in a session at these levels, and return its answer; no status word raises.

        :raises ProtocolError: on more data than were asked for.
        """
        session = self._session
        response = self._channel.send(command) if session is None else self._secured(session, command, pair)
        if len(response.data) > command.ne:
            self.leave()
            raise ProtocolError(f"{command!r}: card answered {len(response.data)} bytes, {command.ne} were asked for")
        return response

    def _secured(self, session: CipurseSession, command: CommandAPDU, pair: Pair) -> ResponseAPDU:
        try:
            response = session.unwrap(self._channel.send(session.wrap(command, pair)))
        except SecureMessagingError:
            self.leave()
            raise
        if response.sw == ENDED:
            self.leave()
        return response

    def require(self, command: CommandAPDU, what: str, pair: Pair = PLAIN) -> bytes:
        """Send a command that must succeed and return its data."""
        response = self.send(command, pair)
        if response.sw != OK:
            raise status_error(what, response.sw)
        return response.data

    def spoiled(self, command: CommandAPDU, pair: Pair, change: Callable[[CommandAPDU], CommandAPDU]) -> int:
        """Send a protected command changed on its way, and return what the card says to it; the session is over."""
        assert self._session is not None
        sw = self._channel.send(change(self._session.wrap(command, pair))).sw
        self.leave()
        return sw

    def repeated(self, command: CommandAPDU, pair: Pair) -> int:
        """Send a protected command twice, byte for byte, and return what the card says then; the session is over."""
        assert self._session is not None
        wrapped = self._session.wrap(command, pair)
        self._session.unwrap(self._channel.send(wrapped))
        sw = self._channel.send(wrapped).sw
        self.leave()
        return sw

    def leave(self) -> None:
        """End the session on this side."""
        if self._session is not None:
            self._session.close()
        self._session, self.key = None, 0

    def _bare(self, command: CommandAPDU, what: str) -> bytes:
        """Send one of the commands that are never protected, and end the session."""
        self.leave()
        return self.require(command, what)

    # Which card, which directory

    def uid(self) -> bytes:
        """Ask the reader for the card's number: 4, 7 or 10 bytes; it proves nothing.

        :raises ProtocolError: on another length.
        """
        uid = self._bare(_GET_UID, "UID")
        if len(uid) not in _UID_SIZES:
            raise ProtocolError(f"UID: {len(uid)} bytes, expected 4, 7 or 10")
        return uid

    def id_info(self) -> IdInfo:
        """Read EF.ID_INFO of the MF, which must be selected, and speak the card's syntax from now on.

        :raises ProtocolError: where there is no such file: the card is no CIPURSE card.
        """
        found = self.send(commands.select_file(commands.ID_INFO))
        if found != ResponseAPDU(b"", OK):
            raise ProtocolError(f"EF.ID_INFO: card answered {found.sw:04X}, expected 9000 and no data")
        data = self.require(iso.read_binary(0, iso.ANY_LENGTH), "EF.ID_INFO")
        try:
            found_info = IdInfo(data)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None
        self.syntax = found_info.syntax
        return found_info

    def select_mf(self) -> None:
        """Select the master file."""
        self._bare(commands.select_mf(), "SELECT MF")

    def select_application(self, aid: bytes) -> None:
        """Select an application or a list of them."""
        self._bare(commands.select_application(aid), f"SELECT {aid.hex().upper()}")

    def select_file(self, fid: int) -> None:
        """Select a file of the current directory; a session goes on."""
        self.require(commands.select_file(fid), f"SELECT {fid:04X}")

    # Authentication

    def challenge(self) -> bytes:
        """Ask for the card's challenge, 22 bytes: it is good for the next command.

        :raises ProtocolError: on another length.  :raises AuthenticationError: on one that was given before.
        """
        challenge = self._bare(commands.get_challenge(), "GET CHALLENGE")
        if len(challenge) != CHALLENGE_BYTES:
            raise ProtocolError(f"GET CHALLENGE: {len(challenge)} bytes, expected {CHALLENGE_BYTES}")
        if challenge in self._challenges:
            raise AuthenticationError("GET CHALLENGE: the card gives a challenge again that it gave before")
        self._challenges.add(challenge)
        return challenge

    def authenticate(self, number: int, key: Key, card: bytes, host: bytes) -> None:
        """Prove a key of the current directory, and let the card prove it: a session is open then. Never tried again.

        :param key: of the card; read, and not kept.  :param card, host: challenges of 22 bytes, the host's random.
        :raises AuthenticationError: when the card does not have the key, or does not believe that we have it.
        """
        hands = handshake(key, card, host, self._cipher)
        what = f"MUTUAL AUTHENTICATE with key {number}"
        response = self._channel.send(commands.mutual_authenticate(number, hands.proof, host))
        if response.sw == ENDED:
            raise AuthenticationError(f"{what}: card answered 6988, it has another key")
        if response.sw != OK:
            raise status_error(what, response.sw)
        if len(response.data) != BLOCK or Secret(response.data, "proof") != hands.expected:
            raise AuthenticationError(f"{what}: the card does not prove that it has the key")
        self._session, self.key = CipurseSession(hands.frame), number

    # Attributes

    def directory(self, rules: FileRules) -> DfAttributes:
        """Read the attributes of the current directory.  :raises ProtocolError: where a file of it is selected."""
        data = self.require(commands.read_file_attributes(), "attributes", rules.pair(Operation.READ_ATTRIBUTES))
        try:
            return DfAttributes.parse(data)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None

    def file(self, rules: FileRules) -> EfAttributes:
        """Read the attributes of the current file.  :raises ProtocolError: where none is selected."""
        data = self.require(commands.read_file_attributes(), "attributes", rules.pair(Operation.READ_ATTRIBUTES))
        try:
            return EfAttributes.parse(data)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None

    # Contents

    def read(self, rules: FileRules, size: int, sfid: int) -> bytes:
        """Return so many bytes of a binary file, in as many pieces as its level asks for."""
        pair, data = rules.pair(Operation.READ), b""
        while len(data) < size:
            part = min(size - len(data), pair.most_received)
            command = iso.read_binary(len(data), part, named(sfid, len(data)))
            found = self.require(command, f"READ BINARY of {sfid:02X}", pair)
            if len(found) != part:
                raise ProtocolError(f"READ BINARY of {sfid:02X}: {len(found)} bytes, {part} were asked for")
            data += found
        return data

    def write(self, rules: FileRules, data: bytes, sfid: int) -> None:
        """Write a binary file from its beginning."""
        pair = rules.pair(Operation.UPDATE)
        for place in range(0, len(data), pair.most_sent):
            part = data[place : place + pair.most_sent]
            self.require(iso.update_binary(place, part, named(sfid, place)), f"UPDATE BINARY of {sfid:02X}", pair)

    def value(self, rules: FileRules, record: int, sfid: int) -> int:
        """Return a counter.  :raises ProtocolError: where it is no 4 bytes."""
        data = self.require(commands.read_value(record, sfid), f"READ VALUE of {sfid:02X}", rules.pair(Operation.READ))
        return _number(data)

    def change_value(self, operation: Operation, rules: FileRules, record: int, amount: int, sfid: int) -> int:
        """Add to a counter or take from it, and return what it is then; nothing is done before :meth:`perform`.

        :param operation: one of INCREASE, DECREASE and their limited forms.
        """
        command = commands.change_value(_AMOUNTS[operation], record, amount, sfid, iso.ANY_LENGTH)
        return _number(self.require(command, f"{operation} of {sfid:02X}", rules.pair(operation)))

    def record(self, rules: FileRules, number: int, size: int, sfid: int) -> bytes:
        """Return a record.  :param size: its length."""
        return self.require(
            iso.read_record(number, size, sfid), f"READ RECORD of {sfid:02X}", rules.pair(Operation.READ)
        )

    def append(self, rules: FileRules, data: bytes, sfid: int) -> None:
        """Write the next record of a linear file, or a new first one of a cyclic file."""
        pair = rules.pair(Operation.UPDATE)
        self.require(commands.append_record(data, sfid), f"APPEND RECORD of {sfid:02X}", pair)

    # What becomes of an application

    def activate(self, rules: FileRules) -> None:
        """Put the current application into use."""
        self.require(commands.activate(), "ACTIVATE FILE", rules.pair(Operation.ACTIVATE))

    def deactivate(self, rules: FileRules) -> None:
        """Take the current application out of use."""
        self.require(commands.deactivate(), "DEACTIVATE FILE", rules.pair(Operation.DEACTIVATE))

    def delete(self, rules: FileRules, what: int | bytes | None = None) -> None:
        """Delete a file by its FID, an application by its AID, or the current application, which ends the session.

        :param rules: of the directory the right to it is from.
        """
        if isinstance(what, int):
            command = commands.delete_file(what)
        else:
            command = commands.delete_current() if what is None else commands.delete_application(what)
        self.require(command, "DELETE FILE", rules.pair(Operation.DELETE))
        if what is None:
            self.leave()

    def format_all(self, rules: FileRules) -> None:
        """Make the card blank again; the session is over.  :param rules: of the MF."""
        self.require(commands.format_all(), "FORMAT ALL", rules.pair(Operation.FORMAT_ALL))
        self.leave()

    def perform(self) -> None:
        """Make pending changes true."""
        self.require(commands.perform_transaction(), "PERFORM TRANSACTION")

    def cancel(self) -> None:
        """Forget pending changes."""
        self.require(commands.cancel_transaction(), "CANCEL TRANSACTION")


def named(sfid: int, place: int) -> int | None:
    """Return how READ and UPDATE BINARY name a file: by its SFID where that leaves room for the offset.

    Further on it is the current file, which it became by its SFID.
    """
    return sfid if place < _MOST_SFID_OFFSET else None


def _number(data: bytes) -> int:
    if len(data) != _VALUE_BYTES:
        raise ProtocolError(f"value: {len(data)} bytes, expected {_VALUE_BYTES}")
    return int.from_bytes(data, signed=True)
