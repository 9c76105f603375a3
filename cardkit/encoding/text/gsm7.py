"""GSM 7-bit default alphabet (3GPP TS 23.038 6.2.1, packing 6.1.2.1)."""

from __future__ import annotations

from cardkit.errors import EncodingError

ESCAPE = 0x1B
UNKNOWN = "\ufffd"

# Table of 6.2.1: row by row of 16; the escape stands as U+001B.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"  # 00
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"  # 10
    " !\"#¤%&'()*+,-./"  # 20
    "0123456789:;<=>?"  # 30
    "¡ABCDEFGHIJKLMNO"  # 40
    "PQRSTUVWXYZÄÖÑÜ§"  # 50
    "¿abcdefghijklmno"  # 60
    "pqrstuvwxyzäöñüà"  # 70
)
# Table of 6.2.1.1: behind the escape.
_EXTENDED = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip

SEPTETS = {character: bytes((code,)) for code, character in enumerate(_BASIC) if code != ESCAPE}
"""Characters of one septet."""
_ALL_SEPTETS = SEPTETS | {character: bytes((ESCAPE, code)) for code, character in _EXTENDED.items()}


def encode_gsm7(text: str) -> bytes:
    """Return one byte a septet, bit 8 zero; characters of the extension table take two.

    :raises EncodingError: on a character outside both tables.

    >>> encode_gsm7("@€").hex()
    '001b65'
    """
    try:
        return b"".join([_ALL_SEPTETS[character] for character in text])
    except KeyError as error:
        raise EncodingError(f"text: U+{ord(error.args[0]):04X} is not in the GSM 7-bit default alphabet") from None


def decode_gsm7(septets: bytes) -> str:
    """Return the text; U+FFFD for a byte above 7F, and for an escape that leads nowhere.

    >>> decode_gsm7(bytes.fromhex("001B65"))
    '@€'
    """
    characters = []
    codes = iter(septets)
    for code in codes:
        if code == ESCAPE:
            characters.append(_EXTENDED.get(next(codes, ESCAPE), UNKNOWN))
        else:
            characters.append(_BASIC[code] if code < 0x80 else UNKNOWN)
    return "".join(characters)


def pack(septets: bytes) -> bytes:
    """Pack septets into bytes, the first in the low bits; spare bits of the last byte are zero.

    :raises EncodingError: on a byte above 7F.

    >>> pack(b"hello").hex()
    'e8329bfd06'
    """
    if not septets.isascii():
        raise EncodingError("GSM 7-bit packing: a septet is above 7F")
    bits = 0
    for place, septet in enumerate(septets):
        bits |= septet << 7 * place
    return bits.to_bytes((7 * len(septets) + 7) // 8, "little")


def unpack(data: bytes, count: int | None = None) -> bytes:
    """Unpack septets; by default as many as fit.

    :raises EncodingError: if the data holds fewer than `count`.

    >>> unpack(bytes.fromhex("E8329BFD06"), 5)
    b'hello'
    """
    fits = len(data) * 8 // 7
    if count is None:
        count = fits
    elif count > fits:
        raise EncodingError(f"GSM 7-bit packing: {len(data)} bytes hold {fits} septets, expected {count}")
    bits = int.from_bytes(data, "little")
    return bytes(bits >> 7 * place & 0x7F for place in range(count))
