"""Files of a widespread card model: keys, PINs, counters, identity. No standard: a chip model says which are there.

The order is the model's own; layouts are in :mod:`cardkit.apps.uicc.codecs.cardmodel`.
"""

from __future__ import annotations

from cardkit.apps.uicc import arr
from cardkit.apps.uicc.codecs import cardmodel
from cardkit.apps.uicc.codecs.base import OPAQUE
from cardkit.apps.uicc.files.spec import EF, SECRET

SYSTEM = (
    EF("ARR", 0x6F06, 0x00, "L 1+", "w/A", "op", arr.ACCESS_RULES, "TS 102 221 13.4"),
    EF("PIN1", 0x6F01, 0x00, "T 11-21", "n/A", "op", cardmodel.PIN, "vendor", "", SECRET),
    EF("PIN2", 0x6F81, 0x00, "T 11-21", "n/A", "op", cardmodel.PIN, "vendor", "", SECRET),
    EF("ADM1", 0x6F0A, 0x00, "T 11", "n/A", "op", cardmodel.ADM, "vendor", "", SECRET),
    EF("ADM2", 0x6F0B, 0x00, "T 11", "n/A", "op", cardmodel.ADM, "vendor", "", SECRET),
    EF("ADM3", 0x6F0C, 0x00, "T 11", "n/A", "op", cardmodel.ADM, "vendor", "", SECRET),
    EF("ADM4", 0x6F0D, 0x00, "T 11", "n/A", "op", cardmodel.ADM, "vendor", "", SECRET),
    EF("SIM_AUTH_KEY", 0x6F20, 0x00, "T 33+", "n/A", "FF", cardmodel.AUTH_KEY, "vendor", "", SECRET),
    EF("MILENAGE_CFG", 0x6F21, 0x00, "T 85", "n/A", "op", cardmodel.MILENAGE_CONFIG, "vendor", "", SECRET),
    EF("0348_KEY", 0x6F22, 0x00, "L 27-35", "n/A", "op", cardmodel.OTA_KEY, "vendor", "", SECRET),
    EF("0348_COUNT", 0x6F23, 0x00, "L 7", "A/A", "op", cardmodel.OTA_COUNTER, "vendor"),
    EF("GP_COUNT", 0x6F26, 0x00, "L 5", "A/A", "op", cardmodel.GP_COUNTER, "vendor"),
    EF("GP_DIV_DATA", 0x6F27, 0x00, "L 12", "A/A", "op", cardmodel.GP_DIVERSIFICATION, "vendor"),
    EF("SIM_AUTH_COUNTER", 0xAF24, 0x00, "T 1+", "A/A", "op", cardmodel.RUNS_LEFT, "vendor"),
)

USIM_KEYS = (
    EF("USIM_AUTH_KEY", 0xAF20, 0x00, "T 33+", "n/A", "FF", cardmodel.AUTH_KEY, "vendor", "", SECRET),
    EF("USIM_AUTH_KEY_2G", 0xAF22, 0x00, "T 33+", "n/A", "FF", cardmodel.AUTH_KEY, "vendor", "", SECRET),
    EF("USIM_SQN", 0xAF30, 0x00, "T 20+", "n/A", "op", cardmodel.SQN, "vendor", "", SECRET),
)

ISIM_KEYS = (
    EF("ISIM_AUTH_KEY", 0xAF20, 0x00, "T 33+", "n/A", "FF", cardmodel.AUTH_KEY, "vendor", "", SECRET),
    EF("ISIM_AUTH_KEY_2G", 0xAF22, 0x00, "T 33+", "n/A", "FF", cardmodel.AUTH_KEY, "vendor", "", SECRET),
    EF("ISIM_SQN", 0xAF30, 0x00, "T 20+", "n/A", "op", cardmodel.SQN, "vendor", "", SECRET),
)

# Identity of the chip and home of the plant's marker.
MF_PLANT = (
    EF("CHIP", 0x2FF1, 0x0A, "T 8", "w/n", "op", OPAQUE, "vendor"),
    EF("PLANT", 0x2FF2, 0x0B, "T 18", "w/A", "FF", OPAQUE, "vendor"),
)
