"""What an ATR declares in its historical bytes (ISO/IEC 7816-3 8.2; ISO/IEC 7816-4 12.1.1.9)."""


def capabilities(atr: bytes) -> tuple[int, bool]:
    """Logical channels, 8 standing for 8 or more, and extended length, as the card capabilities declare them."""
    historical = _historical(atr)
    at = 1
    while historical[:1] == b"\x80" and at < len(historical):
        size = historical[at] & 0x0F
        if historical[at] == 0x73 and at + size < len(historical):
            third = historical[at + 3]
            return ((third & 0x07) + 1 if third & 0x18 else 1), bool(third & 0x40)
        at += 1 + size
    return 1, False


def _historical(atr: bytes) -> bytes:
    """The historical bytes, behind the interface bytes that the Y nibbles announce."""
    at, announced = 2, atr[1] >> 4
    while announced:
        at += announced.bit_count()
        announced = atr[at - 1] >> 4 if announced & 0x08 else 0
    return atr[at : at + (atr[1] & 0x0F)]
