"""Sequence numbers, AUTN and AUTS: the network's side of AKA (3GPP TS 33.102 6.3 and Annex C).

Clauses of TS 33.102 below 6.3 and Annex C are from memory.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cardkit.crypto.aka import c3, xor
from cardkit.errors import AuthenticationError, EncodingError

SQN_BITS = 48
IND_BITS = 5
AMF_RESYNC = b"\x00\x00"
AUTS_BYTES = 14


class AkaAlgorithm(Protocol):
    """f1 to f5* of one subscriber; SQN is 6 bytes, RAND 16, AMF 2. TS 33.102 6.3"""

    def f1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-A, 8 bytes."""
        ...

    def f1_star(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-S, 8 bytes."""
        ...

    def f2(self, rand: bytes) -> bytes:
        """Return RES, 4 to 16 bytes."""
        ...

    def f3(self, rand: bytes) -> bytes:
        """Return CK, 16 bytes."""
        ...

    def f4(self, rand: bytes) -> bytes:
        """Return IK, 16 bytes."""
        ...

    def f5(self, rand: bytes) -> bytes:
        """Return AK, 6 bytes."""
        ...

    def f5_star(self, rand: bytes) -> bytes:
        """Return AK for resynchronization, 6 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Vector:
    """One authentication vector: what the network sends and what it expects. TS 33.102 6.3.2"""

    rand: bytes
    autn: bytes
    res: bytes
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)

    @property
    def kc(self) -> bytes:
        """Kc (8 bytes) that a card with service 27 adds. TS 33.102 6.8.1.2"""
        return c3(self.ck, self.ik)


def sqn_bytes(sqn: int) -> bytes:
    """Return SQN as 6 bytes.  :raises EncodingError: outside 0 to 2^48 - 1."""
    if not 0 <= sqn < 1 << SQN_BITS:
        raise EncodingError(f"SQN must be 0 to 2^48-1, got {sqn}")
    return sqn.to_bytes(SQN_BITS // 8, "big")


def make_vector(algorithm: AkaAlgorithm, rand: bytes, sqn: int, amf: bytes = b"\x80\x00") -> Vector:
    """Make the vector of one challenge: AUTN = (SQN xor AK) || AMF || MAC.

    :param rand: 16 bytes.  :param sqn: 0 to 2^48-1.  :param amf: 2 bytes.
    TS 33.102 6.3.2
    """
    number = sqn_bytes(sqn)
    autn = xor(number, algorithm.f5(rand)) + amf + algorithm.f1(number, rand, amf)
    return Vector(rand, autn, algorithm.f2(rand), algorithm.f3(rand), algorithm.f4(rand))


def verify_auts(algorithm: AkaAlgorithm, rand: bytes, auts: bytes) -> int:
    """Check the card's AUTS and return its SQN_MS.

    :param rand: the challenge it answers, 16 bytes.  :param auts: 14 bytes.
    :raises AuthenticationError: when MAC-S is wrong: the card holds another K, OPc or constants.
    :raises EncodingError: on another length.
    TS 33.102 6.3.5
    """
    if len(auts) != AUTS_BYTES:
        raise EncodingError(f"AUTS must be {AUTS_BYTES} bytes, got {len(auts)}")
    number = xor(auts[:6], algorithm.f5_star(rand))
    if not hmac.compare_digest(algorithm.f1_star(number, rand, AMF_RESYNC), auts[6:]):
        raise AuthenticationError("AUTS: MAC-S is wrong, expected the one of this record's K and OPc")
    return int.from_bytes(number, "big")


def next_sqn(sqn: int, ind: int, ind_bits: int = IND_BITS) -> int:
    """Return the SQN that follows: SEQ + 1 with the given IND.

    :param sqn: the last one used or SQN_MS of an AUTS.  :param ind: 0 to 2^ind_bits - 1.
    :raises EncodingError: when IND does not fit or SEQ overflows.
    TS 33.102 C.1.1.1, C.3

    >>> next_sqn(31, 10)
    42
    """
    if not 0 <= ind < 1 << ind_bits:
        raise EncodingError(f"IND must be 0 to {(1 << ind_bits) - 1}, got {ind}")
    following = ((sqn >> ind_bits) + 1 << ind_bits) | ind
    sqn_bytes(following)
    return following
