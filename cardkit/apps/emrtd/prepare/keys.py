"""The key pairs of one document: active authentication, chip authentication."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emrtd.schema import EmrtdBlock
from cardkit.crypto.chipkeys import ChipKey, chip_key_of, make_chip_key
from cardkit.crypto.curves import BY_NAME
from cardkit.crypto.secret import Secret
from cardkit.errors import ProfileError

ACTIVE = "active authentication key"


@dataclass(frozen=True, slots=True)
class DocumentKeys:
    """Keys as the profile names them.  :param chip: of chip authentication, in the profile's order."""

    active: ChipKey | None = field(repr=False)
    chip: tuple[ChipKey, ...] = field(repr=False)

    def to_values(self) -> dict[str, Secret]:
        """Return their private halves by name."""
        found = {chip_name(number): key.scalar for number, key in enumerate(self.chip)}
        return found if self.active is None else {ACTIVE: self.active.scalar} | found


def chip_name(number: int) -> str:
    """Return the name of a chip authentication key.  :param number: its place in the profile, from 0."""
    return f"chip authentication key {number}"


def make_keys(block: EmrtdBlock, rng: Callable[[int], bytes]) -> DocumentKeys:
    """Make the keys of one document."""
    active = block.active_authentication
    return DocumentKeys(
        make_chip_key(BY_NAME[active.curve], rng) if active is not None else None,
        tuple(make_chip_key(BY_NAME[item.curve], rng) for item in block.chip_authentication),
    )


def keys_of(block: EmrtdBlock, values: Mapping[str, Secret]) -> DocumentKeys:
    """Return the keys a document was prepared with.

    :raises ProfileError: where one is missing.  :raises KeyStoreError: where one is of another curve.
    """
    active = block.active_authentication
    try:
        return DocumentKeys(
            chip_key_of(BY_NAME[active.curve], values[ACTIVE]) if active is not None else None,
            tuple(
                chip_key_of(BY_NAME[item.curve], values[chip_name(number)])
                for number, item in enumerate(block.chip_authentication)
            ),
        )
    except KeyError as error:
        raise ProfileError(f"prepared values: no {error.args[0]}") from None
