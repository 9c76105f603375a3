"""Administration of the file system: make files, change their size and state, end them (ETSI TS 102 222 6).

Every function returns one command; objects of a template stand in the order the standard lists them.

    create_file(NewFile(0x6F46, Structure.TRANSPARENT, 17, by_reference(0x6F06, 3), fill=b"\\xff"))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816.commands import LARGEST_RECORD, LARGEST_SFI, Ins
from cardkit.apps.uicc.arr import Reference
from cardkit.apps.uicc.fcp import Fcp, PinState
from cardkit.apps.uicc.files.spec import Structure
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError

_CREATE, _DELETE, _RESIZE = 0xE0, 0xE4, 0xD4
_TERMINATE_DF, _TERMINATE_EF, _TERMINATE_CARD = 0xE6, 0xE8, 0xFE
_CURRENT, _PATH_FROM_MF = 0x00, 0x08
_UICC_CLASS = 0x80

# Objects of the template (TS 102 221 11.1.1.4; TS 102 222 6.3.2.2).
_TEMPLATE, _DESCRIPTOR, _FID, _NAME, _LIFE_CYCLE = 0x62, 0x82, 0x83, 0x84, 0x8A
_SIZE, _TOTAL_SIZE, _SFI, _REFERENCE, _PIN_STATUS = 0x80, 0x81, 0x88, 0x8B, 0xC6
_PROPRIETARY, _SPECIAL, _FILL, _REPEAT = 0xA5, 0xC0, 0xC1, 0xC2
_PIN_BITMAP, _PIN_USAGE, _PIN_REFERENCE = 0x90, 0x95, 0x83

_SHAREABLE, _DIRECTORY, _CODING = 0x40, 0x38, 0x21
_DESCRIPTORS = {
    Structure.TRANSPARENT: 0x01,
    Structure.LINEAR_FIXED: 0x02,
    Structure.CYCLIC: 0x06,
    Structure.BER_TLV: 0x39,
}
_LARGEST_FID = 0xFFFF
_LONGEST_RECORD = 255
ACTIVATED, INITIALISATION, CREATION = 0x05, 0x03, 0x01
"""Life cycle states a file can be created in."""


def by_reference(arr_fid: int, record: int) -> bytes:
    """Return the security object that names a record of an EF.ARR.

    >>> by_reference(0x2F06, 10).hex()
    '8b032f060a'
    """
    return tlv.build(_REFERENCE, _fid(arr_fid) + bytes((record,)))


def pin_status(keys: Sequence[PinState]) -> bytes:
    """Return the value of the PIN status template of a directory: which keys there are and which are enabled.

    >>> pin_status([PinState(0x01, enabled=True), PinState(0x81, enabled=False, usage=8)]).hex()
    '900180830101950108830181'
    """
    bits = "".join("1" if key.enabled else "0" for key in keys)
    bits = bits.ljust(-len(bits) % 8 + len(bits), "0")
    bitmap = int(bits or "0", 2).to_bytes(len(bits) // 8)
    usages = (b"" if key.usage is None else tlv.build(_PIN_USAGE, bytes((key.usage,))) for key in keys)
    references = (tlv.build(_PIN_REFERENCE, bytes((key.reference,))) for key in keys)
    listed = b"".join(usage + reference for usage, reference in zip(usages, references, strict=True))
    return tlv.build(_PIN_BITMAP, bitmap) + listed


@dataclass(frozen=True, slots=True)
class NewFile:
    """An elementary file to be made.

    :param size: bytes of the body.  :param security: a whole object: :func:`by_reference`, or ``8C...``, ``AB...``.
    :param record_length: bytes of a record, which the size is a multiple of; 0 where there are none.
    :param sfi: 1 to 30; 0 for none; None to leave the card with the last five bits of the FID.
    :param fill: first bytes of the body or of each record, the last of them repeated.
    :param repeat: a pattern over and over instead; both empty for FF.
    :param special: high update activity 80, readable when deactivated 40.
    """

    fid: int
    structure: Structure
    size: int
    security: bytes
    record_length: int = 0
    sfi: int | None = None
    life_cycle: int = ACTIVATED
    fill: bytes = b""
    repeat: bytes = b""
    special: int = 0x00

    def __post_init__(self) -> None:
        where = f"file {self.fid:04X}"
        if self.structure.has_records:
            count = self.size // self.record_length if 0 < self.record_length <= _LONGEST_RECORD else 0
            if not 1 <= count <= LARGEST_RECORD or count * self.record_length != self.size:
                raise EncodingError(f"{where}: {self.size} bytes in records of {self.record_length}")
        elif self.record_length:
            raise EncodingError(f"{where}: a {self.structure.value} file has no records")
        if self.sfi is not None and not 0 <= self.sfi <= LARGEST_SFI:
            raise EncodingError(f"{where}: SFI {self.sfi}, expected 1 to {LARGEST_SFI}, or 0 for none")
        if self.fill and self.repeat:
            raise EncodingError(f"{where}: a fill pattern and a repeat pattern, expected one of them")

    @property
    def record_count(self) -> int:
        """Number of records, 0 where there are none."""
        return self.size // self.record_length if self.record_length else 0

    def template(self) -> bytes:
        """Return the file control parameters CREATE FILE gets."""
        length = self.record_length.to_bytes(2) if self.record_length else b""
        descriptor = bytes((_SHAREABLE | _DESCRIPTORS[self.structure], _CODING)) + length
        short = b"" if self.sfi is None else tlv.build(_SFI, bytes((self.sfi << 3,)) if self.sfi else b"")
        objects = (
            tlv.build(_DESCRIPTOR, descriptor),
            tlv.build(_FID, _fid(self.fid)),
            tlv.build(_LIFE_CYCLE, bytes((self.life_cycle,))),
            self.security,
            tlv.build(_SIZE, _size(self.size)),
            short,
            self._proprietary(),
        )
        return tlv.build(_TEMPLATE, b"".join(objects))

    def _proprietary(self) -> bytes:
        special = bytes((self.special,)) if self.special else b""
        pairs = ((_SPECIAL, special), (_FILL, self.fill), (_REPEAT, self.repeat))
        objects = b"".join(tlv.build(tag, value) for tag, value in pairs if value)
        return tlv.build(_PROPRIETARY, objects) if objects else b""

    def differences(self, found: Fcp) -> list[str]:
        """Return in what a file of the card is another than this one: for a CREATE FILE that meets 6A89.

        What the card's template does not say is not held against it; neither are life cycle and contents.
        """
        wanted = _reference(self.security)
        pairs = (
            ("structure", self.structure, found.structure),
            ("size", self.size, found.size),
            ("record length", self.record_length or None, found.record_length),
            ("short identifier", self.sfi or None, found.sfi if self.sfi is not None else None),
            ("access rules", wanted, found.reference if wanted else None),
        )
        return _differences(pairs)


def _reference(security: bytes) -> Reference | None:
    reference = tlv.parse(security).first(_REFERENCE)
    return None if reference is None else Reference.parse(reference)


_Attribute = Structure | Reference | int | None


def _differences(pairs: Iterable[tuple[str, _Attribute, _Attribute]]) -> list[str]:
    return [f"{name}: {_said(got)}, expected {_said(want)}" for name, want, got in pairs if got != want]


def _said(value: _Attribute) -> str:
    if isinstance(value, Structure):
        return value.value
    if isinstance(value, Reference):
        return f"{value.fid:04X} record {value.record}"
    return "none" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class NewDirectory:
    """A directory to be made: an ADF where it has a name, else a DF, or the MF.

    :param security: as in :class:`NewFile`.  :param memory: bytes set aside for what will lie in it.
    :param name: AID of an ADF.  :param pins: see :func:`pin_status`.
    """

    fid: int
    security: bytes
    memory: int
    name: bytes = b""
    pins: tuple[PinState, ...] = ()
    life_cycle: int = ACTIVATED

    def template(self) -> bytes:
        """Return the file control parameters CREATE FILE gets."""
        objects = (
            tlv.build(_DESCRIPTOR, bytes((_SHAREABLE | _DIRECTORY, _CODING))),
            tlv.build(_FID, _fid(self.fid)),
            tlv.build(_NAME, self.name) if self.name else b"",
            tlv.build(_LIFE_CYCLE, bytes((self.life_cycle,))),
            self.security,
            tlv.build(_TOTAL_SIZE, _size(self.memory)),
            tlv.build(_PIN_STATUS, pin_status(self.pins)),
        )
        return tlv.build(_TEMPLATE, b"".join(objects))

    def differences(self, found: Fcp) -> list[str]:
        """Return in what a directory of the card is another than this one; as :meth:`NewFile.differences`."""
        if not found.is_directory:
            return ["structure: a file, expected a directory"]
        wanted = _reference(self.security)
        names = [] if found.df_name == (self.name or None) else ["name: another one"]
        return names + _differences((("access rules", wanted, found.reference if wanted else None),))


def create_file(new: NewFile | NewDirectory) -> CommandAPDU:
    """Make a file in the current directory; it becomes current (TS 102 222 6.3)."""
    return CommandAPDU(0x00, _CREATE, 0x00, 0x00, new.template())


def delete_file(fid: int) -> CommandAPDU:
    """Remove a child of the current directory, or what is current, with all that lies in it (TS 102 222 6.4)."""
    return CommandAPDU(0x00, _DELETE, 0x00, 0x00, _fid(fid))


def resize_file(fid: int, size: int) -> CommandAPDU:
    """Give a child of the current directory another size; what stays keeps its content (TS 102 222 6.10).

    :param size: bytes of the body.
    """
    return _resize(fid, _SIZE, size)


def resize_directory(fid: int, memory: int) -> CommandAPDU:
    """Set aside another number of bytes for a directory (TS 102 222 6.10)."""
    return _resize(fid, _TOTAL_SIZE, memory)


def _resize(fid: int, tag: int, size: int) -> CommandAPDU:
    template = tlv.build(_TEMPLATE, tlv.build(_FID, _fid(fid)) + tlv.build(tag, _size(size)))
    return CommandAPDU(_UICC_CLASS, _RESIZE, 0x00, 0x00, template)


def activate(path: Sequence[int] = ()) -> CommandAPDU:
    """Make a file usable.

    :param path: FIDs from the MF on, the MF left out; empty for the current file.
    TS 102 221 11.1.15
    """
    return _by_path(Ins.ACTIVATE, path)


def deactivate(path: Sequence[int] = ()) -> CommandAPDU:
    """Make a file unusable until it is activated; parameters as :func:`activate` (TS 102 221 11.1.14)."""
    return _by_path(Ins.DEACTIVATE, path)


def _by_path(ins: Ins, path: Sequence[int]) -> CommandAPDU:
    return CommandAPDU(0x00, ins, _PATH_FROM_MF if path else _CURRENT, 0x00, b"".join(map(_fid, path)))


def terminate_ef(*, irreversible: bool) -> CommandAPDU:
    """End the current elementary file for good: only its deletion is left (TS 102 222 6.8).

    :raises ProfileError: unless ``irreversible`` says that this is meant.
    """
    return _terminate(_TERMINATE_EF, "TERMINATE EF", irreversible=irreversible)


def terminate_df(*, irreversible: bool) -> CommandAPDU:
    """End the current directory for good; as :func:`terminate_ef` (TS 102 222 6.7)."""
    return _terminate(_TERMINATE_DF, "TERMINATE DF", irreversible=irreversible)


def terminate_card(*, irreversible: bool) -> CommandAPDU:
    """End the card for good; as :func:`terminate_ef` (TS 102 222 6.9)."""
    return _terminate(_TERMINATE_CARD, "TERMINATE CARD USAGE", irreversible=irreversible)


def _terminate(ins: int, name: str, *, irreversible: bool) -> CommandAPDU:
    if not irreversible:
        raise ProfileError(f"{name}: cannot be taken back, expected irreversible=True")
    return CommandAPDU(0x00, ins, 0x00, 0x00)


def _fid(fid: int) -> bytes:
    if not 0 <= fid <= _LARGEST_FID:
        raise EncodingError(f"file identifier {fid:X}: expected two bytes")
    return fid.to_bytes(2)


def _size(size: int) -> bytes:
    if not 0 < size <= _LARGEST_FID:
        raise EncodingError(f"size of {size} bytes: expected 1 to {_LARGEST_FID}")
    return size.to_bytes(2)
