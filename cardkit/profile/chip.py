"""Chip models: what is true of a chip as its maker delivers it (profiles/chips/*.toml, sim.md 14 and 17)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

_PATH = re.compile(r"[0-9A-F]{4}(/[0-9A-F]{4})*")
_REFERENCE = re.compile(r"[a-z]+:[\w.-]+")


def _require_hex(name: str, text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f'"{name}": expected pairs of hex digits') from None
    if not 2 <= len(value) <= 33:
        raise ValueError(f'"{name}": {len(value)} bytes, an ATR has 2 to 33')
    return value


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the chip's own identity is read, before anything is written to it (production.md 6).

    :param path: of the file, FIDs from the MF, where the application's table does not name it.
    """

    source: Literal["file", "cplc", "uid", "gp-cin", "assigned"]
    path: str | None = None

    def __post_init__(self) -> None:
        """Only a file has a path."""
        _check_path(self.path, self.source)


class MarkerHome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the plant's marker lives and how it goes away at the end.

    :param home: ``none`` where the chip has no place for it.
    """

    home: Literal["file", "none"]
    path: str | None = None
    remove: Literal["delete", "deactivate"] = "delete"

    def __post_init__(self) -> None:
        """Only a file has a path."""
        _check_path(self.path, self.home)


def _check_path(path: str | None, owner: str) -> None:
    if path is not None and (owner != "file" or not _PATH.fullmatch(path)):
        raise ValueError(f'"{owner}" with "path": only a file has one, FIDs such as 3F00/2FF1')


class WriteTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the chip's memory takes: ``page_write_ms`` for each page of ``page_bytes`` touched."""

    page_bytes: int
    page_write_ms: float

    def __post_init__(self) -> None:
        """Refuse a page without size or a time that is no time."""
        if not 1 <= self.page_bytes <= 1 << 16:
            raise ValueError(f'"page_bytes" is {self.page_bytes}, expected 1 to 65536')
        if not 0 <= self.page_write_ms <= 1000:
            raise ValueError(f'"page_write_ms" is {self.page_write_ms}, expected 0 to 1000')


class TransportSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value of a PIN or ADM as delivered.

    :param key: reference of the value in the key store.
    :param format: ``hex`` is raw bytes, ``ascii`` digits padded with FF: they look alike, so it is never guessed.
    """

    key: str
    format: Literal["ascii", "hex"]

    def __post_init__(self) -> None:
        """Refuse what is no reference."""
        if not _REFERENCE.fullmatch(self.key):
            raise ValueError('"key": expected a reference scheme:name, never a value')


class ChipTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The ``[chip]`` table without the tables of the applications.

    :param atr: hex, as the sample answered.  :param atr_mask: hex; only bits set here identify the chip.
    :param protocols: the ones it speaks, preferred first.  :param transport: secrets as delivered, by name.
    :param homes: of a chip with several applications, the AID (hex) each is selected by.
    """

    name: str
    atr: str
    atr_mask: str
    protocols: tuple[Literal["T=0", "T=1", "T=CL"], ...]
    identity: Identity
    marker: MarkerHome
    nvm: WriteTime
    title: str = ""
    transport: Mapping[str, TransportSecret] = {}
    homes: Mapping[str, Annotated[str, msgspec.Meta(pattern="^([0-9A-F]{2}){5,16}$")]] = {}

    def __post_init__(self) -> None:
        """Refuse a mask of another length than the ATR, or one that fits every card; a chip without protocol."""
        atr = _require_hex("atr", self.atr)
        mask = _require_hex("atr_mask", self.atr_mask)
        if len(atr) != len(mask):
            raise ValueError(f'"atr_mask" has {len(mask)} bytes, "atr" has {len(atr)}')
        if not any(mask):
            raise ValueError('"atr_mask" recognizes every card: expected some bits set')
        if not self.protocols:
            raise ValueError('"protocols" must name one or more')

    def matches(self, atr: bytes) -> bool:
        """Whether a card's ATR is this chip's, looking only at the bits of the mask."""
        differing = int.from_bytes(atr, "big") ^ int(self.atr, 16)
        return 2 * len(atr) == len(self.atr) and not differing & int(self.atr_mask, 16)


class ChipModel(ChipTable, frozen=True, kw_only=True):
    """One chip as delivered.

    :param blocks: what its applications look like, ``[chip.uicc]``: structs of the applications by their keys.
    """

    blocks: Mapping[str, Any] = {}
