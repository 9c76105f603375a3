"""Images of blank transport cards, read from TOML; see images/cipurse.toml for every key in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ImageError
from . import files, rules
from .files import ID_INFO, MF, SERIAL
from .keyrecords import KeyRecord

SYSTEM: Final = "cipurse"
SERIAL_SIZE: Final = 6
SYNTAXES: Final = (1, 2, 3)
_VERSIONS: Final = {b"\x02\x00": 1, b"\x02\x01": 2}  # of EF.ID_INFO; anything else is 3
_LEAST_ID_INFO: Final = 9
_HEADER: Final = 7  # bytes of a directory's header
_PROFILES_AT: Final = 3

Groups = Mapping[str, tuple[int, int]]  # command -> group of the SMR, group of the ART; 0 for none


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """What files cost, in bytes, and how many there may be."""

    total: int
    directory: int
    file: int
    key: int
    adfs: int
    pxses: int
    keys: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What no public text says about cards (sheet 2.9); images/cipurse.toml says what each entry means."""

    smr_match: str
    unsecured_in_session: str
    bare_error_sw: bool
    read_past_end: str
    commit_scope: str
    virgin_free: bool
    lifecycle: str
    without_rules: int
    fci: frozenset[int]
    limited_p1p2: int
    wrong_keys: int
    transaction_buffer: int
    random_uid: bool

    def __post_init__(self) -> None:
        """Refuse words that are none.

        :raises ImageError: which one.
        """
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise ImageError(f"behaviour: {name} is {getattr(self, name)!r}, expected one of {', '.join(words)}")


_WORDS: Final = {
    "smr_match": ("minimum", "exact"),
    "unsecured_in_session": ("ends", "keeps"),
    "read_past_end": ("rest", "refuse"),
    "commit_scope": ("files", "all"),
    "lifecycle": ("activated", "deactivated"),
}


@dataclass(frozen=True, slots=True)
class ValueRecord:
    """Offsets in a value record, of 4 bytes each."""

    value: int
    minimum: int
    maximum: int

    @property
    def least(self) -> int:
        """Bytes such a record has at least."""
        return max(self.value, self.minimum, self.maximum) + 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CipurseImage:
    """A blank chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar syntax: 1, 2 or 3.  :ivar profiles: which profiles its ADFs may have, as byte 3 of EF.ID_INFO.
    :ivar uid_prefix: what the UID begins with; the serial number follows.
    :ivar transport_key: that all keys of the MF are born with.
    :ivar directories, files, values: access groups of commands, by the object they work on.
    """

    name: str
    title: str
    digest: bytes
    atr: bytes
    protocols: tuple[int, ...]
    cells: Mapping[str, bytes]
    syntax: int
    profiles: int
    uid_prefix: bytes
    transport_key: bytes
    memory: MemoryModel
    behaviour: Behaviour
    value_record: ValueRecord
    directories: Groups
    files: Groups
    values: Groups
    serial_size: int = SERIAL_SIZE

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image."""
        return {SERIAL: serial}

    @property
    def historical(self) -> bytes:
        """Historical bytes of the answer to select, as the reader's ATR shows them (PC/SC part 3, 3.1.3.2.3)."""
        return self.atr[4 : 4 + (self.atr[1] & 0x0F)]


def build(table: Mapping[str, Any], digest: bytes) -> CipurseImage:
    """An image from its TOML table.

    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip, access = table["chip"], table["access"]
    id_info = bytes.fromhex(chip["id_info"])
    syntax = _VERSIONS.get(id_info[:2], SYNTAXES[-1])
    if len(id_info) < _LEAST_ID_INFO or tuple(chip["protocols"]) != (1,):
        raise ImageError(f"chip: expected protocols [1] and an id_info of {_LEAST_ID_INFO} bytes or more")
    behaviour = dict(table["behaviour"])
    behaviour["fci"] = frozenset(behaviour["fci"])
    return CipurseImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        atr=bytes.fromhex(chip["atr"]),
        protocols=(1,),
        cells=_born_with(table, id_info),
        syntax=syntax,
        profiles=id_info[_PROFILES_AT],
        uid_prefix=bytes.fromhex(chip["uid_prefix"]),
        transport_key=bytes.fromhex(table["transport"]["key"]),
        memory=MemoryModel(**table["memory"]),
        behaviour=Behaviour(**behaviour),
        value_record=ValueRecord(**table["value_record"]),
        directories=_groups(access["directory"]),
        files=_groups(access["file"]),
        values=_groups({**access["file"], **access["value"]}),
    )


def _groups(table: Mapping[str, list[int]]) -> Groups:
    return {command: (smr, art) for command, (smr, art) in table.items()}


def _born_with(table: Mapping[str, Any], id_info: bytes) -> dict[str, bytes]:
    """The MF with its keys, and EF.ID_INFO."""
    master, transport, info = table["mf"], table["transport"], table["id_info"]
    key = KeyRecord(transport["attributes"], transport["version"], bytes.fromhex(transport["key"]))
    header = bytes.fromhex(master["header"])
    if len(header) != _HEADER or len(key.key) != KeyRecord.KEY_SIZE:
        raise ImageError(f"mf: expected a header of {_HEADER} bytes and a transport key of {KeyRecord.KEY_SIZE} bytes")
    file = files.File(
        descriptor_byte=info["fd"],
        sfid=0,
        fid=ID_INFO,
        extent=len(id_info).to_bytes(2, "big"),
        rules=_rules(info),
    )
    made = files.Directory(
        active=True, header=header, rules=_rules(master), fcp=bytes.fromhex(master["fcp"]), files=(file,)
    )
    if made.fid != MF or made.rules is None or made.rules.keys != made.keys:
        raise ImageError("mf: expected FID 3F00 and an art of one byte more than keys")
    return {
        files.directory_cell(MF): made.cell(),
        files.keys_cell(MF): key.cell() * made.keys,
        files.data_cell(MF, ID_INFO): id_info,
    }


def _rules(table: Mapping[str, Any]) -> rules.Rules:
    return rules.Rules(bytes.fromhex(table["smr"]), bytes.fromhex(table["art"]))
