"""Interworking with wireless local networks (TS 31.102 4.4.5, from memory)."""

from __future__ import annotations

from cardkit.apps.uicc.codecs.base import Single
from cardkit.apps.uicc.codecs.fields import Coded, Plmn
from cardkit.apps.uicc.codecs.parts import AnyHex, Utf8
from cardkit.apps.uicc.codecs.prefixed import Prefixed
from cardkit.apps.uicc.codecs.templates import Objects, Tag

# 4.4.5.1; 4.4.5.4, .5, .7
PSEUDONYM = Prefixed("pseudonym", Utf8(), length_size=2)
NETWORK = Prefixed("network", Utf8())
# 4.4.5.6
REAUTHENTICATION = Objects(
    {0x80: Tag("identity", Utf8()), 0x81: Tag("master_key", AnyHex()), 0x82: Tag("counter", AnyHex())}
)
# 4.4.5.8
PRESENTATION = Single("indication", Coded({0: "no preference", 1: "highest priority only", 2: "all"}))
# 4.4.5.9, .10, .11
PRIORITY = Single("home_network_first", Coded({0: "no", 1: "yes"}))
LAST_PLMN = Single("plmn", Plmn())
DIRECT_ACCESS = Single("direct_access", Coded({0: "not allowed", 1: "allowed"}))
