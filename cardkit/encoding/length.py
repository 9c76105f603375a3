"""BER length fields (ISO/IEC 7816-4 5.2.2.2; ETSI TS 101 220 7.1.2): 1 to 5 bytes, definite form only."""

from __future__ import annotations

from cardkit.errors import EncodingError


def read_length(data: bytes, offset: int) -> tuple[int, int]:
    """Read a length field; IndexError where data ends inside it.

    :returns: the length, and the offset behind the field.
    :raises EncodingError: on the indefinite form (80) and on more than four bytes (85 and above).

    >>> read_length(bytes.fromhex("820100"), 0)
    (256, 3)
    """
    first = data[offset]
    if first < 0x80:
        return first, offset + 1
    size = first - 0x80
    if size == 0:
        raise EncodingError(f"length field at byte {offset}: indefinite form 80 is not used on cards")
    if size > 4:
        raise EncodingError(f"length field at byte {offset}: got {first:02X}, expected 00-7F or 81-84")
    end = offset + 1 + size
    if end > len(data):
        raise IndexError
    return int.from_bytes(data[offset + 1 : end], "big"), end


def write_length(length: int, size: int = 0) -> bytes:
    """Write a length field.

    :param size: bytes of the whole field where it is longer than needed; 0 for the shortest form.
    :raises EncodingError: if the length does not fit in `size`, or in five bytes.

    >>> write_length(5).hex(), write_length(5, 2).hex(), write_length(200).hex()
    ('05', '8105', '81c8')
    """
    if size == 0 and length < 0x80:
        return bytes((length,))
    count = size - 1 if size else (length.bit_length() + 7) // 8
    if not 1 <= count <= 4 or length >> 8 * count:
        raise EncodingError(f"length {length} does not fit a length field of {count + 1} bytes")
    return bytes((0x80 | count,)) + length.to_bytes(count, "big")


def shortest_size(length: int) -> int:
    """Return the size in bytes of the shortest length field."""
    return 1 if length < 0x80 else 1 + (length.bit_length() + 7) // 8
