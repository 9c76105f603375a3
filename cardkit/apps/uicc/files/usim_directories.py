"""Directories under ADF.USIM (3GPP TS 31.102 4.4).

Files without a known layout are opaque.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs import homenode, identity, nas, networks, services, wlan
from cardkit.apps.uicc.codecs.base import OPAQUE
from cardkit.apps.uicc.files.spec import EF, PERSONAL, SECRET

# 4.4.3
GSM_ACCESS = (
    EF("Kc", 0x4F20, 0x01, "T 9", "P/P", "FFFFFFFFFFFFFFFF07", identity.KC, "TS 51.011 10.3.32", "27", SECRET),
    EF("KcGPRS", 0x4F52, 0x02, "T 9", "P/P", "FFFFFFFFFFFFFFFF07", identity.KC, "TS 51.011 10.3.32", "27", SECRET),
    EF("CPBCCH", 0x4F63, 0x00, "T 2+", "P/P", "FF", networks.CPBCCH, "TS 51.011 10.3.38", "39"),
    EF("InvScan", 0x4F64, 0x00, "T 1", "P/A", "op", services.INV_SCAN, "TS 51.011 10.3.39", "40"),
)

# 4.4.5, from memory
WLAN = (
    EF("Pseudo", 0x4F41, 0x01, "T 1+", "P/A", "op", wlan.PSEUDONYM, "", "59", PERSONAL),
    EF("UPLMNWLAN", 0x4F42, 0x02, "T 1+", "P/A", "op", networks.PLMN_LIST, "", "60"),
    EF("OPLMNWLAN", 0x4F43, 0x03, "T 1+", "P/A", "op", networks.PLMN_LIST, "", "61"),
    EF("UWSIDL", 0x4F44, 0x04, "L 1+", "P/A", "op", wlan.NETWORK, "", "62"),
    EF("OWSIDL", 0x4F45, 0x05, "L 1+", "P/A", "op", wlan.NETWORK, "", "63"),
    EF("WRI", 0x4F46, 0x06, "T 1+", "P/A", "op", wlan.REAUTHENTICATION, "", "66", SECRET),
    EF("HWSIDL", 0x4F47, 0x07, "L 1+", "P/A", "op", wlan.NETWORK, "", "81"),
    EF("WEHPLMNPI", 0x4F48, 0x08, "T 1+", "P/A", "op", wlan.PRESENTATION, "", "82"),
    EF("WHPI", 0x4F49, 0x09, "T 1+", "P/A", "op", wlan.PRIORITY, "", "83"),
    EF("WLRPLMN", 0x4F4A, 0x0A, "T 1+", "P/A", "op", wlan.LAST_PLMN, "", "84"),
    EF("HPLMNDAI", 0x4F4B, 0x0B, "T 1+", "P/A", "op", wlan.DIRECT_ACCESS, "", "88"),
)

# 4.4.6
HNB = (
    EF("ACSGL", 0x4F81, 0x01, "L 1+", "P/A", "op", homenode.ACSGL, "4.4.6.2", "86"),
    EF("CSGT", 0x4F82, 0x02, "L 1+", "P/A", "op", homenode.CSGT, "4.4.6.3", "86"),
    EF("HNBN", 0x4F83, 0x03, "L 1+", "P/A", "op", homenode.HNBN, "4.4.6.4", "86"),
    EF("OCSGL", 0x4F84, 0x04, "L 1+", "P/A", "op", homenode.OCSGL, "4.4.6.5", "90"),
    EF("OCSGT", 0x4F85, 0x05, "L 1+", "P/A", "op", homenode.CSGT, "4.4.6.3", "90"),
    EF("OHNBN", 0x4F86, 0x06, "L 1+", "P/A", "op", homenode.HNBN, "4.4.6.4", "90"),
)

# 4.4.8, from memory
PROSE = (
    EF("PROSE_MON", 0x4F01, 0x01, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_ANN", 0x4F02, 0x02, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSEFUNC", 0x4F03, 0x03, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_RADIO_COM", 0x4F04, 0x04, "T 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_RADIO_MON", 0x4F05, 0x05, "T 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_RADIO_ANN", 0x4F06, 0x06, "T 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_POLICY", 0x4F07, 0x07, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_PLMN", 0x4F08, 0x08, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_GC", 0x4F09, 0x09, "T 1+", "P/A", "op", OPAQUE, ""),
    EF("PST", 0x4F10, 0x10, "T 1+", "P/A", "op", services.SERVICES, ""),
    EF("UIRC", 0x4F11, 0x11, "T 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_GM_DISCOVERY", 0x4F12, 0x12, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_RELAY", 0x4F13, 0x13, "L 1+", "P/A", "op", OPAQUE, ""),
    EF("PROSE_RELAY_DISCOVERY", 0x4F14, 0x14, "T 1+", "P/A", "op", OPAQUE, ""),
)

_NO_GUTI = 13 * "FF" + "FFFFFF00000001"

# 4.4.11
FIVE_GS = (
    EF("5GS3GPPLOCI", 0x4F01, 0x01, "T 20", "P/P", _NO_GUTI, networks.LOCI_5GS, "4.4.11.2", "122", PERSONAL),
    EF("5GSN3GPPLOCI", 0x4F02, 0x02, "T 20", "P/P", _NO_GUTI, networks.LOCI_5GS, "4.4.11.2", "122", PERSONAL),
    EF("5GS3GPPNSC", 0x4F03, 0x03, "L 57+", "P/P", "FF", nas.NSC_5GS, "4.4.11.4", "122", SECRET),
    EF("5GSN3GPPNSC", 0x4F04, 0x04, "L 57+", "P/P", "FF", nas.NSC_5GS, "4.4.11.4", "122", SECRET),
    EF("5GAUTHKEYS", 0x4F05, 0x05, "T 68+", "P/P", "FF", nas.AUTHKEYS_5G, "4.4.11.6", "123", SECRET),
    EF("UAC_AIC", 0x4F06, 0x06, "T 4", "P/A", "00", services.UAC_AIC, "4.4.11.7", "126"),
    EF("SUCI_Calc_Info", 0x4F07, 0x07, "T 2+", "P/A", "FF", nas.SUCI_CALC_INFO, "4.4.11.8", "124"),
    EF("OPL5G", 0x4F08, 0x08, "L 10", "w/A", "FF", networks.OPL5G, "4.4.11.9", "129"),
    EF("SUPI_NAI", 0x4F09, 0x09, "T 1+", "P/A", "FF", nas.SUPI_NAI, "4.4.11.10", "130", PERSONAL),
    EF("Routing_Indicator", 0x4F0A, 0x0A, "T 4", "P/A", "op", nas.ROUTING_INDICATOR, "4.4.11.11", "124"),
    EF("URSP", 0x4F0B, 0x0B, "T 1+", "P/A", "FF", OPAQUE, "", "132"),
    EF("TN3GPPSNN", 0x4F0C, 0x0C, "T 1+", "P/A", "FF", nas.TN3GPPSNN, "4.4.11.13", "135"),
    EF("CAG", 0x4F0D, 0x0D, "T 1+", "P/A", "FF", OPAQUE, "4.4.11.14", "137"),
    EF("SOR-CMCI", 0x4F0E, 0x0E, "T 1+", "P/A", "FF", OPAQUE, "4.4.11.15", "138"),
    EF("DRI", 0x4F0F, 0x0F, "T 7+", "P/A", "op", nas.DRI, "4.4.11.17", "140"),
    EF("5GSEDRX", 0x4F10, 0x10, "T 1+", "P/A", "op", OPAQUE, "4.4.11.18", "141"),
    EF("5GNSWO_CONF", 0x4F11, 0x11, "T 1", "P/A", "op", services.NSWO, "4.4.11.19", "142"),
    EF("MCHPPLMN", 0x4F15, 0x15, "T 1", "P/A", "op", nas.MCHPPLMN, "4.4.11.20", "144"),
    EF("KAUSF_DERIVATION", 0x4F16, 0x16, "T 1", "P/A", "op", services.KAUSF, "4.4.11.21", "145"),
)

# 4.4.12
SNPN = (
    EF("PWS_SNPN", 0x4F01, 0x01, "T 1+", "P/A", "op", services.PWS, "4.4.12.2", "143"),
    EF("NID", 0x4F02, 0x02, "L 6", "P/A", "op", nas.NID, "4.4.12.2", "146"),
)

# 4.4.13
FIVE_G_PROSE = (
    EF("5G_PROSE_ST", 0x4F01, 0x01, "T 1+", "P/A", "op", services.SERVICES, "4.4.13.2"),
    EF("5G_PROSE_DD", 0x4F02, 0x02, "T 1+", "P/A", "op", OPAQUE, "4.4.13.3"),
    EF("5G_PROSE_DC", 0x4F03, 0x03, "T 1+", "P/A", "op", OPAQUE, "4.4.13.4"),
    EF("5G_PROSE_U2NRU", 0x4F04, 0x04, "T 1+", "P/A", "op", OPAQUE, "4.4.13.5"),
    EF("5G_PROSE_RU", 0x4F05, 0x05, "T 1+", "P/A", "op", OPAQUE, "4.4.13.6"),
    EF("5G_PROSE_UIR", 0x4F06, 0x06, "T 1+", "P/A", "op", OPAQUE, "4.4.13.7"),
    EF("5G_PROSE_U2URU", 0x4F07, 0x07, "T 1+", "P/A", "op", OPAQUE, "4.4.13.8"),
    EF("5G_PROSE_EU", 0x4F08, 0x08, "T 1+", "P/A", "op", OPAQUE, "4.4.13.9"),
)

# TCA profile package; SFI unverified: read by the card alone
SAIP = (EF("SUCI_Calc_Info", 0x4F01, 0x07, "T 2+", "n/A", "FF", nas.SUCI_CALC_INFO, "4.4.11.8"),)

# 4.4.14
MBS = (EF("5MBSUECONFIG", 0x4F01, 0x00, "T 1+", "P/A", "op", OPAQUE, "4.4.14.2"),)
