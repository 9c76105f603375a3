"""Networks, access technologies and locations (TS 31.102 4.2, 4.4.11; TS 51.011 10.3; TS 24.008 10.5.1).

Clauses of TS 51.011 and TS 31.102 4.4.3 are from memory.
"""

from __future__ import annotations

from typing import Any

from cardkit.apps.uicc.codecs.base import Entries, Fixed, Layout, Single
from cardkit.apps.uicc.codecs.fields import Coded, Field, Hex, Number, Plmn, as_list
from cardkit.apps.uicc.codecs.parts import Several
from cardkit.apps.uicc.codecs.templates import Objects, Tag
from cardkit.errors import EncodingError

# TS 31.102 4.2.5: mask, bits, word. A technology with modes has a word for each combination of its mode bits: 00 and
# 11 both mean "all modes" and must stay apart. b2 and b1 are reserved.
_ACT = (
    (0x8000, 0x8000, "UTRAN"),
    (0x7000, 0x4000, "E-UTRAN"),
    (0x7000, 0x5000, "E-UTRAN NB-S1"),
    (0x7000, 0x6000, "E-UTRAN WB-S1"),
    (0x7000, 0x7000, "E-UTRAN WB-S1 and NB-S1"),
    (0x0800, 0x0800, "NG-RAN"),
    (0x0400, 0x0400, "satellite NG-RAN"),
    (0x0200, 0x0200, "satellite E-UTRAN WB-S1"),
    (0x0100, 0x0100, "satellite E-UTRAN NB-S1"),
    (0x008C, 0x0080, "GSM"),
    (0x008C, 0x0084, "GSM only"),
    (0x008C, 0x0088, "EC-GSM-IoT only"),
    (0x008C, 0x008C, "GSM and EC-GSM-IoT"),
    (0x0040, 0x0040, "GSM COMPACT"),
    (0x0020, 0x0020, "cdma2000 HRPD"),
    (0x0010, 0x0010, "cdma2000 1xRTT"),
    (0x0002, 0x0002, "b2"),
    (0x0001, 0x0001, "b1"),
)
# As programming tools leave it, reserved bits included: a word of its own, so that nobody reads a choice into it.
_ALL_BITS, _ALL_WORD = 0xFFFF, "all bits"
_ACT_BITS = {word: bits for _, bits, word in _ACT} | {_ALL_WORD: _ALL_BITS}


class AccessTechnologies(Field):
    """Radio technologies of an entry as a list of words. TS 31.102 4.2.5

    >>> AccessTechnologies().decode(bytes.fromhex("C080"))
    ['UTRAN', 'E-UTRAN', 'GSM']
    """

    def __init__(self) -> None:
        super().__init__(2)

    def read(self, data: bytes) -> list[str]:
        """Return the words."""
        value = int.from_bytes(data, "big")
        if value == _ALL_BITS:
            return [_ALL_WORD]
        return [word for mask, bits, word in _ACT if value & mask == bits]

    def write(self, value: Any) -> bytes:
        """Accept a list of words, one mode of each technology."""
        bits = 0
        for word in as_list(value):
            if not isinstance(word, str) or word not in _ACT_BITS:
                raise EncodingError(f"got {word!r}, expected some of {', '.join(_ACT_BITS)}")
            bits |= _ACT_BITS[word]
        return bits.to_bytes(2, "big")


PLMN_ACT_ENTRY = Layout("plmn" / Plmn(), "act" / AccessTechnologies())

# TS 31.102 4.2.5, .53, .54: PLMNwAcT, OPLMNwAcT, HPLMNwAcT
PLMN_ACT_LIST = Entries(Fixed(PLMN_ACT_ENTRY), bytes.fromhex("FFFFFF0000"))
# TS 31.102 4.2.16, .84; TS 51.011 10.3.4: FPLMN, EHPLMN, PLMNsel
PLMN_LIST = Entries(Plmn(), b"\xff\xff\xff")
# TS 31.102 4.2.57a~: RPLMNAcTD
ACT_LIST = Entries(AccessTechnologies(), b"\xff\xff")

# TS 31.102 4.2.6: periods are multiples of 6 minutes; TS 22.011 gives other units for NB-IoT.
HPPLMN = Single("interval", Number(1), blank_has_meaning=True)
# TS 31.102 4.2.85
EHPLMNPI = Single("indication", Coded({0: "no preference", 1: "highest priority only", 2: "all"}))
# TS 31.102 4.2.86
LRPLMNSI = Single("select", Coded({0: "last RPLMN", 1: "HPLMN or last RPLMN"}))

_CS_STATUS = Coded({0: "updated", 1: "not updated", 2: "PLMN not allowed", 3: "location area not allowed"})
_PS_STATUS = Coded({0: "updated", 1: "not updated", 2: "PLMN not allowed", 3: "routing area not allowed"})
_EPS_STATUS = Coded({0: "updated", 1: "not updated", 2: "roaming not allowed"})

# TS 31.102 4.2.17
LOCI = Layout(
    "tmsi" / Hex(4),
    "plmn" / Plmn(),
    "lac" / Hex(2),
    "rfu" / Hex(1),
    "status" / _CS_STATUS,
    defaults={"rfu": "FF"},
)
# TS 31.102 4.2.23; TS 51.011 10.3.33
PSLOCI = Layout(
    "p_tmsi" / Hex(4), "signature" / Hex(3), "plmn" / Plmn(), "lac" / Hex(2), "rac" / Hex(1), "status" / _PS_STATUS
)
# TS 31.102 4.2.91
EPSLOCI = Layout("guti" / Hex(12), "plmn" / Plmn(), "tac" / Hex(2), "status" / _EPS_STATUS)
# TS 31.102 4.4.11.2, .3
LOCI_5GS = Layout("guti" / Hex(13), "plmn" / Plmn(), "tac" / Hex(3), "status" / _EPS_STATUS)

# TS 31.102 4.2.51, .52
START_HFN = Layout("start_cs" / Hex(3), "start_ps" / Hex(3), blank_has_meaning=True)
THRESHOLD = Single("max_start", Number(3), blank_has_meaning=True)

# TS 31.102 4.2.59; "?" stands for any digit; pnn 0: the name comes from another source
OPL = Layout("plmn" / Plmn(), "lac_low" / Hex(2), "lac_high" / Hex(2), "pnn" / Number(1))
# TS 31.102 4.4.11.9
OPL5G = Layout("plmn" / Plmn(), "tac_low" / Hex(3), "tac_high" / Hex(3), "pnn" / Number(1))

# TS 31.102 4.2.66
SPDI = Objects({0x80: Tag("plmns", Several(Plmn()))}, outer=0xA3)

# TS 31.102 4.2.49, .50: co-operative networks
CNL = Entries(
    Fixed(Layout("plmn" / Plmn(), "network_subset" / Hex(1), "provider" / Hex(1), "corporate" / Hex(1))),
    b"\xff" * 6,
)
# TS 31.102 4.4.3.3: absolute radio frequency channel numbers
CPBCCH = Entries(Number(2), b"\xff\xff")
# TS 51.011 10.3.14: bit map of channels, of 16 bytes
BCCH = Single("map", Hex(16))
