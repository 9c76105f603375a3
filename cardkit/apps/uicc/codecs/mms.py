"""Multimedia messages: what waits, how the server is reached, what the user prefers (TS 31.102 4.2.67 to 4.2.71).

Tag AB and the values of EF.MMSN are from memory.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs.alpha import WithAlpha
from cardkit.apps.uicc.codecs.fields import Filled, Hex, Number
from cardkit.apps.uicc.codecs.parts import AnyHex, Utf8
from cardkit.apps.uicc.codecs.templates import Group, Objects, Tag

_IMPLEMENTATION = Tag("implementation", AnyHex())

# TS 31.102 4.2.67: status and implementation bits, the notification as it was received, record of EF.EXT8
MMSN = WithAlpha(
    "notification",
    before=("status" / Hex(2), "implementation" / Hex(1)),
    after=("ext" / Number(1),),
    defaults={"ext": 0xFF},
    field=Filled,
)
_PARAMETERS = {
    0x80: _IMPLEMENTATION,
    0x81: Tag("relay", Utf8()),
    0x82: Tag("bearer", AnyHex()),
    0x83: Tag("gateway", AnyHex()),
}
# TS 31.102 4.2.69, .71: one set of parameters or several, most preferred first
MMS_PARAMETERS = Objects({0xAB: Tag("sets", Group(_PARAMETERS), many=True), **_PARAMETERS})
# TS 31.102 4.2.70
MMSUP = Objects({0x80: _IMPLEMENTATION, 0x81: Tag("name", Utf8()), 0x82: Tag("preferences", AnyHex())})
