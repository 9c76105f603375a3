"""DF.EIRENE of GSM-R cards (P 38 T 9001, FFFIS for GSM-R SIM cards).

The standard was not read: access conditions are unverified; sizes are those of published cards.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs import gsmr
from cardkit.apps.uicc.files.spec import EF, PERSONAL

EIRENE = (
    EF("FN", 0x6FF1, 0x00, "L 9", "P/P", "FF", gsmr.FN, "7.2", "", PERSONAL),
    EF("CallconfC", 0x6FF2, 0x00, "T 24", "P/A", "FF", gsmr.CALLCONF_C, "7.3", "", PERSONAL),
    EF("CallconfI", 0x6FF3, 0x00, "L 21", "P/P", "FF", gsmr.CALLCONF_I, "7.5", "", PERSONAL),
    EF("Shunting", 0x6FF4, 0x00, "T 8", "P/A", "FF", gsmr.SHUNTING, "7.6"),
    EF("GsmrPLMN", 0x6FF5, 0x00, "L 9", "P/A", "FF", gsmr.GSMR_PLMN, "7.7"),
    EF("IC", 0x6F8D, 0x00, "L 7", "P/A", "FF", gsmr.IC, "7.8"),
    EF("NW", 0x6F80, 0x00, "L 8", "P/A", "FF", gsmr.NW, "7.9"),
    EF("CT", 0x6F8E, 0x00, "L 6", "P/A", "FF", gsmr.SWITCHING, "8.4"),
    EF("SC", 0x6F8F, 0x00, "L 6", "P/A", "FF", gsmr.SWITCHING, "8.4"),
    EF("FC", 0x6F88, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("Service", 0x6F89, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("Call", 0x6F8A, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("FctTeam", 0x6F8B, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("Controller", 0x6F92, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("Gateway", 0x6F8C, 0x00, "L 3+", "P/A", "FF", gsmr.PREDEFINED, "8.5"),
    EF("5to8digits", 0x6F81, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("2digits", 0x6F82, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("8digits", 0x6F83, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("9digits", 0x6F84, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("SSSSS", 0x6F85, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("LLLLL", 0x6F86, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("Location", 0x6F91, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
    EF("FreeNumber", 0x6F87, 0x00, "T 4", "P/A", "FF", gsmr.DIALLED, "8.6"),
)
