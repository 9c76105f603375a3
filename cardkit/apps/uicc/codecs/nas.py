"""Security contexts and network parameters of EPS and 5GS (TS 31.102 4.2.92, 4.2.94, 4.4.11)."""

from __future__ import annotations

from cardkit.apps.uicc.codecs.base import Entries, Fixed, Layout, Single
from cardkit.apps.uicc.codecs.fields import Coded, Digits, Flags, Hex, Number
from cardkit.apps.uicc.codecs.parts import AnyHex, Several, Utf8
from cardkit.apps.uicc.codecs.prefixed import Headed
from cardkit.apps.uicc.codecs.templates import Group, Objects, Runs, Tag

# TS 31.102 4.2.92; ksi 7 = no key
EPSNSC = Objects(
    {
        0x80: Tag("ksi", Number(1)),
        0x81: Tag("k_asme", AnyHex()),
        0x82: Tag("uplink_count", Number(4)),
        0x83: Tag("downlink_count", Number(4)),
        0x84: Tag("algorithms", AnyHex()),
    },
    outer=0xA0,
)
# TS 31.102 4.4.11.4, .5
NSC_5GS = Objects(
    {
        0x80: Tag("ng_ksi", Number(1)),
        0x81: Tag("k_amf", AnyHex()),
        0x82: Tag("uplink_count", Number(4)),
        0x83: Tag("downlink_count", Number(4)),
        0x84: Tag("algorithms", AnyHex()),
        0x85: Tag("eps_algorithms", AnyHex()),
    },
    outer=0xA0,
)
# TS 31.102 4.4.11.6; tags 82 and 83 from memory
AUTHKEYS_5G = Objects(
    {
        0x80: Tag("k_ausf", AnyHex()),
        0x81: Tag("k_seaf", AnyHex()),
        0x82: Tag("sor_counter", Number(2)),
        0x83: Tag("upu_counter", Number(2)),
    }
)
# TS 31.102 4.2.94; tags 8B to 8D from memory
NASCONFIG = Objects(
    {
        0x80: Tag("nas_signalling_priority", Number(1)),
        0x81: Tag("nmo_i_behaviour", Number(1)),
        0x82: Tag("attach_with_imsi", Number(1)),
        0x83: Tag("minimum_periodic_search_timer", Number(1)),
        0x84: Tag("extended_access_barring", Number(1)),
        0x85: Tag("timer_t3245_behaviour", Number(1)),
        0x86: Tag("override_nas_signalling_priority", Number(1)),
        0x87: Tag("override_extended_access_barring", Number(1)),
        0x88: Tag("fast_first_higher_priority_search", Number(1)),
        0x89: Tag("e_utra_disabling_for_emm_cause_15", Number(1)),
        0x8A: Tag("sm_retry_wait_time", Number(1)),
        0x8B: Tag("sm_retry_at_rat_change", Number(1)),
        0x8C: Tag("default_dcn_id", AnyHex()),
        0x8D: Tag("exception_data_reporting", Number(1)),
    }
)

# TS 31.102 4.4.11.8; in priority order; key_index counts the keys from 1, 0 for the null scheme
SUCI_SCHEMES = Fixed(Layout("scheme" / Coded({0: "null", 1: "profile A", 2: "profile B"}), "key_index" / Number(1)))
SUCI_CALC_INFO = Objects(
    {
        0xA0: Tag("schemes", Several(SUCI_SCHEMES)),
        0xA1: Tag("keys", Runs({0x80: Tag("id", Number(1)), 0x81: Tag("key", AnyHex())}, start=0x80)),
    }
)

# TS 31.102 4.4.11.11: 1 to 4 digits and two reserved bytes; "0" stands for "not specified"
ROUTING_INDICATOR = Layout("routing_indicator" / Digits(2), "rfu" / Hex(2), defaults={"rfu": "FFFF"})
# TS 31.102 4.4.11.10
SUPI_NAI = Objects({0x80: Tag("nsi", Utf8()), 0x81: Tag("gli", Utf8()), 0x82: Tag("gci", Utf8())})
# TS 31.102 4.4.11.13
TN3GPPSNN = Objects({0x80: Tag("names", Utf8(), many=True)})
# TS 31.102 4.4.11.17: parameters are present where the card says 0
DRI = Layout(
    "roaming_enabled" / Number(1),
    "present" / Flags("wait_range", "return_wait_range", "applicability", "plmn_list", invert=True),
    "wait_range" / Hex(2),
    "return_wait_range" / Hex(2),
    "applicability" / Hex(1),
)
# TS 31.102 4.4.11.20
MCHPPLMN = Single("multiplier", Number(1))
# TS 31.102 4.4.12.3~: mode, network identifier
NID = Layout("mode" / Number(1), "nid" / Hex(5))

# TS 31.102 4.2.112
_POINT = Fixed(Layout("latitude" / Number(3), "longitude" / Number(3)))
EARFCN_LIST = Objects(
    {
        0xA0: Tag(
            "lists",
            Group({0x80: Tag("earfcn", Number(4)), 0x81: Tag("areas", Several(_POINT), many=True)}),
            many=True,
        )
    }
)
# TS 31.102 4.2.57: what was known of the cells around, by technology
NETPAR = Objects({0xA0: Tag("gsm", AnyHex()), 0xA1: Tag("fdd", AnyHex()), 0xA2: Tag("tdd", AnyHex())})
# TS 31.102 4.2.115: sense, then objects kept as they are
OCST = Headed(Layout("sense" / Number(1), blank_has_meaning=True), Objects({}))
# TS 31.102 4.2.14, .20: message identifiers
CBMI = Entries(Number(2), b"\xff\xff")
# TS 31.102 4.2.22: ranges of message identifiers
CBMIR = Entries(Fixed(Layout("low" / Number(2), "high" / Number(2), blank_has_meaning=True)), b"\xff\xff\xff\xff")
