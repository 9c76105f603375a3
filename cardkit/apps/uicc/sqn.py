"""Sequence numbers, AUTN and AUTS: what network and card must agree on in AKA (3GPP TS 33.102 6.3 and Annex C).

Clauses of TS 33.102 below 6.3 and Annex C are from memory.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cardkit.crypto.aka import c3, xor
from cardkit.errors import AuthenticationError, EncodingError

SQN_BITS = 48
SQN_BYTES = SQN_BITS // 8
IND_BITS = 5
DELTA = 1 << 28
MOST_IND_BITS = 15
AMF_RESYNC = b"\x00\x00"


class AkaAlgorithm(Protocol):
    """f1 to f5* of one subscriber; SQN is 6 bytes, RAND 16, AMF 2. TS 33.102 6.3"""

    def f1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-A, 8 bytes; with TUAK 8, 16 or 32."""
        ...

    def f1_star(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-S, as long as MAC-A."""
        ...

    def f2(self, rand: bytes) -> bytes:
        """Return RES, 4 to 16 bytes; TUAK may have 32."""
        ...

    def f3(self, rand: bytes) -> bytes:
        """Return CK, 16 bytes; TUAK may have 32."""
        ...

    def f4(self, rand: bytes) -> bytes:
        """Return IK, 16 bytes; TUAK may have 32."""
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
    return sqn.to_bytes(SQN_BYTES, "big")


def make_vector(algorithm: AkaAlgorithm, rand: bytes, sqn: int, amf: bytes = b"\x80\x00") -> Vector:
    """Make the vector of one challenge: AUTN = (SQN xor AK) || AMF || MAC.

    :param rand: 16 bytes.  :param sqn: 0 to 2^48-1.  :param amf: 2 bytes.
    TS 33.102 6.3.2
    """
    number = sqn_bytes(sqn)
    autn = xor(number, algorithm.f5(rand)) + amf + algorithm.f1(number, rand, amf)
    return Vector(rand, autn, algorithm.f2(rand), algorithm.f3(rand), algorithm.f4(rand))


def make_auts(algorithm: AkaAlgorithm, rand: bytes, sqn_ms: int) -> bytes:
    """Make a card's AUTS = (SQN_MS xor AK*) || MAC-S, for tests of an authentication centre.

    :param rand: the challenge it answers, 16 bytes.  :param sqn_ms: 0 to 2^48-1.
    TS 33.102 6.3.3
    """
    number = sqn_bytes(sqn_ms)
    return xor(number, algorithm.f5_star(rand)) + algorithm.f1_star(number, rand, AMF_RESYNC)


def verify_auts(algorithm: AkaAlgorithm, rand: bytes, auts: bytes) -> int:
    """Check the card's AUTS and return its SQN_MS.

    :param rand: the challenge it answers, 16 bytes.  :param auts: 14 bytes, or 6 and a longer MAC-S of TUAK.
    :raises AuthenticationError: when MAC-S is wrong: the card holds another K, OPc or constants.
    :raises EncodingError: on another length.
    TS 33.102 6.3.5
    """
    number = xor(auts[:SQN_BYTES].ljust(SQN_BYTES, b"\0"), algorithm.f5_star(rand))
    mac = algorithm.f1_star(number, rand, AMF_RESYNC)
    if len(auts) != SQN_BYTES + len(mac):
        raise EncodingError(f"AUTS must be {SQN_BYTES + len(mac)} bytes, got {len(auts)}")
    if not hmac.compare_digest(mac, auts[SQN_BYTES:]):
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


@dataclass(frozen=True, slots=True)
class SqnPolicy:
    """Which sequence numbers a card takes. TS 33.102 C.2

    :param ind_bits: low bits of SQN that choose the slot.  :param delta: largest step of SEQ over the highest taken.
    :param age_limit: SEQ that far below the highest taken are refused even in their own slot; 0: none is too old.
    :raises EncodingError: when no SQN could hold them.
    """

    ind_bits: int = IND_BITS
    delta: int = DELTA
    age_limit: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.ind_bits <= MOST_IND_BITS:
            raise EncodingError(f"IND must have 0 to {MOST_IND_BITS} bits, got {self.ind_bits}")
        for name, value in (("delta", self.delta), ("age_limit", self.age_limit)):
            if not 0 <= value < 1 << SQN_BITS - self.ind_bits:
                raise EncodingError(f"{name} must be 0 to 2^{SQN_BITS - self.ind_bits}-1, got {value}")


class SqnArray:
    """The highest SEQ taken for each IND: what a card remembers, or what an authentication centre believes it does.

    :param start: the SQN taken last; the other slots hold 0.
    :raises EncodingError: outside 0 to 2^48 - 1.
    TS 33.102 C.2.2

    >>> card = SqnArray(SqnPolicy(), start=31)
    >>> card.accepts(31), card.accepts(32), card.accepts(10)
    (False, True, False)
    """

    def __init__(self, policy: SqnPolicy, start: int = 0) -> None:
        sqn_bytes(start)
        self._policy = policy
        self._seqs = [0] * (1 << policy.ind_bits)
        self.take(start)

    @property
    def sqn_ms(self) -> int:
        """The highest SEQ with its IND: what AUTS tells."""
        highest = max(self._seqs)
        return highest << self._policy.ind_bits | self._seqs.index(highest)

    def accepts(self, sqn: int) -> bool:
        """Whether a challenge with this SQN is fresh."""
        seq, ind = self._split(sqn)
        highest, policy = max(self._seqs), self._policy
        too_old = policy.age_limit and highest - seq >= policy.age_limit
        return seq > self._seqs[ind] and seq - highest <= policy.delta and not too_old

    def take(self, sqn: int) -> None:
        """Remember that a challenge with this SQN was accepted."""
        seq, ind = self._split(sqn)
        self._seqs[ind] = seq

    def _split(self, sqn: int) -> tuple[int, int]:
        return sqn >> self._policy.ind_bits, sqn & len(self._seqs) - 1
