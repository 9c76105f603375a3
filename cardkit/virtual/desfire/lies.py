"""Transport cards that lie to terminals, behind the same seam as a good one; one lie each.

    card = desfire_lies()["wrong-mac"](card)

Each is told from the `at`-th occasion on, by default at every one. What the chip holds stays right.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from ..errors import ImageError
from ..faultbase import Fault
from ..maker import AnyCard
from . import statuses, wire
from .call import Call
from .chip import DesfireChip, honest
from .crypto import crc16, crc32, padded_80, zero_padded
from .session import Mode, NoSession, Session
from .sessions_ev1 import D40Session, Ev1Session
from .sessions_ev2 import Ev2Session
from .wire import Form

_GET_SETTINGS, _KEY_VERSION, _GET_VALUE, _UID = 0xF5, 0x64, 0x6C, 0x51
_AUTHENTICATIONS: Final = frozenset({0x0A, 0x1A, 0xAA, 0x71, 0x77})
_MODERN: Final = frozenset({0x1A, 0xAA, 0x71, 0x77})
_WRITES: Final = frozenset({0x3D, 0x8D, 0x3B, 0x8B, 0x0C, 0xDC, 0x1C, 0xC7, 0xC4, 0x5F, 0x54, 0xCA, 0xCD})
_MORE: Final = 0xAF
_WRONG_STATUS: Final = b"\x01"
_EV2_BLOCK: Final = 16

Told = Callable[["AnswerLie", Session, Call, bytes], bytes | None]


class DesfireLie(Fault):
    """What all of them share: the chip underneath.

    :raises ImageError: when it is another kind of card.
    """

    lasting = True

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        chip = card.chip
        if not isinstance(chip, DesfireChip):
            raise ImageError(f"fault {type(self).__name__}: expected a DESFire card, got image {self.image.name}")
        self.desfire = chip


class AnswerLie(DesfireLie):
    """Changes what a session makes of an answer.

    :ivar kept: the first honest answers, by opcode.
    """

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1, tell: Told) -> None:
        super().__init__(card, seed, at=at)
        self._tell = tell
        self.kept: dict[int, bytes] = {}
        self.desfire.intercept = self._wrap

    def _wrap(self, session: Session, call: Call, plain: bytes) -> bytes:
        told = self._tell(self, session, call, plain)
        return honest(session, call, plain) if told is None or not self._due() else told


def _in_session(tell: Told) -> Told:
    """Told only where somebody is authenticated."""

    def told(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
        return None if isinstance(session, NoSession) else tell(lie, session, call, plain)

    return told


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,)) if data else data


def _wrong_mac(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """The last bit is wrong, of MAC or cryptogram."""
    del lie
    sent = honest(session, call, plain)
    return _flipped(sent)


def _no_mac(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """The data alone, where a MAC belongs behind them."""
    del lie
    return plain if len(honest(session, call, plain)) > len(plain) else None


def _short_mac(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    del lie
    return honest(session, call, plain)[:-1]


def _replayed(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """The first answer to that command, again and again."""
    sent = honest(session, call, plain)
    return lie.kept.setdefault(call.opcode, sent)


def _plain_for_enciphered(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    del lie, session
    return plain if call.mode is Mode.FULL and plain else None


def _mac_for_enciphered(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """The data in clear, with a right MAC."""
    del lie
    if call.mode is not Mode.FULL or not plain:
        return None
    return session.wrap(call.opcode, plain, Mode.MAC, to_end=call.to_end)


def _bare(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """Nothing but the status."""
    del lie, session, call, plain
    return b""


def _wrong_crc(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """D40, EV1: the checksum is that of another status, or of other data."""
    del lie
    if call.mode is not Mode.FULL or not plain:
        return None
    if isinstance(session, D40Session):
        return session.enciphered(zero_padded(plain + crc16(plain + _WRONG_STATUS), 8))
    if isinstance(session, Ev1Session):
        return session.enciphered(zero_padded(plain + crc32(plain + _WRONG_STATUS), len(session.iv)))
    return None


def _bad_padding(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """Ones behind the data, where zeros or 80 and zeros belong."""
    del lie
    if call.mode is not Mode.FULL or not plain:
        return None
    if isinstance(session, Ev2Session):
        sent = session.enciphered(_ones(plain, _EV2_BLOCK))
        return sent + session.mac(b"\x00", sent)
    if isinstance(session, Ev1Session):
        return session.enciphered(_ones(plain + crc32(plain + b"\x00"), len(session.iv)))
    return session.enciphered(_ones(plain + crc16(plain), 8)) if isinstance(session, D40Session) else None


def _ones(data: bytes, block: int) -> bytes:
    """Padded with FF, by a whole block where there is no gap."""
    size = len(padded_80(data, block))
    return data.ljust(size, b"\xff")


def _counter_ahead(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
    """EV2: the right answer to the command after this one."""
    del lie
    if not isinstance(session, Ev2Session):
        return None
    session.counter += 1
    sent = honest(session, call, plain)
    session.counter -= 1
    return sent if sent != plain else None


def _content(opcode: int, change: Callable[[bytes], bytes]) -> Told:
    """Other data in one answer, rightly protected."""

    def told(lie: AnswerLie, session: Session, call: Call, plain: bytes) -> bytes | None:
        del lie
        return honest(session, call, change(plain)) if call.opcode == opcode else None

    return told


def _weaker(settings: bytes) -> bytes:
    return settings[:1] + bytes((settings[1] & 0xFC,)) + settings[2:]


def _larger(settings: bytes) -> bytes:
    return settings[:4] + bytes((settings[4] + 1 & 0xFF,)) + settings[5:]


def _one_more(value: bytes) -> bytes:
    return bytes((value[0] + 1 & 0xFF,)) + value[1:]


class FrameLie(DesfireLie, ABC):
    """Changes frames as they leave.

    :ivar opcode: of the command, also while its chain goes on.
    """

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        self.opcode = 0

    def transmit(self, command: bytes) -> bytes:
        """One command; those of ISO 7816 and of the reader are answered honestly."""
        form = wire.form(command)
        parsed = wire.parse(command, form) if form in (Form.RAW, Form.WRAPPED) else b""
        if isinstance(parsed, bytes):
            return super().transmit(command)
        opcode = parsed[0]
        self.opcode = self.opcode if opcode == _MORE else opcode
        answer = super().transmit(command)
        if not answer:
            return answer
        status, data = (answer[0], answer[1:]) if form is Form.RAW else (answer[-1], answer[:-2])
        told = self.frame(opcode, status, data)
        return answer if told is None or not self._due() else wire.answer(form, *told)

    @abstractmethod
    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """What a frame becomes; None: it stays honest.

        :param opcode: AF in a chain.
        """


class LegacyOnly(FrameLie):
    """Every authentication but that of D40 fails: a downgrade."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """AE."""
        del status, data
        return (statuses.AUTHENTICATION, b"") if opcode in _MODERN else None


class BelievesAnybody(FrameLie):
    """The host's proof is taken for right whatever it is; the card's own is made up when it was wrong."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """OK, and something random."""
        del data
        if opcode != _MORE or self.opcode not in _AUTHENTICATIONS or status == statuses.OK:
            return None
        return statuses.OK, self.random.randbytes(32 if self.opcode == 0x71 else 16)


class Impostor(FrameLie):
    """A card without the keys: challenge and proof are made up."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """Random bytes, as many as a good card sends."""
        if self.opcode not in _AUTHENTICATIONS or not data:
            return None
        del opcode
        return status, self.random.randbytes(len(data))


class ExecutedThenError(FrameLie):
    """Commands that change anything are done, and refused."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """CA."""
        del data, opcode
        return (statuses.ABORTED, b"") if self.opcode in _WRITES and status == statuses.OK else None


class EndlessMore(FrameLie):
    """An answer with data never ends."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """AF, and 16 bytes."""
        del opcode
        if self.opcode in _AUTHENTICATIONS or (status == statuses.OK and not data and not self.fired):
            return None
        return statuses.MORE, bytes(16)


class EmptyFrame(FrameLie):
    """A frame without data that says more will come."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """AF alone."""
        del opcode
        return (statuses.MORE, b"") if data and status == statuses.OK else None


class FrameTooLong(FrameLie):
    """61 bytes more than there are."""

    def frame(self, opcode: int, status: int, data: bytes) -> tuple[int, bytes] | None:
        """Random bytes behind the data."""
        del opcode
        if self.opcode in _AUTHENTICATIONS or not data:
            return None
        return status, data + self.random.randbytes(61)


class RepeatedChallenge(DesfireLie):
    """The card's randomness is always the same."""

    def transmit(self, command: bytes) -> bytes:
        """One command."""
        self.random.seed(0)
        self.desfire.state.random = self.random
        self._due()
        return super().transmit(command)


class UidChanges(DesfireLie):
    """Another UID at each activation, in the way of a chip that is being swapped."""

    def power(self, cold: bool) -> None:
        """The next chip."""
        self.desfire.state.uid = self.desfire.state.uid[:1] + self.random.randbytes(6)
        self._due()
        super().power(cold)


_ANSWERS: Final[Mapping[str, Told]] = {
    "wrong-mac": _in_session(_wrong_mac),
    "no-mac": _in_session(_no_mac),
    "short-mac": _in_session(_short_mac),
    "replayed-response": _in_session(_replayed),
    "plain-for-enciphered": _in_session(_plain_for_enciphered),
    "mac-for-enciphered": _in_session(_mac_for_enciphered),
    "bare-ok": _in_session(_bare),
    "wrong-crc": _in_session(_wrong_crc),
    "bad-padding": _in_session(_bad_padding),
    "counter-ahead": _in_session(_counter_ahead),
    "settings-weaker": _content(_GET_SETTINGS, _weaker),
    "settings-larger": _content(_GET_SETTINGS, _larger),
    "key-version-lies": _content(_KEY_VERSION, _one_more),
    "value-lies": _content(_GET_VALUE, _one_more),
    "other-uid": _content(_UID, _flipped),
}
_LIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {name: partial(AnswerLie, tell=tell) for name, tell in _ANSWERS.items()}
    | {
        "legacy-only": LegacyOnly,
        "impostor": Impostor,
        "believes-anybody": BelievesAnybody,
        "repeated-challenge": RepeatedChallenge,
        "executed-then-error": ExecutedThenError,
        "endless-more": EndlessMore,
        "empty-frame": EmptyFrame,
        "frame-too-long": FrameTooLong,
        "uid-changes": UidChanges,
    }
)


def desfire_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie by its name; call it as factory(card, seed)."""
    return _LIES
