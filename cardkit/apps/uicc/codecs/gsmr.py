"""Railway files of DF.EIRENE: functional numbers, emergency calls, tables of the numbering plan (P 38 T 9001).

The standard was not read: layouts follow published contents of such files, bit names are unverified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Single, Value
from cardkit.apps.uicc.codecs.fields import Alpha, Coded, Digits, Field, Hex, Number, Plmn, as_list
from cardkit.encoding.digits import decode_swapped, encode_swapped
from cardkit.errors import EncodingError

# Section 7.4: eMLPP levels; a call may have A and B, a conference may not
_CALL_LEVELS = {0: "none", 1: "4", 2: "3", 3: "2", 4: "1", 5: "0", 6: "B", 7: "A"}
_CONFERENCE_LEVEL = Coded({code: word for code, word in _CALL_LEVELS.items() if code < 6})
_CALL_LEVEL = Coded(_CALL_LEVELS)
_NEXT = Coded({0xF0: "decision", 0xF1: "predefined", 0xF2: "dialled digits", 0xF3: "IC", 0xFF: "none"})


class FunctionalNumber(Field):
    """Fifteen digits and, in the last nibble, how the number is used. Section 7.2

    >>> FunctionalNumber().decode(bytes.fromhex("4031580100001084"))
    {'number': '041385100000014', 'use': ['permanent']}
    """

    _USES = ("b1", "b2", "shown_alone", "permanent")

    def __init__(self) -> None:
        super().__init__(8)

    def read(self, data: bytes) -> Value:
        """Return the digits before the fill and the uses whose bit is 1."""
        nibbles = decode_swapped(data)
        uses = int(nibbles[-1], 16)
        return {
            "number": nibbles[:-1].rstrip("F"),
            "use": [word for bit, word in enumerate(self._USES) if uses >> bit & 1],
        }

    def write(self, value: Any) -> bytes:
        """Accept up to 15 decimal digits and words of use."""
        digits = value.get("number") if isinstance(value, Mapping) else None
        if (
            not isinstance(digits, str)
            or len(digits) > 15
            or not (digits + "0").isascii()
            or not (digits + "0").isdigit()
        ):
            raise EncodingError("number: got something else, expected up to 15 decimal digits as text")
        uses = 0
        for word in as_list(value.get("use", [])):
            if word not in self._USES:
                raise EncodingError(f"use: got {word!r}, expected some of {', '.join(self._USES)}")
            uses |= 1 << self._USES.index(word)
        return encode_swapped(digits.ljust(15, "F") + f"{uses:X}")


class NetworkClass(Field):
    """What a network supports, and how much it is preferred (0 first). Section 7.7"""

    _SERVICES = ("vbs", "vgcs", "emlpp", "functional_numbers", "eirene")

    def __init__(self) -> None:
        super().__init__(1)

    def read(self, data: bytes) -> Value:
        """Return services and preference."""
        services = [word for bit, word in enumerate(self._SERVICES, 3) if data[0] >> bit & 1]
        return {"services": services, "preference": data[0] & 7}

    def write(self, value: Any) -> bytes:
        """Accept services and a preference from 0 to 7."""
        preference = value.get("preference", 0) if isinstance(value, Mapping) else None
        if not isinstance(preference, int) or isinstance(preference, bool) or not 0 <= preference <= 7:
            raise EncodingError(f"preference: got {preference!r}, expected 0 to 7")
        bits = preference
        for word in as_list(value.get("services")):
            if word not in self._SERVICES:
                raise EncodingError(f"services: got {word!r}, expected some of {', '.join(self._SERVICES)}")
            bits |= 8 << self._SERVICES.index(word)
        return bytes((bits,))


# Section 7.2; list: number of the list it belongs to
FN = Layout("functional_number" / FunctionalNumber(), "list" / Number(1))
# Section 7.3
CALLCONF_C = Layout(
    "conference_level" / _CONFERENCE_LEVEL,
    "conference_number" / Digits(8),
    "max_random_s" / Number(1),
    "max_acknowledgements" / Number(2),
    "acknowledgement_level" / _CALL_LEVEL,
    "max_nested_calls" / Number(1),
    "train_emergency_group" / Number(1),
    "shunting_emergency_group" / Number(1),
    "imei" / Digits(8),
)
# Section 7.5
CALLCONF_I = Layout(
    "duration" / Number(3),
    "relative_time" / Number(4),
    "level" / _CALL_LEVEL,
    "cause" / Coded({1: "powered off", 2: "radio link error", 5: "user command"}),
    "group_call_reference" / Digits(4),
    "functional_number" / Digits(8),
)
# Section 7.6
SHUNTING = Layout("common_group" / Number(1), "shunting_groups" / Hex(7))
# Section 7.7; tables by file identifier
GSMR_PLMN = Layout(
    "plmn" / Plmn(),
    "network" / NetworkClass(),
    "incoming_table" / Hex(2),
    "outgoing_table" / Hex(2),
    "ic_record" / Number(1),
)
# Section 7.8
IC = Layout("next" / _NEXT, "table" / Hex(2), "decision" / Digits(2), "network_name" / Number(2))
# Section 7.9
NW = Single("name", Alpha(8))
# Section 8.4
SWITCHING = Layout("next" / _NEXT, "table" / Hex(2), "decision" / Digits(2), "string" / Number(1))
# Section 8.6
DIALLED = Layout("next" / _NEXT, "table" / Hex(2), "digits" / Digits(1))


class Predefined(Codec):
    """Record 1 names the next table, the others hold a value and its string each. Section 8.5

    The two are told apart by what they hold: a next table is a file 6Fxx, and 6F is not within a number.

    >>> PREDEFINED.decode(bytes.fromhex("F26F85")), PREDEFINED.decode(bytes.fromhex("F0FFC8"))
    ({'next': 'dialled digits', 'table': '6F85'}, {'value': '0', 'string': 200})
    """

    _HEAD = Layout("next" / _NEXT, "table" / Hex(2))
    _VALUE = Layout("value" / Digits(2), "string" / Number(1))
    names = (*_HEAD.names, *_VALUE.names)
    _TABLE = 0x6F

    def _read(self, body: bytes) -> Value:
        return (self._HEAD if body[1:2] == bytes((self._TABLE,)) else self._VALUE).decode(body)

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        return (self._HEAD if "table" in value else self._VALUE).encode(value, size)


PREDEFINED = Predefined()
