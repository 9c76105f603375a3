"""Storage cards as cardkit sees them: looked at, never made."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from cardkit.apps.storage import dump
from cardkit.desired import CompileTemplate
from cardkit.errors import ProfileError


class StorageBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: no profile makes such a card."""


class StorageApp:
    """The application as the registry knows it."""

    name = "storage"
    title = "storage card"
    part = dump.PART
    block = StorageBlock
    chip_block = StorageBlock
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: object) -> frozenset[str]:  # noqa: ARG002 - there is none
        """Return nothing: there are no products of such cards."""
        return frozenset()

    def compile(self, block: StorageBlock, chip: StorageBlock, compile_template: CompileTemplate) -> NoReturn:  # noqa: ARG002
        """Refuse.  :raises ProfileError: always."""
        raise ProfileError("storage cards are read and checked, no profile makes one")


APP = StorageApp()
