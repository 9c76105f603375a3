"""Calls made and received, and what they cost (TS 31.102 4.2.7 to 4.2.13, 4.2.33 to 4.2.36).

Bit order of EF.PUCT and the clause of TS 23.040 are from memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.alpha import WithAlpha
from cardkit.apps.uicc.codecs.base import Layout, Single, Value
from cardkit.apps.uicc.codecs.dialling import Address
from cardkit.apps.uicc.codecs.fields import Coded, Field, Hex, Number, Text
from cardkit.encoding.digits import decode_swapped, encode_swapped
from cardkit.errors import EncodingError

# TS 31.102 4.2.9, .7: charging units
COUNTER_3 = Single("units", Number(3), blank_has_meaning=True)
# TS 31.102 4.2.35, .36
CALL_TIMER = Single("seconds", Number(3), blank_has_meaning=True)


class Price(Field):
    """Elementary price of a unit: mantissa (12 bits) times ten to the power of the exponent (-7 to 7).

    >>> Price().decode(bytes.fromhex("0195"))
    {'mantissa': 21, 'exponent': -4}
    """

    def __init__(self) -> None:
        super().__init__(2)

    def read(self, data: bytes) -> Value:
        """Return mantissa and exponent."""
        exponent = data[1] >> 5
        return {"mantissa": data[0] << 4 | data[1] & 0x0F, "exponent": -exponent if data[1] & 0x10 else exponent}

    def write(self, value: Any) -> bytes:
        """Accept a mantissa from 0 to 4095 and an exponent from -7 to 7."""
        if not isinstance(value, Mapping) or set(value) != {"mantissa", "exponent"}:
            raise EncodingError("got something else, expected mantissa and exponent")
        mantissa, exponent = value["mantissa"], value["exponent"]
        if not isinstance(mantissa, int) or not 0 <= mantissa <= 0xFFF:
            raise EncodingError(f"mantissa: got {mantissa!r}, expected 0 to 4095")
        if not isinstance(exponent, int) or not -7 <= exponent <= 7:
            raise EncodingError(f"exponent: got {exponent!r}, expected -7 to 7")
        return bytes((mantissa >> 4, abs(exponent) << 5 | (exponent < 0) << 4 | mantissa & 0x0F))


# TS 31.102 4.2.13
PUCT = Layout("currency" / Text(3), "price" / Price())


class Moment(Field):
    """Date, time and zone in 7 bytes; "" if FF. TS 23.040 9.2.3.11

    >>> Moment().decode(bytes.fromhex("42108061450021"))
    '2024-01-08 16:54:00 +03:00'
    """

    _FORM = re.compile(r"20(\d\d)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) ([+-])(\d\d):(00|15|30|45)")
    _UNKNOWN = b"\xff" * 7
    _WEST = 0x08

    def __init__(self) -> None:
        super().__init__(7)

    def read(self, data: bytes) -> str:
        """Return the moment as text."""
        if data == self._UNKNOWN:
            return ""
        sign = "-" if data[6] & self._WEST else "+"
        digits = decode_swapped(data[:6] + bytes((data[6] & ~self._WEST,)))
        if not digits.isdigit():
            raise EncodingError("got nibbles above 9, expected digits")
        year, month, day, hour, minute, second, quarters = (digits[i : i + 2] for i in range(0, 14, 2))
        hours, rest = divmod(int(quarters), 4)
        return f"20{year}-{month}-{day} {hour}:{minute}:{second} {sign}{hours:02}:{15 * rest:02}"

    def write(self, value: Any) -> bytes:
        """Accept text as it reads."""
        if value == "":
            return self._UNKNOWN
        form = self._FORM.fullmatch(value) if isinstance(value, str) and value.isascii() else None
        if form is None or int(form[8]) > 19:
            raise EncodingError(f"got {value!r}, expected a moment such as 2024-01-08 16:54:00 +03:00")
        quarters = 4 * int(form[8]) + int(form[9]) // 15
        zone = encode_swapped(f"{quarters:02}")[0] | (self._WEST if form[7] == "-" else 0)
        return encode_swapped("".join(form.groups()[:6])) + bytes((zone,))


_CALL = ("number" / Address(12), "ccp" / Number(1), "ext" / Number(1), "date" / Moment(), "seconds" / Number(3))
_STATUS = "status" / Coded({0: "answered", 1: "not answered"})
_UNUSED = {"ccp": 0xFF, "ext": 0xFF}

# TS 31.102 4.2.33, .34: name, number, when, how long, and the place of the number in the phone book
ICI = WithAlpha("alpha", after=(*_CALL, _STATUS, "link" / Hex(3)), defaults=_UNUSED)
OCI = WithAlpha("alpha", after=(*_CALL, "link" / Hex(3)), defaults=_UNUSED)
