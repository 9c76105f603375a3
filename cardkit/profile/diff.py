"""What two profiles say differently, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cardkit.profile.load import Profile

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. ``left`` and ``right`` are JSON, or ``(absent)``."""

    where: str
    left: str
    right: str


def diff_profiles(left: Profile, right: Profile) -> list[Change]:
    """Return the values of profile, chip and layout that differ, sorted by their paths."""
    old, new = dict(_leaves(left.document, "")), dict(_leaves(right.document, ""))
    return [
        Change(where, _shown(old, where), _shown(new, where))
        for where in sorted(old.keys() | new.keys())
        if _shown(old, where) != _shown(new, where)
    ]


def _leaves(tree: object, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{where}.{key}" if where else str(key))
    elif isinstance(tree, list) and tree:
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{where}[{index}]")
    else:
        yield where, tree


def _shown(leaves: Mapping[str, Any], where: str) -> str:
    return msgspec.json.encode(leaves[where]).decode() if where in leaves else ABSENT
