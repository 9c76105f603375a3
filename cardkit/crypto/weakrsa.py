"""Moduli that give their private keys away: those of a broken generator, and those that share a factor.

ROCA: CVE-2017-15361, Nemec and others, CCS 2017. Shared factors: Heninger and others, USENIX Security 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import gcd

# Primes of keys of the broken generator are powers of 65537 modulo the product of many small primes, these among them.
_GENERATOR = 65537
_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def has_roca_fingerprint(modulus: bytes) -> bool:
    """Whether a modulus looks like one of the broken generator; by chance one in 2^28 does.

    >>> has_roca_fingerprint((65537**9).to_bytes(20, "big"))
    True
    """
    number = int.from_bytes(modulus, "big")
    return all(number % prime in _powers(prime) for prime in _PRIMES)


@cache
def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime - 1))


def shared_factors(moduli: Sequence[bytes]) -> tuple[int, ...]:
    """Return the places of moduli that have a factor in common with another one, or are the same.

    All are compared with all in one go, by the product of the whole batch: a second for a thousand keys.
    """
    numbers = [int.from_bytes(modulus, "big") for modulus in moduli]
    if len(numbers) < 2:
        return ()
    tree = _products(numbers)
    remainders = tree.pop()
    for level in reversed(tree):
        remainders = [remainders[place // 2] % number**2 for place, number in enumerate(level)]
    return tuple(
        place
        for place, (rest, number) in enumerate(zip(remainders, numbers, strict=True))
        if gcd(rest // number, number) != 1
    )


def _products(numbers: list[int]) -> list[list[int]]:
    """Return a tree of products: the numbers, products of two, of four, and so on to that of all."""
    tree = [numbers]
    while len(tree[-1]) > 1:
        last = tree[-1]
        tree.append(
            [
                last[place] * last[place + 1] if place + 1 < len(last) else last[place]
                for place in range(0, len(last), 2)
            ]
        )
    return tree
