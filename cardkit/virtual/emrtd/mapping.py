"""The mappings of PACE: from a nonce to a new generator (ICAO Doc 9303-11 4.4.3.3)."""

from typing import Final

from .groups import Group, ModularGroup, refuse
from .suites import Suite

MODULAR_TAG: Final = ModularGroup.token_tag

_CONSTANTS: Final = {  # c0, c1 for keys of 128 bits, and of more
    False: ("a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad"),
    True: (
        "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
        "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
    ),
}
_EXTRA: Final = 8  # bytes of pseudo-random output beyond the prime


def generic(group: Group, nonce: bytes, secret: int, theirs: bytes) -> bytes:
    """s G + h, where h is what both keys of the mapping agree on (4.4.3.3.1).

    :raises StatusWordError: 6A80 for a key that is none.
    """
    shared, scalar = group.power(secret, theirs), int.from_bytes(nonce, "big") % group.order
    return group.combine(group.power(scalar, group.generator), shared) if scalar else shared


def integrated(group: Group, suite: Suite, nonce: bytes, theirs: bytes) -> bytes:
    """The generator two nonces make (4.4.3.3.2).

    :param theirs: the terminal's nonce, as long as a key.
    :raises StatusWordError: 6A80 for another length, and in a group without this mapping.
    """
    if len(theirs) != suite.size:
        raise refuse()
    return group.encode_integrated(pseudo_random(suite, nonce, theirs, group.size + _EXTRA) % group.prime)


def pseudo_random(suite: Suite, nonce: bytes, theirs: bytes, size: int) -> int:
    """R(s, t): a number of at least `size` bytes, in whole blocks."""
    c0, c1 = (bytes.fromhex(constant) for constant in _CONSTANTS[suite.size > 16])
    key = suite.encrypt(theirs, nonce)[: suite.size]
    output = b""
    while len(output) < size:
        output += suite.encrypt(key, c1)
        key = suite.encrypt(key, c0)[: suite.size]
    return int.from_bytes(output, "big")
