"""File control parameters, the answer to SELECT and STATUS (ETSI TS 102 221 11.1.1.4)."""

from collections.abc import Sequence
from typing import Final

from . import tlv
from .access import Rules, compact_rules, compile_rules
from .files import ACTIVATED, File, Kind

_DIRECTORY: Final = 0x38  # bits of the file descriptor byte
_BER_TLV: Final = 0x39
_SHAREABLE: Final = 0x40
_PLAIN_REFERENCE: Final = 3  # bytes of 8B: FID and record number, without security environments


def read(template: bytes, path: str, parent: File | None, name: str = "") -> File:
    """The file that an FCP template describes, its body still without a cell.

    :raises ImageError: no TLVs.  :raises KeyError: a tag is missing.  :raises ValueError: a structure unknown here.
    """
    parts = dict(tlv.parse(next(tlv.parse(template))[1]))
    shape, fid = parts[0x82], int.from_bytes(parts[0x83], "big")
    kind = _kind(shape[0])
    short = parts.get(0x88)
    sfi = fid & 0x1F if short is None else short[0] >> 3 if short else None
    special = dict(tlv.parse(parts.get(0xA5, b"")))
    return File(
        path=path,
        name=name,
        fid=fid,
        kind=kind,
        parent=parent,
        size=int.from_bytes(parts.get(0x80, b""), "big"),
        record_length=int.from_bytes(shape[2:4], "big"),
        sfi=None if kind is Kind.DF else sfi,
        aid=parts.get(0x84, b""),
        arr=_reference(parts.get(0x8B, bytes(_PLAIN_REFERENCE))),
        attributes=_attributes(parts),
        pins=tuple(value[0] for tag, value in tlv.parse(parts.get(0xC6, b"")) if tag == 0x83),
        fill=special.get(0xC1) or special.get(0xC2) or b"\xff",
        repeats=not special.get(0xC1),
        lasting=bool(special.get(0xC0, b"\x00")[0] & 0x40),
        fcp=template,
    )


def _kind(first: int) -> Kind:
    if first & ~_SHAREABLE == _BER_TLV:
        return Kind.BER_TLV
    return Kind.DF if first & _DIRECTORY == _DIRECTORY else Kind(first & 0x07 | _SHAREABLE)


def _reference(value: bytes) -> tuple[int, int]:
    """EF.ARR and record; of several security environments the first counts."""
    return int.from_bytes(value[:2], "big"), value[2 if len(value) == _PLAIN_REFERENCE else 3]


def _attributes(parts: dict[int, bytes]) -> Rules | None:
    if 0xAB in parts:
        return compile_rules(parts[0xAB])
    return compact_rules(parts[0x8C]) if 0x8C in parts else None


def template(file: File) -> bytes:
    """The FCP template of a file as delivered: activated, all PINs of a directory shown as disabled.

    Order 82 83 84 8A 8B C6 for a directory, 82 83 8A 8B 80 88 for an EF.
    """
    parts = [(0x82, descriptor(file)), (0x83, file.fid.to_bytes(2, "big"))]
    if file.aid:
        parts.append((0x84, file.aid))
    parts.append((0x8A, ACTIVATED))
    parts.append((0x8B, file.arr[0].to_bytes(2, "big") + bytes((file.arr[1],))))
    if file.is_df:
        if file.pins:
            parts.append((0xC6, pin_status(file.pins, 0)))
    else:
        parts.append((0x80, file.size.to_bytes(2, "big")))
        parts.append((0x88, b"" if file.sfi is None else bytes((file.sfi << 3,))))
    return tlv.build(0x62, b"".join(tlv.build(tag, value) for tag, value in parts))


def descriptor(file: File, first: int | None = None) -> bytes:
    """Tag 82; `first` is a descriptor byte other than the usual one of its kind."""
    head = bytes((file.kind.value if first is None else first, 0x21))
    if not file.record_length:
        return head
    return head + file.record_length.to_bytes(2, "big") + bytes((file.records,))


def resized(file: File) -> bytes:
    """The template with the size the file has now."""
    answer = _patched(file.fcp, 0x82, descriptor(file, _part(file.fcp, 0x82)[0]))
    return _patched(answer, 0x80, file.size.to_bytes(2, "big"))


def pin_status(references: Sequence[int], enabled: int) -> bytes:
    """PS_DO and the key references (TS 102 221 9.5.2); bit b8 of `enabled` belongs to the first reference."""
    return tlv.build(0x90, bytes((enabled,))) + b"".join(tlv.build(0x83, bytes((ref,))) for ref in references)


def current(file: File, life_cycle: bytes | None, enabled: int) -> bytes:
    """The template with today's PIN bitmap, and life cycle byte if it ever changed, put in place of those delivered."""
    answer = file.fcp if life_cycle is None else _patched(file.fcp, 0x8A, life_cycle)
    return _patched(answer, 0xC6, pin_status(file.pins, enabled)) if file.pins else answer


def _part(fcp: bytes, tag: int) -> bytes:
    return dict(tlv.parse(next(tlv.parse(fcp))[1]))[tag]


def _patched(fcp: bytes, tag: int, value: bytes) -> bytes:
    """Replace the value of one inner tag by one of the same size, keeping every other byte and all length forms."""
    _, inner, _ = next(tlv.spans(fcp))
    for found, start, end in tlv.spans(fcp, inner):
        if found == tag and end - start == len(value):
            return fcp[:start] + value + fcp[end:]
    return fcp
