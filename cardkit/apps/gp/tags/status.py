"""Entries of the registry as GET STATUS lists them (GPCS 11.4.3, Tables 11-36, 11-37; 2.1.1 for the old form)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cardkit.apps.gp.aids import AID_BYTES
from cardkit.apps.gp.tags.lifecycle import EntryKind, is_locked, state_name
from cardkit.apps.gp.tags.privileges import Privileges
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

ENTRY = 0xE3
_AID, _LIFE_CYCLE, _PRIVILEGES, _LOAD_FILE, _DOMAIN = 0x4F, 0x9F70, 0xC5, 0xC4, 0xCC
_VERSION, _MODULE, _IMPLICIT = 0xCE, 0x84, 0xCF
_KNOWN = frozenset((_AID, _LIFE_CYCLE, _PRIVILEGES, _LOAD_FILE, _DOMAIN, _VERSION, _MODULE, _IMPLICIT))


class StatusKind(IntEnum):
    """What GET STATUS lists (P1)."""

    ISD = 0x80
    APPLICATIONS = 0x40
    LOAD_FILES = 0x20
    MODULES = 0x10
    """Load files with their modules."""


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One entry.

    :param listed: what was asked for.  :param objects: what the template E3 holds.
    :param length_size: bytes of the template's length field where it is longer than needed, else 0.

    >>> data = bytes.fromhex("E313 4F08A000000151000000 9F70010F C5039EFE80")
    >>> entry = parse_status(data, StatusKind.ISD)[0]
    >>> entry.aid.hex(), entry.state, len(entry.privileges.names)
    ('a000000151000000', 'SECURED', 13)
    """

    listed: StatusKind
    objects: tlv.TlvList
    length_size: int = 0

    def __post_init__(self) -> None:
        for tag in (_AID, _LOAD_FILE, _DOMAIN, _MODULE):
            for item in self.objects.find(tag):
                if len(item.value) not in AID_BYTES and (item.value or tag == _AID):
                    raise EncodingError(f"registry entry: AID {tag:02X} of {len(item.value)} bytes, expected 5 to 16")
        if _AID not in self.objects or not self.objects.first(_LIFE_CYCLE):
            raise EncodingError("registry entry: no AID (4F) or no life cycle state (9F70)")
        if (value := self.objects.first(_PRIVILEGES)) is not None:
            Privileges.parse(value)

    def encode(self) -> bytes:
        """Return the template E3."""
        return tlv.Tlv(ENTRY, self.objects.build(), self.length_size).build()

    @property
    def aid(self) -> bytes:
        """AID of the entry."""
        return self.objects.first(_AID) or b""

    @property
    def life_cycle(self) -> int:
        """Life cycle state; a second byte (contactless activation) is left to :attr:`objects`."""
        return (self.objects.first(_LIFE_CYCLE) or b"\x00")[0]

    @property
    def privileges(self) -> Privileges | None:
        """Privileges, in the form the card gave; None for load files."""
        value = self.objects.first(_PRIVILEGES)
        return None if value is None else Privileges.parse(value)

    @property
    def domain(self) -> bytes | None:
        """AID of the associated security domain."""
        return self.objects.first(_DOMAIN) or None

    @property
    def load_file(self) -> bytes | None:
        """AID of the load file an application comes from."""
        return self.objects.first(_LOAD_FILE) or None

    @property
    def version(self) -> bytes | None:
        """Version of a load file: major, minor."""
        return self.objects.first(_VERSION)

    @property
    def modules(self) -> tuple[bytes, ...]:
        """AIDs of the modules of a load file."""
        return tuple(item.value for item in self.objects.find(_MODULE))

    @property
    def implicit_selections(self) -> tuple[int, ...]:
        """Where the application is selected by itself: b8 contactless, b7 contact, b5-b1 channel (11.1.7)."""
        return tuple(byte for item in self.objects.find(_IMPLICIT) for byte in item.value)

    @property
    def unknown(self) -> tuple[tlv.Tlv, ...]:
        """Objects this page does not name."""
        return tuple(item for item in self.objects if item.tag not in _KNOWN)

    @property
    def kind(self) -> EntryKind:
        """What the entry is; an application is a security domain by its privileges."""
        if self.listed is StatusKind.ISD:
            return EntryKind.ISD
        if self.listed is not StatusKind.APPLICATIONS:
            return EntryKind.LOAD_FILE
        privileges = self.privileges
        return EntryKind.DOMAIN if privileges is not None and privileges.is_domain else EntryKind.APPLICATION

    @property
    def state(self) -> str:
        """Life cycle state in words."""
        return state_name(self.kind, self.life_cycle)

    @property
    def locked(self) -> bool:
        """Whether the entry is locked."""
        return is_locked(self.kind, self.life_cycle)


def parse_status(data: bytes, listed: StatusKind) -> tuple[StatusEntry, ...]:
    """Read all pages of GET STATUS joined, in TLV form.

    :raises EncodingError: on a truncated entry, another tag than E3, or an entry without AID or state.
    """
    return tuple(_entries(tlv.parse(data), listed))


def _entries(items: tlv.TlvList, listed: StatusKind) -> Iterator[StatusEntry]:
    for item in items:
        if item.tag != ENTRY:
            raise EncodingError(f"GET STATUS: got tag {item.tag:02X}, expected entries E3")
        yield StatusEntry(listed, item.children(), item.length_size)


def parse_old_status(data: bytes, listed: StatusKind) -> tuple[StatusEntry, ...]:
    """Read all pages of GET STATUS joined, in the form without TLV (GPCS 2.1.1, P2 = 00).

    Privileges and modules become the objects the TLV form has for them.

    :raises EncodingError: on a truncated entry.

    >>> parse_old_status(bytes.fromhex("07A0000001510000079E"), StatusKind.ISD)[0].state
    'INITIALIZED'
    """
    entries = []
    rest = data
    while rest:
        aid, rest = _counted(rest)
        fields, rest = rest[:2], rest[2:]
        if len(fields) < 2:
            raise EncodingError("GET STATUS: the last entry ends before state and privileges")
        items = [tlv.Tlv(_AID, aid), tlv.Tlv(_LIFE_CYCLE, fields[:1]), tlv.Tlv(_PRIVILEGES, fields[1:])]
        if listed is StatusKind.MODULES:
            count, rest = rest[:1], rest[1:]
            if not count:
                raise EncodingError("GET STATUS: the last entry ends before its number of modules")
            for _ in range(count[0]):
                module, rest = _counted(rest)
                items.append(tlv.Tlv(_MODULE, module))
        entries.append(StatusEntry(listed, tlv.TlvList(tuple(items))))
    return tuple(entries)


def encode_old_status(entry: StatusEntry) -> bytes:
    """Return an entry of :func:`parse_old_status` in the form it had."""
    privileges = entry.privileges
    written = bytes((len(entry.aid),)) + entry.aid + bytes((entry.life_cycle,))
    written += privileges.encode()[:1] if privileges is not None else b"\x00"
    if entry.listed is StatusKind.MODULES:
        written += bytes((len(entry.modules),))
        written += b"".join(bytes((len(module),)) + module for module in entry.modules)
    return written


def _counted(data: bytes) -> tuple[bytes, bytes]:
    """Split off an AID and the length byte before it."""
    end = 1 + data[0] if data else 1
    if end > len(data):
        raise EncodingError(f"GET STATUS: an AID announces {end - 1} bytes, {max(len(data) - 1, 0)} are there")
    return data[1:end], data[end:]
