"""Phone book and other files of DF.TELECOM and DF.PHONEBOOK (TS 31.102 4.4.2, 4.6; TS 51.011 10.5)."""

from __future__ import annotations

from cardkit.apps.uicc.codecs.base import Opaque, Single
from cardkit.apps.uicc.codecs.fields import Number
from cardkit.apps.uicc.codecs.templates import AnyHex, Group, Objects, Tag

# TS 31.102 4.4.2.1: file identifier and, if there is one, SFI of each file
_FILES = Group(
    {
        0xC0: Tag("adn", AnyHex(), many=True),
        0xC1: Tag("iap", AnyHex(), many=True),
        0xC2: Tag("ext1", AnyHex(), many=True),
        0xC3: Tag("sne", AnyHex(), many=True),
        0xC4: Tag("anr", AnyHex(), many=True),
        0xC5: Tag("pbc", AnyHex(), many=True),
        0xC6: Tag("grp", AnyHex(), many=True),
        0xC7: Tag("aas", AnyHex(), many=True),
        0xC8: Tag("gas", AnyHex(), many=True),
        0xC9: Tag("uid", AnyHex(), many=True),
        0xCA: Tag("email", AnyHex(), many=True),
        0xCB: Tag("ccp1", AnyHex(), many=True),
        0xCC: Tag("puri", AnyHex(), many=True),
    }
)
PBR = Objects({0xA8: Tag("same_record", _FILES), 0xA9: Tag("linked", _FILES), 0xAA: Tag("indexed", _FILES)})

# TS 31.102 4.4.2.12: synchronization
PSC = Single("counter", Number(4), blank_has_meaning=True)
COUNTER_2 = Single("counter", Number(2), blank_has_meaning=True)

# TS 31.102 4.2.38; TS 51.011 10.5.4: bearer capability
CAPABILITY = Opaque("capability")
