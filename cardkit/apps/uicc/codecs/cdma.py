"""Files of DF.CDMA on removable identity modules of CDMA phones (3GPP2 C.S0023-D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Layout, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Coded, Hex, Number, as_text, from_hex, to_hex, within
from cardkit.errors import EncodingError

# 3GPP2 C.R1001-G table 9.1, from memory: the encodings Python can read
_TEXT = {2: "ascii", 3: "ascii", 4: "utf-16-be", 8: "latin-1"}
_FF = b"\xff"


class ProviderName(Codec):
    """Name of the home provider, its encoding and language, and where it is shown. C.S0023-D 3.4.31

    >>> ProviderName().encode({"name": "smartfren", "show_at_home": True, "encoding": 2, "language": 1}, 35).hex()[:24]
    '010201736d6172746672656e'

    ``name_bytes`` stands for ``name`` where the encoding is none that is read.
    """

    names = ("name", "name_bytes", "show_at_home", "encoding", "language", "rfu")

    def _read(self, body: bytes) -> Value:
        if len(body) < 3:
            raise EncodingError(f"got {len(body)} bytes, expected 3 or more")
        value: Value = {"show_at_home": bool(body[0] & 1), "encoding": body[1], "language": body[2]}
        if body[0] >> 1:
            value["rfu"] = body[0] >> 1
        text = body[3:].rstrip(_FF)
        try:
            return {"name": text.decode(_TEXT[body[1]]), **value}
        except (KeyError, UnicodeDecodeError):
            return {"name_bytes": to_hex(text), **value}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        show, rfu = value.get("show_at_home", False), value.get("rfu", 0)
        if not isinstance(show, bool):
            raise EncodingError(f"show_at_home: got {show!r}, expected true or false")
        if not isinstance(rfu, int) or not 0 <= rfu <= 0x7F:
            raise EncodingError(f"rfu: got {rfu!r}, expected 0 to 127")
        head = bytes((rfu << 1 | show,))
        for name in ("encoding", "language"):
            with within(name):
                head += Number(1).encode(value.get(name))
        return padded(head + self._text(value), {}, size)

    def _text(self, value: Mapping[str, Any]) -> bytes:
        if "name_bytes" in value:
            with within("name_bytes"):
                return from_hex(value["name_bytes"])
        encoding = _TEXT.get(value["encoding"])
        if encoding is None:
            raise EncodingError(f"encoding: got {value['encoding']!r}, expected one of {sorted(_TEXT)}, or name_bytes")
        with within("name"):
            return _encoded(as_text(value.get("name", "")), encoding)


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        raise EncodingError(f"got a character outside {encoding}") from None


SPN = ProviderName()

# C.S0023-D 3.4.33
AD = Layout(
    "mode" / Coded({
        0x00: "normal", 0x80: "type approval", 0x01: "normal and specific facilities",
        0x81: "type approval and specific facilities", 0x02: "maintenance", 0x04: "cell test",
    }),
    "info" / Hex(2),
)  # fmt: skip

# C.S0023-D 3.4.27: bit 6 protects a message from being overwritten
_STATUS = Coded({
    0x00: "free", 0x01: "received, read", 0x03: "received, to be read", 0x05: "sent", 0x07: "to be sent",
    0x21: "received, read, protected", 0x23: "received, to be read, protected", 0x25: "sent, protected",
    0x27: "to be sent, protected",
})  # fmt: skip


class Message(Codec):
    """Status, length and transport layer message; a free record may hold anything behind it. C.S0023-D 3.4.27"""

    names = ("status", "message")

    def _read(self, body: bytes) -> Value:
        if not body:
            raise EncodingError("got no byte, expected a status")
        value: Value = {"status": _STATUS.decode(body[:1])}
        if not body[1:].strip(_FF):
            return value
        end = 2 + body[1]
        if end > len(body):
            raise EncodingError(f"message: length {body[1]} beyond the record of {len(body)} bytes")
        return with_rest({**value, "message": to_hex(body[2:end])}, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        with within("status"):
            body = _STATUS.encode(value.get("status"))
        if "message" in value:
            with within("message"):
                message = from_hex(value["message"])
                body += Number(1).encode(len(message)) + message
        return padded(body, value, size)


SMS = Message()
