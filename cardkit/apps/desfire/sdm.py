"""How a file mirrors UID, counter and MAC into its text: the SDM block of its settings (AN12196 5.3; sheet 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from cardkit.apps.desfire.fields import Fields, little

_PLAIN, _NONE = 0xE, 0xF
_OFFSET_BYTES = 3


class SdmOption(IntFlag):
    """What is mirrored."""

    UID = 0x80
    COUNTER = 0x40
    COUNTER_LIMIT = 0x20
    FILE_DATA = 0x10
    ASCII = 0x01


# Fields behind options and access rights, in the order of the card.
_OFFSETS = (
    "uid_offset",
    "counter_offset",
    "picc_data_offset",
    "mac_input_offset",
    "enc_offset",
    "enc_length",
    "mac_offset",
    "counter_limit",
)


@dataclass(frozen=True, slots=True)
class SdmSettings:
    """Which parts of a file the card writes itself whenever it is read.

    :param options: a byte of :class:`SdmOption`, unknown bits kept.
    :param meta_read: key number of PICCData, 14 mirrored in plain, 15 not at all.  :param file_read: key number of the
        MAC, 15 none.  :param counter_return: who may read the counter.  :param reserved: a nibble, 15.
    :param uid_offset: and the others: places in the file in bytes; None where the card has no such field.
    """

    options: int
    meta_read: int
    file_read: int
    counter_return: int
    reserved: int = _NONE
    uid_offset: int | None = None
    counter_offset: int | None = None
    picc_data_offset: int | None = None
    mac_input_offset: int | None = None
    enc_offset: int | None = None
    enc_length: int | None = None
    mac_offset: int | None = None
    counter_limit: int | None = None

    @classmethod
    def read(cls, fields: Fields) -> SdmSettings:
        """Read the block.  :raises EncodingError: where it is too short."""
        options, access = fields.number(1), fields.number(2)
        rights = (access >> 12, access >> 8 & 0xF, access & 0xF, access >> 4 & 0xF)
        present = set(_present(options, rights[0], rights[1]))
        values = {name: fields.number(_OFFSET_BYTES) for name in _OFFSETS if name in present}
        return cls(options, *rights, **values)

    def build(self) -> bytes:
        """Return the block.  :raises EncodingError: where a value does not fit, or a field is missing."""
        access = self.meta_read << 12 | self.file_read << 8 | self.reserved << 4 | self.counter_return
        present = set(_present(self.options, self.meta_read, self.file_read))
        values = [getattr(self, name) or 0 for name in _OFFSETS if name in present]
        return bytes((self.options,)) + little(access, 2) + b"".join(little(value, _OFFSET_BYTES) for value in values)


def _present(options: int, meta_read: int, file_read: int) -> Iterator[str]:
    """Yield the names of the fields a card has under these options and rights."""
    if options & SdmOption.UID and meta_read == _PLAIN:
        yield "uid_offset"
    if options & SdmOption.COUNTER and meta_read == _PLAIN:
        yield "counter_offset"
    if meta_read < _PLAIN:
        yield "picc_data_offset"
    if file_read != _NONE:
        yield "mac_input_offset"
        yield "mac_offset"
        if options & SdmOption.FILE_DATA:
            yield "enc_offset"
            yield "enc_length"
    if options & SdmOption.COUNTER_LIMIT:
        yield "counter_limit"
