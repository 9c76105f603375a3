"""The one door to construct: parse, rebuild, compare.

construct 2.10.70 accepts trailing bytes and bits its layout does not know, and lets errors of its callables escape
as KeyError or TypeError. Behind this door a layout either explains every byte or raises EncodingError.
Messages name the field and the place, never the content: a layout may hold a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from construct import Construct, ConstructError, StreamError

from cardkit.errors import EncodingError

# What construct and the callables of a layout raise on a wrong value.
_LAYOUT_ERRORS = (ConstructError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def parse_exact(construct: Construct, data: bytes) -> Any:
    """Parse bytes that the layout must explain to the last bit.

    :param construct: the layout; its name stands in messages.
    :param data: one whole value.
    :returns: what the layout yields.
    :raises EncodingError: on short or surplus bytes, and where rebuilding gives other bytes.

    >>> from construct import Int16ub
    >>> parse_exact("file id" / Int16ub, bytes.fromhex("3F00"))
    16128
    """
    value = _run(construct, construct.parse, data, "read")
    rebuilt = _run(construct, construct.build, value, "rebuilt")
    if rebuilt != data:
        raise EncodingError(f"{_name(construct)}: {_difference(data, rebuilt)}")
    return value


def build_exact(construct: Construct, value: Any) -> bytes:
    """Build bytes from a value that they must carry whole.

    :param construct: the layout.
    :param value: plain values; keys the layout does not know are refused.
    :raises EncodingError: on a value that does not fit, and where reading back gives another value.

    >>> from construct import Byte, Struct
    >>> build_exact("pin" / Struct("tries" / Byte), {"tries": 3}).hex()
    '03'
    """
    data: bytes = _run(construct, construct.build, value, "built")
    place = _lost(value, _run(construct, construct.parse, data, "read back"), _name(construct))
    if place:
        raise EncodingError(f"{place}: the layout does not carry this value")
    return data


def _run(construct: Construct, step: Any, argument: Any, verb: str) -> Any:
    """Run one step of a layout; `from None` keeps content out of tracebacks."""
    try:
        return step(argument)
    except EncodingError:
        raise
    except _LAYOUT_ERRORS as error:
        # The path reads "(parsing) -> field -> field", the name of the whole included if it has one.
        path = (getattr(error, "path", None) or "").split(" -> ")[1:]
        inner = ".".join(path[1:] if path[:1] == [construct.name] else path)
        where = f" at {inner}" if inner else ""
        reason = str(error).rpartition("\n")[2] if isinstance(error, StreamError) else type(error).__name__
        raise EncodingError(f"{_name(construct)} cannot be {verb}{where}: {reason}") from None


def _name(construct: Construct) -> str:
    return construct.name or type(construct).__name__


def _difference(data: bytes, rebuilt: bytes) -> str:
    pairs = zip(data, rebuilt, strict=False)
    place = next((i for i, (got, built) in enumerate(pairs) if got != built), min(len(data), len(rebuilt)))
    if place == len(rebuilt):
        return f"{len(data) - place} surplus bytes after byte {place}"
    return f"byte {place} of {len(data)} is not what the layout writes there"


def _lost(value: Any, carried: Any, place: str) -> str:
    """Return the place of the first part of `value` that `carried` does not have, "" if it has all."""
    if isinstance(value, Mapping):
        if not isinstance(carried, Mapping):
            return place
        # Keys with an underscore are construct's own, in a value that was parsed.
        parts = ((str(key), part, carried.get(key, _ABSENT)) for key, part in value.items())
        return next(filter(None, (_lost(part, it, f"{place}.{key}") for key, part, it in parts if key[:1] != "_")), "")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        if not isinstance(carried, Sequence) or len(value) != len(carried):
            return place
        triples = enumerate(zip(value, carried, strict=True))
        return next(filter(None, (_lost(part, other, f"{place}[{i}]") for i, (part, other) in triples)), "")
    # An Enum reads as its name and keeps the number beside it.
    return "" if value in (carried, getattr(carried, "intvalue", _ABSENT)) else place


_ABSENT = object()
