"""Names of commands by class (ISO/IEC 7816-4, -8, -9; ETSI TS 102 221, 102 222, 102 223; GlobalPlatform; TS 51.011).

Clauses of ISO/IEC 7816-4 are those of the 2005 edition; all from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

_ISO4, _ISO8, _ISO9 = "ISO/IEC 7816-4", "ISO/IEC 7816-8", "ISO/IEC 7816-9"
_UICC, _ADMIN, _CAT = "ETSI TS 102 221", "ETSI TS 102 222", "ETSI TS 102 223"
_GP, _SIM = "GlobalPlatform card specification", "3GPP TS 51.011"

# First and further interindustry classes: 0X to 7X.
INTERINDUSTRY: Mapping[int, tuple[str, str]] = {
    0x04: ("DEACTIVATE FILE", f"{_UICC} 11.1.14; {_ISO9}"),
    0x0E: ("ERASE BINARY", f"{_ISO4} 7.2.6"),
    0x10: ("TERMINAL PROFILE", f"{_UICC} 11.2.1"),
    0x20: ("VERIFY", f"{_ISO4} 7.5.6; {_UICC} 11.1.9"),
    0x22: ("MANAGE SECURITY ENVIRONMENT", f"{_ISO4} 7.5.11"),
    0x24: ("CHANGE REFERENCE DATA", f"{_ISO4} 7.5.7; {_UICC} 11.1.10"),
    0x26: ("DISABLE VERIFICATION REQUIREMENT", f"{_ISO4} 7.5.9; {_UICC} 11.1.11"),
    0x28: ("ENABLE VERIFICATION REQUIREMENT", f"{_ISO4} 7.5.8; {_UICC} 11.1.12"),
    0x2A: ("PERFORM SECURITY OPERATION", _ISO8),
    0x2C: ("RESET RETRY COUNTER (UNBLOCK PIN)", f"{_ISO4} 7.5.10; {_UICC} 11.1.13"),
    0x44: ("ACTIVATE FILE", f"{_UICC} 11.1.15; {_ISO9}"),
    0x46: ("GENERATE ASYMMETRIC KEY PAIR", _ISO8),
    0x70: ("MANAGE CHANNEL", f"{_ISO4} 7.1.2; {_UICC} 11.1.17"),
    0x82: ("EXTERNAL AUTHENTICATE", f"{_ISO4} 7.5.4"),
    0x84: ("GET CHALLENGE", f"{_ISO4} 7.5.3; {_UICC} 11.1.18"),
    0x86: ("GENERAL AUTHENTICATE", f"{_ISO4} 7.5.5"),
    0x87: ("GENERAL AUTHENTICATE", f"{_ISO4} 7.5.5"),
    0x88: ("INTERNAL AUTHENTICATE (AUTHENTICATE)", f"{_ISO4} 7.5.2; {_UICC} 11.1.16"),
    0x89: ("AUTHENTICATE, BER-TLV", f"{_UICC} 11.1.16"),
    0xA2: ("SEARCH RECORD", f"{_ISO4} 7.3.7; {_UICC} 11.1.7"),
    0xA4: ("SELECT", f"{_ISO4} 7.1.1; {_UICC} 11.1.1"),
    0xB0: ("READ BINARY", f"{_ISO4} 7.2.3; {_UICC} 11.1.3"),
    0xB1: ("READ BINARY, BER-TLV", f"{_ISO4} 7.2.3"),
    0xB2: ("READ RECORD", f"{_ISO4} 7.3.3; {_UICC} 11.1.5"),
    0xC0: ("GET RESPONSE", f"{_ISO4} 7.6.1; {_UICC} 11.1"),
    0xC2: ("ENVELOPE", f"{_ISO4} 7.6.2; {_UICC} 11.2.2"),
    0xCA: ("GET DATA", f"{_ISO4} 7.4.2"),
    0xCB: ("GET DATA, BER-TLV (RETRIEVE DATA)", f"{_ISO4} 7.4.2; {_UICC} 11.3.1"),
    0xD0: ("WRITE BINARY", f"{_ISO4} 7.2.4"),
    0xD2: ("WRITE RECORD", f"{_ISO4} 7.3.4"),
    0xD4: ("RESIZE FILE", _ADMIN),
    0xD6: ("UPDATE BINARY", f"{_ISO4} 7.2.5; {_UICC} 11.1.4"),
    0xD7: ("UPDATE BINARY, BER-TLV", f"{_ISO4} 7.2.5"),
    0xDA: ("PUT DATA", f"{_ISO4} 7.4.3"),
    0xDB: ("PUT DATA, BER-TLV (SET DATA)", f"{_ISO4} 7.4.3; {_UICC} 11.3.2"),
    0xDC: ("UPDATE RECORD", f"{_ISO4} 7.3.5; {_UICC} 11.1.6"),
    0xE0: ("CREATE FILE", f"{_ADMIN}; {_ISO9}"),
    0xE2: ("APPEND RECORD", f"{_ISO4} 7.3.6"),
    0xE4: ("DELETE FILE", f"{_ADMIN}; {_ISO9}"),
    0xE6: ("TERMINATE DF", f"{_ADMIN}; {_ISO9}"),
    0xE8: ("TERMINATE EF", f"{_ADMIN}; {_ISO9}"),
    0xFE: ("TERMINATE CARD USAGE", f"{_ADMIN}; {_ISO9}"),
}

# Proprietary classes 8X, CX, EX: UICC and GlobalPlatform share them.
PROPRIETARY: Mapping[int, tuple[str, str]] = {
    0x10: ("TERMINAL PROFILE", f"{_UICC} 11.2.1; {_CAT}"),
    0x12: ("FETCH", f"{_UICC} 11.2.3; {_CAT}"),
    0x14: ("TERMINAL RESPONSE", f"{_UICC} 11.2.4; {_CAT}"),
    0x32: ("INCREASE", f"{_UICC} 11.1.8"),
    0x50: ("INITIALIZE UPDATE", f"{_GP} D.4.1, E.5.1"),
    0x76: ("SUSPEND UICC", f"{_UICC} 11.1.22"),
    0x78: ("GET IDENTITY, or END R-MAC SESSION", f"{_UICC} 11.1.24; {_GP} E.5.4"),
    0x7A: ("BEGIN R-MAC SESSION", f"{_GP} E.5.3"),
    0x82: ("EXTERNAL AUTHENTICATE", f"{_GP} D.4.2, E.5.2"),
    0xAA: ("TERMINAL CAPABILITY", f"{_UICC} 11.1.19"),
    0xC2: ("ENVELOPE", f"{_UICC} 11.2.2; {_CAT}"),
    0xCA: ("GET DATA", f"{_GP} 11.3"),
    0xCB: ("RETRIEVE DATA, or GET DATA", f"{_UICC} 11.3.1; {_GP} 11.3"),
    0xD4: ("RESIZE FILE", _ADMIN),
    0xD8: ("PUT KEY", f"{_GP} 11.8"),
    0xDB: ("SET DATA", f"{_UICC} 11.3.2"),
    0xE2: ("STORE DATA", f"{_GP} 11.11"),
    0xE4: ("DELETE", f"{_GP} 11.2"),
    0xE6: ("INSTALL", f"{_GP} 11.5"),
    0xE8: ("LOAD", f"{_GP} 11.6"),
    0xF0: ("SET STATUS", f"{_GP} 11.10"),
    0xF2: ("STATUS, or GET STATUS", f"{_UICC} 11.1.2; {_GP} 11.4"),
}

# Class A0: the 2G SIM.
SIM_2G: Mapping[int, tuple[str, str]] = {
    0x04: ("INVALIDATE", f"{_SIM} 9.2.14"),
    0x10: ("TERMINAL PROFILE", f"{_SIM} 9.2.19"),
    0x12: ("FETCH", f"{_SIM} 9.2.21"),
    0x14: ("TERMINAL RESPONSE", f"{_SIM} 9.2.22"),
    0x20: ("VERIFY CHV", f"{_SIM} 9.2.9"),
    0x24: ("CHANGE CHV", f"{_SIM} 9.2.10"),
    0x26: ("DISABLE CHV", f"{_SIM} 9.2.11"),
    0x28: ("ENABLE CHV", f"{_SIM} 9.2.12"),
    0x2C: ("UNBLOCK CHV", f"{_SIM} 9.2.13"),
    0x32: ("INCREASE", f"{_SIM} 9.2.8"),
    0x44: ("REHABILITATE", f"{_SIM} 9.2.15"),
    0x88: ("RUN GSM ALGORITHM", f"{_SIM} 9.2.16"),
    0xA2: ("SEEK", f"{_SIM} 9.2.7"),
    0xA4: ("SELECT", f"{_SIM} 9.2.1"),
    0xB0: ("READ BINARY", f"{_SIM} 9.2.3"),
    0xB2: ("READ RECORD", f"{_SIM} 9.2.5"),
    0xC0: ("GET RESPONSE", f"{_SIM} 9.2.18"),
    0xC2: ("ENVELOPE", f"{_SIM} 9.2.20"),
    0xD6: ("UPDATE BINARY", f"{_SIM} 9.2.4"),
    0xDC: ("UPDATE RECORD", f"{_SIM} 9.2.6"),
    0xF2: ("STATUS", f"{_SIM} 9.2.2"),
    0xFA: ("SLEEP", f"{_SIM} 9.2.17"),
}
