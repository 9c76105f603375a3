"""What a profile says about a CIPURSE card (``[cipurse]``), and a chip model about one (``[chip.cipurse]``).

Keys are named, never given. Numbers of cards are written as cards have them: bytes in pairs of hexadecimal digits.
Contents may be templates. Levels of secure messaging: ``mac/enc`` is a command with a MAC, its answer enciphered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

Version = Literal["auto", "V1", "V2", "V3"]
FileKind = Literal[
    "binary", "binary+t", "linear", "linear+t", "cyclic", "cyclic+t", "value", "value+t"
]  # +t: changes wait for PERFORM TRANSACTION
Count = Annotated[int, msgspec.Meta(ge=0, le=255)]
Pairs = tuple[str, str, str, str]


class DiversifyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a card's keys come from the master keys.

    :param m: what is diversified with, part by part: ``uid``, ``aid`` (of the application; 3F00 for the MF), ``key``
        (number, one byte), ``ascii:TEXT``, ``hex:DIGITS``. 16 bytes or more are the same as a CMAC (AN10922).
    """

    scheme: Literal["none", "an10922"] = "an10922"
    m: tuple[str, ...] = ("uid", "aid", "key")


class KeysBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a directory, from key 1 on.

    :param refs: references in the key store.  :param spare: of every further key the directory has.
    :param add_info: version each key shows; one entry stands for all, as for attributes.
    :param attr: bits of each: 01 only itself changes it, 02 changeable, 04 no keys are enciphered under it, 80 invalid.
    :param manager: number of the key that works on the directory.
    :param kek: number of the MF's key that new keys are enciphered under; 0: by secure messaging only.
    """

    refs: tuple[str, ...]
    spare: str = ""
    add_info: tuple[str, ...] = ("01",)
    attr: tuple[str, ...] = ("02",)
    manager: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    kek: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0


class ValueBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One counter: 4 bytes with sign; bytes behind it are the issuer's."""

    value: int = 0
    min: int = 0
    max: int = 0x7FFFFFFF
    data: str = ""


class FileBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file.

    :param name: for people.  :param smr: levels of read, update, reading and updating attributes.
    :param art: rights of everybody, then of each key, a bit for each group of operations.
    :param size: of a binary file.  :param records, record_size: of the others.
    :param data: contents of a binary file, hexadecimal digits.  :param rows: of the records, from record 1 on.
    :param values: of the counters.  :param uid_at: place at which a binary file holds the card's UID.
    :param fill: byte of what the contents leave free.
    """

    fid: str
    sfid: Annotated[int, msgspec.Meta(ge=1, le=30)]
    type: FileKind
    art: tuple[str, ...]
    smr: Pairs
    name: str = ""
    size: int = 0
    records: Count = 0
    record_size: Count = 0
    data: str = ""
    rows: tuple[str, ...] = ()
    values: tuple[ValueBlock, ...] = ()
    uid_at: int | None = None
    fill: str = "00"


class ApplicationBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application (ADF).

    :param profile: L, S or T.  :param register: name of the PxSE that lists it.
    :param auto_select: it becomes current when that PxSE is selected.  :param returns_fcp: the PxSE tells of it.
    :param room: files it can have, 0 for those it has here.  :param proprietary: object 86.
    :param smr: levels of ACTIVATE and DELETE, of keys, of reading attributes, of updating them and CREATE.
    :param art: rights of everybody, then of each key.
    """

    name: str
    fid: str
    aid: str
    keys: KeysBlock
    art: tuple[str, ...]
    smr: Pairs
    files: tuple[FileBlock, ...]
    profile: Literal["L", "S", "T"] = "S"
    register: str = ""
    auto_select: bool = False
    returns_fcp: bool = False
    room: Count = 0
    proprietary: str = ""


class PxseBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of applications (PxSE), for terminals of one kind.  :param room: applications it can list."""

    name: Literal["transport", "access", "identity", "event", "coupon", "micro-payment"]
    fid: str
    room: Annotated[int, msgspec.Meta(ge=1, le=255)] = 4


class MasterBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The master file: keys and rules it leaves with.

    :param id_info: rights to EF.ID_INFO, of everybody and each key; as delivered without those to change them if empty.
    """

    keys: KeysBlock
    art: tuple[str, ...]
    smr: Pairs
    id_info: tuple[str, ...] = ()


class CipurseBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transport card.

    :param syntax: of the commands; ``auto`` as the chip says of itself.  :param uid: the card's number where the order
        knows it, hexadecimal digits.  :param reserve: bytes of memory that are left for later.  :param budget: commands
        one card may take, 0 for any number.
    """

    mf: MasterBlock
    applications: Annotated[tuple[ApplicationBlock, ...], msgspec.Meta(min_length=1)]
    pxse: tuple[PxseBlock, ...] = ()
    diversify: DiversifyBlock = DiversifyBlock()
    syntax: Version = "auto"
    uid: str = ""
    reserve: int = 0
    budget: Annotated[int, msgspec.Meta(ge=0)] = 0


class MemoryModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a chip counts its memory, in bytes: what a directory, each key of one, and a file take besides contents."""

    total: int
    directory: int
    key: int
    file: int


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip.

    :param id_info: EF.ID_INFO.  :param delivered: reference of every key of the MF.  :param keys: how many there are.
    :param kvv: key verification value of all of them.  :param add_info, attr: of them.
    :param applications, lists: the most it takes.  :param lifecycle: of a new application.
    :param memory: absent where nobody knows.
    :param access: groups of operations where they are not the usual ones, by kind of file and operation:
        messaging group, right.
    """

    id_info: str
    delivered: str
    keys: Annotated[int, msgspec.Meta(ge=1, le=8)] = 8
    add_info: str = "01"
    attr: str = "02"
    kvv: str = "5FD67B"
    applications: Count = 8
    lists: Count = 4
    lifecycle: Literal["activated", "deactivated"] = "activated"
    memory: MemoryModel | None = None
    access: Mapping[Literal["directory", "file", "value"], Mapping[str, tuple[int, int]]] = {}
