"""A security domain on one logical channel: what it says, its registry, and a secure session with it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp import agreement, discovery, opening, status
from cardkit.apps.gp.agreement import Agreement
from cardkit.apps.gp.discovery import ABSENT, OK, DataTag, Selected
from cardkit.apps.gp.opening import Opened, Opening
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.gp.tags import (
    CPLC,
    FCI,
    CardCapabilities,
    CardRecognitionData,
    KeyInformation,
    Memory,
    StatusEntry,
    StatusKind,
)
from cardkit.channel import Channel
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import CardKeySet, KeySetSpec
from cardkit.errors import EncodingError, ProfileError, ProtocolError, SecureMessagingError
from cardkit.secure.certificates import Certificate
from cardkit.secure.dek import Dek
from cardkit.secure.greeting import Greeting
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters, Quirks
from cardkit.secure.session import SecureSession

T = TypeVar("T")

_NO_QUIRKS = Quirks()


class SecurityDomain:
    """A security domain that was selected, and the session with it if one is open.

    Made by :meth:`select`. Selecting anything else on the channel ends it: make a new one then.

    :ivar session: the secure session; None before :meth:`open`. Once ended it stays: nothing goes out in clear then.
    :ivar greeting: the card's answer to the INITIALIZE UPDATE of that session.
    :ivar keys: the card's key set that opened it.
    """

    def __init__(self, channel: Channel, selected: Selected) -> None:
        self._channel = channel
        self._selected = selected
        self._keystore: KeyStore | None = None
        self.session: SecureSession | None = None
        self.greeting: Greeting | None = None
        self.keys: CardKeySet | None = None

    @classmethod
    def select(cls, channel: Channel, aid: bytes | None = None) -> SecurityDomain:
        """Select a security domain; a session on this channel ends.

        :param aid: which; None for the issuer security domain, wherever the card has it.
        :raises StatusError: when the card refuses.  :raises ProtocolError: on an answer that is no FCI.
        """
        channel.secure = None
        return cls(channel, discovery.select_domain(channel.send, aid))

    @property
    def aid(self) -> bytes:
        """Its full AID, as the card gave it; empty where nobody knows."""
        return self._selected.aid

    @property
    def fci(self) -> FCI:
        """The answer of SELECT."""
        return self._selected.fci

    @property
    def card_locked(self) -> bool:
        """Whether the card said at SELECT that it is CARD_LOCKED (6283)."""
        return self._selected.locked

    @property
    def max_command_data(self) -> int:
        """The most bytes of plain data a command can carry now."""
        return self.session.max_command_data if self.session else self.fci.max_command_data

    # Commands

    def exchange(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command, through the session where there is one; no status word raises.

        :raises SecureMessagingError: when the session is over, or its protection fails.
        """
        self._check_session()
        return self._channel.send(command)

    def send(self, command: CommandAPDU, *, what: str, ok: Collection[int] = (OK,)) -> bytes:
        """Send a command that must succeed and return its data.

        :param what: the command in words, for the error.  :param ok: status words that count as success.
        :raises StatusError: on another status word, by :func:`status_error`.
        """
        return _data_of(self.exchange(command), what, ok)

    def send_segments(self, command: CommandAPDU, *, what: str, ok: Collection[int] = (OK,)) -> bytes:
        """Send a long INSTALL, DELETE or PUT KEY in segments (b8 of P1 = more follows); else as :meth:`send`.

        GPCS 11.1.5
        """
        self._check_session()
        response = self._channel.send_segments(command, size=self.fci.max_command_data)
        return _data_of(response, what, ok)

    def _check_session(self) -> None:
        if self.session is not None and self._channel.secure is not self.session:
            raise SecureMessagingError("the session of this security domain is over: something else was selected")

    # What it says

    def get_data(self, tag: int, data: bytes = b"", *, cla: int = discovery.CLA) -> bytes:
        """Return a data object as the card answers it.

        :param cla: with 00 the card answers the value alone.
        :raises NotFoundError: when it has none.
        """
        return self.send(discovery.get_data(tag, data, cla=cla), what=f"GET DATA {tag:02X}")

    def find_data(self, tag: int, data: bytes = b"") -> bytes | None:
        """Return a data object as the card answers it, None where it says it has none.

        :raises StatusError: on another refusal.
        """
        response = self.exchange(discovery.get_data(tag, data))
        return None if response.sw in ABSENT else _data_of(response, f"GET DATA {tag:02X}", (OK,))

    def value(self, tag: int) -> bytes | None:
        """Return the value of a data object without tag and length, None where the card has none.

        For those that are a number or a name: 42, 45, C1, C2, CF, D3, 5F50.

        :raises ProtocolError: when the card answers another object.
        """
        answer = self.find_data(tag)
        return None if answer is None else discovery.value_of(tag, answer)

    def card_data(self) -> CardRecognitionData | None:
        """Return the card recognition data (66)."""
        return self._read(DataTag.CARD_DATA, CardRecognitionData.parse)

    def capabilities(self) -> CardCapabilities | None:
        """Return the card capability information (67)."""
        return self._read(DataTag.CAPABILITIES, CardCapabilities.parse)

    def key_information(self) -> KeyInformation | None:
        """Return which keys it holds (E0)."""
        return self._read(DataTag.KEY_INFORMATION, KeyInformation.parse)

    def cplc(self) -> CPLC | None:
        """Return the card production life cycle data (9F7F)."""
        return self._read(DataTag.CPLC, CPLC.parse)

    def memory(self) -> Memory | None:
        """Return how much room the card has (FF21)."""
        return self._read(DataTag.RESOURCES, Memory.parse)

    def applications(self) -> tuple[bytes, ...] | None:
        """Return the AIDs the card lists without a session (2F00)."""
        return self._read(DataTag.APPLICATIONS, discovery.listed_applications)

    def _read(self, tag: DataTag, parse: Callable[[bytes], T]) -> T | None:
        answer = self.find_data(tag)
        try:
            return None if answer is None else parse(answer)
        except EncodingError as error:
            raise ProtocolError(f"GET DATA {tag:02X}: {error}") from None

    def status(self, kind: StatusKind, aid: bytes = b"") -> tuple[StatusEntry, ...]:
        """Return the registry entries of one kind, all pages; none where the card finds nothing.

        :param aid: start of the AIDs wanted.  Errors as :func:`read_status`.
        """
        return status.read_status(self.exchange, kind, aid)

    # The session

    def protocols(self) -> tuple[Parameters, ...]:
        """Return the secure channel protocols ENC, MAC and DEK keys open, as the domain or its card names them."""
        found = opening.discovered(self._management_data())
        found = found or opening.discovered(self.card_data())
        return tuple(found or opening.discovered(None, self.capabilities()))

    def _management_data(self) -> CardRecognitionData | None:
        try:
            return self.fci.management_data
        except EncodingError as error:
            raise ProtocolError(f"SELECT: {error}") from None

    def greet(self, kvn: int, host_challenge: bytes) -> Greeting:
        """Send one INITIALIZE UPDATE and go no further; a session on this channel ends.

        :param kvn: key version, 0 for the default set.  :param host_challenge: 8 or 16 bytes.  Errors as :func:`greet`.
        """
        self._forget_session()
        return opening.greet(self._channel.send, kvn, host_challenge)

    def open(
        self,
        keystore: KeyStore,
        keys: KeySetSpec | CardKeySet,
        level: SecurityLevel | None,
        *,
        host_challenge: bytes,
        parameters: Parameters | None = None,
        quirks: Quirks = _NO_QUIRKS,
    ) -> SecureSession:
        """Open a secure session: at most one EXTERNAL AUTHENTICATE, never a second key, never a second time.

        :param keys: a set to be diversified with the card's KDD, or this card's own.
        :param level: protection; None for the strongest the protocol allows.
        :param host_challenge: random, 8 bytes, 16 where S16 may be met; surplus is not sent.
        :param parameters: protocol and options; None takes what the card names of itself.
        :raises ProfileError: when the level is not to be had; before EXTERNAL AUTHENTICATE.
        :raises AuthenticationError: a cryptogram is wrong, or a challenge does not recompute: a security stop.
        :raises ProtocolError: on another protocol or key version than expected.
        :raises StatusError: when the card refuses.
        """
        self._forget_session()
        if parameters is not None and parameters.scp not in opening.SYMMETRIC:
            raise ProfileError(f"{parameters}: opened by certificates and not by a key set")
        offered = (parameters,) if parameters is not None else self.protocols()
        wanted = Opening(level, host_challenge, offered, quirks, self.fci.max_command_data)
        if parameters is None or parameters.explicit:
            opened = opening.open_session(self._channel.send, keystore, keys, wanted, self.aid)
        else:
            opened = self._open_implicit(keystore, keys, wanted)
        self._keystore = keystore
        self.greeting, self.keys, self.session = opened.greeting, opened.keys, opened.session
        self._channel.secure = opened.session
        return opened.session

    def certificates(self, kvn: int, kid: int) -> list[Certificate]:
        """Return the certificate chain of one of its keys, the leaf last.  Errors as :func:`read_certificates`."""
        self._check_session()
        return agreement.read_certificates(self._channel, kvn, kid)

    def open_scp11(self, keystore: KeyStore, wanted: Agreement) -> SecureSession:
        """Open an SCP11 session: at most one key agreement, never a second time.

        Errors as :func:`agree`; in variant b the card does not know who the host is, and allows no management.
        """
        self._forget_session()
        parameters = wanted.parameters or agreement.named_parameters(self._management_data() or self.card_data())
        opened = agreement.agree(self._channel, keystore, wanted, parameters, self.fci.max_command_data)
        self._keystore = keystore
        self._channel.secure = self.session = opened
        return opened

    def _open_implicit(self, keystore: KeyStore, keys: KeySetSpec | CardKeySet, wanted: Opening) -> Opened:
        sequence = self.value(DataTag.SEQUENCE_COUNTER)
        if sequence is None:
            raise ProtocolError(f"GET DATA C1: the card has no sequence counter, {wanted.offered[0]} needs it")
        if isinstance(keys, KeySetSpec):
            keys = keys.for_card(self.value(DataTag.DIVERSIFICATION_DATA) or b"")
        return opening.open_implicit_session(keystore, keys, wanted, self.aid, sequence)

    def dek(self) -> Dek:
        """Return what encrypts keys and sensitive data for this session.

        :raises ProfileError: before :meth:`open`.
        """
        if self.session is None or self._keystore is None:
            raise ProfileError("sensitive data need an open session: the key that protects them belongs to it")
        return self.session.dek(self._keystore, self.keys)

    def close(self) -> None:
        """End the session, if there is one, and forget its keys; the card learns it at the next SELECT or reset."""
        self._forget_session()

    def _forget_session(self) -> None:
        if self.session is not None:
            self.session.close()
        if self._channel.secure is self.session:
            self._channel.secure = None
        self.session = self.greeting = self.keys = self._keystore = None


def _data_of(response: ResponseAPDU, what: str, ok: Collection[int]) -> bytes:
    if response.sw in ok:
        return response.data
    raise status_error(what, response.sw, expected=" or ".join(f"{sw:04X}" for sw in ok))
