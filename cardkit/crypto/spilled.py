"""Finding a secret where none should be."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping

from cardkit.crypto.secret import Secret

SHORTEST = 8
"""Bytes below which a match says nothing: PINs of four digits are everywhere."""


def spilled(places: Mapping[str, bytes], secrets: Iterable[Secret]) -> Iterator[tuple[str, str]]:
    """Yield place and name of every secret that stands in some bytes: as it is, nibbles swapped, in hex or base64.

    Secrets shorter than 8 bytes are not looked for, nor are those of one byte over and over.

    >>> list(spilled({"file": b"id=MDEyMzQ1Njc4OQ==;"}, [Secret(b"0123456789", "puk1")]))
    [('file', 'puk1')]
    """
    everything = b"".join(places.values())
    for secret in secrets:
        with secret.reveal() as clear:
            forms = _forms(bytes(clear)) if len(set(clear)) > 1 and len(clear) >= SHORTEST else ()
            if any(form in everything for form in forms):
                yield from ((name, secret.name) for name, data in places.items() if any(form in data for form in forms))


def _forms(value: bytes) -> tuple[bytes, ...]:
    swapped = bytes(byte << 4 & 0xF0 | byte >> 4 for byte in value)
    digits = value.hex().encode()
    encoded = base64.b64encode(value).rstrip(b"=")
    return (value, swapped, digits, digits.upper(), encoded)
