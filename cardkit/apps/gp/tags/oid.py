"""Object identifiers as text (ITU-T X.690 8.19)."""

from __future__ import annotations

GP = bytes.fromhex("2A864886FC6B")
"""{iso(1) member-body(2) us(840) globalPlatform(114283)}"""


def oid_text(value: bytes) -> str:
    """Return an object identifier in dots; hex where the bytes are none.

    >>> oid_text(bytes.fromhex("2A864886FC6B01")), oid_text(bytes.fromhex("2A86"))
    ('1.2.840.114283.1', '2A86')
    """
    arcs: list[int] = []
    number, open_arc = 0, False
    for byte in value:
        number = number << 7 | byte & 0x7F
        open_arc = bool(byte & 0x80)
        if not open_arc:
            arcs.append(number)
            number = 0
    if open_arc or not arcs:
        return value.hex().upper()
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
