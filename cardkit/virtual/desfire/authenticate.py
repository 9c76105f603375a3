"""The authentications with native commands (sheet 3.6, 3.18). Each takes two steps; a failed one says only AE."""

import hmac
from collections.abc import Callable
from typing import Final

from . import cells, failures, statuses
from .call import Call
from .crypto import BlockCipher, KeyType, xor
from .lrp import Lrp
from .model import Key
from .session import Session
from .sessions_ev1 import D40Session, Ev1Session
from .sessions_ev2 import Ev2Session, LrpSession
from .state import D40_OFF, EV1_OFF, State
from .statuses import RefusedError

Step = Callable[[bytes], bytes]  # data of the second step -> data of its answer

_RANDOM: Final = 16
_CAPABILITIES: Final = 6
_LRP_CAPABILITY: Final = 0x02
_LRP_MODE: Final = b"\x01"
_ENC_LABEL, _MAC_LABEL = b"\xa5\x5a", b"\x5a\xa5"
_KDF: Final = b"\x00\x01\x00\x80"
_LRP_LABEL: Final = b"\x96\x69"


def begin(state: State, call: Call) -> tuple[bytes, Step]:
    """The first step; the old session ends whatever comes of it.

    :returns: data for the host, and what takes the second step.
    :raises RefusedError: 40, 7E, 9D, AE.
    """
    continued = state.session
    state.end_session()
    failures.delay(state)
    if not call.data:
        raise RefusedError(statuses.LENGTH)
    key = state.key(call.data[0])
    if call.opcode == 0x71:
        return _first(state, call.data, key)
    if call.opcode == 0x77:
        return _non_first(state, call.data, key, continued)
    if len(call.data) != 1:
        raise RefusedError(statuses.LENGTH)
    if state.messaging_off & (D40_OFF if call.opcode == 0x0A else EV1_OFF):
        raise RefusedError(statuses.PERMISSION)
    if (key.type is KeyType.AES) != (call.opcode == 0xAA) or (call.opcode == 0x0A and key.type is not KeyType.TDEA2):
        raise RefusedError(statuses.AUTHENTICATION)
    return _d40(state, call.data[0], key) if call.opcode == 0x0A else _chained(state, call.data[0], key)


def cipher(key: Key) -> BlockCipher:
    """A key at work."""
    return BlockCipher(key.value, aes=key.type is KeyType.AES)


def rotated(random: bytes) -> bytes:
    """RndA' or RndB'."""
    return random[1:] + random[:1]


def opened(state: State, expected: bytes, got: bytes, session: Session) -> None:
    """End of the second step.

    :raises RefusedError: AE.
    """
    right = hmac.compare_digest(expected, got)
    failures.count(state, right=right)
    if not right:
        raise RefusedError(statuses.AUTHENTICATION)
    state.session = session


def _length(data: bytes, size: int) -> None:
    if len(data) != size:
        raise RefusedError(statuses.LENGTH)


def session_key(key: Key, a: bytes, b: bytes) -> bytes:
    """Of D40 and EV1, from both randoms."""
    if key.type is KeyType.AES:
        return a[:4] + b[:4] + a[12:16] + b[12:16]
    if key.type is KeyType.TDEA3:
        return a[:4] + b[:4] + a[6:10] + b[6:10] + a[12:16] + b[12:16]
    return (a[:4] + b[:4]) * 2 if key.is_des else a[:4] + b[:4] + a[4:8] + b[4:8]


def _d40(state: State, number: int, key: Key) -> tuple[bytes, Step]:
    """0A: the card only enciphers."""
    work = cipher(key)
    ours = state.random.randbytes(key.type.random_size)

    def second(data: bytes) -> bytes:
        _length(data, 2 * work.block)
        plain = xor(work.ecb(data), work.zeros + data[: work.block])
        theirs = plain[: work.block]
        session = D40Session(number, BlockCipher(session_key(key, theirs, ours), aes=False))
        opened(state, rotated(ours), plain[work.block :], session)
        return work.ecb(rotated(theirs))

    return work.ecb(ours), second


def _chained(state: State, number: int, key: Key) -> tuple[bytes, Step]:
    """1A and AA: one CBC chain through all messages."""
    work = cipher(key)
    ours = state.random.randbytes(key.type.random_size)
    challenge = work.encrypt(ours, work.zeros)

    def second(data: bytes) -> bytes:
        _length(data, 2 * len(ours))
        plain = work.decrypt(data, challenge[-work.block :])
        theirs = plain[: len(ours)]
        session = Ev1Session(number, BlockCipher(session_key(key, theirs, ours), aes=key.type is KeyType.AES))
        opened(state, rotated(ours), plain[len(ours) :], session)
        return work.encrypt(rotated(theirs), data[-work.block :])

    return challenge, second


def _mixed(a: bytes, b: bytes) -> bytes:
    """What both EV2 derivations are made over, 26 bytes."""
    return a[:2] + xor(a[2:8], b[:6]) + b[6:16] + a[8:16]


def ev2_keys(work: BlockCipher, a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """Session keys for encryption and MAC."""
    both = (work.cmac(label + _KDF + _mixed(a, b), work.zeros) for label in (_ENC_LABEL, _MAC_LABEL))
    encryption, mac = both
    return encryption, mac


def lrp_keys(key: bytes, a: bytes, b: bytes) -> tuple[Lrp, Lrp]:
    """Session LRPs for encryption and MAC."""
    macs, encryption = Lrp.pair(Lrp(key).cmac(_KDF + _mixed(a, b) + _LRP_LABEL))
    return encryption, macs


def _aes(state: State, key: Key) -> None:
    if key.type is not KeyType.AES or state.image.generation < 2:
        raise RefusedError(statuses.AUTHENTICATION)


def _first(state: State, data: bytes, key: Key) -> tuple[bytes, Step]:
    """71: a transaction begins."""
    if len(data) < 2 or len(data) != 2 + data[1] or data[1] > _CAPABILITIES:
        raise RefusedError(statuses.LENGTH)
    _aes(state, key)
    host = data[2:].ljust(_CAPABILITIES, b"\x00")
    if bool(host[0] & _LRP_CAPABILITY and state.image.lrp) != state.lrp:
        raise RefusedError(statuses.PERMISSION)
    ti = state.random.randbytes(4)
    if state.lrp:
        return _lrp(state, data[0], key, (ti, bytes(_CAPABILITIES) + host))
    return _ev2(state, data[0], key, (ti, 0, bytes(_CAPABILITIES) + host))


def _non_first(state: State, data: bytes, key: Key, continued: Session) -> tuple[bytes, Step]:
    """77: new keys for the transaction that goes on."""
    _length(data, 1)
    _aes(state, key)
    if isinstance(continued, LrpSession):
        return _lrp(state, data[0], key, continued)
    if isinstance(continued, Ev2Session):
        return _ev2(state, data[0], key, (continued.ti, continued.counter, None))
    raise RefusedError(statuses.AUTHENTICATION)


def _ev2(state: State, number: int, key: Key, begun: tuple[bytes, int, bytes | None]) -> tuple[bytes, Step]:
    ti, counter, capabilities = begun
    work = cipher(key)
    ours = state.random.randbytes(_RANDOM)

    def second(data: bytes) -> bytes:
        _length(data, 2 * _RANDOM)
        plain = work.decrypt(data, work.zeros)
        theirs = plain[:_RANDOM]
        session = Ev2Session(number, ev2_keys(work, theirs, ours), ti, counter)
        opened(state, rotated(ours), plain[_RANDOM:], session)
        proof = rotated(theirs) if capabilities is None else ti + rotated(theirs) + capabilities
        return work.encrypt(proof, work.zeros)

    return work.encrypt(ours, work.zeros), second


def _lrp(state: State, number: int, key: Key, begun: "tuple[bytes, bytes] | LrpSession") -> tuple[bytes, Step]:
    ours = state.random.randbytes(_RANDOM)

    def second(data: bytes) -> bytes:
        _length(data, 2 * _RANDOM)
        theirs = data[:_RANDOM]
        keys = lrp_keys(key.value, theirs, ours)
        if isinstance(begun, LrpSession):
            session, shown = LrpSession(number, keys, begun.ti, begun.counter), b""
        else:
            session, shown = LrpSession(number, keys, begun[0]), begun[0] + begun[1]
        opened(state, session.cmac(theirs + ours), data[_RANDOM:], session)
        sent = session.enciphered(shown)
        return sent + session.cmac(ours + theirs + sent)

    return _LRP_MODE + ours, second


def iso_session(key: Key, number: int, a: bytes, b: bytes) -> Ev1Session:
    """The session that EXTERNAL and INTERNAL AUTHENTICATE open."""
    return Ev1Session(number, BlockCipher(session_key(key, a, b), aes=key.type is KeyType.AES))


def is_picc(state: State) -> bool:
    """Is the PICC level selected?"""
    return state.aid == cells.PICC
