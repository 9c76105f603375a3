"""What SELECT answers on a UICC: file control parameters.

    Fcp.parse(answer).build() == answer        for every template a card gives: order, length forms, unknown objects

ETSI TS 102 221 11.1.1.4, TS 102 222 6.3. A 2G SIM answers otherwise: :mod:`.gsm`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.apps.uicc.arr import Condition, FileKind, Reference, Rule, compact_conditions, conditions, parse_rules
from cardkit.apps.uicc.codecs.base import Value
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.files.spec import Structure
from cardkit.apps.uicc.names import key_reference, life_cycle
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

FCP, FCI = 0x62, 0x6F
_DESCRIPTOR, _FID, _DF_NAME, _LIFE_CYCLE = 0x82, 0x83, 0x84, 0x8A
_SIZE, _TOTAL_SIZE, _SFI = 0x80, 0x81, 0x88
_REFERENCED, _COMPACT, _EXPANDED = 0x8B, 0x8C, 0xAB
_PROPRIETARY, _PIN_STATUS = 0xA5, 0xC6
_PIN_ENABLED, _PIN_USAGE, _PIN_REFERENCE = 0x90, 0x95, 0x83
_LINK = 0x9B
_SFI_MASK = 0x1F

_EF_STRUCTURES = {1: Structure.TRANSPARENT, 2: Structure.LINEAR_FIXED, 6: Structure.CYCLIC}
_BER_TLV_BYTES = frozenset((0x39, 0x79))

# TS 102 221 11.1.1.4.6; C0 to C2: TS 102 222 6.3.2.2. Vendors add others, 9B the path of a linked file.
_PROPRIETARY_NAMES = {
    0x80: "uicc_characteristics",
    0x81: "power_consumption",
    0x82: "minimum_clock",
    0x83: "free_memory",
    0x84: "file_details",
    0x85: "reserved_size",
    0x86: "maximum_size",
    0x87: "supported_commands",
    0x88: "environment",
    0x9B: "linked_to",
    0xC0: "special_information",
    0xC1: "fill_pattern",
    0xC2: "repeat_pattern",
}


@dataclass(frozen=True, slots=True)
class PinState:
    """A key of a directory and whether it is enabled. TS 102 221 9.5.2, 11.1.1.4.10

    :param usage: usage qualifier, None if the card gives none.
    """

    reference: int
    enabled: bool
    usage: int | None = None

    @property
    def name(self) -> str:
        """PIN1, ADM1 ..."""
        return key_reference(self.reference)


@dataclass(frozen=True, slots=True)
class Fcp:
    """A template as the card gave it; the properties read it when asked.

    :param whole: the template (62, or 6F of an issuer security domain) and what may follow it.
    :param objects: what the template holds.
    """

    whole: tlv.TlvList
    objects: tlv.TlvList

    @classmethod
    def parse(cls, data: bytes) -> Fcp:
        """Read the answer of SELECT.

        :raises EncodingError: if it is not one template 62 or 6F.

        >>> Fcp.parse(bytes.fromhex("62178202412183022FE28A01058B032F060A8002000A880110")).sfi
        2
        """
        items = tlv.parse(data)
        if not len(items) or items[0].tag not in {FCP, FCI}:
            raise EncodingError(f"SELECT answer: got {to_hex(data[:2]) or 'nothing'}, expected a template 62 or 6F")
        return cls(items, items[0].children())

    def build(self) -> bytes:
        """Return the bytes that were read."""
        return self.whole.build()

    def value(self, tag: int) -> bytes | None:
        """Return the value of an object, None if the card does not give it."""
        return self.objects.first(tag)

    @property
    def is_directory(self) -> bool:
        """Whether the descriptor says MF, DF or ADF."""
        byte = self._descriptor_byte
        return byte is not None and byte not in _BER_TLV_BYTES and byte & 0x38 == 0x38

    @property
    def _descriptor_byte(self) -> int | None:
        descriptor = self.value(_DESCRIPTOR)
        return descriptor[0] & 0x7F if descriptor else None

    @property
    def structure(self) -> Structure | None:
        """How the body is divided, None for directories and unknown bytes. TS 102 221 11.1.1.4.3"""
        byte = self._descriptor_byte
        if byte is None or self.is_directory:
            return None
        return Structure.BER_TLV if byte in _BER_TLV_BYTES else _EF_STRUCTURES.get(byte & 0x07)

    @property
    def record_length(self) -> int | None:
        """Bytes of a record."""
        descriptor = self.value(_DESCRIPTOR) or b""
        return int.from_bytes(descriptor[2:4], "big") if len(descriptor) >= 4 else None

    @property
    def record_count(self) -> int | None:
        """Number of records, from the size where the descriptor does not say."""
        descriptor = self.value(_DESCRIPTOR) or b""
        if len(descriptor) >= 5:
            return descriptor[4]
        return self.size // self.record_length if self.size and self.record_length else None

    @property
    def fid(self) -> int | None:
        """File identifier."""
        return self._number(_FID)

    @property
    def df_name(self) -> bytes | None:
        """AID of an application."""
        return self.value(_DF_NAME)

    @property
    def size(self) -> int | None:
        """Bytes of the body."""
        return self._number(_SIZE)

    @property
    def total_size(self) -> int | None:
        """Bytes with structural information; of a directory: its memory."""
        return self._number(_TOTAL_SIZE)

    def _number(self, tag: int) -> int | None:
        value = self.value(tag)
        return int.from_bytes(value, "big") if value else None

    @property
    def sfi(self) -> int | None:
        """Short identifier: bits 8-4 of object 88; without the object that of the FID; None if the object is empty.

        TS 102 221 11.1.1.4.8
        """
        value = self.value(_SFI)
        if value is None:
            return None if self.is_directory or self.fid is None else self.fid & _SFI_MASK or None
        return value[0] >> 3 or None if value else None

    @property
    def life_cycle(self) -> int | None:
        """Life cycle status byte. TS 102 221 11.1.1.4.9"""
        return self._number(_LIFE_CYCLE)

    @property
    def kind(self) -> FileKind:
        """Which meanings the access mode bits have."""
        return FileKind.DF if self.is_directory else FileKind.EF

    @property
    def reference(self) -> Reference | None:
        """Where the access rules are, None if they stand here or nowhere."""
        value = self.value(_REFERENCED)
        try:
            return Reference.parse(value) if value is not None else None
        except EncodingError:
            return None

    @property
    def rules(self) -> list[Rule]:
        """Access rules given here (object AB).  :raises EncodingError: if they are malformed."""
        value = self.value(_EXPANDED)
        return parse_rules(value) if value is not None else []

    def conditions(self, rules: list[Rule] | None = None) -> dict[str, Condition] | None:
        """Return what each operation takes, from the rules referred to or those given here; None if unknown.

        :param rules: those of the EF.ARR record, where :attr:`reference` names one.
        """
        compact = self.value(_COMPACT)
        if compact is not None:
            return compact_conditions(compact, self.kind)
        found = rules if rules is not None else self.rules
        return conditions(found, self.kind) if found or rules is not None else None

    @property
    def pins(self) -> list[PinState]:
        """Keys of a directory and whether each is enabled: bit 8 of the first byte belongs to the first key."""
        value = self.value(_PIN_STATUS)
        if value is None:
            return []
        try:
            return list(_pin_states(tlv.parse(value)))
        except EncodingError:
            return []

    @property
    def linked_to(self) -> bytes | None:
        """Path of the file whose body this one shares, where the vendor says so (A5/9B), two bytes a step."""
        return self._proprietary().first(_LINK)

    def _proprietary(self) -> tlv.TlvList:
        try:
            return tlv.parse(self.value(_PROPRIETARY) or b"")
        except EncodingError:
            return tlv.parse(b"")

    def describe(self) -> Value:
        """Return the template in words: only what the card gives."""
        found: Value = {
            "kind": "directory" if self.is_directory else self.structure.value if self.structure else None,
            "fid": f"{self.fid:04X}" if self.fid is not None else None,
            "aid": to_hex(self.df_name) if self.df_name is not None else None,
            "size": self.size,
            "total_size": self.total_size,
            "record_length": self.record_length,
            "record_count": self.record_count,
            "sfi": self.sfi,
            "life_cycle": life_cycle(self.life_cycle) if self.life_cycle is not None else None,
            "pins": [{"name": pin.name, "enabled": pin.enabled} for pin in self.pins] or None,
            "proprietary": self._described_proprietary() or None,
            "unknown": self._unknown() or None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _described_proprietary(self) -> Value:
        items = self._proprietary()
        return {_PROPRIETARY_NAMES.get(item.tag, f"tag_{item.tag:02X}"): to_hex(item.value) for item in items}

    def _unknown(self) -> Value:
        return {f"tag_{item.tag:02X}": to_hex(item.value) for item in self.objects if item.tag not in _KNOWN}


_KNOWN = frozenset((
    _DESCRIPTOR, _FID, _DF_NAME, _LIFE_CYCLE, _SIZE, _TOTAL_SIZE, _SFI,
    _REFERENCED, _COMPACT, _EXPANDED, _PROPRIETARY, _PIN_STATUS,
))  # fmt: skip


def _pin_states(items: tlv.TlvList) -> Iterator[PinState]:
    bitmap = items.first(_PIN_ENABLED) or b""
    bits = "".join(f"{byte:08b}" for byte in bitmap)
    usage: int | None = None
    position = 0
    for item in items:
        if item.tag == _PIN_USAGE and item.value:
            usage = item.value[0]
        elif item.tag == _PIN_REFERENCE and item.value:
            yield PinState(item.value[0], bits[position : position + 1] == "1", usage)
            usage, position = None, position + 1
