"""Lines of an order for `sim/usim-test`, with values that are obviously test values."""

from __future__ import annotations

from cardkit.encoding.digits import luhn_digit

NAMES = "iccid,imsi,msisdn,ki,opc,pin1,puk1,pin2,puk2,adm1\n"


def iccid(row: int) -> str:
    body = f"8999901{row:011d}"
    return body + luhn_digit(body)


def line(row: int, **changes: str) -> str:
    values = {
        "iccid": iccid(row), "imsi": f"00101{row:010d}", "msisdn": f"99901{row:07d}",
        "ki": f"404142434445464748494A4B{row:08X}", "opc": f"505152535455565758595A5B{row:08X}",
        "pin1": "2437", "puk1": "35008919", "pin2": "5653", "puk2": "71008007", "adm1": f"61626364{row:08X}",
    }  # fmt: skip
    return ",".join((values | changes).values()) + "\n"
