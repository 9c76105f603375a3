"""Who a CDMA subscriber is and where at home (3GPP2 C.S0023-D 3.4.2 to 3.4.35, C.S0065; C.S0005 2.3.1).

The standards were not read: layouts follow open telephony software, clauses are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Digits, Field, Hex, Number
from cardkit.apps.uicc.codecs.parts import AnyHex
from cardkit.apps.uicc.codecs.prefixed import Prefixed
from cardkit.errors import EncodingError


class LittleNumber(Number):
    """An unsigned number, least significant byte first."""

    def read(self, data: bytes) -> int:
        """Return the number."""
        return super().read(data[::-1])

    def write(self, value: Any) -> bytes:
        """Accept 0 to the largest number that fits."""
        return super().write(value)[::-1]


def _number_of(digits: str) -> int:
    """Return the number that stands for digits: each counts from 1, and 0 as 10. C.S0005 2.3.1.1"""
    number = 0
    for digit in digits:
        number = 10 * number + (int(digit) or 10) - 1
    return number


def _digits_of(number: int, count: int) -> str:
    if number >= 10**count:
        raise EncodingError(f"got {number}, expected less than {10**count} for {count} digits")
    return "".join(str((int(digit) + 1) % 10) for digit in f"{number:0{count}}")


class MobileIdentity(Codec):
    """IMSI_M or IMSI_T: country, network and the ten digits of the MIN. C.S0023-D 3.4.2, 3.4.3

    >>> MobileIdentity().encode({"mcc": "310", "imsi_11_12": "00", "min": "5551234567"}, 10).hex()
    '00bc01c811036380d100'

    ``class`` and ``address_digits`` are 0 where they are left out.
    """

    names = ("mcc", "imsi_11_12", "min", "programmed", "class", "address_digits")
    _SIZE = 10

    def _read(self, body: bytes) -> Value:
        if len(body) < self._SIZE:
            raise EncodingError(f"got {len(body)} bytes, expected {self._SIZE}")
        high, low = int.from_bytes(body[1:3], "little"), int.from_bytes(body[3:6], "little")
        fourth = low >> 10 & 0xF
        value: Value = {
            "mcc": _digits_of(int.from_bytes(body[8:10], "little"), 3),
            "imsi_11_12": _digits_of(body[6], 2),
            "min": f"{_digits_of(high, 3)}{_digits_of(low >> 14, 3)}{fourth % 10}{_digits_of(low & 0x3FF, 3)}",
            "programmed": bool(body[7] & 0x80),
        }
        value |= {name: part for name, part in (("class", body[0]), ("address_digits", body[7] & 7)) if part}
        return with_rest(value, body[self._SIZE :])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        digits = _checked("min", value.get("min"), 10)
        programmed, count = value.get("programmed", True), value.get("address_digits", 0)
        if not isinstance(programmed, bool):
            raise EncodingError(f"programmed: got {programmed!r}, expected true or false")
        if not isinstance(count, int) or not 0 <= count <= 7:
            raise EncodingError(f"address_digits: got {count!r}, expected 0 to 7")
        low = _number_of(digits[3:6]) << 14 | (int(digits[6]) or 10) << 10 | _number_of(digits[7:])
        body = Number(1).encode(value.get("class", 0)) + _number_of(digits[:3]).to_bytes(2, "little")
        body += low.to_bytes(3, "little") + bytes((_number_of(_checked("imsi_11_12", value.get("imsi_11_12"), 2)),))
        body += bytes((programmed << 7 | count,))
        body += _number_of(_checked("mcc", value.get("mcc"), 3)).to_bytes(2, "little")
        return padded(body, value, size)


def _checked(name: str, digits: Any, count: int) -> str:
    if not isinstance(digits, str) or len(digits) != count or not (digits.isascii() and digits.isdigit()):
        raise EncodingError(f"{name}: got something else, expected {count} decimal digits as text")
    return digits


IMSI_M = MobileIdentity()


class DirectoryDigits(Field):
    """How many digits, then the digits, 0 as A."""

    _MOST = 16

    def __init__(self) -> None:
        super().__init__(1 + self._MOST // 2)

    def read(self, data: bytes) -> str:
        """Return the digits."""
        count = data[0]
        nibbles = Digits(self.size - 1).read(data[1:])
        if count != len(nibbles) or "0" in nibbles:
            raise EncodingError(f"got {len(nibbles)} digits, expected {count}, 0 written as A")
        return nibbles.replace("A", "0")

    def write(self, value: Any) -> bytes:
        """Accept up to 16 digits."""
        if not isinstance(value, str) or len(value) > self._MOST or not (value + "0").isascii():
            raise EncodingError(f"got something else, expected up to {self._MOST} digits as text")
        if not (value + "0").isdigit():
            raise EncodingError(f"got something else, expected up to {self._MOST} digits as text")
        filled = value.replace("0", "A").ljust(self._MOST, "F")
        return bytes((len(value),)) + bytes.fromhex("".join(filled[i + 1] + filled[i] for i in range(0, self._MOST, 2)))


# C.S0023-D 3.4.35: mobile directory number; kind of number, presentation
MDN = Layout("number" / DirectoryDigits(), "kind" / Hex(1), "presentation" / Hex(1))
# C.S0023-D 3.4.8: system, network and band class at home
CDMA_HOME = Layout("sid" / LittleNumber(2), "nid" / LittleNumber(2), "band_class" / Number(1))
# C.S0023-D 3.4.17: identity of the module or of the phone it replaces
RUIM_ID = Prefixed("id", AnyHex())
