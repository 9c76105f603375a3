"""GET CHALLENGE, EXTERNAL and INTERNAL AUTHENTICATE: the ISO 7816 way into a session of EV1 (sheet 3.6)."""

import hmac
from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .authenticate import cipher, iso_session
from .crypto import KeyType
from .model import Key
from .state import EV1_OFF, State

_ALGORITHMS: Final = {0x02: KeyType.TDEA2, 0x04: KeyType.TDEA3, 0x09: KeyType.AES}
_IN_APPLICATION: Final = 0x80
_NUMBER: Final = 0x1F
_SIZES: Final = (8, 16)


@dataclass(frozen=True, slots=True)
class Half:
    """The host has proven itself; the card has not.

    :ivar random: RPCD1.
    """

    number: int
    random: bytes


def get_challenge(state: State, p1: int, p2: int, ne: int) -> bytes:
    """84: 8 or 16 bytes.

    :raises StatusWordError: 6700, 6A86.
    """
    if p1 or p2:
        raise StatusWordError(sw.WRONG_P1P2)
    if ne not in _SIZES:
        raise StatusWordError(sw.WRONG_LENGTH)
    state.end_session()
    state.half = None
    state.challenge = state.random.randbytes(ne)
    return state.challenge


def _key(state: State, algorithm: int, reference: int) -> Key:
    """The key that P1 P2 mean.

    :raises StatusWordError: 6A86; 6985 when such keys are of no use here.
    """
    kind = _ALGORITHMS.get(algorithm)
    inside = bool(reference & _IN_APPLICATION)
    if kind is None or reference & ~(_IN_APPLICATION | _NUMBER) or inside == state.application.is_picc:
        raise StatusWordError(sw.WRONG_P1P2)
    key = state.key(reference & _NUMBER)
    if key.type is not kind or state.messaging_off & EV1_OFF or state.lrp:
        raise StatusWordError(sw.CONDITIONS)
    return key


def external_authenticate(state: State, p1: int, p2: int, data: bytes) -> None:
    """82: E(RPCD1 || challenge).

    :raises StatusWordError: 6700, 6982, 6985 without a challenge of that size.
    """
    key = _key(state, p1, p2)
    challenge, state.challenge = state.challenge, b""
    size = key.type.random_size
    if len(challenge) != size:
        raise StatusWordError(sw.CONDITIONS)
    if len(data) != 2 * size:
        raise StatusWordError(sw.WRONG_LENGTH)
    work = cipher(key)
    plain = work.decrypt(data, work.zeros)
    if not hmac.compare_digest(plain[size:], challenge):
        raise StatusWordError(sw.SECURITY_STATUS)
    state.half = Half(p2, plain[:size])


def internal_authenticate(state: State, p1: int, p2: int, data: bytes) -> bytes:
    """88: RPCD2 -> E(R2 || RPCD2); then the session is open.

    :raises StatusWordError: 6700, 6985 unless the host has proven itself with this key.
    """
    key = _key(state, p1, p2)
    half, state.half = state.half, None
    if half is None or half.number != p2:
        raise StatusWordError(sw.CONDITIONS)
    size = key.type.random_size
    if len(data) != size:
        raise StatusWordError(sw.WRONG_LENGTH)
    ours = state.random.randbytes(size)
    work = cipher(key)
    state.session = iso_session(key, p2 & _NUMBER, half.random, ours)
    return work.encrypt(ours + data, work.zeros)
