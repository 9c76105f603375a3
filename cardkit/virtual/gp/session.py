"""The secure channel of one security domain on one logical channel: its states, whatever the protocol.

    none --INITIALIZE UPDATE--> initiated --EXTERNAL AUTHENTICATE--> open --bad or missing protection--> aborted

SCP11 opens by a key agreement, implicit SCP02 by its first C-MAC. An aborted session refuses everything until
INITIALIZE UPDATE, a key agreement or `reset`, which SELECT, the end of the logical channel and a card reset call.

How the card works with it: a command for which `opens` is true goes to `open`; every other one except SELECT and
MANAGE CHANNEL through `unwrap`; the data of every answer, of refusals, too, through `wrap_response`.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import scp01, scp02, scp03, scp11
from .keysets import SCP01, SCP02, SCP03, KeyRing, KeySet
from .protection import ANY_AUTHENTICATED, AUTHENTICATED, C_MAC, Behaviour, Command, Random, Request, Session, refused

INITIALIZE_UPDATE: Final = 0x50
AUTHENTICATE: Final = 0x82  # EXTERNAL and MUTUAL AUTHENTICATE

_WRONG_CRYPTOGRAM: Final = b"\x63\x00"
_BEGIN_P2: Final = 0x01
_PROTOCOLS: Final[Mapping[int, Callable[[Request], tuple[Session, bytes]]]] = {
    SCP01: scp01.initiate,
    SCP02: scp02.initiate,
    SCP03: scp03.initiate,
}


class State(Enum):
    """What has become of the session."""

    NONE = "none"
    INITIATED = "initiated"
    OPEN = "open"
    ABORTED = "aborted"


class SecureChannel:
    """The card's end of the secure channels of one security domain, one session at a time.

    :ivar keys: the key sets of the domain as they are now.
    :ivar aid: AID of the application that runs the channel, as registered.
    :param kdd: key diversification data, 10 bytes.
    :param random: source of challenges and ephemeral keys.
    :ivar allow_lists: for SCP11: serial numbers each CA key may vouch for, now.
    """

    def __init__(
        self,
        keys: KeyRing,
        aid: bytes,
        *,
        kdd: bytes,
        random: Random,
        behaviour: Behaviour | None = None,
        allow_lists: scp11.AllowLists | None = None,
    ) -> None:
        self.keys = keys
        self.aid = aid
        self.kdd = kdd
        self.random = random
        self.behaviour = behaviour or Behaviour()
        self.state = State.NONE
        self._session: Session | None = None
        self._key_set: KeySet | None = None
        self._right = AUTHENTICATED
        self.allow_lists: scp11.AllowLists = allow_lists or {}
        self._scp11 = scp11.Scp11(random, self.behaviour)

    def reset(self) -> None:
        """SELECT, end of the logical channel, card reset: no session."""
        self._end(State.NONE)
        self._key_set = None
        self._scp11.forget()

    def _end(self, state: State) -> None:
        self.state = state
        self._session = None

    @property
    def level(self) -> int:
        """Security level (GPCS Table 10-1): b1 b2 b5 b6, and b8 or b7 for authenticated; 0 without an open session."""
        session = self._session
        return session.level | self._right if session is not None and self.state is State.OPEN else 0

    @property
    def authenticated(self) -> bool:
        """Is the off-card entity authenticated, so that management commands are for it? Not after SCP11b."""
        return bool(self.level & AUTHENTICATED)

    @property
    def any_authenticated(self) -> bool:
        """Is the session one of SCP11b, where the off-card entity may be anyone?"""
        return bool(self.level & ANY_AUTHENTICATED)

    @property
    def key_set(self) -> KeySet | None:
        """The key set that INITIALIZE UPDATE named last, even if authentication failed then; None after `reset`."""
        return self._key_set

    def opens(self, command: Command) -> bool:
        """Is it a command that opens a session, and so is for `open`?"""
        known = command.ins in (INITIALIZE_UPDATE, AUTHENTICATE) or self._scp11.opens(command)
        return known and bool(command.cla & 0x80)

    def open(self, command: Command) -> bytes:
        """Work on a command that opens a session.

        :returns: data of the response.
        :raises StatusWordError: as the commands say.
        """
        if command.ins == INITIALIZE_UPDATE:
            return self.initialize_update(command)
        if self._scp11.opens(command):
            return self._open_scp11(command)
        self.external_authenticate(command)
        return b""

    def initialize_update(self, command: Command) -> bytes:
        """INITIALIZE UPDATE; a session that was open is gone even when this fails.

        :raises StatusWordError: 6700, 6A88 unknown or incomplete key set, 6A86, 6983 blocked, 6985 counter at its end.
        """
        self.reset()
        if len(command.data) not in (8, 16):
            raise refused(sw.WRONG_LENGTH)
        keys = self.keys.find(command.p1)
        if command.p2 and (keys.scp, command.p2) != (SCP01, 1):  # a key index, in SCP01 only
            raise refused(sw.WRONG_P1P2)
        if len(command.data) != (scp03.size(keys.i) if keys.scp == SCP03 else 8):
            raise refused(sw.WRONG_LENGTH)
        keys.require_tries()
        session, rest = _PROTOCOLS[keys.scp](Request(keys, command.data, self.aid, self.random, self.behaviour))
        if keys.policy.on == "iu":
            keys.take_try()
        self._session, self._key_set, self.state = session, keys, State.INITIATED
        return self.kdd + bytes((keys.kvn,)) + rest

    def external_authenticate(self, command: Command) -> None:
        """EXTERNAL AUTHENTICATE: cryptogram, then MAC; the try is written before either is looked at.

        :raises StatusWordError: 6985 without INITIALIZE UPDATE, 6A86, 6700, 6983; 6300 wrong cryptogram; 6982 wrong
            MAC, and in a session this command does not belong to.
        """
        session, keys = self._session, self._key_set
        if self.state in (State.OPEN, State.ABORTED):
            self.unwrap(command)
        if self.state is not State.INITIATED or session is None or keys is None:
            raise refused(sw.CONDITIONS)
        if command.p2 or command.p1 not in session.levels:
            raise refused(sw.WRONG_P1P2)
        size = len(session.host_cryptogram)
        if len(command.data) != size + session.mac_size:
            raise refused(sw.WRONG_LENGTH)
        self._end(State.NONE)
        if keys.policy.on == "ea":
            keys.take_try()
        if not session.proves(command.data[:size]):
            raise refused(_WRONG_CRYPTOGRAM)
        session.authenticate(command)
        keys.settle(keys.counter + (keys.scp == SCP02))
        self._opened(session, keys, AUTHENTICATED)

    def _open_scp11(self, command: Command) -> bytes:
        self._end(State.NONE)
        if command.ins == scp11.PERFORM_SECURITY_OPERATION:
            self._scp11.perform_security_operation(command, self.keys, self.allow_lists)
            return b""
        agreed = self._scp11.agree(command, self.keys)
        self._opened(agreed.session, None, agreed.right)
        return agreed.response

    def _opened(self, session: Session, keys: KeySet | None, right: int) -> None:
        self._session, self._key_set, self._right, self.state = session, keys, right, State.OPEN

    def unwrap(self, command: Command) -> bytes:
        """Check a command against the level of the session, whatever its CLA says.

        Without a session it is plain; a CLA that announces protection is then refused if there are data it could be in.

        :returns: the plain data field.
        :raises StatusWordError: 6982; an open session is aborted.
        """
        if self.state is State.ABORTED:
            raise refused()
        session = self._session
        if self.state is not State.OPEN or session is None:
            return self._open_implicitly(command) if command.secured and command.data else command.data
        try:
            if session.implicit and command.secured and not session.level & C_MAC:
                return self._open_implicitly(command)
            return session.unwrap(command)
        except StatusWordError:
            self._end(State.ABORTED)
            raise

    def _open_implicitly(self, command: Command) -> bytes:
        """The first C-MAC opens an implicit SCP02 session (GPCS E.1.2.2).

        :raises StatusWordError: 6982 wrong MAC, or no key set for it; 6983, 6985.
        """
        keys = next((found for found in self.keys.sets.values() if scp02.is_implicit(found)), None)
        if keys is None:
            raise refused()
        session = scp02.implicit(keys, self.aid, self.behaviour)
        self.reset()
        self._key_set = keys
        keys.take_try()
        data = session.unwrap(command)
        keys.settle(keys.counter + 1)
        self._opened(session, keys, AUTHENTICATED)
        return data

    def wrap_response(self, data: bytes, status: bytes) -> bytes:
        """Protect the response to the command unwrapped last.

        :param status: SW1 SW2, an error's too.
        :returns: the data field to send before `status`; unchanged where no R-MAC is due.
        """
        session = self._session
        return session.protect(data, status) if session is not None and self.state is State.OPEN else data

    @property
    def sensitive_block(self) -> int:
        """Block size of the cipher of `decrypt_sensitive`: 8 or 16.

        :raises StatusWordError: 6982 without an open session.
        """
        return self._current().block

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """Decrypt keys and secret data under the data encryption key of the session; padding is left on.

        :raises StatusWordError: 6982 without an open session, 6A80 unless these are whole blocks.
        """
        return self._current().decrypt_sensitive(data)

    def begin_r_mac(self, p1: int, p2: int, data: bytes) -> None:
        """BEGIN R-MAC SESSION, unwrapped before.

        :param data: plain.  :raises StatusWordError: 6982, 6D00, 6A86, 6A80, 6985; the session goes on.
        """
        session = self._current()
        if p2 != _BEGIN_P2:
            raise refused(sw.WRONG_P1P2)
        session.begin_r_mac(p1, data)

    def end_r_mac(self, p1: int, p2: int) -> bytes:
        """END R-MAC SESSION, unwrapped before.

        :returns: data of the response.  :raises StatusWordError: 6D00, 6A86, 6A88 when none was begun.
        """
        if self.state is not State.OPEN:
            raise refused(sw.DATA_NOT_FOUND)
        if p1:
            raise refused(sw.WRONG_P1P2)
        return self._current().end_r_mac(p2)

    def _current(self) -> Session:
        if self._session is None or self.state is not State.OPEN:
            raise refused()
        return self._session
