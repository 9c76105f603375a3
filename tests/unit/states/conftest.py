"""The virtual chip's model, and a product on it."""

from __future__ import annotations

import msgspec
import pytest

from cardkit.apps.uicc.schema import ChipBlock
from cardkit.apps.uicc.states.chip import Chip
from cardkit.profile.load import load_profile


@pytest.fixture(scope="session")
def profile():
    return load_profile("sim/usim-test")


@pytest.fixture(scope="session")
def chip_block(profile) -> ChipBlock:
    return profile.chip.blocks["uicc"]


@pytest.fixture(scope="session")
def chip(chip_block) -> Chip:
    return Chip.from_block(chip_block)


@pytest.fixture
def altered(chip_block):
    """Return the chip block with one entry changed: ``altered("files", "MF/EF.DIR", fid="2F0")``."""

    def alter(table: str, name: str, **changes) -> ChipBlock:
        plain = msgspec.to_builtins(chip_block)
        plain[table][name] = {**plain[table].get(name, {}), **changes}
        return msgspec.convert(plain, ChipBlock)

    return alter
