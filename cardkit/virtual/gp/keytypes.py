"""Key types: which are secret, which sizes they have, how their components are grouped (GPCS 11.1.8, Table 11-16)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .crypto import KEY_AES, KEY_DES, kcv
from .curves import KEY_EC_CURVE, KEY_EC_PRIVATE, KEY_EC_PUBLIC, curve, private_key, public_key
from .keysets import CardKeyEntry

TLS_PSK: Final = 0x85
HMAC_IMPLICIT, HMAC_160 = 0x90, 0x91
RSA_E, RSA_N, RSA_D_N, RSA_D = 0xA0, 0xA1, 0xA2, 0xA3
RSA_P, RSA_Q, RSA_PQ, RSA_DP, RSA_DQ = 0xA4, 0xA5, 0xA6, 0xA7, 0xA8
EXTENDED: Final = 0xFF

_HISTORIC_DES: Final = frozenset((0x81, 0x82, 0x83, 0x84))
SYMMETRIC: Final = frozenset((KEY_DES, KEY_AES, TLS_PSK, HMAC_IMPLICIT, HMAC_160, *_HISTORIC_DES))
SECRET: Final = SYMMETRIC | {RSA_D, RSA_P, RSA_Q, RSA_PQ, RSA_DP, RSA_DQ, KEY_EC_PRIVATE}
_WITH_KCV: Final = frozenset((KEY_DES, KEY_AES, *_HISTORIC_DES))
_SIZES: Final = {KEY_DES: (8, 16, 24), KEY_AES: (16, 24, 32)}
_SHORTEST_MODULUS, _LONGEST_MODULUS = 128, 512
_KCV_SIZE: Final = 3

Components = list[tuple[int, bytes]]

_GROUPS: Final = frozenset(
    (
        *((kind,) for kind in SYMMETRIC),
        (RSA_N, RSA_E),
        (RSA_D_N, RSA_D),
        (RSA_P, RSA_Q, RSA_PQ, RSA_DP, RSA_DQ),
        (KEY_EC_PUBLIC, KEY_EC_CURVE),
        (KEY_EC_PRIVATE, KEY_EC_CURVE),
    )
)


def entry(kvn: int, kid: int, components: Components, usage: bytes, access: bytes) -> CardKeyEntry:
    """A key, if its components make one.

    :raises StatusWordError: 6A80.
    """
    if tuple(kind for kind, _ in components) not in _GROUPS:
        raise StatusWordError(sw.WRONG_DATA)
    (kind, value), *more = components
    kind = KEY_DES if kind in _HISTORIC_DES else kind
    made = CardKeyEntry(kid, kvn, kind, value, tuple(more), usage, access)
    _check(made)
    return made


def _check(key: CardKeyEntry) -> None:
    """Sizes, points, and whether the parts of an RSA key belong together.

    :raises StatusWordError: 6A80.
    """
    sizes = _SIZES.get(key.type)
    parts = dict(key.more)
    bad = not key.value or (sizes is not None and len(key.value) not in sizes)
    if key.type == KEY_EC_PUBLIC:
        public_key(key.value, curve(parts[KEY_EC_CURVE]))
    elif key.type == KEY_EC_PRIVATE:
        private_key(key.value, curve(parts[KEY_EC_CURVE]))
    elif key.type in (RSA_N, RSA_D_N):
        bad = not _SHORTEST_MODULUS <= len(key.value) <= _LONGEST_MODULUS
    elif key.type == RSA_P:
        bad = not _consistent(key.value, parts)
    if bad:
        raise StatusWordError(sw.WRONG_DATA)


def _consistent(p: bytes, parts: dict[int, bytes]) -> bool:
    """Are the parts of a CRT key those of one key? q inverse times q is 1 modulo p."""
    prime, other, inverse = (int.from_bytes(part, "big") for part in (p, parts[RSA_Q], parts[RSA_PQ]))
    exponents = (int.from_bytes(parts[kind], "big") for kind in (RSA_DP, RSA_DQ))
    return prime > 1 and other > 1 and all(exponents) and inverse * other % prime == 1


def check_value(key: CardKeyEntry, given: bytes, *, needed: bool = True) -> bytes:
    """Compare a key check value.

    :param needed: DES and AES keys must have one.
    :returns: the value to answer, empty for other types.
    :raises StatusWordError: 6982 wrong; 6A80 missing, or there for a key that has none.
    """
    if key.type not in _WITH_KCV:
        if given:
            raise StatusWordError(sw.WRONG_DATA)
        return b""
    right = kcv(key.type, key.value)
    if not given and not needed:
        return right
    if len(given) != _KCV_SIZE:
        raise StatusWordError(sw.WRONG_DATA)
    if given != right:
        raise StatusWordError(sw.SECURITY_STATUS)
    return right
