"""Who the card and the subscriber are (TS 102 221 13; TS 31.102 4.2; TS 51.011 10.3).

Clauses of TS 51.011, 22.011 and 24.008 are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Entries, Layout, Opaque, Single, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Bits, Coded, Digits, Field, Flags, Hex, Number, Text, to_hex, within
from cardkit.apps.uicc.codecs.parts import AnyHex, Utf8
from cardkit.apps.uicc.codecs.templates import Objects, Tag
from cardkit.encoding.digits import decode_swapped, encode_swapped
from cardkit.errors import EncodingError

# TS 102 221 13.2; 18 digits are seen on old cards. The check digit is the record's and the rules' business.
ICCID = Single("iccid", Digits(10, least=18))


class Imsi(Codec):
    """IMSI: length, parity and identity type, swapped digits. TS 31.102 4.2.2; TS 24.008 10.5.1.4

    >>> Imsi().encode({"imsi": "001010000000102"}, 9).hex()
    '080910100000001020'
    """

    names = ("imsi",)
    _LEAST, _MOST = 6, 15

    def _read(self, body: bytes) -> Value:
        if not body or not 1 <= body[0] < len(body):
            raise EncodingError("imsi: length byte beyond the body")
        end = 1 + body[0]
        digits = decode_swapped(body[1:end]).rstrip("F")
        return with_rest({"imsi": digits[1:]}, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        digits = value.get("imsi")
        if not isinstance(digits, str) or not (digits.isascii() and digits.isdigit()):
            raise EncodingError("imsi: got something else, expected decimal digits as text")
        if not self._LEAST <= len(digits) <= self._MOST:
            raise EncodingError(f"imsi: got {len(digits)} digits, expected {self._LEAST} to {self._MOST}")
        odd = len(digits) % 2
        content = encode_swapped(("9" if odd else "1") + digits)
        return padded(bytes((len(content),)) + content, value, size)


IMSI = Imsi()


class AdministrativeData(Codec):
    """Operation mode, display and feature indicators, length of the MNC. TS 31.102 4.2.18; TS 51.011 10.3.18

    The 3-byte form of early 2G cards has no ``mnc_length``.
    """

    names = ("mode", "info_high", "info", "mnc_length", "rfu")
    blank_has_meaning = True
    _MODE = Coded({
        0x00: "normal", 0x80: "type approval", 0x01: "normal and specific facilities",
        0x81: "type approval and specific facilities", 0x02: "maintenance", 0x04: "cell test",
    })  # fmt: skip
    _INFO = Flags("ciphering_indicator", "csg_display_control", "prose_services", "extended_drx")

    def _read(self, body: bytes) -> Value:
        if len(body) < 3:
            raise EncodingError(f"got {len(body)} bytes, expected 3 or more")
        value: Value = {"mode": self._MODE.read(body[:1])}
        if body[1]:
            value["info_high"] = to_hex(body[1:2])
        if body[2]:
            value["info"] = self._INFO.read(body[2:3])
        if len(body) > 3:
            value["mnc_length"] = body[3] & 0x0F
            if body[3] >> 4:
                value["rfu"] = body[3] >> 4
        return with_rest(value, body[4:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        body = self._field("mode", self._MODE, value, None)
        body += self._field("info_high", Hex(1), value, "00") + self._field("info", self._INFO, value, [])
        if size > 3 or "mnc_length" in value:
            length, rfu = value.get("mnc_length"), value.get("rfu", 0)
            if not _nibble(length) or not _nibble(rfu):
                raise EncodingError(f"mnc_length: got {length!r}, expected 2 or 3")
            body += bytes((rfu << 4 | length,))
        return padded(body, value, size)

    def _field(self, name: str, field: Field, value: Mapping[str, Any], default: Any) -> bytes:
        with within(name):
            return field.encode(value.get(name, default))


def _nibble(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 15


AD = AdministrativeData()

# TS 31.102 4.2.15; TS 22.011 4.2: classes 0-9 are ordinary, 11-15 special, bit 10 is an emergency call bit
ACC = Single("classes", Bits(2, big_endian=True), blank_has_meaning=True)

# TS 102 221 13.6: milliampere, seconds
UMPC = Layout(
    "max_current_ma" / Number(1),
    "t_op_s" / Number(1),
    "info" / Flags("increased_idle_current", "suspend_uicc"),
    padding=b"\x00",
)

# TS 102 221 13.3; TS 31.102 4.2.1: ISO 639 codes, most preferred first
LANGUAGES = Entries(Text(2), b"\xff\xff")
# TS 51.011 10.3.1: language codes of TS 23.038
LANGUAGE_CODES = Entries(Number(1), b"\xff")

# TS 102 221 13.1
DIR = Objects(
    {
        0x4F: Tag("aid", AnyHex()),
        0x50: Tag("label", Utf8()),
        0x51: Tag("path", AnyHex()),
        0x73: Tag("discretionary", AnyHex()),
    },
    outer=0x61,
)

# TS 31.102 4.2.3, .4: CK and IK of the last authentication; ksi 7 = no key
KEYS = Layout("ksi" / Number(1), "ck" / Hex(16), "ik" / Hex(16))
# TS 31.102 4.4.3.1, .2; TS 51.011 10.3.3: cksn 7 = no key
KC = Layout("kc" / Hex(8), "cksn" / Number(1))

# TS 31.102 4.2.10, .11
GID = Opaque("gid")

# TS 51.011 10.3.16
PHASE = Single("phase", Coded({0: "phase 1", 2: "phase 2", 3: "phase 2+ with TERMINAL PROFILE"}))
# TS 51.011 10.3.27: up to five emergency numbers of 6 digits
ECC_2G = Entries(Digits(3), b"\xff\xff\xff")
# TS 31.102 4.2.49: de-personalization keys
DCK = Layout("network" / Digits(4), "network_subset" / Digits(4), "provider" / Digits(4), "corporate" / Digits(4))

# TS 31.102 4.2.101, from memory: OK or UK for a pairing that holds or not, record of EF.IPD
IPS = Layout("status" / Text(2), "device_record" / Number(1), "rfu" / Hex(1), defaults={"rfu": "FF"})
