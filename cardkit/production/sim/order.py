"""The order of a simulated plant: test USIMs, as many as are wanted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("iccid", "imsi", "msisdn", "ki", "opc", "pin1", "puk1", "pin2", "puk2", "adm1")
CODES = ("2437", "35008919", "5653", "71008007")
PROFILE = "sim/usim-test"
PREFIX, NETWORK = "8999901", "00101"
SERIES, SERIES_ROWS = 1_000, 10_000_000


@dataclass(frozen=True, slots=True)
class SimOrder:
    """Numbers of one series.

    :param cards: how many, below 10 million.  :param series: 0 to 999; orders of one store need different ones.
    """

    cards: int
    series: int

    def iccids(self) -> list[str]:
        """Return the ICCID of each row, in order."""
        return [self._iccid(row) for row in range(1, self.cards + 1)]

    def write(self, path: Path) -> None:
        """Write the order file."""
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.write(",".join(COLUMNS) + "\n")
            for row in range(1, self.cards + 1):
                file.write(",".join(self._cells(row)) + "\n")

    def _cells(self, row: int) -> tuple[str, ...]:
        number = self._number(row)
        keys = (f"404142434445464748494A4B{row:08X}", f"505152535455565758595A5B{row:08X}")
        return (self._iccid(row), f"{NETWORK}{number:010}", f"99901{number:010}", *keys, *CODES, f"61626364{row:08X}")

    def _number(self, row: int) -> int:
        return self.series * SERIES_ROWS + row

    def _iccid(self, row: int) -> str:
        body = f"{PREFIX}{self._number(row):011}"
        return f"{body}{check_digit(body)}"


def new_order(cards: int) -> SimOrder:
    """Return an order of a series drawn by lot."""
    return SimOrder(cards, secrets.randbelow(SERIES))


def check_digit(digits: str) -> int:
    """Return the digit that completes a number. ISO/IEC 7812-1 annex B

    >>> check_digit("7992739871")
    3
    """
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10
