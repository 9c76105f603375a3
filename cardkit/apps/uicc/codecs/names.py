"""Names shown to the user: service provider, operator names (TS 31.102 4.2.12, 4.2.58; TS 24.008 10.5.3.5a)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.alpha import WithAlpha
from cardkit.apps.uicc.codecs.base import Codec, Value
from cardkit.apps.uicc.codecs.fields import Alpha, Number, from_hex, to_hex, within
from cardkit.apps.uicc.codecs.parts import AnyHex
from cardkit.apps.uicc.codecs.templates import Objects, Tag
from cardkit.encoding.text import decode_network_name, encode_network_name
from cardkit.errors import EncodingError


class ServiceProviderName(Codec):
    """Name and when to show it. TS 31.102 4.2.12

    >>> ServiceProviderName().encode({"name": "Magic", "show_plmn_in_hplmn": True}, 17).hex()
    '014d61676963ffffffffffffffffffffff'
    """

    names = ("name", "show_plmn_in_hplmn", "hide_in_oplmn", "rfu")

    def _read(self, body: bytes) -> Value:
        if not body:
            raise EncodingError("got no byte, expected the display condition")
        value: Value = {
            "name": Alpha(len(body) - 1).decode(body[1:]),
            "show_plmn_in_hplmn": bool(body[0] & 1),
            "hide_in_oplmn": bool(body[0] & 2),
        }
        return {**value, "rfu": body[0] >> 2} if body[0] >> 2 else value

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        flags = [value.get(name, False) for name in ("show_plmn_in_hplmn", "hide_in_oplmn")]
        rfu = value.get("rfu", 0)
        if not all(isinstance(flag, bool) for flag in flags):
            raise EncodingError("show_plmn_in_hplmn, hide_in_oplmn: expected true or false")
        if not isinstance(rfu, int) or not 0 <= rfu <= 0x3F or size < 1:
            raise EncodingError(f"rfu: got {rfu!r}, expected 0 to 63")
        with within("name"):
            name = Alpha(size - 1).encode(value.get("name", ""))
        return bytes((rfu << 2 | flags[1] << 1 | flags[0],)) + name


SPN = ServiceProviderName()


class Name:
    """A network name: text, or a table where scheme or country initials are not the usual ones."""

    def decode(self, data: bytes) -> Any:
        """Return the text."""
        try:
            name = decode_network_name(data)
        except EncodingError:
            return {"raw": to_hex(data)}
        if encoded(name.text) == data:
            return name.text
        if not name.exact:
            return {"raw": to_hex(data)}
        return {"text": name.text, "ucs2": name.ucs2, "country_initials": name.country_initials}

    def encode(self, value: Any) -> bytes:
        """Accept text or the table."""
        if isinstance(value, str):
            return encode_network_name(value)
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        if isinstance(value, Mapping) and set(value) == {"text", "ucs2", "country_initials"}:
            initials = value["country_initials"]
            return encode_network_name(value["text"], ucs2=value["ucs2"], country_initials=initials)
        raise EncodingError("got something else, expected text or {text, ucs2, country_initials}")


def encoded(text: str) -> bytes:
    """Return the usual coding of a name, nothing if it has none."""
    try:
        return encode_network_name(text)
    except EncodingError:
        return b""


# TS 31.102 4.2.58
PNN = Objects({0x43: Tag("full_name", Name()), 0x45: Tag("short_name", Name()), 0x80: Tag("additional", AnyHex())})


_LONGEST = 255


class AnyAlpha:
    """An alpha field as long as its object."""

    def decode(self, data: bytes) -> Any:
        """Return the text."""
        return Alpha(len(data)).decode(data)

    def encode(self, value: Any) -> bytes:
        """Accept text, or what :meth:`decode` returned."""
        if isinstance(value, Mapping) and set(value) == {"raw"}:
            return from_hex(value["raw"])
        return Alpha(_LONGEST).encode(value).rstrip(b"\xff")


# TS 31.102 4.2.72; TS 51.011 10.3.31: category of TS 22.101 annex A and its text
NIA = WithAlpha("text", before=("category" / Number(1),))
# TS 51.011 10.3.34: title of the set-up menu
SUME = Objects({0x85: Tag("title", AnyAlpha())})
