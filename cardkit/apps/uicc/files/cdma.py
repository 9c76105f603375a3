"""DF.CDMA of removable user identity modules and ADF.CSIM (3GPP2 C.S0023-D 3.4, C.S0065).

Clauses marked ~ and all of C.S0065 are from memory; access conditions are unverified.
"""

from __future__ import annotations

from cardkit.apps.uicc import arr
from cardkit.apps.uicc.codecs import cdma, cdmaidentity, dialling, services
from cardkit.apps.uicc.codecs.base import OPAQUE
from cardkit.apps.uicc.files.spec import EF, PERSONAL

_BOTH = (
    EF("IMSI_M", 0x6F22, 0x00, "T 10", "P/A", "op", cdmaidentity.IMSI_M, "3.4.2~", "", PERSONAL),
    EF("IMSI_T", 0x6F23, 0x00, "T 10", "P/A", "op", cdmaidentity.IMSI_M, "3.4.3~", "", PERSONAL),
    EF("CDMAHOME", 0x6F28, 0x00, "L 5", "P/A", "op", cdmaidentity.CDMA_HOME, "3.4.8~"),
    EF("PRL", 0x6F30, 0x00, "T 1+", "P/A", "op", OPAQUE, "3.4.16~"),
    EF("RUIMID", 0x6F31, 0x00, "T 8", "w/n", "op", cdmaidentity.RUIM_ID, "3.4.17~", "", PERSONAL),
    EF("SMS", 0x6F3C, 0x00, "L 2+", "P/P", "00FF", cdma.SMS, "3.4.27", "", PERSONAL),
    EF("SPN", 0x6F41, 0x00, "T 35", "w/A", "op", cdma.SPN, "3.4.31"),
    EF("AD", 0x6F43, 0x00, "T 3+", "w/A", "op", cdma.AD, "3.4.33"),
    EF("MDN", 0x6F44, 0x00, "L 11", "P/P", "FF", cdmaidentity.MDN, "3.4.35~", "", PERSONAL),
    EF("EPRL", 0x6F5A, 0x00, "T 1+", "P/A", "op", OPAQUE, "3.4.45~"),
)

# Two bits a service
CDMA = (EF("CST", 0x6F32, 0x00, "T 5+", "P/A", "op", services.SST, "3.4.18~"), *_BOTH)

# One bit a service
CSIM = (
    EF("ARR", 0x6F06, 0x00, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("CST", 0x6F32, 0x00, "T 1+", "P/A", "op", services.SERVICES, "C.S0065"),
    EF("FDN", 0x6F3B, 0x00, "L 14+", "P/2", "FF", dialling.NUMBER, "C.S0065", "", PERSONAL),
    *_BOTH,
)
