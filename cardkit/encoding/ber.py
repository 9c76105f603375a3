"""BER with indefinite lengths and strings in pieces, which some issuers write in place of DER (ITU-T X.690 8.1.3).

Only what is not definite is written anew: what somebody hashed or signed inside stays as it is, bit for bit.
"""

from __future__ import annotations

from cardkit.encoding.length import read_length, write_length
from cardkit.encoding.tlv import end_of_tag
from cardkit.errors import EncodingError

_MOST_LEVELS = 32
_INDEFINITE = 0x80
_CONSTRUCTED = 0x20
_PIECES = 0x24  # an OCTET STRING of OCTET STRINGs
_OCTETS = b"\x04"


def with_definite_lengths(data: bytes) -> bytes:
    """Return the one object data begin with, in definite lengths, and what follows it as it is.

    :raises EncodingError: where an object is not whole, or there are more than 32 levels of them.

    >>> with_definite_lengths(bytes.fromhex("3080 2480 0401AA 0402BBCC 0000 0000")).hex()
    '30050403aabbcc'
    """
    written, end = _object(data, 0, len(data), 0)
    return written + data[end:]


def _object(data: bytes, offset: int, end: int, level: int) -> tuple[bytes, int]:
    """Return an object in definite lengths, and the offset behind it as it was."""
    if level > _MOST_LEVELS:
        raise EncodingError(f"BER: more than {_MOST_LEVELS} objects within each other")
    try:
        start = end_of_tag(data, offset)
        indefinite = data[start] == _INDEFINITE
        length, body = (end - start - 1, start + 1) if indefinite else read_length(data, start)
    except IndexError:
        raise EncodingError(f"BER: data end in the tag or length at byte {offset}") from None
    if body + length > end:
        raise EncodingError(f"BER: object at byte {offset} is longer than what it is in")
    tag = data[offset:start]
    if not data[offset] & _CONSTRUCTED:
        if indefinite:
            raise EncodingError(f"BER: object at byte {offset} has no length")
        return data[offset : body + length], body + length
    parts, behind = _contents(data, body, body + length, level, closed=indefinite)
    content = b"".join(parts)
    if tag[0] == _PIECES:
        tag, content = _OCTETS, b"".join(_octets(part) for part in parts)
    elif content == data[body:behind] and not indefinite:
        return data[offset:behind], behind
    return tag + write_length(len(content)) + content, behind + (2 if indefinite else 0)


def _contents(data: bytes, offset: int, end: int, level: int, *, closed: bool) -> tuple[list[bytes], int]:
    """Return the objects up to an end, or up to two zeros where those close the row."""
    parts: list[bytes] = []
    while offset < end:
        if closed and data[offset : offset + 2] == b"\x00\x00":
            return parts, offset
        part, offset = _object(data, offset, end, level + 1)
        parts.append(part)
    if closed:
        raise EncodingError("BER: the end of an object without length (0000) is missing")
    return parts, offset


def _octets(part: bytes) -> bytes:
    if part[:1] != _OCTETS:
        raise EncodingError(f"BER: OCTET STRING in pieces: got a piece with tag {part[:1].hex().upper()}, expected 04")
    return part[read_length(part, 1)[1] :]
