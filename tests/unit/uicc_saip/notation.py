"""ASN.1 value notation (X.680) as a package's values are written, read without the code under test."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(r"""'(?P<hex>[0-9A-F]*)'H | "(?P<text>[^"]*)" | (?P<mark>[{}:,]) | (?P<word>[\w-]+)""", re.VERBOSE)
_ASSIGNMENT = re.compile(r"value\d+ ProfileElement ::= ")

Value = Any
"""``("hex", ...)``, ``("text", ...)``, ``("word", ...)``, or a list of (name, value); "" names an item of a list."""


def values(text: str) -> list[tuple[str, Value]]:
    """Return name and value of each ``valueN ProfileElement ::= name : {...}``."""
    return [_Reader(part).choice() for part in _ASSIGNMENT.split(text)[1:]]


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = [(match.lastgroup, match[match.lastgroup or 0]) for match in _TOKEN.finditer(text)]
        self._at = 0

    def _peek(self, ahead: int = 0) -> str | None:
        kind, said = self._tokens[self._at + ahead]
        return said if kind == "mark" else None

    def _next(self) -> tuple[str | None, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def choice(self) -> tuple[str, Value]:
        """``name : value``."""
        _, name = self._next()
        assert self._next() == ("mark", ":")
        return name, self.value()

    def value(self) -> Value:
        """One value of any kind; that of a choice is a list with one component."""
        if self._peek() == "{":
            return self._braces()
        if self._peek(1) == ":":
            return [self.choice()]
        return self._next()

    def _braces(self) -> list[tuple[str, Value]]:
        self._next()
        items: list[tuple[str, Value]] = []
        while self._peek() != "}":
            items.append(self._item())
            if self._peek() == ",":
                self._next()
        self._next()
        return items

    def _item(self) -> tuple[str, Value]:
        kind, said = self._tokens[self._at]
        if kind == "word" and not said.isdigit() and self._peek(1) == ":":
            return self.choice()
        named = kind == "word" and not said.isdigit() and self._peek(1) not in {",", "}"}
        if not named:
            return "", self._number_or_value()
        self._next()
        return said, self.value()

    def _number_or_value(self) -> Value:
        """A number in a list of numbers has no comma behind it: an object identifier."""
        return self.value() if self._peek() == "{" else self._next()
