"""The phone book: which files it is made of, and what each holds (TS 31.102 4.4.2; TS 51.011 10.5).

Layouts of the files of TS 31.102 4.4.2.2 to 4.4.2.15 other than numbers are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.alpha import WithAlpha
from cardkit.apps.uicc.codecs.base import Codec, Entries, Layout, Single
from cardkit.apps.uicc.codecs.dialling import EXTENSION, NUMBER, Address
from cardkit.apps.uicc.codecs.fields import Flags, Number, from_hex, to_hex
from cardkit.apps.uicc.codecs.parts import AnyHex, Utf8
from cardkit.apps.uicc.codecs.prefixed import Prefixed
from cardkit.apps.uicc.codecs.templates import Group, Objects, Tag
from cardkit.errors import EncodingError

# TS 31.102 4.2.38; TS 51.011 10.5.4: contents of the information element of TS 24.008 10.5.4.5
CAPABILITY = Prefixed("bearer_capability", AnyHex())
# TS 51.011 10.5.16; TS 31.102 4.2.46
CMI = WithAlpha("alpha", after=("method" / Number(1),))


class FileReference:
    """File identifier and, if there is one, short identifier: ``{"fid": "4F3A", "sfi": 1}``."""

    def decode(self, data: bytes) -> Any:
        """Return the reference, or raw digits if it has another length."""
        if len(data) not in {2, 3}:
            return {"raw": to_hex(data)}
        value: dict[str, Any] = {"fid": to_hex(data[:2])}
        return {**value, "sfi": data[2]} if len(data) == 3 else value

    def encode(self, value: Any) -> bytes:
        """Accept a table of fid and, if there is one, sfi."""
        if not isinstance(value, Mapping):
            raise EncodingError(f"got {type(value).__name__}, expected a table of fid and sfi")
        if set(value) == {"raw"}:
            return from_hex(value["raw"])
        fid = from_hex(value.get("fid"))
        if len(fid) != 2:
            raise EncodingError(f"fid: got {len(fid)} bytes, expected 2")
        return fid + (Number(1).encode(value["sfi"]) if "sfi" in value else b"")


# TS 31.102 4.4.2.1
KINDS = {
    0xC0: "adn", 0xC1: "iap", 0xC2: "ext1", 0xC3: "sne", 0xC4: "anr", 0xC5: "pbc", 0xC6: "grp", 0xC7: "aas",
    0xC8: "gas", 0xC9: "uid", 0xCA: "email", 0xCB: "ccp1", 0xCC: "puri",
}  # fmt: skip
_FILES = Group({tag: Tag(kind, FileReference(), many=True) for tag, kind in KINDS.items()})
PBR = Objects({0xA8: Tag("same_record", _FILES), 0xA9: Tag("linked", _FILES), 0xAA: Tag("indexed", _FILES)})

# TS 31.102 4.4.2.12: synchronization
PSC = Single("counter", Number(4), blank_has_meaning=True)
COUNTER_2 = Single("counter", Number(2), blank_has_meaning=True)

# Record in EF.ADN a linked record belongs to
_LINK = ("adn_sfi" / Number(1), "adn_record" / Number(1))
_ANR = ("name_record" / Number(1), "number" / Address(12), "ccp" / Number(1), "ext" / Number(1))
_UNUSED = {"ccp": 0xFF, "ext": 0xFF}
_NAME = WithAlpha("alpha")

# What the files hold that EF.PBR names
LAYOUTS: Mapping[str, Codec] = {
    "adn": NUMBER,
    "iap": Entries(Number(1), b"\xff"),
    "ext1": EXTENSION,
    "sne": _NAME,
    "anr": Layout(*_ANR, defaults=_UNUSED),
    "pbc": Layout("control" / Flags("changed"), "hidden_group" / Number(1)),
    "grp": Entries(Number(1), b"\x00"),
    "aas": _NAME,
    "gas": _NAME,
    "uid": Single("uid", Number(2)),
    "email": _NAME,
    "ccp1": CAPABILITY,
    "puri": Objects({0x80: Tag("uri", Utf8())}),
}
# The same where a record says to which number it belongs
LINKED_LAYOUTS: Mapping[str, Codec] = {
    **LAYOUTS,
    "sne": WithAlpha("alpha", after=_LINK),
    "anr": Layout(*_ANR, *_LINK, defaults=_UNUSED),
    "email": WithAlpha("alpha", after=_LINK),
}
