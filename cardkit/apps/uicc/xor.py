"""The XOR test algorithm of test USIMs (3GPP TS 34.108 8.1.2). That of 2G SIMs is another: :class:`Xor2G`."""

from __future__ import annotations

from cardkit.crypto.aka import Xor2G, XorFunctions, sres_and_kc

__all__ = ["Xor2G", "XorAka"]


class XorAka(XorFunctions):
    """XOR of one test subscriber, with the 2G answers a USIM derives from it: never for a live card.

    >>> XorAka(bytes(range(16))).a3a8(bytes(16))[0].hex()
    '00000000'
    """

    def a3a8(self, rand: bytes, *, first_word_only: bool = False) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for the 2G context. TS 33.102 6.8.1.2

        :param first_word_only: SRES = RES[0:4] instead of the folded RES.
        """
        return sres_and_kc(self.f2(rand), self.f3(rand), self.f4(rand), first_word_only=first_word_only)
