"""The MF and DF.TELECOM (ETSI TS 102 221 13; 3GPP TS 51.011 10.5; TS 31.102 4.4.2, 4.6).

Access conditions of DF.TELECOM and clauses marked ~ are from memory.
"""

from __future__ import annotations

from cardkit.apps.uicc import arr
from cardkit.apps.uicc.codecs import dialling, graphics, identity, phonebook, services, sms
from cardkit.apps.uicc.codecs.base import OPAQUE
from cardkit.apps.uicc.files.spec import EF, PERSONAL

# TS 102 221
MF = (
    EF("DIR", 0x2F00, 0x1E, "L 5+", "w/A", "op", identity.DIR, "13.1"),
    EF("ICCID", 0x2FE2, 0x02, "T 10", "w/n", "op", identity.ICCID, "13.2"),
    EF("PL", 0x2F05, 0x05, "T 2+", "w/P", "FF", identity.LANGUAGES, "13.3"),
    EF("ARR", 0x2F06, 0x06, "L 1+", "w/A", "op", arr.ACCESS_RULES, "13.4"),
    EF("UMPC", 0x2F08, 0x08, "T 5", "w/A", "op", identity.UMPC, "13.6"),
)

# TS 51.011
TELECOM = (
    EF("ARR", 0x6F06, 0x00, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("ADN", 0x6F3A, 0x00, "L 14+", "P/P", "FF", dialling.NUMBER, "10.5.1", "", PERSONAL),
    EF("FDN", 0x6F3B, 0x00, "L 14+", "P/2", "FF", dialling.NUMBER, "10.5.1", "", PERSONAL),
    EF("SMS", 0x6F3C, 0x00, "L 176", "P/P", "00FF", sms.SMS, "10.5.5", "", PERSONAL),
    EF("CCP", 0x6F3D, 0x00, "L 14", "P/P", "FF", phonebook.CAPABILITY, ""),
    EF("ECCP", 0x6F4F, 0x00, "L 15+", "P/P", "FF", phonebook.CAPABILITY, ""),
    EF("MSISDN", 0x6F40, 0x00, "L 14+", "P/*", "FF", dialling.NUMBER, "10.5.5", "", PERSONAL),
    EF("SMSP", 0x6F42, 0x00, "L 28+", "P/P", "FF", sms.SMSP, "10.5.6"),
    EF("SMSS", 0x6F43, 0x00, "T 2+", "P/P", "FF", sms.SMSS, "10.5.7"),
    EF("LND", 0x6F44, 0x00, "C 14+", "P/P", "FF", dialling.NUMBER, "10.5.1", "", PERSONAL),
    EF("SDN", 0x6F49, 0x00, "L 14+", "P/A", "FF", dialling.NUMBER, "10.5.1"),
    EF("EXT1", 0x6F4A, 0x00, "L 13", "P/P", "00FF", dialling.EXTENSION, "", "", PERSONAL),
    EF("EXT2", 0x6F4B, 0x00, "L 13", "P/2", "00FF", dialling.EXTENSION, "", "", PERSONAL),
    EF("EXT3", 0x6F4C, 0x00, "L 13", "P/A", "00FF", dialling.EXTENSION, ""),
    EF("BDN", 0x6F4D, 0x00, "L 14+", "P/2", "FF", dialling.BARRED_NUMBER, "10.5.1", "", PERSONAL),
    EF("EXT4", 0x6F4E, 0x00, "L 13", "P/2", "00FF", dialling.EXTENSION, "", "", PERSONAL),
    EF("SMSR", 0x6F47, 0x00, "L 30", "P/P", "00FF", sms.SMSR, "10.5.8", "", PERSONAL),
    EF("CMI", 0x6F58, 0x00, "L 2+", "P/A", "FF", phonebook.CMI, "10.5.16"),
)

# TS 31.102; the same in DF.TELECOM and in ADF.USIM
PHONEBOOK = (
    EF("PBR", 0x4F30, 0x00, "L 1+", "P/A", "op", phonebook.PBR, "4.4.2.1"),
    EF("PSC", 0x4F22, 0x00, "T 4", "P/P", "op", phonebook.PSC, "4.4.2.12.2"),
    EF("CC", 0x4F23, 0x00, "T 2", "P/P", "op", phonebook.COUNTER_2, "4.4.2.12.3"),
    EF("PUID", 0x4F24, 0x00, "T 2", "P/P", "op", phonebook.COUNTER_2, "4.4.2.12.4"),
)

# TS 31.102
MULTIMEDIA = (
    EF("MML", 0x4F47, 0x00, "B", "P/A", "op", OPAQUE, "4.6.3.1"),
    EF("MMDF", 0x4F48, 0x00, "B", "P/A", "op", OPAQUE, "4.6.3.2"),
)

# TS 31.102
MCS = (
    EF("MST", 0x4F01, 0x01, "T 2", "P/A", "op", services.SERVICES, "4.6.4.1"),
    EF("MCS_CONFIG", 0x4F02, 0x02, "B", "P/A", "op", OPAQUE, "4.6.4.2"),
)

# TS 31.102
V2X = (
    EF("VST", 0x4F01, 0x01, "T 2", "P/A", "op", services.SERVICES, "4.6.5.2"),
    EF("V2X_CONFIG", 0x4F02, 0x02, "B", "P/A", "op", OPAQUE, "4.6.5.3"),
)

# TS 31.102 4.6.1
GRAPHICS = (EF("IMG", 0x4F20, 0x00, "L 10+", "P/A", "FF", graphics.IMG, "4.6.1.1", "22"),)
