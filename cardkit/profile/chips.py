"""Loading chip models, and recognizing a card's chip by its ATR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cardkit.apps import registry
from cardkit.errors import ProfileError
from cardkit.profile.chip import ChipModel, ChipTable
from cardkit.profile.document import convert, read_toml, require_table
from cardkit.profile.locate import roots


def chip_of(document: dict[str, Any], path: Path) -> ChipModel:
    """Return the chip model of a document; ProfileError where anything in it is wrong."""
    table = dict(require_table(document, "chip", str(path)))
    if len(document) > 1:
        stranger = next(key for key in document if key != "chip")
        raise ProfileError(f'{path}: unknown key "{stranger}"; a chip file has one table, [chip]')
    blocks = {name: table.pop(name) for name in registry.names() if name in table}
    chip = convert(table, ChipTable, f"{path}: chip")
    values = {field.name: getattr(chip, field.name) for field in msgspec.structs.fields(chip)}
    return ChipModel(**values, blocks={name: _block(name, block, path) for name, block in blocks.items()})


def _block(name: str, block: object, path: Path) -> Any:
    kind = registry.get_app(name).chip_block
    return convert(block, kind, f"{path}: chip.{name}")


def recognize(atr: bytes) -> str | None:
    """Return the name of the first chip model, by name, that an ATR fits; None for an unknown card.

    :raises ProfileError: where a chip model of the installation is wrong.
    """
    return next((chip.name for chip in fitting(atr)), None)


def fitting(atr: bytes) -> Iterator[ChipModel]:
    """Yield the chip models, by name, that an ATR fits: it may not tell them apart.  Errors as :func:`recognize`."""
    for path in sorted(file for root in roots() for file in (root / "chips").glob("*.toml")):
        chip = chip_of(read_toml(path)[0], path)
        if chip.matches(atr):
            yield chip
