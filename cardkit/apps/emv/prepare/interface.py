"""What an application shows through one interface: records, AFL, signatures, FCI, the answer to GPO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cardkit.apps.emv.oda.static import static_data
from cardkit.apps.emv.prepare.directory import label_of
from cardkit.apps.emv.prepare.records import PreparedRecord, RecordFile, build_afl
from cardkit.apps.emv.schema import InterfaceBlock, PaymentBlock
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

AIP, AFL, TAG_LIST = b"\x82", b"\x94", b"\x9f\x4a"
_LABEL, _PRIORITY, _PROPRIETARY, _ISSUER_DATA = 0x50, 0x87, 0xA5, 0xBF0C
_LONGEST_FCI = 252

Objects = Mapping[bytes, bytes]
Certify = Callable[[bytes], Objects]
"""Makes the certificate and signatures over static data, as data objects."""


@dataclass(frozen=True, slots=True)
class Face:
    """An interface of one card before its records are made.

    :param objects: values by tag.  :param internal: those the application keeps for itself, by tag.
    """

    block: InterfaceBlock
    objects: Objects = field(repr=False)
    internal: Objects = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """One interface, prepared.

    :param fci: template A5.  :param answer: data objects of the answer to GET PROCESSING OPTIONS.
    :param internal: data objects the application keeps for itself; empty for none.
    :param static: what is signed; None where nothing is.
    """

    aip: bytes
    afl: bytes
    records: tuple[PreparedRecord, ...]
    fci: bytes
    answer: bytes = field(repr=False)
    internal: bytes
    static: bytes | None = field(repr=False)
    objects: Objects = field(repr=False)


def show(block: PaymentBlock, face: Face, file: RecordFile, certify: Certify) -> Shown:
    """Prepare an interface: signed records first, then what is signed, then the certificates over it.

    :param file: where the application's records stand.
    :raises EncodingError: when an object has no value or does not fit.
    """
    interface = face.block
    aip = bytes.fromhex(interface.aip)
    objects = {**face.objects, AIP: aip}
    static = _static(interface, objects, file)
    if static is not None:
        objects = {**objects, **certify(static)}
    records = tuple(record for group in interface.records for record in file.place(group, objects))
    afl = build_afl(records)
    objects = {**objects, AFL: afl}
    answer = [AIP, AFL, *map(bytes.fromhex, interface.answer)] if afl else [AIP, *map(bytes.fromhex, interface.answer)]
    return Shown(
        aip,
        afl,
        records,
        _fci(block, interface, objects),
        _objects(answer, objects),
        _objects(list(face.internal), face.internal),
        static,
        objects,
    )


def _static(interface: InterfaceBlock, objects: Objects, file: RecordFile) -> bytes | None:
    signed = [record for group in interface.records if group.signed for record in file.place(group, objects)]
    if not signed:
        return None
    listed = any(TAG_LIST.hex().upper() in map(str.upper, group.tags) for group in interface.records)
    tag_list = objects.get(TAG_LIST) if listed else None
    return static_data([(record.sfi, record.body) for record in signed], tag_list, objects[AIP])


def _fci(block: PaymentBlock, interface: InterfaceBlock, objects: Objects) -> bytes:
    content = tlv.build(_LABEL, label_of(block))
    content += tlv.build(_PRIORITY, bytes((block.priority,))) if block.priority else b""
    content += _objects([bytes.fromhex(tag) for tag in interface.fci], objects)
    if interface.issuer_data:
        content += tlv.build(_ISSUER_DATA, _objects([bytes.fromhex(tag) for tag in interface.issuer_data], objects))
    fci = tlv.build(_PROPRIETARY, content)
    if len(fci) > _LONGEST_FCI:
        raise EncodingError(f"FCI of {block.aid}: {len(fci)} bytes, expected {_LONGEST_FCI} or fewer")
    return fci


def _objects(tags: Sequence[bytes], objects: Objects) -> bytes:
    """Build data objects one behind the other; EncodingError for one without a value."""
    for tag in tags:
        if tag not in objects:
            raise EncodingError(f"data object {tag.hex().upper()}: no value in the profile, and nothing derives it")
    return b"".join(tlv.build(int.from_bytes(tag, "big"), objects[tag]) for tag in tags)
