"""Plain values as TOML 1.0: what a profile or an image is written with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def quoted(text: str) -> str:
    r"""Return a basic string; what it cannot hold as it is becomes an escape.

    >>> print(quoted('a "b"'))
    "a \U00000022b\U00000022"
    """
    letters = (letter if letter.isprintable() and letter not in '"\\' else f"\\U{ord(letter):08X}" for letter in text)
    return f'"{"".join(letters)}"'


def key(name: str) -> str:
    """Return a key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else quoted(name)


def inline(value: Any) -> str:
    """Return a value on one line: text, numbers, lists and tables of them.

    >>> inline({"a": [1, True], "b": "x"})
    '{ a = [1, true], b = "x" }'
    """
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key(name)} = {inline(part)}' for name, part in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    return str(value)


def table(header: str, entries: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table, an entry a line, and an empty line before it."""
    yield ""
    yield f"[{header}]"
    for name, value in entries.items():
        yield f"{key(name)} = {inline(value)}"
