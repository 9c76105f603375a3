"""How a DESFire session is opened: three messages, each side proving the key (transport sheet 3.6, 3.18).

The host's random number comes in as an argument. Whoever sends them sends the first message with its command byte and
the second with AF.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod

from cardkit.crypto.desfire import BlockKey, DesfireKey, KeyKind, ev2_session_keys, ev2_vector, session_key
from cardkit.crypto.lrp import Lrp
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError
from cardkit.secure.desfire import Authentication, DesfireSession
from cardkit.secure.desfire_ev1 import D40Session, Ev1Session
from cardkit.secure.desfire_ev2 import TRANSACTION_IDENTIFIER_BYTES, CountedSession, Ev2Session, LrpSession

_KINDS = {
    Authentication.D40: (KeyKind.TDEA2,),
    Authentication.ISO: (KeyKind.TDEA2, KeyKind.TDEA3),
    Authentication.AES: (KeyKind.AES,),
    Authentication.EV2: (KeyKind.AES,),
    Authentication.LRP: (KeyKind.AES,),
}
_D40, _ISO, _AES, _FIRST, _NEXT = 0x0A, 0x1A, 0xAA, 0x71, 0x77
_LRP_CAPABILITY = 0x02
_LRP_LABEL, _LRP_TAIL = bytes.fromhex("00010080"), bytes.fromhex("9669")
_BLOCK = 16


class Opening(ABC):
    """One authentication under way.

    :param key: the card's.  :param number: of the key.  :param rnd_a: the host's random number, never used twice.
    :raises EncodingError: where the key is of another kind, or the random number of another length.
    """

    authentication: Authentication

    def __init__(self, key: DesfireKey, number: int, rnd_a: bytes) -> None:
        if key.kind not in _KINDS[self.authentication]:
            raise EncodingError(f"{self.authentication} authentication with {key!r}")
        if len(rnd_a) != key.kind.random_bytes:
            raise EncodingError(f"RndA: {len(rnd_a)} bytes, {key.kind} takes {key.kind.random_bytes}")
        self._key, self._number, self._rnd_a = key, number, rnd_a
        self._rnd_b = b""

    @abstractmethod
    def first(self) -> tuple[int, bytes]:
        """Return the command byte and what follows it."""

    @abstractmethod
    def second(self, answer: bytes) -> bytes:
        """Return what follows AF.  :raises ProtocolError: on a challenge of another length."""

    @abstractmethod
    def session(self, answer: bytes) -> DesfireSession:
        """Return the session.  :raises AuthenticationError: when the card's proof is wrong."""

    def _expect(self, answer: bytes, size: int) -> None:
        if len(answer) != size:
            raise ProtocolError(f"authentication with key {self._number:02X}: {len(answer)} bytes, expected {size}")

    def _check_proof(self, proof: bytes, expected: bytes) -> None:
        if not hmac.compare_digest(proof, expected):
            raise AuthenticationError(f"authentication with key {self._number:02X}: the card's proof is wrong")


def _rotated(number: bytes) -> bytes:
    return number[1:] + number[:1]


class D40Opening(Opening):
    """Authenticate: the card only ever encrypts."""

    authentication = Authentication.D40

    def first(self) -> tuple[int, bytes]:
        """Return 0A and the key number."""
        return _D40, bytes((self._number,))

    def second(self, answer: bytes) -> bytes:
        """Return both random numbers as a host sends them."""
        self._expect(answer, len(self._rnd_a))
        self._block = BlockKey(self._key)
        self._rnd_b = self._block.decrypt(answer)
        return self._block.send_decipher(self._rnd_a + _rotated(self._rnd_b))

    def session(self, answer: bytes) -> DesfireSession:
        """Return the session once the card has returned the host's number, rotated."""
        self._expect(answer, len(self._rnd_a))
        self._check_proof(self._block.decrypt(answer), _rotated(self._rnd_a))
        return D40Session(session_key(self._key, self._rnd_a, self._rnd_b), self._number)


class ChainedOpening(Opening):
    """AuthenticateISO and AuthenticateAES: one CBC chain through all messages."""

    authentication = Authentication.ISO

    def first(self) -> tuple[int, bytes]:
        """Return 1A or AA and the key number."""
        return (_AES if self._key.kind is KeyKind.AES else _ISO), bytes((self._number,))

    def second(self, answer: bytes) -> bytes:
        """Return both random numbers, encrypted."""
        self._expect(answer, len(self._rnd_a))
        self._block = BlockKey(self._key)
        self._rnd_b = self._block.decrypt(answer)
        sent = self._block.encrypt(self._rnd_a + _rotated(self._rnd_b), answer[-self._block.block :])
        self._iv = sent[-self._block.block :]
        return sent

    def session(self, answer: bytes) -> DesfireSession:
        """Return the session once the card has returned the host's number, rotated."""
        self._expect(answer, len(self._rnd_a))
        self._check_proof(self._block.decrypt(answer, self._iv), _rotated(self._rnd_a))
        return Ev1Session(session_key(self._key, self._rnd_a, self._rnd_b), self._number)


class AesOpening(ChainedOpening):
    """AuthenticateAES."""

    authentication = Authentication.AES


class Ev2Opening(Opening):
    """AuthenticateEV2First and NonFirst.

    :param previous: the session that is followed by this one and gives it its identifier and counter; None for the
        first.
    """

    authentication = Authentication.EV2

    def __init__(self, key: DesfireKey, number: int, rnd_a: bytes, previous: CountedSession | None = None) -> None:
        super().__init__(key, number, rnd_a)
        self._previous = previous

    def first(self) -> tuple[int, bytes]:
        """Return 71, the key number and no capabilities; or 77 and the key number."""
        if self._previous is not None:
            return _NEXT, bytes((self._number,))
        return _FIRST, bytes((self._number, 0))

    def second(self, answer: bytes) -> bytes:
        """Return both random numbers, encrypted."""
        self._expect(answer, _BLOCK)
        self._block = BlockKey(self._key)
        self._rnd_b = self._block.decrypt(answer)
        return self._block.encrypt(self._rnd_a + _rotated(self._rnd_b))

    def session(self, answer: bytes) -> DesfireSession:
        """Return the session; its identifier is the card's, or that of the session before."""
        self._expect(answer, _BLOCK if self._previous else 2 * _BLOCK)
        plain = self._block.decrypt(answer)
        head = 0 if self._previous else TRANSACTION_IDENTIFIER_BYTES
        self._check_proof(plain[head : head + _BLOCK], _rotated(self._rnd_a))
        keys = ev2_session_keys(self._key, self._rnd_a, self._rnd_b)
        if self._previous is not None:
            return Ev2Session(keys, self._number, self._previous.identifier, self._previous.counter)
        return Ev2Session(keys, self._number, plain[:head])


class LrpOpening(Opening):
    """The same with LRP, which encrypts nothing of the random numbers.

    :param previous: as of :class:`Ev2Opening`.
    """

    authentication = Authentication.LRP

    def __init__(self, key: DesfireKey, number: int, rnd_a: bytes, previous: CountedSession | None = None) -> None:
        super().__init__(key, number, rnd_a)
        self._previous = previous

    def first(self) -> tuple[int, bytes]:
        """Return 71, the key number and the capability LRP; or 77 and the key number."""
        if self._previous is not None:
            return _NEXT, bytes((self._number,))
        return _FIRST, bytes((self._number, 1, _LRP_CAPABILITY))

    def second(self, answer: bytes) -> bytes:
        """Return the host's number and its proof.  :raises ProtocolError: where the card is not in LRP mode."""
        self._expect(answer, 1 + _BLOCK)
        if answer[0] != 1:
            raise ProtocolError(f"authentication with key {self._number:02X}: mode {answer[0]:02X}, expected 01 (LRP)")
        self._rnd_b = answer[1:]
        vector = _LRP_LABEL + ev2_vector(self._rnd_a, self._rnd_b) + _LRP_TAIL
        master = Secret(Lrp(self._key).cmac(vector), "SesAuthMaster")
        before = self._previous
        self._session = LrpSession(
            master, self._number, before.identifier if before else b"", before.counter if before else 0
        )
        return self._rnd_a + self._session.proof(self._rnd_a + self._rnd_b)

    def session(self, answer: bytes) -> DesfireSession:
        """Return the session once the card's proof holds."""
        identified = b"" if self._previous else answer[:_BLOCK]
        self._expect(answer, len(identified) + _BLOCK)
        proof = answer[len(identified) :]
        self._check_proof(proof, self._session.proof(self._rnd_b + self._rnd_a + identified))
        if identified:
            self._session.opened(identified)
        return self._session
