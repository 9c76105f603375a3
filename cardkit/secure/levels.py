"""Security levels: which protection the messages of a session have (GPCS table 10-1)."""

from __future__ import annotations

from enum import IntFlag


class SecurityLevel(IntFlag):
    """Protection of commands (``C_``) and responses (``R_``); P1 of EXTERNAL AUTHENTICATE."""

    NONE = 0x00
    C_MAC = 0x01
    C_DEC = 0x02
    R_MAC = 0x10
    R_ENC = 0x20
