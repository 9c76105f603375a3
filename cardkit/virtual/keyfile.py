"""Key files: which algorithm they configure, and the subscriber key in them.

    cfg 1, K 16, OP or OPc 16                                      Milenage; XOR and COMP128 leave the last 16 unused
    cfg 1, sizes 1, iterations 1, TOP or TOPc 32, K 16 or 32       TUAK

cfg: low nibble 1 2 3 COMP128v1 to v3, 4 Milenage, 6 TUAK, E XOR-2G, F XOR; b5 the second value is OPc or TOPc; b6 SRES
by variant 2 of c2; b7 RES of 4 bytes, for TUAK: K is 32 bytes. Sizes: b7 CK and IK of 32 bytes; b6-4 MAC, 0 8, 1 16,
2 32 bytes; b3-1 RES, 0 4, 1 8, 2 16, 3 32 bytes. FF is a key file nobody has written. Layout as on sysmocom cards.
"""

from collections.abc import Callable
from typing import Final

from . import statuswords as sw
from .algorithms.comp128 import comp128v1, comp128v2, comp128v3
from .algorithms.tuak import Sizes, Tuak
from .errors import StatusWordError
from .milenage import STANDARD, Aka, Constants, Milenage, XorAka, kc, sres, xor

Triplet = tuple[bytes, bytes]  # SRES 4, Kc 8
Gsm = Callable[[bytes, bytes], Triplet]  # Ki 16, RAND 16

_UNWRITTEN: Final = 0xFF
_MILENAGE, _TUAK, _XOR = 0x04, 0x06, 0x0F
_IS_OPC, _SRES_VARIANT_2, _SHORT_RES, _LONG_K = 0x10, 0x20, 0x40, 0x40
_SHORT: Final = 4  # bytes of RES by _SHORT_RES
_MAC_SIZES: Final = {0: 8, 1: 16, 2: 32}
_RES_SIZES: Final = {0: 4, 1: 8, 2: 16, 3: 32}
_LONG_CK: Final = 0x40
_MILENAGE_SIZE, _TOP_AT, _TUAK_K_AT, _CONSTANTS_SIZE = 33, 3, 35, 85


def _xor_2g(ki: bytes, rand: bytes) -> Triplet:
    """TS 51.010-1 A.4.1.2."""
    mixed = xor(ki, rand)
    return mixed[:4], mixed[4:12]


_GSM: Final[dict[int, Gsm]] = {1: comp128v1, 2: comp128v2, 3: comp128v3, 0x0E: _xor_2g}


def aka(body: bytes, constants: bytes = b"") -> Aka:
    """The 3G functions a key file configures.

    :param constants: r1-r5 and c1-c5 of Milenage, 85 bytes; empty or all FF for the standard ones.
    :raises StatusWordError: 6985 for an unwritten file, one too short, or an algorithm that is none of 3G.
    """
    kind = _kind(body)
    if kind == _XOR and len(body) > 16:
        return XorAka(body[1:17])
    if kind == _MILENAGE and len(body) >= _MILENAGE_SIZE:
        custom = len(constants) >= _CONSTANTS_SIZE and any(byte != _UNWRITTEN for byte in constants[:_CONSTANTS_SIZE])
        chosen = Constants.parse(constants) if custom else STANDARD
        return Milenage(body[1:17], body[17:33], derive=not body[0] & _IS_OPC, constants=chosen)
    if kind == _TUAK:
        return _tuak(body)
    raise StatusWordError(sw.CONDITIONS)


def response(body: bytes, functions: Aka, rand: bytes) -> bytes:
    """RES as the key file wants it: whole, or its first 4 bytes."""
    res = functions.response(rand)
    return res[:_SHORT] if _kind(body) != _TUAK and body[0] & _SHORT_RES else res


def triplet(body: bytes, rand: bytes, constants: bytes = b"") -> Triplet:
    """SRES and Kc: by the 2G algorithm a key file configures, or converted from RES, CK and IK (TS 33.102 6.8.1.2).

    :raises StatusWordError: 6985 as `aka`.
    """
    gsm = _GSM.get(_kind(body))
    if gsm is not None and len(body) > 16:
        return gsm(body[1:17], rand)
    functions = aka(body, constants)
    return sres(functions.response(rand), variant2=bool(body[0] & _SRES_VARIANT_2)), kc(*functions.keys(rand))


def _kind(body: bytes) -> int:
    if body[:1] in (b"", bytes((_UNWRITTEN,))):
        raise StatusWordError(sw.CONDITIONS)
    return body[0] & 0x0F


def _tuak(body: bytes) -> Tuak:
    k_size = 32 if body[0] & _LONG_K else 16
    if len(body) < _TUAK_K_AT + k_size or not body[2]:
        raise StatusWordError(sw.CONDITIONS)
    mac, res = _MAC_SIZES.get(body[1] >> 3 & 7), _RES_SIZES.get(body[1] & 7)
    if mac is None or res is None:
        raise StatusWordError(sw.CONDITIONS)
    ck = 32 if body[1] & _LONG_CK else 16
    top, k = body[_TOP_AT:_TUAK_K_AT], body[_TUAK_K_AT : _TUAK_K_AT + k_size]
    made = Tuak if body[0] & _IS_OPC else Tuak.from_top
    return made(k, top, Sizes(mac, res, ck, ck), body[2])
