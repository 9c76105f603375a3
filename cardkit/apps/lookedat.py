"""Applications whose cards are looked at, and made by no profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NoReturn, Protocol

import msgspec

from cardkit.channel import Channel
from cardkit.desired import CompileTemplate
from cardkit.errors import ProfileError


class Dump(Protocol):
    """The module of an application that tells what is on a card."""

    PART: str
    CLASS: str

    def look(self, channel: Channel, today: date) -> dict[str, Any]:
        """Return its part of what is on a card."""
        ...

    def public(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document that says nothing of a holder."""
        ...

    def lines(self, document: Mapping[str, Any]) -> Iterable[str]:
        """Yield its part as an indented tree."""
        ...

    def places(self, document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Yield every comparable place and what stands there."""
        ...


class NoBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: no profile makes such a card."""


class LookedAt:
    """One of them, as the registry knows it.

    :param name: its key.  :param dump: its module.  :param reason: why no profile makes such cards.
    """

    block = NoBlock
    chip_block = NoBlock

    def __init__(self, name: str, dump: Dump, reason: str) -> None:
        self.name = name
        self.title = dump.CLASS
        self.part = dump.PART
        self.look, self.public = dump.look, dump.public
        self.lines, self.places = dump.lines, dump.places
        self._reason = reason

    def varying(self, blueprint: object) -> frozenset[str]:  # noqa: ARG002 - there is none
        """Return nothing: there are no products of such cards."""
        return frozenset()

    def compile(self, block: NoBlock, chip: NoBlock, compile_template: CompileTemplate) -> NoReturn:  # noqa: ARG002
        """Refuse.  :raises ProfileError: always."""
        raise ProfileError(self._reason)
