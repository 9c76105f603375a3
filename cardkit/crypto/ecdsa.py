"""ECDSA on curves that ``cryptography`` does not have (brainpoolP192r1, P224r1, P320r1): verification only.

Everything here is public, so nothing is done to hide how long it takes.
"""

from __future__ import annotations

from cardkit.crypto.curves import Curve

Point = tuple[int, int]
"""Affine coordinates; None in its place is the point at infinity."""


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


def multiply(curve: Curve, scalar: int, point: Point) -> Point | None:
    """Return a multiple of a point; not for secret scalars."""
    total: Point | None = None
    for bit in f"{scalar:b}":
        total = add(curve, total, total)
        if bit == "1":
            total = add(curve, total, point)
    return total


def add(curve: Curve, first: Point | None, second: Point | None) -> Point | None:
    """Return the sum of two points."""
    if first is None or second is None:
        return first or second
    (x1, y1), (x2, y2), p = first, second, curve.p
    if x1 == x2:
        if (y1 + y2) % p == 0:
            return None
        slope = (3 * x1 * x1 + curve.a) * pow(2 * y1, -1, p)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p)
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p
