"""Key agreement of travel documents: elliptic curves and prime groups with any generator, in bytes as cards have them.

ICAO Doc 9303-11 9.4 to 9.6; BSI TR-03111 4.3.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NoReturn

from cardkit.crypto import curves, points, primegroups
from cardkit.crypto.curves import Curve
from cardkit.crypto.points import Point
from cardkit.crypto.primegroups import PrimeGroup
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

Random = Callable[[int], bytes]
"""Random bytes of a size."""

_EXTRA_BYTES = 8  # of random, so that a scalar's distribution shows no bias (FIPS 186-4 B.4.1)
_UNCOMPRESSED = b"\x04"


class Group(ABC):
    """Domain parameters.

    :ivar name: in words.  :ivar tag: tag of a public key in an authentication token (9303-11 9.4).
    """

    name: str
    tag: int

    @property
    @abstractmethod
    def order(self) -> int:
        """Order of the generator."""

    @property
    @abstractmethod
    def prime(self) -> int:
        """Prime of the field."""

    @property
    def size(self) -> int:
        """Bytes of a coordinate or value."""
        return (self.prime.bit_length() + 7) // 8

    @abstractmethod
    def public(self, scalar: int) -> bytes:
        """Return the public key of a private one."""

    @abstractmethod
    def check(self, public: bytes) -> None:
        """Check that bytes are a public key.  :raises EncodingError: where they are none."""

    @abstractmethod
    def shared(self, scalar: int, public: bytes) -> bytes:
        """Return what both sides agree on: an x coordinate, or a value.

        :raises EncodingError: on a public key that is none.
        """

    @abstractmethod
    def with_nonce(self, nonce: int, scalar: int, public: bytes) -> Group:
        """Return the parameters of generic mapping. 9303-11 4.4.3.3.1

        :raises EncodingError: on a public key that is none, or where the generator would be none.
        """

    @abstractmethod
    def with_number(self, number: int) -> Group:
        """Return the parameters of integrated mapping. 9303-11 4.4.3.3.2

        :param number: what the pseudo-random function made, below the prime.
        :raises EncodingError: where no generator comes of it.
        """

    @abstractmethod
    def compressed(self, public: bytes) -> bytes:
        """Return the short form of a public key: its x coordinate, or a hash. TR-03110-3 A.2.2.3"""

    def key_pair(self, random: Random) -> KeyPair:
        """Return a fresh key pair."""
        size = (self.order.bit_length() + 7) // 8 + _EXTRA_BYTES
        return KeyPair(self, int.from_bytes(random(size)) % (self.order - 1) + 1)

    def _refuse(self, public: bytes, why: str) -> NoReturn:
        raise EncodingError(f"public key on {self.name}: {len(public)} bytes, {why}")


class EcGroup(Group):
    """A curve with a generator; public keys are uncompressed points.

    :param generator: the curve's own if None.
    """

    tag = 0x86

    def __init__(self, curve: Curve, generator: Point | None = None) -> None:
        self.curve = curve
        self.name = curve.name
        self.generator = (curve.x, curve.y) if generator is None else generator

    @property
    def order(self) -> int:
        """Order of the generator."""
        return self.curve.n

    @property
    def prime(self) -> int:
        """Prime of the field."""
        return self.curve.p

    def check(self, public: bytes) -> None:
        """Check that bytes are an uncompressed point of the curve."""
        self.point(public)

    def point(self, public: bytes) -> Point:
        """Return the coordinates of a public key.

        :raises EncodingError: where it is not uncompressed, or not on the curve.
        """
        if len(public) != 1 + 2 * self.size or public[:1] != _UNCOMPRESSED:
            self._refuse(public, f"expected {1 + 2 * self.size} beginning with 04")
        x, y = (int.from_bytes(half) for half in (public[1 : 1 + self.size], public[1 + self.size :]))
        if not self.curve.contains(x, y):
            self._refuse(public, "not on the curve")
        return x, y

    def public(self, scalar: int) -> bytes:
        """Return the public key of a private one."""
        point = points.multiply(self.curve, scalar, self.generator)
        if point is None:
            raise EncodingError(f"private key on {self.name}: a multiple of the order")
        return _UNCOMPRESSED + b"".join(number.to_bytes(self.size) for number in point)

    def shared(self, scalar: int, public: bytes) -> bytes:
        """Return the x coordinate both sides agree on."""
        point = points.multiply(self.curve, scalar, self.point(public))
        if point is None:
            self._refuse(public, "agreed on the point at infinity")
        return point[0].to_bytes(self.size)

    def with_nonce(self, nonce: int, scalar: int, public: bytes) -> EcGroup:
        """Return the curve with another generator: the nonce times the old one, plus the agreed point."""
        agreed = points.multiply(self.curve, scalar, self.point(public))
        own = points.multiply(self.curve, nonce % self.order, self.generator)
        generator = points.add(self.curve, own, agreed)
        if generator is None:
            self._refuse(public, "mapped to the point at infinity")
        return EcGroup(self.curve, generator)

    def with_number(self, number: int) -> EcGroup:
        """Return the curve with the point a number is encoded to. 9303-11 B.2

        :raises EncodingError: on P-224, whose prime the encoding does not suit.
        """
        p, a, b = self.prime, self.curve.a, self.curve.b
        if p % 4 != 3:
            raise EncodingError(f"integrated mapping: not defined on {self.name}")
        alpha = -number * number % p
        if not (alpha + alpha * alpha) % p:
            raise EncodingError("integrated mapping: a number that encodes no point")
        x2 = -b * pow(a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
        h2 = (x2 * x2 * x2 + a * x2 + b) % p
        root = pow(h2, p - 1 - (p + 1) // 4, p)
        if root * root * h2 % p == 1:
            return EcGroup(self.curve, (x2, root * h2 % p))
        return EcGroup(self.curve, (alpha * x2 % p, root * pow(number, 3, p) * h2 % p))

    def compressed(self, public: bytes) -> bytes:
        """Return the x coordinate."""
        return public[1 : 1 + self.size]


class DhGroup(Group):
    """A prime group with a generator; public keys are as long as the prime.

    :param generator: the group's own if None.
    """

    tag = 0x84

    def __init__(self, group: PrimeGroup, generator: int | None = None) -> None:
        self.group = group
        self.name = group.name
        self.generator = group.g if generator is None else generator

    @property
    def order(self) -> int:
        """Order of the generator."""
        return self.group.q

    @property
    def prime(self) -> int:
        """The modulus."""
        return self.group.p

    def check(self, public: bytes) -> None:
        """Check that bytes are a number of the subgroup."""
        self.value(public)

    def value(self, public: bytes) -> int:
        """Return the number of a public key.

        :raises EncodingError: where it is longer or shorter than the prime, or not of the subgroup.
        """
        number = int.from_bytes(public)
        if len(public) != self.size:
            self._refuse(public, f"expected {self.size}")
        if not 1 < number < self.prime - 1 or pow(number, self.order, self.prime) != 1:
            self._refuse(public, "not of the subgroup")
        return number

    def public(self, scalar: int) -> bytes:
        """Return the public key of a private one."""
        return pow(self.generator, scalar, self.prime).to_bytes(self.size)

    def shared(self, scalar: int, public: bytes) -> bytes:
        """Return the value both sides agree on."""
        return pow(self.value(public), scalar, self.prime).to_bytes(self.size)

    def with_nonce(self, nonce: int, scalar: int, public: bytes) -> DhGroup:
        """Return the group with another generator: the old one to the power of the nonce, times the agreed value."""
        agreed = pow(self.value(public), scalar, self.prime)
        return self._with(pow(self.generator, nonce, self.prime) * agreed % self.prime)

    def with_number(self, number: int) -> DhGroup:
        """Return the group with a number's power as generator. 9303-11 B.1"""
        return self._with(pow(number, (self.prime - 1) // self.order, self.prime))

    def compressed(self, public: bytes) -> bytes:
        """Return the SHA-1 of the value."""
        return hashlib.sha1(public, usedforsecurity=False).digest()

    def _with(self, generator: int) -> DhGroup:
        if generator in (0, 1):
            raise EncodingError(f"mapping on {self.name}: {generator} is no generator")
        return DhGroup(self.group, generator)


class KeyPair:
    """A key pair of one session; nothing shows its private half.

    :param scalar: 1 up to the order.
    """

    __slots__ = ("_private", "group", "public")

    def __init__(self, group: Group, scalar: int) -> None:
        self.group = group
        self._private = Secret(scalar.to_bytes((scalar.bit_length() + 7) // 8), "private half")
        self.public = group.public(scalar)

    def agree(self, other: bytes) -> Secret:
        """Return what is agreed on with another public key.

        :raises EncodingError: where it is none.
        """
        with self._private.reveal() as clear:
            return Secret(self.group.shared(int.from_bytes(clear), other), "agreed secret")

    def mapped(self, nonce: Secret, other: bytes) -> Group:
        """Return the parameters of generic mapping with another public key.

        :raises EncodingError: where it is none.
        """
        with nonce.reveal() as clear, self._private.reveal() as private:
            return self.group.with_nonce(int.from_bytes(clear), int.from_bytes(private), other)

    @property
    def compressed(self) -> bytes:
        """The short form of the public key."""
        return self.group.compressed(self.public)

    def __repr__(self) -> str:
        return f"<key pair on {self.group.name}>"


def standardized_group(parameter_id: int) -> Group:
    """Return standardized domain parameters. 9303-11 9.5.1

    :raises EncodingError: on a number that is reserved.
    """
    if parameter_id in curves.BY_PARAMETER_ID:
        return EcGroup(curves.BY_PARAMETER_ID[parameter_id])
    if parameter_id in primegroups.BY_PARAMETER_ID:
        return DhGroup(primegroups.BY_PARAMETER_ID[parameter_id])
    raise EncodingError(f"standardized domain parameters {parameter_id}: reserved for future use")
