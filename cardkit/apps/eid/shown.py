"""Parts of a dump that both kinds of identity card have: certificates, the tree for people, places to compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cardkit.apps.pki import publickey
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.names import name_text
from cardkit.apps.pki.publickey import EcKey

VARYING = ("subject", "serial", "not_before", "not_after", "sha256")
"""What differs in certificates of good cards of one product."""


def certificate(data: bytes) -> dict[str, Any]:
    """Return what a certificate says, as plain values.  :raises EncodingError: where it cannot be read."""
    found = Certificate.parse(data)
    key = publickey.parse(found.public_key)
    return {
        "subject": name_text(found.subject),
        "issuer": name_text(found.issuer),
        "serial": f"{found.serial:X}",
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "key": key.curve.name if isinstance(key, EcKey) else f"RSA-{key.bits}",
        "sha256": found.sha256,
    }


def tree(value: Any, depth: int) -> Iterator[str]:
    """Yield plain values as an indented tree, a line at a time."""
    for name, item in value.items() if isinstance(value, dict) else ():
        indent = "  " * depth
        if isinstance(item, dict):
            yield f"{indent}{name}"
            yield from tree(item, depth + 1)
        else:
            yield f"{indent}{name}: {item}"


def leaves(where: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every place below another, and what stands there."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(f"{where} {name}", item)
    elif value is not None:
        yield where, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
