"""Closed subscriber groups and home base stations (TS 31.102 4.4.6)."""

from __future__ import annotations

from typing import Any

from cardkit.apps.uicc.codecs.base import Fixed, Layout
from cardkit.apps.uicc.codecs.fields import Coded, Field, Number, Plmn
from cardkit.apps.uicc.codecs.names import AnyAlpha
from cardkit.apps.uicc.codecs.parts import AnyHex, Utf8
from cardkit.apps.uicc.codecs.templates import Group, Objects, Tag
from cardkit.errors import EncodingError


class GroupIdentity(Field):
    """Identity of a closed subscriber group: 27 bits at the left of 4 bytes. TS 23.003 4.7

    >>> GroupIdentity().decode(bytes.fromhex("000002E0"))
    23
    """

    _BITS, _SPARE = 27, 5

    def __init__(self) -> None:
        super().__init__(4)

    def read(self, data: bytes) -> int:
        """Return the number."""
        return int.from_bytes(data, "big") >> self._SPARE

    def write(self, value: Any) -> bytes:
        """Accept a number of 27 bits."""
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << self._BITS:
            raise EncodingError(f"got {value!r}, expected a number from 0 to {(1 << self._BITS) - 1}")
        return (value << self._SPARE).to_bytes(4, "big")


# Records of EF.CSGT and EF.HNBN; 0: the information comes from elsewhere
_GROUP = Fixed(Layout("type_record" / Number(1), "name_record" / Number(1), "id" / GroupIdentity()))
_LIST = {0x80: Tag("plmn", Plmn()), 0x81: Tag("groups", _GROUP, many=True)}
_DISPLAY = Coded({0: "all groups found", 1: "groups of the list only"})

# TS 31.102 4.4.6.2, .5
ACSGL = Objects({0xA0: Tag("lists", Group(_LIST), many=True)})
OCSGL = Objects({0xA0: Tag("lists", Group({**_LIST, 0x82: Tag("display", _DISPLAY)}), many=True)})
# TS 31.102 4.4.6.3
CSGT = Objects({0x89: Tag("text", AnyAlpha()), 0x80: Tag("icon_uri", Utf8()), 0x81: Tag("icon_record", AnyHex())})
# TS 31.102 4.4.6.4
HNBN = Objects({0x80: Tag("name", AnyAlpha())})
