"""Tables behind an answer to reset: clock, bit rate, classes, storage cards.

F, D and f(max): ISO/IEC 7816-3 8.3, tables 7 and 8 (table numbers from memory). First TB for T=15: ETSI TS 102 221
6.3.3, table 6.7. Storage cards: PC/SC part 3, 3.1.3.2.3 and its supplement (clause from memory).
"""

from __future__ import annotations

from collections.abc import Mapping

# High nibble of TA1: clock rate conversion factor F, and the highest clock in MHz. Missing values are reserved.
CLOCK_RATE: Mapping[int, tuple[int, float]] = {
    0x0: (372, 4), 0x1: (372, 5), 0x2: (558, 6), 0x3: (744, 8), 0x4: (1116, 12), 0x5: (1488, 16), 0x6: (1860, 20),
    0x9: (512, 5), 0xA: (768, 7.5), 0xB: (1024, 10), 0xC: (1536, 15), 0xD: (2048, 20),
}  # fmt: skip

# Low nibble of TA1: baud rate adjustment factor D.
BAUD_RATE: Mapping[int, int] = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}

# First TA for T=15, bits 8 and 7.
CLOCK_STOP = ("no clock stop", "clock stop, state L", "clock stop, state H", "clock stop, either state")

# First TA for T=15, bits 6 to 1: operating conditions.
CLASSES: Mapping[int, str] = {0x01: "A (5 V)", 0x02: "B (3 V)", 0x04: "C (1.8 V)"}

# First TB for T=15.
UICC_FEATURES: Mapping[int, str] = {
    0x40: "Inter-Chip USB",
    0x20: "UICC-CLF interface",
    0x10: "low impedance drivers on I/O",
    0x08: "secure channel",
    0x04: "secured APDU required",
}

# Standard byte SS of a storage card.
STORAGE_STANDARD: Mapping[int, str] = {
    0x00: "no information",
    0x01: "ISO/IEC 14443 A, part 1",
    0x02: "ISO/IEC 14443 A, part 2",
    0x03: "ISO/IEC 14443 A, part 3",
    0x05: "ISO/IEC 14443 B, part 1",
    0x06: "ISO/IEC 14443 B, part 2",
    0x07: "ISO/IEC 14443 B, part 3",
    0x09: "ISO/IEC 15693, part 1",
    0x0A: "ISO/IEC 15693, part 2",
    0x0B: "ISO/IEC 15693, part 3",
    0x0C: "ISO/IEC 15693, part 4",
    0x11: "FeliCa",
}

# Card name NNNN of a storage card; F0xx are one reader maker's own.
STORAGE_NAME: Mapping[int, str] = {
    0x0001: "MIFARE Classic 1K",
    0x0002: "MIFARE Classic 4K",
    0x0003: "MIFARE Ultralight",
    0x0026: "MIFARE Mini",
    0x0036: "MIFARE Plus SL1 2K",
    0x0037: "MIFARE Plus SL1 4K",
    0x0038: "MIFARE Plus SL2 2K",
    0x0039: "MIFARE Plus SL2 4K",
    0x003A: "MIFARE Ultralight C",
    0xF004: "Topaz, Jewel",
    0xF011: "FeliCa 212K",
    0xF012: "FeliCa 424K",
}
