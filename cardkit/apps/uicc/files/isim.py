"""ADF.ISIM and ADF.HPSIM (3GPP TS 31.103 4.2; TS 31.104)."""

from __future__ import annotations

from cardkit.apps.uicc import arr
from cardkit.apps.uicc.codecs import gba, identity, ims, services, sms
from cardkit.apps.uicc.files.spec import EF, PERSONAL, SECRET

# TS 31.103
ISIM = (
    EF("IMPI", 0x6F02, 0x02, "T 1+", "P/A", "op", ims.IMPI, "4.2.2", "", PERSONAL),
    EF("DOMAIN", 0x6F03, 0x05, "T 1+", "P/A", "op", ims.DOMAIN, "4.2.3"),
    EF("IMPU", 0x6F04, 0x04, "L 1+", "P/A", "op", ims.IMPU, "4.2.4", "", PERSONAL),
    EF("AD", 0x6FAD, 0x00, "T 3+", "w/A", "op", identity.AD, "TS 51.011 10.3.18"),
    EF("ARR", 0x6F06, 0x06, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("IST", 0x6F07, 0x07, "T 1+", "P/A", "op", services.SERVICES, "4.2.7"),
    EF("P-CSCF", 0x6F09, 0x00, "L 1+", "P/A", "op", ims.P_CSCF, "4.2.8", "5"),
    EF("GBABP", 0x6FD5, 0x00, "T 1+", "P/P", "FF", gba.GBABP, "4.2.9", "2", SECRET),
    EF("GBANL", 0x6FD7, 0x00, "L 1+", "P/P", "FF", gba.GBANL, "4.2.10", "2", PERSONAL),
    EF("NAFKCA", 0x6FDD, 0x00, "L 1+", "P/A", "FF", gba.NAFKCA, "4.2.11", "2"),
    EF("SMS", 0x6F3C, 0x00, "L 176", "P/P", "00FF", sms.SMS, "TS 51.011 10.5.5", "6&8", PERSONAL),
    EF("SMSS", 0x6F43, 0x00, "T 2+", "P/P", "FF", sms.SMSS, "TS 51.011 10.5.7", "6&8"),
    EF("SMSR", 0x6F47, 0x00, "L 30", "P/P", "00FF", sms.SMSR, "TS 51.011 10.5.8", "7&8", PERSONAL),
    EF("SMSP", 0x6F42, 0x00, "L 28+", "P/P", "FF", sms.SMSP, "TS 51.011 10.5.6", "8"),
    EF("UICCIARI", 0x6FE7, 0x00, "L 1+", "P/A", "FF", ims.URI, "4.2.16", "10"),
    EF("FromPreferred", 0x6FF7, 0x00, "T 1", "P/A", "op", services.FROM_PREFERRED, "TS 31.102 4.2.106", "17"),
    EF("IMSConfigData", 0x6FF8, 0x00, "B", "P/A", "op", ims.CONFIGURATION, "4.2.18", "18"),
    EF("XCAPConfigData", 0x6FFC, 0x00, "B", "P/A", "op", ims.CONFIGURATION, "4.2.19", "19"),
    EF("WebRTCURI", 0x6FFA, 0x00, "L 1+", "P/A", "FF", ims.URI, "4.2.20", "20"),
    EF("MuDMiDConfigData", 0x6FFE, 0x00, "B", "P/A", "op", ims.CONFIGURATION, "4.2.21", "21"),
    EF("GBAUAPI", 0x6F0A, 0x00, "L 1+", "P/P", "FF", gba.GBAUAPI, "4.2.22", "2", PERSONAL),
    EF("IMSDCI", 0x6F0B, 0x00, "T 1", "P/A", "op", ims.IMSDCI, "4.2.23", "22"),
)

# TS 31.104
HPSIM = (
    EF("ARR", 0x6F06, 0x06, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("IMSI", 0x6F07, 0x07, "T 9", "P/A", "op", identity.IMSI, "TS 51.011 10.3.2", "", PERSONAL),
    EF("AD", 0x6FAD, 0x03, "T 3+", "w/A", "op", identity.AD, "TS 51.011 10.3.18"),
)
