"""What a reader meets: one document chip after the lock (ICAO Doc 9303-10 3.6, -11 9.8; sheet id.md 16).

A command is parsed, its protection checked, chained parts joined, and its handler called; the answer is protected with
the keys the command came under. What goes wrong in a session is told inside it; a command whose protection is missing
or wrong is answered in clear and ends it.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import wire
from . import active_auth, bac, chip_auth, pace, pin, reading, terminal_auth
from .document import Document
from .messaging import refused_without_session
from .session import Answer, Command, Session, parse

SELECT, READ_BINARY, READ_BINARY_ODD, GET_CHALLENGE = 0xA4, 0xB0, 0xB1, 0x84
EXTERNAL_AUTHENTICATE, MANAGE_ENVIRONMENT, GENERAL_AUTHENTICATE = 0x82, 0x22, 0x86
PERFORM_OPERATION, INTERNAL_AUTHENTICATE, RESET_RETRY_COUNTER = 0x2A, 0x88, 0x2C
PACE, CHIP_AUTHENTICATION = 0xC1A4, 0x41A4  # P1 P2 of MSE:SET AT
MOST_ANSWER: Final = 2048  # bytes of an answer with extended length, as EF.ATR/INFO says
_JOINED: Final = (EXTERNAL_AUTHENTICATE, PERFORM_OPERATION, MANAGE_ENVIRONMENT, GENERAL_AUTHENTICATE)
_LONGEST: Final = 4096
_PROPRIETARY: Final = 0x80
_MOST_DELAY_S: Final = 30

Handler = Callable[["Passport", Command], Answer]


class Passport:
    """One chip as strangers know it.

    :ivar session: what it remembers until the next reset.
    """

    def __init__(self, document: Document, random: Random) -> None:
        self.document = document
        self.random = random.randbytes
        self.reset()

    def reset(self) -> None:
        """Forget everything volatile; the MF is current."""
        self.session = Session()
        self._parts: tuple[bytes, bytes] | None = None

    def delay_s(self) -> int:
        """How long a chip would make a reader wait now, after the wrong passwords so far; it never really waits."""
        return min(self.document.failures, _MOST_DELAY_S)

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU.

        :returns: R-APDU.
        """
        try:
            apdu, secured = parse(command)
            return self.protected(apdu, command[:4]) if secured else self._plain(apdu)
        except StatusWordError as refusal:  # of the protection itself, answered in clear
            self._end_session()
            return refusal.sw

    def _end_session(self) -> None:
        """Keys and rights are gone; the current directory stays."""
        self.session = Session(df=self.session.df)
        self._parts = None

    def _plain(self, apdu: wire.Apdu) -> bytes:
        if self.session.messaging is not None:
            self._end_session()
            if apdu.ins != SELECT:
                raise StatusWordError(sw.SECURITY_STATUS)
        room = MOST_ANSWER if apdu.extended else 256
        data, status = self._answer(_command(apdu, apdu.data, apdu.ne, room))
        self._switch()
        return data + status

    def protected(self, apdu: wire.Apdu, header: bytes) -> bytes:
        """The answer to a protected command.

        :raises StatusWordError: what is wrong with its protection.
        """
        messaging = self.session.messaging
        if messaging is None:
            raise refused_without_session()
        data, ne = messaging.unwrap(header, apdu.data)
        room = MOST_ANSWER if apdu.extended else messaging.most_short
        command = _command(apdu, data, ne, room, secured=True)
        answer, status = self._answer(command)
        if len(answer) > max(room, command.ne):  # a signature may be as long as Le says, though it needs a long APDU
            answer, status = b"", sw.WRONG_LENGTH
        protected = messaging.wrap(answer, status, odd=bool(apdu.ins & 1))
        self._switch()
        return protected

    def _switch(self) -> None:
        """Keys that were agreed on are in force from now on."""
        if self.session.next is not None:
            self.session.messaging, self.session.next = self.session.next, None

    def _answer(self, command: Command) -> Answer:
        answer = self.document.journal.settle(lambda: self._work_on(command))
        if answer[1] != sw.OK and self.session.next is not None:
            self.session = Session(df=self.session.df, messaging=self.session.messaging)  # half a protocol is none
        return answer

    def _work_on(self, command: Command) -> Answer:
        whole = self._joined(command)
        return (b"", sw.OK) if whole is None else self.work(whole)

    def _joined(self, command: Command) -> Command | None:
        """The whole command, or None while parts are missing; the steps of PACE are chained, but each is whole.

        :raises StatusWordError: 6884 an instruction that is never chained, 6700 too long.
        """
        parts, self._parts = self._parts, None
        if command.ins == GENERAL_AUTHENTICATE and self.session.agreement is None:
            return command
        header = bytes((command.ins, command.p1, command.p2))
        data = parts[1] + command.data if parts is not None and parts[0] == header else command.data
        if len(data) > _LONGEST:
            raise StatusWordError(sw.WRONG_LENGTH)
        if not command.chained:
            return _with_data(command, data)
        if command.ins not in _JOINED:
            raise StatusWordError(sw.NO_CHAINING)
        self._parts = header, data
        return None

    def handler(self, command: Command) -> Handler | None:
        """Who works on a command; None for nobody."""
        return _HANDLERS.get(command.ins)

    def work(self, command: Command) -> Answer:
        """A whole command, its protection taken off.

        :raises StatusWordError: to refuse it.
        """
        if command.cla & _PROPRIETARY:
            raise StatusWordError(sw.NO_CLASS)
        if command.ins != GENERAL_AUTHENTICATE:
            self.session.pace = None
        handler = self.handler(command)
        if handler is None:
            raise StatusWordError(sw.NO_INSTRUCTION)
        return handler(self, command)


def _command(apdu: wire.Apdu, data: bytes, ne: int, room: int, *, secured: bool = False) -> Command:
    return Command(apdu.cla, apdu.ins, apdu.p1, apdu.p2, data, ne, apdu.chained, secured, room)


def _with_data(command: Command, data: bytes) -> Command:
    return Command(
        command.cla, command.ins, command.p1, command.p2, data, command.ne, False, command.secured, command.room
    )


def _select(chip: Passport, command: Command) -> Answer:
    return reading.select(chip.document, chip.session, command)


def _read(chip: Passport, command: Command) -> Answer:
    return reading.read_binary(chip.document, chip.session, command, chip.session.may_read)


def _read_odd(chip: Passport, command: Command) -> Answer:
    return reading.read_binary_odd(chip.document, chip.session, command, chip.session.may_read)


def _get_challenge(chip: Passport, command: Command) -> Answer:
    """GET CHALLENGE: eight bytes, which make those before worthless."""
    command.require(0)
    if command.ne < bac.CHALLENGE or command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    chip.session.challenge = chip.random(bac.CHALLENGE)
    return chip.session.challenge, sw.OK


def _external_authenticate(chip: Passport, command: Command) -> Answer:
    """In a session a terminal authenticates itself, without one this is basic access control."""
    command.require(0)
    if command.secured:
        return terminal_auth.authenticate(chip.document, chip.session, command)
    return bac.authenticate(chip.document, chip.session, command, chip.random)


def _manage_environment(chip: Passport, command: Command) -> Answer:
    handler = _TEMPLATES.get(command.parameters)
    if handler is None:
        raise StatusWordError(sw.WRONG_P1P2)
    return handler(chip.document, chip.session, command)


def _general_authenticate(chip: Passport, command: Command) -> Answer:
    if chip.session.agreement is not None:
        return chip_auth.authenticate(chip.document, chip.session, command, chip.random)
    return pace.step(chip.document, chip.session, command, chip.random)


def _perform_operation(chip: Passport, command: Command) -> Answer:
    return terminal_auth.verify_certificate(chip.document, chip.session, command)


def _internal_authenticate(chip: Passport, command: Command) -> Answer:
    return active_auth.sign(chip.document, chip.session, command, chip.random)


def _reset_retry_counter(chip: Passport, command: Command) -> Answer:
    return pin.reset(chip.document, chip.session, command)


_TEMPLATES: Final[Mapping[int, Callable[[Document, Session, Command], Answer]]] = {
    PACE: pace.set_template,
    CHIP_AUTHENTICATION: chip_auth.set_template,
    0x41A6: chip_auth.set_key_agreement,
    0x81B6: terminal_auth.set_verification_key,
    0x81A4: terminal_auth.set_template,
}
_HANDLERS: Final[Mapping[int, Handler]] = {
    SELECT: _select,
    READ_BINARY: _read,
    READ_BINARY_ODD: _read_odd,
    GET_CHALLENGE: _get_challenge,
    EXTERNAL_AUTHENTICATE: _external_authenticate,
    MANAGE_ENVIRONMENT: _manage_environment,
    GENERAL_AUTHENTICATE: _general_authenticate,
    PERFORM_OPERATION: _perform_operation,
    INTERNAL_AUTHENTICATE: _internal_authenticate,
    RESET_RETRY_COUNTER: _reset_retry_counter,
}
