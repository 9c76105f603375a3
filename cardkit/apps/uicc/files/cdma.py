"""DF.CDMA of removable user identity modules (3GPP2 C.S0023-D 3.4).

Access conditions are unverified.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs import cdma, services
from cardkit.apps.uicc.files.spec import EF, PERSONAL

CDMA = (
    EF("CST", 0x6F32, 0x00, "T 5+", "P/A", "op", services.SST, "3.4.18~"),
    EF("SMS", 0x6F3C, 0x00, "L 2+", "P/P", "00FF", cdma.SMS, "3.4.27", "", PERSONAL),
    EF("SPN", 0x6F41, 0x00, "T 35", "w/A", "op", cdma.SPN, "3.4.31"),
    EF("AD", 0x6F43, 0x00, "T 3+", "w/A", "op", cdma.AD, "3.4.33"),
)
