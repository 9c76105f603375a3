"""ECDSA on curves that ``cryptography`` does not have (brainpoolP192r1, P224r1, P320r1): verification only.

Everything here is public, so nothing is done to hide how long it takes.
"""

from __future__ import annotations

from cardkit.crypto.curves import Curve
from cardkit.crypto.points import Point, add, multiply


def verifies(curve: Curve, public: Point, hashed: bytes, r: int, s: int) -> bool:
    """Whether a signature is right. BSI TR-03111 4.2.1.2

    :param public: a point on the curve.  :param hashed: the hash; the leftmost bits of it count.
    """
    n = curve.n
    if not (0 < r < n and 0 < s < n):
        return False
    e = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - n.bit_length())
    inverse = pow(s, -1, n)
    generator = (curve.x, curve.y)
    total = add(curve, multiply(curve, e * inverse % n, generator), multiply(curve, r * inverse % n, public))
    return total is not None and total[0] % n == r
