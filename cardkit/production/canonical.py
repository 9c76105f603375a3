"""Canonical JSON: one text for one value, so that it can be hashed, chained and compared.

RFC 8785 for strings, integers up to 2^53-1, booleans, null, arrays, and objects with ASCII keys; no floats.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from cardkit.errors import EncodingError

MAX_INTEGER = 2**53 - 1

_PLAIN = frozenset({str, bool, type(None)})

_ENCODER = msgspec.json.Encoder(order="sorted")


def _check(value: object) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
            raise EncodingError("canonical JSON: integer beyond 2^53-1")
    elif kind is dict:
        _check_members(value)  # type: ignore[arg-type]
    elif kind is list or kind is tuple:
        for member in value:  # type: ignore[attr-defined]
            _check(member)
    else:
        raise EncodingError(f"canonical JSON: {kind.__name__} has no canonical form")


def _check_members(value: dict[object, object]) -> None:
    for key, member in value.items():
        if not isinstance(key, str) or not key.isascii():
            raise EncodingError(f"canonical JSON: key must be ASCII text, got {key!r}")
        if type(member) not in _PLAIN:
            _check(member)


def canonical(value: Any) -> bytes:
    """Return the UTF-8 bytes of a plain value.

    :raises EncodingError: on a float, an integer beyond 2^53-1, a key that is not ASCII, or a lone surrogate.
    RFC 8785 3.2

    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    _check(value)
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise EncodingError("canonical JSON: text holds a lone surrogate") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise EncodingError("canonical JSON: an object has the same key twice")
    return members


def parse_canonical(text: bytes) -> Any:
    """Return the value of canonical bytes.

    :raises EncodingError: when the bytes are not JSON or not its one canonical form.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise EncodingError(f"canonical JSON: {error}") from error
    if canonical(value) != text:
        raise EncodingError("canonical JSON: not in canonical form")
    return value
