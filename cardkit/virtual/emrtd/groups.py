"""What PACE and chip authentication compute in: an elliptic curve, or the integers modulo a prime.

Elements are bytes as they travel: 04 X Y, or the number in as many bytes as the prime has.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .curve import Curve, Point
from .parameters import CURVES, GROUPS

Random = Callable[[int], bytes]  # size -> that many bytes

_UNCOMPRESSED: Final = 0x04
_FIELD_SIZES: Final = range(20, 67)
_SPARE: Final = 8  # bytes drawn beyond the size of the order, so that no scalar is likelier than another


def refuse() -> StatusWordError:
    """The error of an element that is none."""
    return StatusWordError(sw.WRONG_DATA)


class Group(ABC):
    """A group of prime order.

    :ivar token_tag: of a public key in the object a token is computed over.
    :ivar prime: of the field, `size` bytes.  :ivar order: of the subgroup.  :ivar generator: an element.
    """

    token_tag: int
    prime: int
    size: int
    order: int
    generator: bytes

    def draw(self, random: Random) -> int:
        """A new private key, 1 to order - 1."""
        wide = random((self.order.bit_length() + 7) // 8 + _SPARE)
        return int.from_bytes(wide, "big") % (self.order - 1) + 1

    @abstractmethod
    def power(self, scalar: int, element: bytes) -> bytes:
        """An element so many times.

        :raises StatusWordError: 6A80 unless the element is one, and the result not the neutral one.
        """

    @abstractmethod
    def combine(self, one: bytes, other: bytes) -> bytes:
        """Two elements together.

        :raises StatusWordError: as `power`.
        """

    @abstractmethod
    def secret(self, element: bytes) -> bytes:
        """What keys are derived from when this element is the shared one: X coordinate or number, `size` bytes."""

    @abstractmethod
    def compressed(self, element: bytes) -> bytes:
        """Comp(): X coordinate, or SHA-1 of the number (TR-03110-3 A.2.2.3)."""

    @abstractmethod
    def encode_integrated(self, number: int) -> bytes:
        """The generator the integrated mapping makes of a pseudo-random number (Doc 9303-11 4.4.3.3.2).

        :raises StatusWordError: 6A80 where there is none.
        """


class EllipticGroup(Group):
    """The points of a curve."""

    token_tag = 0x86

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self.prime = curve.p
        self.size = (curve.p.bit_length() + 7) // 8
        self.order = curve.n
        self.generator = self._encode(curve.generator)

    def _encode(self, point: Point | None) -> bytes:
        if point is None:
            raise refuse()
        return bytes((_UNCOMPRESSED,)) + b"".join(number.to_bytes(self.size, "big") for number in point)

    def point(self, element: bytes) -> Point:
        """The coordinates of an element.

        :raises StatusWordError: 6A80 unless it lies on the curve, both coordinates below the prime.
        """
        middle = 1 + self.size
        point = int.from_bytes(element[1:middle], "big"), int.from_bytes(element[middle:], "big")
        if element[:1] != bytes((_UNCOMPRESSED,)) or len(element) != middle + self.size or not self.curve.holds(point):
            raise refuse()
        return point

    def power(self, scalar: int, element: bytes) -> bytes:
        """A point so many times."""
        return self._encode(self.curve.multiply(scalar, self.point(element)))

    def combine(self, one: bytes, other: bytes) -> bytes:
        """The sum of two points."""
        return self._encode(self.curve.add(self.point(one), self.point(other)))

    def secret(self, element: bytes) -> bytes:
        """The X coordinate."""
        return element[1 : 1 + self.size]

    def compressed(self, element: bytes) -> bytes:
        """The X coordinate."""
        return self.secret(element)

    def encode_integrated(self, number: int) -> bytes:
        """The point encoding of Doc 9303-11 appendix B.2, for primes that are 3 modulo 4."""
        p, a, b = self.curve.p, self.curve.a, self.curve.b
        alpha = -number * number % p
        if p % 4 != 3 or (alpha + alpha * alpha) % p == 0:
            raise refuse()
        x2 = -b * pow(a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
        h2 = (x2**3 + a * x2 + b) % p
        root = pow(h2, p - 1 - (p + 1) // 4, p)
        if root * root * h2 % p == 1:
            return self._encode((x2, root * h2 % p))
        return self._encode((alpha * x2 % p, root * pow(number, 3, p) * h2 % p))


class ModularGroup(Group):
    """A subgroup of the integers modulo a prime."""

    token_tag = 0x84

    def __init__(self, p: int, generator: int, order: int) -> None:
        self.prime = p
        self.size = (p.bit_length() + 7) // 8
        self.order = order
        self.generator = self._encode(generator)

    def _encode(self, number: int) -> bytes:
        if number == 1:
            raise refuse()
        return number.to_bytes(self.size, "big")

    def _number(self, element: bytes) -> int:
        number = int.from_bytes(element, "big")
        if len(element) != self.size or not 1 < number < self.prime - 1 or pow(number, self.order, self.prime) != 1:
            raise refuse()
        return number

    def power(self, scalar: int, element: bytes) -> bytes:
        """A number raised."""
        return self._encode(pow(self._number(element), scalar, self.prime))

    def combine(self, one: bytes, other: bytes) -> bytes:
        """The product of two numbers."""
        return self._encode(self._number(one) * self._number(other) % self.prime)

    def secret(self, element: bytes) -> bytes:
        """The number."""
        return element

    def compressed(self, element: bytes) -> bytes:
        """SHA-1 of the number."""
        return hashlib.sha1(element, usedforsecurity=False).digest()

    def encode_integrated(self, number: int) -> bytes:
        """The number lifted into the subgroup."""
        return self._encode(pow(number, (self.prime - 1) // self.order, self.prime))


def explicit_group(parts: list[bytes]) -> EllipticGroup:
    """A curve from p, a, b, generator and order.

    :raises StatusWordError: 6A80 when these are none.
    """
    p, a, b, _, n = (int.from_bytes(part, "big") for part in parts)
    size, base = (p.bit_length() + 7) // 8, parts[3]
    point = int.from_bytes(base[1 : 1 + size], "big"), int.from_bytes(base[1 + size :], "big")
    curve = Curve(p, a, b, point, n)
    fits = size in _FIELD_SIZES and p & 1 and n > 1 and len(base) == 1 + 2 * size and base[0] == _UNCOMPRESSED
    if not fits or not curve.holds(point) or not (_may_be_prime(p) and _may_be_prime(n)):
        raise refuse()
    return EllipticGroup(curve)


def _may_be_prime(number: int) -> bool:
    """Fermat's test: modulo a number that fails it, divisions may be impossible."""
    return pow(2, number - 1, number) == 1


@cache
def standardized(identifier: int) -> Group | None:
    """The group of a number of standardized domain parameters; None for one that is reserved."""
    if identifier in GROUPS:
        return ModularGroup(*(int(part, 16) for part in GROUPS[identifier]))
    if identifier not in CURVES:
        return None
    p, a, b, x, y, n = (int(part, 16) for part in CURVES[identifier])
    return EllipticGroup(Curve(p, a, b, (x, y), n))
