"""The directories of payment applications: PSE and PPSE (EMV 4.4 Book 1, 12.2; Contactless Book B, 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.schema import ChipBlock, DirectoryBlock, PaymentBlock
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_ENTRY, _AID, _LABEL, _PRIORITY, _KERNEL = 0x61, 0x4F, 0x50, 0x87, 0x9F2A
_PROPRIETARY, _ISSUER_DATA, _SFI, _LANGUAGES = 0xA5, 0xBF0C, 0x88, 0x5F2D
_LONGEST_LABEL = 16


def label_of(block: PaymentBlock) -> bytes:
    """Return an application label, ans 1 to 16.

    :raises EncodingError: on another length or character (EMV 4.4 Book 3 Annex A).
    """
    allowed = block.label.isascii() and block.label.replace(" ", "A").isalnum()
    if not allowed or not 1 <= len(block.label) <= _LONGEST_LABEL:
        raise EncodingError(f"label {block.label!r}: expected 1 to {_LONGEST_LABEL} letters, digits and spaces")
    return block.label.encode()


def pse_data(block: DirectoryBlock, applications: Iterable[PaymentBlock], chip: ChipBlock) -> ApplicationData:
    """Return the data of the contact directory: the FCI, and a record for as many applications as fit.

    :raises EncodingError: when an entry is malformed or fits no record.
    """
    languages = tlv.build(_LANGUAGES, block.languages.encode()) if block.languages else b""
    fci = tlv.build(_PROPRIETARY, tlv.build(_SFI, bytes((block.sfi,))) + languages)
    clear = {int(chip.groupings.fci, 16): fci}
    for number, body in enumerate(_records(applications, chip.record_bytes), 1):
        clear[block.sfi << 8 | number] = body
    return ApplicationData(PSE, clear)


def ppse_data(applications: Iterable[PaymentBlock], chip: ChipBlock) -> ApplicationData:
    """Return the data of the contactless directory: all of it stands in the FCI."""
    entries = b"".join(_entry(item, kernel=True) for item in applications)
    fci = tlv.build(_PROPRIETARY, tlv.build(_ISSUER_DATA, entries))
    return ApplicationData(PPSE, {int(chip.groupings.fci, 16): fci})


def _records(applications: Iterable[PaymentBlock], size: int) -> Iterable[bytes]:
    """Yield records of whole entries."""
    content = b""
    for entry in map(_entry, applications):
        if content and len(tlv.build(0x70, content + entry)) > size:
            yield tlv.build(0x70, content)
            content = b""
        content += entry
    if content:
        yield tlv.build(0x70, content)


def _entry(block: PaymentBlock, *, kernel: bool = False) -> bytes:
    content = tlv.build(_AID, bytes.fromhex(block.aid)) + tlv.build(_LABEL, label_of(block))
    content += tlv.build(_PRIORITY, bytes((block.priority,))) if block.priority or kernel else b""
    if kernel and block.kernel:
        content += tlv.build(_KERNEL, bytes.fromhex(block.kernel))
    return tlv.build(_ENTRY, content)
