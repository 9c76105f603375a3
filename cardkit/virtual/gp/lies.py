"""Cards whose secure channel lies, behind the same seam as a good GlobalPlatform card; one lie each.

    card = lies()["r-mac-dropped"](make_card("gp-scp03"), seed)

The lie is told behind the session, not on the wire: it is the same over T=0 and T=1, in one answer or in many parts.
Wrap the card before a session is open.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

from ..errors import StatusWordError
from ..faultbase import Fault
from ..maker import AnyCard
from . import lies_told
from .chip import GpChip
from .keysets import CardKeyEntry, KeyRing, KeySet
from .lies_told import Answer, ResponseLie, Rewrite
from .protection import AUTHENTICATED, R_MAC, Command, Session, is_error
from .scp11 import PERFORM_SECURITY_OPERATION
from .session import SecureChannel, State

_WRONG_CRYPTOGRAM: Final = b"\x63\x00"
_EC_PRIVATE: Final = 0xB1


class LieFactory(Protocol):
    """Makes a lying card of a good one."""

    def __call__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None) -> "ChannelLie":
        """As the constructor of a fault."""


class ChannelLie(Fault):
    """A card that lies in what its secure channels answer; subclasses change one of the honest answers."""

    span = 1
    lasting = True

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU, on channels that lie."""
        chip = self.card.chip
        if isinstance(chip, GpChip):
            for channel in chip.channels.values():
                if not isinstance(channel.secure, LyingChannel):
                    channel.secure = LyingChannel(channel.secure, self)
        return super().transmit(command)

    def greeting(self, channel: "LyingChannel", command: Command) -> bytes:
        """The answer to INITIALIZE UPDATE."""
        return channel.honest_greeting(command)

    def authenticate(self, channel: "LyingChannel", command: Command) -> None:
        """The answer to EXTERNAL AUTHENTICATE."""
        channel.honest_authenticate(command)

    def agreement(self, channel: "LyingChannel", command: Command) -> bytes:
        """The answer to a key agreement of SCP11."""
        return channel.honest_agreement(command)

    def response(self, channel: "LyingChannel", data: bytes, status: bytes) -> bytes:
        """The data field of any other answer."""
        return channel.honest_response(data, status)


class LyingChannel(SecureChannel):
    """A secure channel that asks its lie before it answers."""

    def __init__(self, good: SecureChannel, lie: ChannelLie) -> None:
        super().__init__(
            good.keys,
            good.aid,
            kdd=good.kdd,
            random=good.random,
            behaviour=good.behaviour,
            allow_lists=good.allow_lists,
        )
        self._lie = lie

    @property
    def session(self) -> Session | None:
        """The session, whatever its state."""
        return self._session

    def believe(self, session: Session) -> None:
        """Go on with a session that nobody has proven."""
        self._opened(session, self.key_set, AUTHENTICATED)

    def initialize_update(self, command: Command) -> bytes:
        """As the lie has it."""
        return self._lie.greeting(self, command)

    def external_authenticate(self, command: Command) -> None:
        """As the lie has it."""
        self._lie.authenticate(self, command)

    def _open_scp11(self, command: Command) -> bytes:
        if command.ins == PERFORM_SECURITY_OPERATION:
            return self.honest_agreement(command)
        return self._lie.agreement(self, command)

    def wrap_response(self, data: bytes, status: bytes) -> bytes:
        """As the lie has it."""
        return self._lie.response(self, data, status)

    def honest_greeting(self, command: Command) -> bytes:
        """What a good card answers to INITIALIZE UPDATE."""
        return super().initialize_update(command)

    def honest_authenticate(self, command: Command) -> None:
        """What a good card does at EXTERNAL AUTHENTICATE."""
        super().external_authenticate(command)

    def honest_agreement(self, command: Command) -> bytes:
        """What a good card answers to a command of SCP11."""
        return super()._open_scp11(command)

    def honest_response(self, data: bytes, status: bytes) -> bytes:
        """The data field a good card sends."""
        return super().wrap_response(data, status)


class LyingResponse(ChannelLie):
    """Lies in one of the first answers with an R-MAC."""

    span = 3
    lasting = False

    def __init__(
        self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, lie: ResponseLie = lies_told.r_mac_dropped
    ) -> None:
        super().__init__(card, seed, at=at)
        self._lie = lie
        self._before = b""

    def response(self, channel: LyingChannel, data: bytes, status: bytes) -> bytes:
        """The lie when due."""
        session = channel.session
        if session is None or not channel.level & R_MAC or is_error(status):
            return channel.honest_response(data, status)
        answer = Answer(session, data, status, self._before, partial(channel.honest_response, data))
        due = self._lie.applies(answer) and self._due()
        self._before = self._lie.tell(answer, self.random) if due else answer.honest(status)
        return self._before


class DataWithError(ChannelLie):
    """Data, unprotected, with a status word that says the command failed."""

    def response(self, channel: LyingChannel, data: bytes, status: bytes) -> bytes:
        """Five bytes."""
        body = channel.honest_response(data, status)
        return b"\x9f\x70\x02\x0f\x00" if is_error(status) and self._due() else body


class LyingGreeting(ChannelLie):
    """Changes the answer to INITIALIZE UPDATE, each time."""

    def __init__(
        self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, lie: Rewrite = lies_told.greeting_length
    ) -> None:
        super().__init__(card, seed, at=at)
        self._lie = lie

    def greeting(self, channel: LyingChannel, command: Command) -> bytes:
        """The changed answer."""
        answer = channel.honest_greeting(command)
        changed = self._lie(answer, self.random)
        return changed if changed != answer and self._due() else answer


class RepeatedChallenge(ChannelLie):
    """Each random challenge is the same, and counters stand still."""

    def greeting(self, channel: LyingChannel, command: Command) -> bytes:
        """Zeros for randomness, and the counter is put back."""
        channel.random = bytes
        answer = channel.honest_greeting(command)
        keys = channel.key_set
        if keys is not None and answer[-3:] == keys.counter_bytes:
            keys.settle(keys.counter - 1)
        self._due()
        return answer

    def authenticate(self, channel: LyingChannel, command: Command) -> None:
        """A session is opened, and not counted."""
        keys = channel.key_set
        counter = keys.counter if keys is not None else 0
        channel.honest_authenticate(command)
        if keys is not None:
            keys.settle(counter)


class Unproven(Session):
    """A session that takes every command, and protects nothing."""

    def __init__(self, level: int, mac_size: int) -> None:
        self.level, self.mac_size = level, mac_size

    def authenticate(self, command: Command) -> None:
        """Whatever it is."""
        del command

    def unwrap(self, command: Command) -> bytes:
        """The data field without its last bytes, unread."""
        return command.data[: -self.mac_size] if command.secured else command.data

    def protect(self, data: bytes, status: bytes) -> bytes:
        """As it is."""
        del status
        return data

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """As it is."""
        return data


class BelievesAnybody(ChannelLie):
    """EXTERNAL AUTHENTICATE is answered 9000 whatever was sent; the session protects nothing."""

    def authenticate(self, channel: LyingChannel, command: Command) -> None:
        """Always 9000."""
        session = channel.session
        if channel.state is State.INITIATED and session is not None and self._due():
            channel.believe(Unproven(command.p1, session.mac_size))
        else:
            channel.honest_authenticate(command)


class Impostor(BelievesAnybody):
    """A card without the keys: its cryptogram is made up, and it believes anybody."""

    def greeting(self, channel: LyingChannel, command: Command) -> bytes:
        """A wrong cryptogram."""
        return lies_told.greeting_cryptogram(channel.honest_greeting(command), self.random)


class BelievesNobody(ChannelLie):
    """EXTERNAL AUTHENTICATE is answered 6300 whatever was sent."""

    def authenticate(self, channel: LyingChannel, command: Command) -> None:
        """Always 6300."""
        del command
        channel.reset()
        self._due()
        raise StatusWordError(_WRONG_CRYPTOGRAM)


class LyingAgreement(ChannelLie):
    """Changes the answer to a key agreement of SCP11."""

    def __init__(
        self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, lie: Rewrite = lies_told.wrong_receipt
    ) -> None:
        super().__init__(card, seed, at=at)
        self._lie = lie

    def agreement(self, channel: LyingChannel, command: Command) -> bytes:
        """The changed answer."""
        answer = channel.honest_agreement(command)
        return self._lie(answer, self.random) if self._due() else answer


class KeyOfAnotherCard(ChannelLie):
    """The private key behind the agreement is not the one whose certificate the card shows."""

    def agreement(self, channel: LyingChannel, command: Command) -> bytes:
        """An agreement with other keys, right in itself."""
        channel.keys = KeyRing(*map(_other_set, channel.keys.sets.values()))
        self._due()
        return channel.honest_agreement(command)


def _other_set(found: KeySet) -> KeySet:
    keys = {kid: _other_key(key) if key.type == _EC_PRIVATE else key for kid, key in found.keys.items()}
    return KeySet(found.kvn, found.scp, found.i, keys, found.cell, found.policy)


def _other_key(key: CardKeyEntry) -> CardKeyEntry:
    scalar = int.from_bytes(key.value, "big") ^ 2
    return CardKeyEntry(key.kid, key.kvn, key.type, scalar.to_bytes(len(key.value), "big"), key.more)


_LIES: Final[Mapping[str, LieFactory]] = MappingProxyType(
    {
        **{name: partial(LyingResponse, lie=lie) for name, lie in lies_told.RESPONSES.items()},
        **{name: partial(LyingGreeting, lie=lie) for name, lie in lies_told.GREETINGS.items()},
        **{name: partial(LyingAgreement, lie=lie) for name, lie in lies_told.AGREEMENTS.items()},
        "data-with-error": DataWithError,
        "repeated-challenge": RepeatedChallenge,
        "believes-anybody": BelievesAnybody,
        "impostor": Impostor,
        "believes-nobody": BelievesNobody,
        "key-of-another-card": KeyOfAnotherCard,
    }
)


def lies() -> Mapping[str, LieFactory]:
    """Every lie of a secure channel by its name; call it as factory(card, seed)."""
    return _LIES
