"""What a security domain says of itself: FCI, recognition data, key information (11.9.3.1, H.2, 11.3.3.1.1)."""

from typing import Final

from . import ber
from .chip import GpChip
from .keysets import CardKeyEntry
from .registry import Entry

_ARC: Final = bytes.fromhex("2A864886FC6B")  # {iso(1) member-body(2) country-USA(840) globalPlatform(114283)}
_SECRET: Final = 0xB1
_CURVE: Final = 0xF0
_EXTENDED: Final = 0xFF
_FULL: Final = 256


def fci(chip: GpChip, domain: Entry) -> bytes:
    """File control information of a security domain."""
    template = ber.build(0x73, management_data(chip, domain))
    inside = template + ber.build(0x9F65, bytes((chip.image.limits.command,)))
    return ber.build(0x6F, ber.build(0x84, domain.aid) + ber.build(0xA5, inside))


def management_data(chip: GpChip, domain: Entry) -> bytes:
    """Card recognition data, or those of a supplementary security domain: what stands inside tag 73."""
    stored = chip.data(domain.aid, 0x66)
    if stored:
        return dict(ber.parse(stored)).get(0x73, b"")
    objects = [
        (0x06, _ARC + b"\x01"),
        (0x60, _oid(b"\x02" + chip.image.version)),
        (0x63, _oid(b"\x03")),
        *((0x64, _oid(b"\x04" + pair)) for pair in domain.protocols),
    ]
    return b"".join(ber.build(tag, value) for tag, value in objects)


def _oid(tail: bytes) -> bytes:
    return ber.build(0x06, _ARC + tail)


def key_information(chip: GpChip, domain: Entry) -> bytes:
    """What stands inside tag E0: `C0` for each key."""
    keys = [key for found in chip.keys(domain.aid).ring().sets.values() for key in found.keys.values()]
    return b"".join(ber.build(0xC0, _key(key)) for key in keys)


def _key(key: CardKeyEntry) -> bytes:
    """Basic format, or extended when usage or access were given."""
    head = bytes((key.kid, key.kvn))
    components = ((key.type, key.value), *key.more)
    if key.usage or key.access:
        sizes = b"".join(bytes((_EXTENDED, kind)) + _size(kind, value, 2) for kind, value in components)
        return head + sizes + bytes((len(key.usage),)) + key.usage + bytes((len(key.access),)) + key.access
    return head + b"".join(bytes((kind,)) + _size(kind, value, 1) for kind, value in components)


def _size(kind: int, value: bytes, width: int) -> bytes:
    """The length of a component; of a curve reference the reference itself; of a point without its 04."""
    if kind == _CURVE:
        return value.rjust(width, b"\x00")
    size = len(value) - (kind == _POINT)
    return (size if width == 2 else size % _FULL).to_bytes(width, "big")


_POINT: Final = 0xB0
