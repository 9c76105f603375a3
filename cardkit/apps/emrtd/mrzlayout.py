"""Where the fields of a machine readable zone are (ICAO Doc 9303-4 4.2.2, 9303-5 4.2.2, 9303-6 4.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Format(StrEnum):
    """Size of a document: ID-1 card, ID-2 sheet, passport."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a format are in its lines, joined.

    :param line: characters of a line.  :param fields: start and end of each field, by name.
    :param composite: what the composite digit is made of.  :param overflow: field that a long number goes on in.
    """

    line: int
    lines: int
    fields: Mapping[str, slice]
    composite: tuple[slice, ...]
    overflow: str = ""

    @property
    def size(self) -> int:
        """Characters of the whole zone."""
        return self.line * self.lines


def _fields(*lines: tuple[str, int, int]) -> Mapping[str, slice]:
    return MappingProxyType({name: slice(first - 1, last) for name, first, last in lines})


# Positions count from 1 over all lines. 9303-4 4.2.2, 9303-5 4.2.2, 9303-6 4.2.2
LAYOUTS: Mapping[Format, Layout] = MappingProxyType(
    {
        Format.TD1: Layout(
            30,
            3,
            _fields(
                ("document_code", 1, 2),
                ("issuing_state", 3, 5),
                ("document_number", 6, 14),
                ("document_number_digit", 15, 15),
                ("optional_data_1", 16, 30),
                ("date_of_birth", 31, 36),
                ("date_of_birth_digit", 37, 37),
                ("sex", 38, 38),
                ("date_of_expiry", 39, 44),
                ("date_of_expiry_digit", 45, 45),
                ("nationality", 46, 48),
                ("optional_data_2", 49, 59),
                ("composite_digit", 60, 60),
                ("name", 61, 90),
            ),
            (slice(5, 30), slice(30, 37), slice(38, 45), slice(48, 59)),
            "optional_data_1",
        ),
        Format.TD2: Layout(
            36,
            2,
            _fields(
                ("document_code", 1, 2),
                ("issuing_state", 3, 5),
                ("name", 6, 36),
                ("document_number", 37, 45),
                ("document_number_digit", 46, 46),
                ("nationality", 47, 49),
                ("date_of_birth", 50, 55),
                ("date_of_birth_digit", 56, 56),
                ("sex", 57, 57),
                ("date_of_expiry", 58, 63),
                ("date_of_expiry_digit", 64, 64),
                ("optional_data", 65, 71),
                ("composite_digit", 72, 72),
            ),
            (slice(36, 46), slice(49, 56), slice(57, 71)),
            "optional_data",
        ),
        Format.TD3: Layout(
            44,
            2,
            _fields(
                ("document_code", 1, 2),
                ("issuing_state", 3, 5),
                ("name", 6, 44),
                ("document_number", 45, 53),
                ("document_number_digit", 54, 54),
                ("nationality", 55, 57),
                ("date_of_birth", 58, 63),
                ("date_of_birth_digit", 64, 64),
                ("sex", 65, 65),
                ("date_of_expiry", 66, 71),
                ("date_of_expiry_digit", 72, 72),
                ("optional_data", 73, 86),
                ("optional_data_digit", 87, 87),
                ("composite_digit", 88, 88),
            ),
            (slice(44, 54), slice(57, 64), slice(65, 87)),
        ),
    }
)
