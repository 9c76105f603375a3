"""Points of elliptic curves in plain integers: PACE needs sums of points, and generators of its own.

Jacobian coordinates, a window of four bits. For test cards: not constant in time.
"""

from dataclasses import dataclass

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]
_WINDOW = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """y^2 = x^3 + a x + b over the integers modulo p, with a generator of prime order n; the cofactor is 1."""

    p: int
    a: int
    b: int
    generator: Point
    n: int

    def holds(self, point: Point) -> bool:
        """Is it a point of the curve, its coordinates below p?"""
        x, y = point
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def add(self, one: Point, other: Point) -> Point | None:
        """The sum of two points; None is infinity."""
        return self._affine(self._sum((*one, 1), (*other, 1)))

    def multiply(self, scalar: int, point: Point) -> Point | None:
        """`scalar` times a point; None is infinity."""
        multiples: list[_Jacobian] = [(1, 1, 0), (*point, 1)]
        while len(multiples) < 1 << _WINDOW:
            multiples.append(self._sum(multiples[-1], multiples[1]))
        found: _Jacobian = (1, 1, 0)
        for digit in f"{scalar % self.n:x}":
            for _ in range(_WINDOW):
                found = self._double(found)
            found = self._sum(found, multiples[int(digit, 16)])
        return self._affine(found)

    def _affine(self, point: _Jacobian) -> Point | None:
        x, y, z = point
        if z == 0:
            return None
        inverse = pow(z, -1, self.p)
        square = inverse * inverse % self.p
        return x * square % self.p, y * square * inverse % self.p

    def _double(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        if z == 0 or y == 0:
            return 1, 1, 0
        p = self.p
        yy = y * y % p
        s = 4 * x * yy % p
        zz = z * z % p
        m = (3 * x * x + self.a * zz * zz) % p
        doubled = (m * m - 2 * s) % p
        return doubled, (m * (s - doubled) - 8 * yy * yy) % p, 2 * y * z % p

    def _sum(self, one: _Jacobian, other: _Jacobian) -> _Jacobian:
        x1, y1, z1 = one
        x2, y2, z2 = other
        if z1 == 0:
            return other
        if z2 == 0:
            return one
        p = self.p
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * zz2 % p, x2 * zz1 % p
        s1, s2 = y1 * zz2 * z2 % p, y2 * zz1 * z1 % p
        h, r = (u2 - u1) % p, (s2 - s1) % p
        if h == 0:
            return self._double(one) if r == 0 else (1, 1, 0)
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x = (r * r - hhh - 2 * v) % p
        return x, (r * (v - x) - s1 * hhh) % p, z1 * z2 * h % p
