"""TUAK, the USIM algorithm set that rests on Keccak (3GPP TS 35.231 to 35.233)."""

from __future__ import annotations

from cardkit.crypto.aka import sres_and_kc
from cardkit.crypto.secret import Secret
from cardkit.crypto.tuak import USUAL, TuakFunctions, TuakParameters, tuak_topc


class Tuak(TuakFunctions):
    """TUAK of one subscriber, with the 2G answers a USIM derives from it where CK and IK have 16 bytes."""

    @classmethod
    def from_top(
        cls,
        k: bytes | Secret,
        top: bytes | Secret,
        parameters: TuakParameters = USUAL,
    ) -> Tuak:
        """Compute TOPc from the operator's TOP (32 bytes) first. TS 35.231 6.1"""
        return cls(k, tuak_topc(k, top, parameters.iterations), parameters)

    def a3a8(self, rand: bytes, *, first_word_only: bool = False) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for the 2G context. TS 33.102 6.8.1.2

        :param first_word_only: SRES = RES[0:4] instead of the folded RES.
        :raises EncodingError: where RES, CK or IK is longer than 16 bytes.
        """
        return sres_and_kc(self.f2(rand), self.f3(rand), self.f4(rand), first_word_only=first_word_only)
