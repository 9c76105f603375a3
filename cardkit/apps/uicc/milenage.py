"""Milenage, the algorithm of most USIMs (3GPP TS 35.205 to 35.208)."""

from __future__ import annotations

from cardkit.crypto.aka import STANDARD, MilenageConstants, MilenageFunctions, milenage_opc, sres_and_kc
from cardkit.crypto.secret import Secret


class Milenage(MilenageFunctions):
    """Milenage of one subscriber, with the 2G answers a USIM derives from it.

    >>> card = Milenage(bytes(16), bytes(16))
    >>> card.f2(bytes(16)).hex()
    'd0a955f5767cbea0'
    """

    @classmethod
    def from_op(
        cls,
        k: bytes | Secret,
        op: bytes | Secret,
        constants: MilenageConstants = STANDARD,
    ) -> Milenage:
        """Compute OPc from the operator's OP (16 bytes) first. TS 35.206 4.1"""
        return cls(k, milenage_opc(k, op), constants)

    def a3a8(self, rand: bytes, *, first_word_only: bool = False) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for the 2G context. TS 33.102 6.8.1.2

        :param first_word_only: SRES = RES[0:4] instead of the folded RES.
        """
        return sres_and_kc(self.f2(rand), self.f3(rand), self.f4(rand), first_word_only=first_word_only)
