"""Calypso cards as cardkit sees them: looked at and proven; making them takes a SAM."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from cardkit.apps.calypso import dump
from cardkit.desired import CompileTemplate
from cardkit.errors import ProfileError


class CalypsoBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: no profile makes such a card."""


class CalypsoApp:
    """The application as the registry knows it."""

    name = "calypso"
    title = "Calypso"
    part = dump.PART
    block = CalypsoBlock
    chip_block = CalypsoBlock
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: object) -> frozenset[str]:  # noqa: ARG002 - there is none
        """Return nothing: there are no products of such cards."""
        return frozenset()

    def compile(self, block: CalypsoBlock, chip: CalypsoBlock, compile_template: CompileTemplate) -> NoReturn:  # noqa: ARG002
        """Refuse.  :raises ProfileError: always."""
        raise ProfileError("Calypso cards are looked at and proven; no profile makes one, that takes a SAM")


APP = CalypsoApp()
