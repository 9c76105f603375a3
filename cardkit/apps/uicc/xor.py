"""The XOR test algorithm of test USIMs (3GPP TS 34.108 8.1.2; 2G: TS 51.010-1 A.4.1.2)."""

from __future__ import annotations

from cardkit.crypto.aka import XorFunctions


class XorAka(XorFunctions):
    """XOR of one test subscriber: never for a live card.

    >>> XorAka(bytes(range(16))).a3a8(bytes(16))[0].hex()
    '00010203'
    """
