"""Orders of any length, and what each record looks like on a chip, computed without the product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("iccid", "imsi", "msisdn", "ki", "opc", "pin1", "puk1", "pin2", "puk2", "adm1")


@dataclass(frozen=True)
class Row:
    """One record of the order.

    :param number: from 1.
    """

    number: int

    @property
    def iccid(self) -> str:
        body = f"8999901{self.number:011}"
        digits = [int(digit) for digit in reversed(body)]
        doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[::2])
        return f"{body}{-(doubled + sum(digits[1::2])) % 10}"

    @property
    def imsi(self) -> str:
        return f"00101{self.number:010}"

    @property
    def ki(self) -> bytes:
        return b"\x40" * 12 + self.number.to_bytes(4, "big")

    @property
    def opc(self) -> bytes:
        return b"\x50" * 12 + self.number.to_bytes(4, "big")

    @property
    def ef_iccid(self) -> bytes:
        """Digits swapped in pairs, filled with F. TS 102 221 13.2"""
        return swapped(self.iccid.ljust(20, "F"))

    @property
    def ef_imsi(self) -> bytes:
        """Length, then parity 9 and the 15 digits, swapped in pairs. TS 31.102 4.2.2"""
        return b"\x08" + swapped("9" + self.imsi)

    @property
    def ef_acc(self) -> bytes:
        """One access class of ten, the IMSI's last digit. TS 22.011 4.2"""
        return (1 << int(self.imsi[-1])).to_bytes(2, "big")

    def line(self) -> str:
        adm1 = b"KILL" + self.number.to_bytes(4, "big")
        codes = ("2437", "35008919", "5653", "71008007")
        keys = (self.ki.hex().upper(), self.opc.hex().upper())
        return ",".join((self.iccid, self.imsi, f"99901{self.number:07}", *keys, *codes, adm1.hex().upper()))


def swapped(digits: str) -> bytes:
    return bytes.fromhex("".join(low + high for high, low in zip(digits[::2], digits[1::2], strict=True)))


def write_order(path: Path, records: int) -> list[Row]:
    """Write an order and return its rows."""
    rows = [Row(number) for number in range(1, records + 1)]
    path.write_text("\n".join([",".join(COLUMNS), *(row.line() for row in rows)]) + "\n", "ascii")
    return rows
