"""Every error cardkit raises, on one page.

Whose fault decides the class: the caller's, the keys', the link's, the card's or the store's. ``exit_code`` is what
the command line ends with; ``security_stop`` marks errors that are never retried.
"""

from __future__ import annotations

from enum import Enum


class CardkitError(Exception):
    """Base of all errors of cardkit: the text is one line saying what, where, got, expected."""

    exit_code = 1
    security_stop = False


# The caller gave something wrong.


class EncodingError(CardkitError, ValueError):
    """Bytes or a value do not follow their layout."""

    exit_code = 4


class ProfileError(CardkitError):
    """A profile, chip model or layout is wrong, or asks for what this chip cannot do."""

    exit_code = 4


class RecordError(CardkitError):
    """A row of an order, or the order file itself, is wrong.

    :param code: the short code of production.md 9 (``LENGTH``, ``CHECK_DIGIT``, ``COUNT`` ...).
    """

    exit_code = 4

    def __init__(self, message: str, *, code: str = "RECORD") -> None:
        super().__init__(message)
        self.code = code


# The keys are missing or refuse.


class KeyStoreError(CardkitError):
    """A key is missing, unusable for the purpose, or its store cannot be opened."""

    exit_code = 4


class KeyStoreUnavailableError(KeyStoreError):
    """The token or its module is not there, or went away."""


class KeyStoreLockedError(KeyStoreError):
    """The token refused its PIN: another try may lock it for good, so there is none."""

    exit_code = 5
    security_stop = True


class UnsupportedKeyOperationError(KeyStoreError):
    """The token cannot do what is asked of it, or not with this key."""


# The link between us and the card.


class Executed(Enum):
    """Whether the card may have run the command that failed."""

    NO = "no"
    UNKNOWN = "unknown"


class TransportError(CardkitError):
    """The link failed.

    :param reader: the reader's name.  :param operation: ``connect``, ``transmit``, ``reset`` ...
    :param hresult: PC/SC result as an unsigned 32-bit number, 0 where there is none.
    :param executed: whether the card may have run the command.
    """

    def __init__(
        self,
        message: str,
        *,
        reader: str = "",
        operation: str = "transmit",
        hresult: int = 0,
        executed: Executed = Executed.UNKNOWN,
    ) -> None:
        super().__init__(message)
        self.reader = reader
        self.operation = operation
        self.hresult = hresult
        self.executed = executed


class ServiceDownError(TransportError):
    """The PC/SC service is not running, or ended while we used it."""

    exit_code = 3


class AccessDeniedError(TransportError):
    """The PC/SC service refuses this user."""

    exit_code = 3


class ContextLimitError(TransportError):
    """The PC/SC service has no context left."""

    exit_code = 3


class NoReaderError(TransportError):
    """There is no reader at all, or not the one named."""

    exit_code = 3


class ReaderGoneError(TransportError):
    """The reader was unplugged or its name is unknown."""

    exit_code = 3


class ReaderBusyError(TransportError):
    """Another program holds the reader or the card."""

    exit_code = 3


class NoCardError(TransportError):
    """The reader is empty."""

    exit_code = 3


class CardRemovedError(TransportError):
    """The card left the reader."""


class CardChangedError(TransportError):
    """Another card lies in the reader."""


class CardMuteError(TransportError):
    """The card does not answer to reset."""


class CardResetError(TransportError):
    """Somebody else reset the card: the session state is lost."""


class ProtocolMismatchError(TransportError):
    """The card does not speak the protocol asked for."""


class BadResponseError(TransportError):
    """The answer cannot be a response APDU."""


class LinkTimeoutError(TransportError):
    """The deadline of a command passed."""


class UnsupportedError(TransportError):
    """The reader or its driver does not offer this function."""


# The card answered, and the answer is wrong.


class CardError(CardkitError):
    """The card refused or misbehaved."""


class StatusError(CardError):
    """A status word other than the expected one.

    :param sw: the status word, 0 to 0xFFFF.  :param what: the command in words.
    """

    def __init__(self, what: str, sw: int, *, expected: str = "9000", meaning: str = "") -> None:
        tail = f" ({meaning})" if meaning else ""
        super().__init__(f"{what}: card answered {sw:04X}{tail}, expected {expected}")
        self.what = what
        self.sw = sw


class SecurityStatusError(StatusError):
    """6982: not authenticated, MAC wrong, session aborted, wrong KCV; on INITIALIZE UPDATE: keys locked."""


class KeyBlockedError(StatusError):
    """6983: the key set is blocked, no further try."""

    exit_code = 5
    security_stop = True


class ConditionsError(StatusError):
    """6985: life cycle, privilege, order of commands, exhausted counter, or something depends on it."""


class DataError(StatusError):
    """6A80, 9485: the card does not like the data field."""


class MemoryFullError(StatusError):
    """6A84: no room."""


class NotFoundError(StatusError):
    """6A82, 6A88: no such application, key or data object."""


class ParameterError(StatusError):
    """6A86, 6A81: P1 P2 or the function is not supported."""


class LengthError(StatusError):
    """6700: wrong length."""


class ChannelError(StatusError):
    """6881, 6882: logical channel not open, or no secure messaging on it."""


class CardFaultError(StatusError):
    """6400, 6581, 6F00: the card failed; read the object back before going on."""


class NotSupportedError(StatusError):
    """6D00, 6E00, 9484: the card does not know this command, class or algorithm."""


class ProtocolError(CardError):
    """The card broke a rule of its protocol (endless 61xx, wrong length, malformed template)."""


class SecureMessagingError(ProtocolError):
    """A response without its MAC, with a wrong one, or that does not decrypt; the session is over."""


class UnprotectedError(SecureMessagingError):
    """A bare status word where a protected answer was due; nobody knows who said it.

    :ivar sw: the word.
    """

    def __init__(self, sw: int) -> None:
        super().__init__(f"secure messaging: unprotected answer {sw:04X}: the session is over")
        self.sw = sw


class AuthenticationError(CardError):
    """A secret, MAC or cryptogram was refused or is wrong: never retried."""

    exit_code = 5
    security_stop = True


class CounterGuardError(AuthenticationError):
    """A retry counter is too low to present a secret."""


# The store.


class StoreError(CardkitError):
    """The production store refused an operation."""

    exit_code = 4


class FencedError(StoreError):
    """Another session owns the record now (token, session or chip differ)."""


class ChipUsedError(StoreError):
    """This chip has been bound before: one chip, one attempt, for ever."""

    exit_code = 5
    security_stop = True


class KeyRepeatedError(StoreError):
    """A key that must be one card's alone is another record's already: what derives or delivers keys is broken."""

    exit_code = 5
    security_stop = True


class BatchHeldError(StoreError):
    """The batch is not open for claims."""


class TwoPersonsError(StoreError):
    """The step needs two different persons."""


class LoginError(StoreError):
    """Nobody is logged in under this name: unknown, wrong password, locked, too long idle, or not fresh enough."""


class IllegalStepError(StoreError):
    """No arrow leads from the present state to the wanted one."""
