"""Commands computed before a card is touched, for a card of which enough is known beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HEADER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Script:
    """One session, whole: usable once, by whoever has the card, without any key.

    :param name: which stretch of the plan it is.  :param terms: what it holds for, by name, in words.
    :param commands: APDUs as they are sent, in order.
    :param greeting: the whole answer the first of them must get; with another one nothing further is sent.
    :param shown: which commands carry no secret, by their place; the others are named by header and digest.
    """

    name: str
    terms: Mapping[str, str]
    commands: tuple[bytes, ...] = field(repr=False)
    greeting: bytes = field(repr=False)
    shown: frozenset[int] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values: every command with its digest, secrets hidden."""
        return {"name": self.name, **self.terms, "commands": [self._command(number) for number in self._numbers]}

    @property
    def _numbers(self) -> range:
        return range(len(self.commands))

    def _command(self, number: int) -> dict[str, Any]:
        apdu = self.commands[number]
        return {
            "header": apdu[:_HEADER_BYTES].hex().upper(),
            "bytes": len(apdu),
            "sha256": hashlib.sha256(apdu).hexdigest(),
            "apdu": apdu.hex().upper() if number in self.shown else None,
        }
