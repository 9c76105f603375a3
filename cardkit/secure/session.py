"""A secure channel session: its stages, and what its protocols share. No protocol's cryptography is here."""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, NoReturn, SupportsIndex

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, KeyStore, Secret
from cardkit.crypto.cardkeys import CardKeySet, SessionKeys
from cardkit.errors import (
    AuthenticationError,
    EncodingError,
    KeyBlockedError,
    KeyStoreError,
    ProfileError,
    SecureMessagingError,
    StatusError,
)
from cardkit.secure.classbyte import mac_class
from cardkit.secure.dek import Dek, session_dek
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP02, Parameters, Quirks

_EXTERNAL_AUTHENTICATE = 0x82
_BEGIN_R_MAC = 0x7A
_END_R_MAC = 0x78

SHORT_NC, SHORT_NE = 255, 256

# An extended data field that leaves room for padding and a MAC of 16 bytes.
_MOST_DATA = 65_535 - 32

_SUCCESS = 0x9000
_WARNINGS = (0x62, 0x63)
_REFUSED = 0x6982
_BLOCKED = 0x6983

# BEGIN and END R-MAC SESSION (GPCS E.5.3, E.5.4; Amd D 7.1.3, 7.1.4).
_MOST_BEGIN_DATA = 24
_BEGIN_P2 = 0x01
_END, _KEEP = 0x03, 0x01
_BEGIN_R_MAC_HEADER = bytes((0x84, _BEGIN_R_MAC))
_END_R_MAC_HEADER = bytes((0x84, _END_R_MAC))


class Stage(Enum):
    """How far a session has come."""

    GREETED = "greeted"
    CALLED = "called"
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session is opened with.

    :param level: protection it begins with.
    :param max_data: the longest data field the card takes, protection included: 255, or less by tag 9F65 of its FCI.
    """

    parameters: Parameters
    level: SecurityLevel
    quirks: Quirks
    max_data: int

    def __post_init__(self) -> None:
        if self.level not in self.parameters.levels:
            allowed = " ".join(f"{level:02X}" for level in self.parameters.levels)
            raise ProfileError(f"{self.parameters}: security level {self.level:02X}, expected one of {allowed}")


class Sent(NamedTuple):
    """A protected command whose answer is awaited: what the answer's protection depends on.

    :param level: the level the answer has.  :param header: CLA as it enters a C-MAC, INS, P1, P2.
    :param context: SCP02: what the R-MAC covers of the command; SCP03: the chaining value.
    :param counter: SCP03: the encryption counter.
    """

    level: SecurityLevel
    header: bytes
    context: bytes = b""
    counter: int = 0

    def __repr__(self) -> str:
        return f"<awaits the answer to {self.header.hex().upper()}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{self!r} refuses to be pickled or copied")

    def begins_r_mac(self) -> bool:
        """Whether it is BEGIN R-MAC SESSION."""
        return self.header[:2] == _BEGIN_R_MAC_HEADER and self.header[3] == _BEGIN_P2

    def reports_r_mac(self) -> bool:
        """Whether it is END R-MAC SESSION, of either kind."""
        return self.header[:2] == _END_R_MAC_HEADER

    def ends_r_mac(self) -> bool:
        """Whether it is END R-MAC SESSION and ends it."""
        return self.reports_r_mac() and self.header[3] == _END


def is_error(sw: int) -> bool:
    """Whether a status word is neither success nor a warning."""
    return sw != _SUCCESS and sw >> 8 not in _WARNINGS


def split(command: CommandAPDU) -> tuple[bytes, bytes]:
    """Return the header as it enters a C-MAC, and the data field, secret parts included: do not keep it.

    :raises EncodingError: when a header byte is none, or the data leaves no room for protection.
    """
    data = command.data
    if not isinstance(data, bytes):
        # Only the encoder joins secret parts: a long form, and what lies behind its seven bytes of header and Lc.
        data = replace(command, ne=0, extended=True).encode()[7:]
    if len(data) > _MOST_DATA:
        raise EncodingError(f"command data: got {len(data)} bytes, expected {_MOST_DATA} at most")
    try:
        return bytes((mac_class(command.cla), command.ins, command.p1, command.p2)), data
    except ValueError:
        raise EncodingError(f"{command!r}: a header byte is out of range") from None


def with_mac(command: CommandAPDU, mac: bytes) -> bytes | tuple[bytes | Secret, ...]:
    """Return the data field of a command and the MAC; parts that are secret stay so."""
    data = command.data
    return data + mac if isinstance(data, bytes) else (*data, mac)


def cipher_key(key: Key, family: str, owner: Parameters) -> Key:
    """Return a session key if its cipher is the protocol's.

    :param family: ``AES`` or ``3DES``.  :raises KeyStoreError: if it is not.
    """
    if not key.algorithm.startswith(family):
        raise KeyStoreError(f"{owner}: session key {key.name} is {key.algorithm}, expected {family}")
    return key


class SecureSession(ABC):
    """A session with a security domain, pure: commands and responses in, commands and responses out.

    One answer belongs to each command, in order. Any failed check, an answer 6982, and a command wrapped while an
    answer is still missing end the session for good: its keys are gone then.

    :param terms: what it is opened with.  :param keys: wiped when it ends.
    :param host_cryptogram: for EXTERNAL AUTHENTICATE; None for a session that needs none (SCP11, implicit SCP02).
    """

    def __init__(self, terms: Terms, keys: SessionKeys, host_cryptogram: bytes | None) -> None:
        self.parameters = terms.parameters
        self.quirks = terms.quirks
        self.level = terms.level
        self.proven = False
        self._opening_level = terms.level
        self._max_data = min(terms.max_data, SHORT_NC)
        self._keys = keys
        self._host_cryptogram = host_cryptogram
        self._stage = Stage.OPEN if host_cryptogram is None else Stage.GREETED
        self._awaited: deque[Sent] = deque()

    # What a protocol adds.

    @abstractmethod
    def _protect(self, command: CommandAPDU, level: SecurityLevel) -> tuple[CommandAPDU, Sent]:
        """Return the protected command and what its answer depends on; the chain moves on."""

    @abstractmethod
    def _open(self, sent: Sent, response: ResponseAPDU) -> ResponseAPDU:
        """Return the response without its protection.

        :raises SecureMessagingError: when a check fails.  :raises EncodingError: on broken padding.
        """

    @abstractmethod
    def _may_begin(self, level: SecurityLevel) -> bool:
        """Whether BEGIN R-MAC SESSION may ask for a level now."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop every cipher."""

    # Opening.

    def external_authenticate(self) -> CommandAPDU:
        """Return EXTERNAL AUTHENTICATE with its MAC, once: a refused one costs a try and is never repeated.

        :raises SecureMessagingError: the second time.
        """
        if self._stage is not Stage.GREETED or self._host_cryptogram is None:
            raise SecureMessagingError(f"{self!r}: EXTERNAL AUTHENTICATE is sent once, and only where one is due")
        self._stage = Stage.CALLED
        command = CommandAPDU(0x80, _EXTERNAL_AUTHENTICATE, self.level, 0x00, self._host_cryptogram)
        return self._protect(command, SecurityLevel.C_MAC)[0]

    def authenticated(self, response: ResponseAPDU) -> None:
        """Take the card's answer to EXTERNAL AUTHENTICATE: only a bare 9000 opens the session.

        :raises AuthenticationError: on 63xx or 6982, a try is gone.  :raises KeyBlockedError: on 6983.
        :raises StatusError: on another status word.  :raises SecureMessagingError: on data in the answer.
        """
        if self._stage is not Stage.CALLED:
            raise SecureMessagingError(f"{self!r}: no answer to EXTERNAL AUTHENTICATE is awaited")
        if response.sw == _SUCCESS and not response.data:
            self._stage = Stage.OPEN
            return
        self.close()
        raise refusal("EXTERNAL AUTHENTICATE", response)

    # Messages.

    def wrap(self, command: CommandAPDU) -> CommandAPDU:
        """Protect a command; its answer goes to :meth:`unwrap` before the next command.

        :raises SecureMessagingError: when the session is not open, or the last answer is missing.
        :raises EncodingError: when the command is protected already or too long; nothing has changed then.
        """
        if self._stage is not Stage.OPEN or self._awaited:
            raise self._not_ready()
        wrapped, sent = self._protect(command, self.level)
        self._awaited.append(sent)
        return wrapped

    def wrap_ahead(self, commands: Iterable[CommandAPDU]) -> list[CommandAPDU]:
        """Protect a run of commands before the first is sent; each answer goes to :meth:`unwrap`, in order.

        :raises SecureMessagingError: as :meth:`wrap`.  :raises EncodingError: as :meth:`wrap`, and for BEGIN and END
            R-MAC SESSION, whose answers decide how to go on.
        """
        plain = list(commands)
        if any(_changes_level(command) for command in plain):
            raise EncodingError("BEGIN and END R-MAC SESSION cannot be wrapped ahead: the answer changes the level")
        if self._stage is not Stage.OPEN or self._awaited:
            raise self._not_ready()
        pairs = [self._protect(command, self.level) for command in plain]
        self._awaited.extend(sent for _, sent in pairs)
        return [wrapped for wrapped, _ in pairs]

    def unwrap(self, response: ResponseAPDU) -> ResponseAPDU:
        """Check and decrypt the answer to the oldest command that awaits one.

        ``proven`` tells afterwards whether its status word and data are covered by a verified R-MAC.

        :raises SecureMessagingError: when the R-MAC is missing or wrong or the padding is broken: the session is over.
        """
        if self._stage is not Stage.OPEN or not self._awaited:
            raise SecureMessagingError(f"{self!r}: no answer is awaited")
        sent = self._awaited.popleft()
        self.proven = False
        try:
            plain = self._open(sent, response)
        except (SecureMessagingError, EncodingError) as error:
            self.close()
            raise SecureMessagingError(f"{self!r}: answer to {sent.header.hex().upper()}: {error}") from None
        if response.sw == _REFUSED:
            self.close()
        elif response.sw == _SUCCESS:
            self._follow(sent)
        return plain

    def begin_r_mac(self, level: SecurityLevel = SecurityLevel.R_MAC, data: bytes = b"") -> CommandAPDU:
        """Return BEGIN R-MAC SESSION, to be sent through the session: its answer 9000 raises the level.

        :param level: ``R_MAC``; ``R_MAC | R_ENC`` (SCP03); ``NONE`` (SCP02: one R-MAC at the end, over all answers).
        :param data: up to 24 bytes that enter the R-MAC.
        :raises ProfileError: where the card has no such protection, or commands have less.
        :raises EncodingError: on longer data.
        GPCS E.5.3; Amd D 7.1.3
        """
        if not self._may_begin(level):
            raise ProfileError(f"{self!r}: no R-MAC session of level {level:02X} can begin here")
        if len(data) > _MOST_BEGIN_DATA:
            raise EncodingError(
                f"BEGIN R-MAC SESSION: got {len(data)} bytes of data, expected {_MOST_BEGIN_DATA} at most"
            )
        return CommandAPDU(0x80, _BEGIN_R_MAC, level, _BEGIN_P2, bytes((len(data),)) + data)

    def end_r_mac(self, *, keep: bool = False) -> CommandAPDU:
        """Return END R-MAC SESSION, to be sent through the session.

        :param keep: SCP02: only fetch the R-MAC, the session goes on.
        GPCS E.5.4; Amd D 7.1.4
        """
        return CommandAPDU(0x80, _END_R_MAC, 0x00, _KEEP if keep else _END, ne=SHORT_NE)

    # Sensitive data, limits and end.

    def dek(self, keystore: KeyStore, keys: CardKeySet | None) -> Dek:
        """Return what encrypts sensitive data here: the session's DEK (SCP02, SCP11), or the static one.

        :param keys: the card's static keys; None where the session has a DEK of its own.
        :raises SecureMessagingError: when the session is over.  :raises KeyStoreError: when there is no DEK.
        """
        if self.ended:
            raise SecureMessagingError(f"{self!r}: its keys are gone")
        chained = not self.parameters.explicit and self.parameters.scp == SCP02
        return session_dek(keystore, self._keys.dek, keys, self.parameters.block_size, chained=chained)

    @property
    def max_command_data(self) -> int:
        """The most plain bytes a short command can carry at this level (GPCS 11.1.5)."""
        if not self.level & SecurityLevel.C_MAC:
            return self._max_data
        room = self._max_data - self.parameters.mac_size
        size = self.parameters.block_size
        return room // size * size - 1 if self.level & SecurityLevel.C_DEC else room

    @property
    def max_response_data(self) -> int:
        """The most plain bytes a short response can carry at this level."""
        if not self.level & SecurityLevel.R_MAC:
            return SHORT_NE
        room = SHORT_NE - self.parameters.mac_size
        size = self.parameters.block_size
        return room // size * size - 1 if self.level & SecurityLevel.R_ENC else room

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self._stage is Stage.ENDED

    def close(self) -> None:
        """End the session and wipe its keys; idempotent."""
        if not self.ended:
            self._stage = Stage.ENDED
            self._awaited.clear()
            self._keys.wipe()
            self._forget()

    def __repr__(self) -> str:
        return f"<{self.parameters} level={self.level:02X} {self._stage.value}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{self!r} refuses to be pickled or copied")

    # Within.

    def _not_ready(self) -> SecureMessagingError:
        if self._stage is not Stage.OPEN:
            return SecureMessagingError(f"{self!r}: the session is not open")
        self.close()
        return SecureMessagingError(f"{self!r}: the answer to the last command is missing")

    def _follow(self, sent: Sent) -> None:
        """Change the level as an accepted BEGIN or END R-MAC SESSION says."""
        if sent.begins_r_mac():
            self.level |= SecurityLevel(sent.header[2])
        elif sent.ends_r_mac():
            self.level = self._opening_level

    def _verify(self, expected: bytes, mac: bytes) -> None:
        """Compare an R-MAC.

        :raises SecureMessagingError: when it differs.
        """
        if not hmac.compare_digest(expected, mac):
            raise SecureMessagingError("wrong R-MAC")
        self.proven = True


def _changes_level(command: CommandAPDU) -> bool:
    return bool(command.cla & 0x80) and command.ins in (_BEGIN_R_MAC, _END_R_MAC)


def refusal(what: str, response: ResponseAPDU) -> StatusError | AuthenticationError | SecureMessagingError:
    """Return the error for an answer that does not open a session.

    :param what: the command in words.
    """
    sw = response.sw
    if sw == _SUCCESS:
        return SecureMessagingError(f"{what}: card answered {len(response.data)} bytes, expected none")
    if sw == _BLOCKED:
        return KeyBlockedError(what, sw)
    if sw >> 8 == 0x63 or sw == _REFUSED:
        return AuthenticationError(f"{what}: card answered {sw:04X}, a try may be gone and is not repeated")
    return StatusError(what, sw)
