"""What CREATE FILE brings: data groups of an elementary file, or of a directory with its keys (sheet 2.3)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import ber
from .files import DESCRIPTORS, FD_DIRECTORY, FD_PXSE, Directory, File, Kind
from .image import CipurseImage
from .keyrecords import ALGORITHM
from .rules import SMR_SIZE, counted_rules, rules
from .selecting import LONGEST_NAME

_FILE, _DIRECTORY, _KEYS = 0x9201, 0x9200, 0xA00F
_FCP, _NAME, _REGISTERED_WITH = 0x62, 0x84, 0xD4
_V1_CODING: Final = 0x41
_LAST_SFID: Final = 30
_KEY_SIZE: Final = 20  # in A00F: key, version, KVV
_HEADER: Final = 7  # of a directory
_PROFILES: Final = {0x20: 0x01, 0x40: 0x02, 0x60: 0x04}  # type -> bit of EF.ID_INFO
_PXSE_BITS: Final = 0x03


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """A key of a directory to be made.

    :ivar value: in clear or enciphered.  :ivar check: KVV of the key in clear.
    """

    attributes: int
    version: int
    value: bytes
    check: bytes


@dataclass(frozen=True, slots=True, repr=False)
class NewDirectory:
    """A directory to be made.

    :ivar enciphering: number of the MF's key that enciphers its keys, as V1 says it here; 0 for none.
    """

    directory: Directory
    keys: tuple[NewKey, ...]
    enciphering: int


def parse(data: bytes, image: CipurseImage) -> File | NewDirectory:
    """The one file that CREATE FILE describes.

    :raises StatusWordError: 6A80.
    """
    groups = _groups(data)
    tags = [tag for tag, _ in groups]
    if tags == [_FILE]:
        return _file_v1(groups[0][1], image) if image.syntax == 1 else _file(groups[0][1], image)
    if tags in ([_DIRECTORY], [_DIRECTORY, _KEYS]):
        return _directory(groups[0][1], groups[1][1] if len(groups) > 1 else b"", image)
    raise StatusWordError(sw.WRONG_DATA)


def _groups(data: bytes) -> list[tuple[int, bytes]]:
    fields, found = ber.Fields(data), []
    while fields.more():
        tag = int.from_bytes(fields.take(2), "big")
        found.append((tag, fields.short()))
    return found


def _file(string: bytes, image: CipurseImage) -> File:
    """V2 and V3: FD SFID FID extent [number of keys, SMR, ART]."""
    fields = ber.Fields(string)
    descriptor, sfid, fid, extent = fields.byte(), fields.byte(), fields.take(2), fields.take(2)
    return _checked(File(descriptor, sfid, int.from_bytes(fid, "big"), extent, counted_rules(fields.rest())), image)


def _file_v1(string: bytes, image: CipurseImage) -> File:
    """V1: FD 41 FID records size SFID [SMR ART]; the size is that of the whole file, of record files, too."""
    fields = ber.Fields(string)
    descriptor, coding, fid = fields.byte(), fields.byte(), fields.take(2)
    records, size, sfid = fields.byte(), fields.take(2), fields.byte()
    rest = fields.rest()
    if coding != _V1_CODING or descriptor not in DESCRIPTORS:
        raise StatusWordError(sw.WRONG_DATA)
    extent = size
    if DESCRIPTORS[descriptor].kind is not Kind.BINARY:
        extent = bytes((records, _record_size(records, int.from_bytes(size, "big"))))
    found = rules(rest[:SMR_SIZE], rest[SMR_SIZE:]) if rest else None
    return _checked(File(descriptor, sfid, int.from_bytes(fid, "big"), extent, found), image)


def _record_size(records: int, size: int) -> int:
    """Bytes of a record of V1, as many as its file has room for.

    :raises StatusWordError: 6A80 for none, or for more than a byte counts.
    """
    length = size // records if records else 0
    if not 1 <= length <= 0xFF:
        raise StatusWordError(sw.WRONG_DATA)
    return length


def _checked(file: File, image: CipurseImage) -> File:
    if file.descriptor_byte not in DESCRIPTORS or file.sfid > _LAST_SFID or not file.size:
        raise StatusWordError(sw.WRONG_DATA)
    if file.kind is not Kind.BINARY and not (file.records and file.record_size):
        raise StatusWordError(sw.WRONG_DATA)
    if file.kind is Kind.VALUE and file.record_size < image.value_record.least:
        raise StatusWordError(sw.WRONG_DATA)
    return file


def _directory(string: bytes, keys: bytes, image: CipurseImage) -> NewDirectory:
    """FD, type, FID, [V1: enciphering key], numbers, [SMR, ART, keys], FCP; the keys themselves come beside it."""
    fields = ber.Fields(string)
    start = fields.take(4)
    enciphering = fields.byte() if image.syntax == 1 else 0
    header = start + fields.take(_HEADER - len(start))
    number = header[-1]
    found = rules(fields.take(SMR_SIZE), fields.take(1 + number)) if number else None
    sets = [(fields.byte(), fields.take(2)) for _ in range(number)]
    fcp = _fcp(fields.rest())
    _check_kind(header, image)
    if len(keys) != _KEY_SIZE * number or any(algorithm != ALGORITHM for _, algorithm in sets):
        raise StatusWordError(sw.WRONG_DATA)
    parts = (keys[at : at + _KEY_SIZE] for at in range(0, len(keys), _KEY_SIZE))
    made = tuple(
        NewKey(attributes, part[16], part[:16], part[17:]) for (attributes, _), part in zip(sets, parts, strict=True)
    )
    active = image.behaviour.lifecycle == "activated" or header[0] == FD_PXSE
    return NewDirectory(Directory(active=active, header=header, rules=found, fcp=fcp), made, enciphering)


def _fcp(string: bytes) -> bytes:
    """The value of template 62, which names the directory.

    :raises StatusWordError: 6A80.
    """
    found = ber.parse(string)
    if [tag for tag, _ in found] != [_FCP]:
        raise StatusWordError(sw.WRONG_DATA)
    inside = ber.unique(found[0][1])
    names = (inside.get(_NAME, b""), inside.get(_REGISTERED_WITH, inside.get(_NAME, b"")))
    if not all(1 <= len(name) <= LONGEST_NAME for name in names):
        raise StatusWordError(sw.WRONG_DATA)
    return found[0][1]


def _check_kind(header: bytes, image: CipurseImage) -> None:
    """FD and type are ones that go together, and that this card offers.

    :raises StatusWordError: 6A80.
    """
    descriptor, kind, keys = header[0], header[1], header[-1]
    if descriptor == FD_PXSE:
        right = not kind and not keys
    else:
        offered = _PROFILES.get(kind & ~_PXSE_BITS, 0) & image.profiles
        right = descriptor == FD_DIRECTORY and bool(offered)
    if not right:
        raise StatusWordError(sw.WRONG_DATA)
