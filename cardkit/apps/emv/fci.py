"""What SELECT tells of a payment application or directory (EMV 4.4 Book 1 11.3.4, 12.2; Contactless Book B 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emv.template import card_objects, open_template, primitives
from cardkit.encoding.tlv import Tlv
from cardkit.errors import ProtocolError

_FCI, _PROPRIETARY, _DISCRETIONARY, _ENTRY, _RECORD = 0x6F, 0xA5, 0xBF0C, 0x61, 0x70
_DF_NAME = 0x84
_DIRECTORY_SFIS = range(1, 11)


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One application a directory lists.

    :ivar values: primitive objects of the entry by tag: 4F, 50, 87, 9F12, 9F2A.
    """

    values: Mapping[bytes, bytes]

    @property
    def aid(self) -> bytes:
        """The application's name as the directory has it; empty where it has none."""
        return self.values.get(b"\x4f", b"")


@dataclass(frozen=True, slots=True)
class Fci:
    """File control information.

    :ivar raw: the whole answer.  :ivar name: tag 84, the full name of what was selected.
    :ivar values: primitive objects of A5, those within BF0C included, by tag; the first of a kind counts.
    :ivar entries: what BF0C lists, in a contactless directory.
    :ivar blocked: the card said 6283: the application is blocked.
    """

    raw: bytes = field(repr=False)
    name: bytes
    values: Mapping[bytes, bytes]
    entries: tuple[DirectoryEntry, ...] = ()
    blocked: bool = False

    @classmethod
    def parse(cls, data: bytes, *, blocked: bool = False) -> Fci:
        """Read the answer to SELECT.

        :raises ProtocolError: when it is not one template 6F with 84; A5 may be missing on a blank application.
        """
        objects = open_template(data, _FCI, "SELECT")
        name = next((item.value for item in objects if item.tag == _DF_NAME), None)
        if name is None:
            raise ProtocolError("SELECT: no DF name (84) in the FCI")
        proprietary = _within(objects, _PROPRIETARY)
        entries = directory_entries(_within(proprietary, _DISCRETIONARY))
        outside = [item for item in proprietary if item.tag != _DISCRETIONARY]
        discretionary = [item for item in _within(proprietary, _DISCRETIONARY) if item.tag != _ENTRY]
        return cls(data, name, primitives((*outside, *discretionary), "SELECT"), entries, blocked)

    @property
    def directory_sfi(self) -> int:
        """SFI of the directory file of a payment system environment.

        :raises ProtocolError: when tag 88 is missing or names no file from 1 to 10.
        """
        value = self.values.get(b"\x88", b"")
        if len(value) != 1 or value[0] not in _DIRECTORY_SFIS:
            raise ProtocolError(f"PSE: SFI of the directory (88) is {value.hex().upper() or 'missing'}, expected 1-10")
        return value[0]

    @property
    def pdol(self) -> bytes:
        """What the card wants to know before it begins (9F38); empty where it wants nothing."""
        return self.values.get(b"\x9f\x38", b"")


def directory_entries(objects: Iterable[Tlv]) -> tuple[DirectoryEntry, ...]:
    """Return the application templates (61) among objects; others are ignored.

    :raises ProtocolError: when one cannot be read.
    """
    return tuple(
        DirectoryEntry(primitives(card_objects(item.value, "directory entry"), "directory entry"))
        for item in objects
        if item.tag == _ENTRY
    )


def directory_record(record: bytes) -> tuple[DirectoryEntry, ...]:
    """Read one record of a directory file.  :raises ProtocolError: when it is not one template 70."""
    return directory_entries(open_template(record, _RECORD, "directory record"))


def _within(objects: Iterable[Tlv], tag: int) -> tuple[Tlv, ...]:
    """Return what is in the first object with a tag; nothing where there is none."""
    for item in objects:
        if item.tag == tag:
            return card_objects(item.value, f"FCI, template {tag:02X}")
    return ()
