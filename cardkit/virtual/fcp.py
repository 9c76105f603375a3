"""File control parameters, the answer to SELECT and STATUS (ETSI TS 102 221 11.1.1.4)."""

from collections.abc import Sequence

from . import tlv
from .files import ACTIVATED, File


def template(file: File) -> bytes:
    """The FCP template of a file as delivered: activated, all PINs of a directory shown as disabled.

    Order 82 83 84 8A 8B C6 for a directory, 82 83 8A 8B 80 88 for an EF.
    """
    parts = [(0x82, _descriptor(file)), (0x83, file.fid.to_bytes(2, "big"))]
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


def _descriptor(file: File) -> bytes:
    head = bytes((file.kind.value, 0x21))
    if not file.record_length:
        return head
    return head + file.record_length.to_bytes(2, "big") + bytes((file.records,))


def pin_status(references: Sequence[int], enabled: int) -> bytes:
    """PS_DO and the key references (TS 102 221 9.5.2); bit b8 of `enabled` belongs to the first reference."""
    return tlv.build(0x90, bytes((enabled,))) + b"".join(tlv.build(0x83, bytes((ref,))) for ref in references)


def current(file: File, life_cycle: bytes | None, enabled: int) -> bytes:
    """The template with today's PIN bitmap, and life cycle byte if it ever changed, put in place of those delivered."""
    answer = file.fcp if life_cycle is None else _patched(file.fcp, 0x8A, life_cycle)
    return _patched(answer, 0xC6, pin_status(file.pins, enabled)) if file.pins else answer


def _patched(fcp: bytes, tag: int, value: bytes) -> bytes:
    """Replace the value of one inner tag by one of the same size, keeping every other byte and all length forms."""
    _, inner, _ = next(tlv.spans(fcp))
    for found, start, end in tlv.spans(fcp, inner):
        if found == tag and end - start == len(value):
            return fcp[:start] + value + fcp[end:]
    return fcp
