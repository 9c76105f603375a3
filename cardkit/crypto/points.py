"""Points of the curves of :mod:`cardkit.crypto.curves`: sums and multiples, both coordinates known.

``cryptography`` gives the x coordinate of an agreement only, the mapping of PACE needs both (ICAO Doc 9303-11 4.4.3.3):
y is recovered from two agreements. Curves it does not have are calculated here, in time that depends on the numbers:
scalars that come through here are of one session, never keys that last.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.crypto.curves import Curve

Point = tuple[int, int]
"""Affine coordinates; None in its place is the point at infinity."""

_Jacobian = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)
_WINDOW_BITS = 4
NATIVE: Mapping[str, ec.EllipticCurve] = {
    "P-192": ec.SECP192R1(),
    "P-224": ec.SECP224R1(),
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
"""Curves of ``cryptography``, by our name."""


def add(curve: Curve, first: Point | None, second: Point | None) -> Point | None:
    """Return the sum of two points."""
    return _affine(curve, _sum(curve, _jacobian(first), _jacobian(second)))


def multiply(curve: Curve, scalar: int, point: Point | None) -> Point | None:
    """Return a multiple of a point of the curve.

    :param scalar: 0 or more.
    """
    native = NATIVE.get(curve.name)
    if native is None or point is None or not 0 < scalar < curve.n - 1:
        return _calculated(curve, scalar, point)
    public = ec.EllipticCurvePublicNumbers(*point, native).public_key()
    x1, x2 = (_agreed(native, number, public) for number in (scalar, scalar + 1))
    x, y = point
    # Okeya, Sakurai 2001: both coordinates of kP from P and the x coordinates of kP and (k + 1)P.
    doubled = 2 * curve.b + (curve.a + x * x1) * (x + x1) - x2 * (x - x1) ** 2
    return x1, doubled * pow(2 * y, -1, curve.p) % curve.p


def _agreed(native: ec.EllipticCurve, scalar: int, public: ec.EllipticCurvePublicKey) -> int:
    return int.from_bytes(ec.derive_private_key(scalar, native).exchange(ec.ECDH(), public))


def _calculated(curve: Curve, scalar: int, point: Point | None) -> Point | None:
    """Return a multiple, in as many steps for each scalar below the order."""
    table = [_INFINITY]
    base = _jacobian(point)
    for _ in range((1 << _WINDOW_BITS) - 1):
        table.append(_sum(curve, table[-1], base))
    total = _INFINITY
    for digit in f"{scalar:0{2 * curve.scalar_size}x}":
        for _ in range(_WINDOW_BITS):
            total = _double(curve, total)
        total = _sum(curve, total, table[int(digit, 16)])
    return _affine(curve, total)


def _jacobian(point: Point | None) -> _Jacobian:
    return _INFINITY if point is None else (*point, 1)


def _affine(curve: Curve, point: _Jacobian) -> Point | None:
    x, y, z = point
    if not z:
        return None
    inverse = pow(z, -1, curve.p)
    square = inverse * inverse % curve.p
    return x * square % curve.p, y * square * inverse % curve.p


def _double(curve: Curve, point: _Jacobian) -> _Jacobian:
    x, y, z = point
    p = curve.p
    if not y * z:
        return _INFINITY
    yy = y * y % p
    s = 4 * x * yy % p
    zz = z * z % p
    m = (3 * x * x + curve.a * zz * zz) % p
    x3 = (m * m - 2 * s) % p
    return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p


def _sum(curve: Curve, first: _Jacobian, second: _Jacobian) -> _Jacobian:
    (x1, y1, z1), (x2, y2, z2), p = first, second, curve.p
    if not z1:
        return second
    if not z2:
        return first
    z1z1, z2z2 = z1 * z1 % p, z2 * z2 % p
    u1, s1 = x1 * z2z2 % p, y1 * z2 * z2z2 % p
    h, r = (x2 * z1z1 - u1) % p, (y2 * z1 * z1z1 - s1) % p
    if not h:
        return _INFINITY if r else _double(curve, first)
    hh = h * h % p
    hhh, v = h * hh % p, u1 * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p
