"""What a profile says about a DESFire card (``[desfire]``), and a chip model about one (``[chip.desfire]``).

Keys are named, never given: files name them by their names in the profile. Values of files may be templates.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Version = Annotated[int, msgspec.Meta(ge=1, le=255)]
FileNumber = Annotated[int, msgspec.Meta(ge=0, le=31)]
Kind = Literal["2tdea", "3tdea", "aes"]
_HEX_BYTE = r"^[0-9A-F]{2}$"
HexByte = Annotated[str, msgspec.Meta(pattern=_HEX_BYTE)]


class DiversifyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How card keys are made from master keys.

    :param m: parts of M, in order: ``uid``, ``aid`` (as printed), ``aid-le`` (as on the wire), ``key`` (its number, one
        byte), ``hex:...``, ``ascii:...``.
    """

    scheme: Literal["an10922", "plain-cmac-legacy"] = "an10922"
    m: tuple[str, ...]


class KeyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of the card.

    :param name: as files name it.  :param ref: of the key, or of the master key it is diversified from.
    :param version: what the card shows of it: never 0, which keys as delivered show.
    """

    name: str
    ref: str
    version: Version


class PiccBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card's own level.

    :param settings: ks1, hex.  :param random_uid, format_disabled: cannot be taken back: ``irreversible`` says that
        somebody has thought about it.
    """

    key: KeyBlock
    settings: HexByte
    diversify: DiversifyBlock | None = None
    random_uid: bool = False
    format_disabled: bool = False
    irreversible: bool = False


class FieldBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of a file: fields stand one behind the other.

    :param as_: ``hex``; ``bcd`` (digits); ``date`` (YYYYMMDD as BCD, from YYYY-MM-DD); ``ascii``; ``number`` (high byte
        first); ``uid`` (the card's, 7 bytes, no value).
    """

    name: str
    as_: Literal["hex", "bcd", "date", "ascii", "number", "uid"] = msgspec.field(name="as")
    size: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    value: str = ""


class FileBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file.

    :param read, write, both, change: name of a key, ``free`` or ``never``.
    :param size: bytes of a data file, or of a record.  :param records: how many a record file has room for.
    :param fill: what the rest of a data file holds, hex.  :param iso_fid: two bytes, hex.
    :param lower, upper, value: of a value file; ``value`` may be a template.
    :param key: of a transaction MAC.
    """

    no: FileNumber
    name: str
    type: Literal["standard", "backup", "value", "linear", "cyclic", "transaction-mac"]
    mode: Literal["plain", "mac", "enc"]
    read: str
    write: str = "never"
    both: str = "never"
    change: str = "never"
    iso_fid: str = ""
    size: int = 0
    records: int = 0
    fill: HexByte = "00"
    fields: tuple[FieldBlock, ...] = ()
    lower: int = 0
    upper: int = 0
    value: str = "0"
    limited_credit: bool = False
    free_value: bool = False
    key: KeyBlock | None = None


class KeySetBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys an application can change over to, all at once (EV2 and later).

    :param version: of the set.  :param keys: as many as the application has, in the same order.
    """

    version: Version
    keys: tuple[KeyBlock, ...]


class AppBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application.

    :param aid: as printed, 3 bytes, hex.  :param iso_fid: 2 bytes, hex.  :param df_name: up to 16 bytes, hex.
    :param settings: ks1 of the finished card, hex.  :param set_version: of its keys, where it has further sets.
    """

    aid: str
    name: str
    settings: HexByte
    kind: Kind = "aes"
    iso_fid: str = ""
    df_name: str = ""
    keys: tuple[KeyBlock, ...]
    key_sets: tuple[KeySetBlock, ...] = ()
    set_version: Version = 1
    files: tuple[FileBlock, ...]
    diversify: DiversifyBlock | None = None


class NumberBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the number stands that people know the card by: a field anybody may read.

    :param kind: of the business key.
    """

    kind: str
    app: str
    file: FileNumber
    field: str


class OriginalityBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose signature of the UID counts.

    :param products: of the published list.  :param keys: further public keys, uncompressed points, hex.
    """

    products: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class DesfireBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A DESFire card.

    :param card: ``ev1`` works with AES authentication, ``ev2`` and later with EV2's.
    :param reserve: bytes of memory that must be left.  :param budget: commands one card may take, 0 for any number.
    """

    card: Literal["ev1", "ev2", "ev3"]
    picc: PiccBlock
    apps: tuple[AppBlock, ...]
    number: NumberBlock | None = None
    originality: OriginalityBlock | None = None
    reserve: Annotated[int, msgspec.Meta(ge=0)] = 0
    budget: Annotated[int, msgspec.Meta(ge=0)] = 0


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip; its PICC key as delivered is in ``[chip.transport]``.

    :param generation: by GetVersion's software, ``ev1`` to ``ev3``.  :param settings: ks1 of the card as delivered.
    :param frame: data bytes of a command frame.  :param answer: data bytes of an answer's frame.
    :param long_frames: whether it has the commands with frames of their own length, and bytes of their answers; 0: no.
    :param framing: how native commands go through the reader.  :param key_kind: of the PICC key as delivered.
    """

    generation: Literal["ev1", "ev2", "ev3"]
    settings: HexByte = "0F"
    key_kind: Kind = "2tdea"
    framing: Literal["wrapped", "raw"] = "wrapped"
    frame: Annotated[int, msgspec.Meta(ge=16, le=248)] = 55
    answer: Annotated[int, msgspec.Meta(ge=16, le=255)] = 59
    long_frames: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
