"""Short messages and their parameters (TS 31.102 4.2.25 to 4.2.32; TS 23.040)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Value, padded
from cardkit.apps.uicc.codecs.dialling import Address
from cardkit.apps.uicc.codecs.fields import Alpha, Coded, Field, Hex, Number, from_hex, within
from cardkit.errors import EncodingError

_FF = b"\xff"
_MINUTES_HOUR, _MINUTES_DAY = 60, 24 * 60


def validity_minutes(code: int) -> int:
    """Return the validity period of a TP-VP byte in minutes. TS 23.040 9.2.3.12.1

    >>> validity_minutes(0), validity_minutes(167), validity_minutes(169) // 1440
    (5, 1440, 3)
    """
    if code <= 143:
        return (code + 1) * 5
    if code <= 167:
        return 12 * _MINUTES_HOUR + (code - 143) * 30
    if code <= 196:
        return (code - 166) * _MINUTES_DAY
    return (code - 192) * 7 * _MINUTES_DAY


_VALIDITY = {validity_minutes(code): code for code in range(256)}


class Validity(Field):
    """TP-VP in minutes: 5 to 720 by 5, to a day by 30, to 30 days by days, to 63 weeks by weeks."""

    def __init__(self) -> None:
        super().__init__(1)

    def read(self, data: bytes) -> int:
        """Return minutes."""
        return validity_minutes(data[0])

    def write(self, value: Any) -> bytes:
        """Accept a period TP-VP can express."""
        if not isinstance(value, int) or value not in _VALIDITY:
            raise EncodingError(
                f"got {value!r} minutes, expected 5-720 by 5, 750-1440 by 30, whole days to 30, whole weeks to 63"
            )
        return bytes((_VALIDITY[value],))


class Parameters(Codec):
    """Default parameters of a short message; what the card leaves to the phone is left out. TS 31.102 4.2.27

    >>> blank_alpha = "e1ffffffffffffffffffffffff0891945197109099f9ffffff0000a9"
    >>> Parameters().decode(bytes.fromhex(blank_alpha))["sc"]
    '+4915790109999'

    ``present`` stands beside the fields only where the indicator byte and the contents disagree.
    """

    _FIELDS: Mapping[str, Field] = {
        "destination": Address(12, counts_digits=True),
        "sc": Address(12),
        "pid": Number(1),
        "dcs": Number(1),
        "validity_minutes": Validity(),
    }
    _FIXED = 28
    names = ("alpha", "present", "indicator_rfu", *_FIELDS)

    def _read(self, body: bytes) -> Value:
        alpha = len(body) - self._FIXED
        if alpha < 0:
            raise EncodingError(f"got {len(body)} bytes, expected {self._FIXED} or more")
        indicator = body[alpha]
        value: Value = {"alpha": Alpha(alpha).decode(body[:alpha])}
        present = [name for bit, name in enumerate(self._FIELDS) if not indicator >> bit & 1]
        offset = alpha + 1
        for name, field in self._FIELDS.items():
            data = body[offset : offset + field.size]
            offset += field.size
            if name in present or data.strip(_FF):
                value[name] = field.decode(data)
        if present != [name for name in self._FIELDS if name in value]:
            value["present"] = present
        if indicator >> 5 != 7:
            value["indicator_rfu"] = indicator >> 5
        return value

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        if size < self._FIXED:
            raise EncodingError(f"got a record of {size} bytes, expected {self._FIXED} or more")
        present = self._present(value)
        absent = sum(1 << bit for bit, name in enumerate(self._FIELDS) if name not in present)
        rfu = value.get("indicator_rfu", 7)
        if not isinstance(rfu, int) or not 0 <= rfu <= 7:
            raise EncodingError(f"indicator_rfu: got {rfu!r}, expected 0 to 7")
        parts = [self._part("alpha", Alpha(size - self._FIXED), value.get("alpha", "")), bytes((rfu << 5 | absent,))]
        for name, field in self._FIELDS.items():
            parts.append(self._part(name, field, value[name]) if name in value else _FF * field.size)
        return padded(b"".join(parts), value, size)

    def _present(self, value: Mapping[str, Any]) -> list[str]:
        present = value.get("present", [name for name in self._FIELDS if name in value])
        if not isinstance(present, list) or any(name not in list(self._FIELDS) for name in present):
            raise EncodingError(f"present: got {present!r}, expected a list of {', '.join(self._FIELDS)}")
        return present

    def _part(self, name: str, field: Field, value: Any) -> bytes:
        with within(name):
            return field.encode(value)


SMSP = Parameters()

# TS 31.102 4.2.25
_STATUS = Coded({
    0x00: "free", 0x01: "received, read", 0x03: "received, to be read", 0x05: "sent",
    0x07: "to be sent", 0x0D: "sent, report requested", 0x15: "sent, report received, not stored",
    0x1D: "sent, report received, stored",
})  # fmt: skip


class Message(Codec):
    """A message: status, service centre and TPDU in one string, FF behind it. TS 31.102 4.2.25"""

    names = ("status", "message")

    def _read(self, body: bytes) -> Value:
        value: Value = {"status": _STATUS.decode(body[:1])}
        message = body[1:].rstrip(_FF)
        return {**value, "message": message.hex().upper()} if message else value

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        with within("status"):
            status = _STATUS.encode(value.get("status"))
        with within("message"):
            return padded(status + from_hex(value.get("message", "")), value, size)


SMS = Message()

# TS 31.102 4.2.32: record of the message it belongs to (0 = free), report
SMSR = Layout("message_record" / Number(1), "report" / Hex(29), defaults={"report": "FF" * 29})


class Status(Codec):
    """Last message reference and whether memory is available. TS 31.102 4.2.28

    >>> Status().decode(b"\\xff\\xff")
    {'last_reference': 255, 'memory_available': True}
    """

    names = ("last_reference", "memory_available", "rfu")
    blank_has_meaning = True

    def _read(self, body: bytes) -> Value:
        if len(body) < 2:
            raise EncodingError(f"got {len(body)} bytes, expected 2 or more")
        value: Value = {"last_reference": body[0], "memory_available": bool(body[1] & 1)}
        if body[1] >> 1 != 0x7F:
            value["rfu"] = body[1] >> 1
        return {**value, "rest": body[2:].rstrip(_FF).hex().upper()} if body[2:].strip(_FF) else value

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        available, rfu = value.get("memory_available"), value.get("rfu", 0x7F)
        if not isinstance(available, bool):
            raise EncodingError(f"memory_available: got {available!r}, expected true or false")
        if not isinstance(rfu, int) or not 0 <= rfu <= 0x7F:
            raise EncodingError(f"rfu: got {rfu!r}, expected 0 to 127")
        with within("last_reference"):
            reference = Number(1).encode(value.get("last_reference"))
        return padded(reference + bytes((rfu << 1 | available,)), value, size)


SMSS = Status()
