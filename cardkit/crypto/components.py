"""Key components: full-length parts that give the key when XORed, each in the hands of one person (security.md K4)."""

from __future__ import annotations

from collections.abc import Sequence

from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError


def combine(components: Sequence[Secret]) -> bytearray:
    """Return the key of two or more components; the caller wipes it.

    :raises KeyStoreError: on fewer than two, lengths that differ, a component of zeros or given twice, or a key of
        zeros.
    """
    if len(components) < 2:
        raise KeyStoreError(f"components: {len(components)}, expected 2 or more")
    if len({len(component) for component in components}) != 1:
        raise KeyStoreError(f"components: lengths differ ({', '.join(str(len(c)) for c in components)} bytes)")
    result = bytearray(len(components[0]))
    for number, component in enumerate(components, 1):
        _check_alone(number, component)
        with component.reveal() as clear:
            for place, byte in enumerate(clear):
                result[place] ^= byte
    if not any(result):
        raise KeyStoreError("components: the result is all zero")
    if any(left == right for at, left in enumerate(components) for right in components[:at]):
        result[:] = bytes(len(result))
        raise KeyStoreError("components: the same component twice")
    return result


def _check_alone(number: int, component: Secret) -> None:
    with component.reveal() as clear:
        if not any(clear):
            raise KeyStoreError(f"component {number}: all zero, so that another holder would know the key")
