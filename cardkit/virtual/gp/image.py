"""Images of GlobalPlatform cards: what the maker of a chip delivers, read from TOML and shared by all chips.

See images/gp-scp03.toml for every key in use. The serial number of a chip is what CPLC calls IC serial number and IC
batch; its key diversification data are the first four bytes the image gives, then that serial number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ImageError
from ..historical import capabilities
from . import cells, diversification, keycells, registry
from .birth import Authority
from .keysets import CardKeyEntry, KeySet, RetryPolicy
from .protection import Behaviour
from .registry import Entry, Kind

SERIAL_SIZE: Final = 6  # IC serial number 4, IC batch 2
_CPLC_SIZE: Final = 42
_SERIAL_AT: Final = 12  # offset of both in the CPLC data
_KDD_PREFIX: Final = 4
_MANY_CHANNELS: Final = 8  # "8 or more" in the historical bytes
_MOST_CHANNELS: Final = 20

CPLC: Final = 0x9F7F
KDD: Final = 0xCF


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the card takes and gives.

    :ivar command: most data bytes of a command, as FCI 9F65 shows it.
    :ivar page: most plain bytes of one GET STATUS answer.
    :ivar splits: a page may end inside a TLV, as on some real cards.
    :ivar nvm: bytes of memory for load files and applications.  :ivar ram: free RAM, as FF21 shows it.
    """

    command: int = 255
    page: int = 239
    splits: bool = False
    nvm: int = 81_920
    ram: int = 4_096


@dataclass(frozen=True, slots=True)
class Habits:
    """Where cards differ beyond their secure channels.

    :ivar ota_sets: key versions 01 to 0F are key sets of SCP80, as in the UICC configuration.
    :ivar initial_set_vanishes: the key set of version FF goes when the first real set comes.
    :ivar skips_initialized: OP_READY may go straight to SECURED.
    :ivar deletes_last_set: DELETE with P2 01 may take the last key set, as on YubiKeys.
    :ivar empty_select: SELECT without a name selects the issuer security domain.
    :ivar cplc_tagged: GET DATA 9F7F answers tag and length, too.
    :ivar status_tlv: GET STATUS knows the TLV format; else only that of older cards.
    :ivar status_modules: GET STATUS tells the modules of load files.
    :ivar store_data_p1: b5 b4 of P1 that STORE DATA takes, by structure of the data; other values are 6A86.
    """

    ota_sets: bool = False
    initial_set_vanishes: bool = True
    skips_initialized: bool = False
    deletes_last_set: bool = True
    empty_select: bool = True
    cplc_tagged: bool = True
    status_tlv: bool = True
    status_modules: bool = True
    store_data_p1: tuple[int, ...] = (0x00, 0x08, 0x10)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GpImage:
    """A blank GlobalPlatform chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar cells: registry, keys and data as delivered.
    :ivar version: of the specification, behind the object identifier of CRD tag 60.
    :ivar authority: certifies the SCP11 keys each chip is born with; None without SCP11.
    :ivar applets: by module AID, the name of the virtual application behind it.
    :ivar options: by that name, what its maker has chosen for it.
    :ivar derived: by key version number, how a chip's keys follow from those of the image (diversification.py).
    """

    name: str
    title: str
    digest: bytes
    atr: bytes
    protocols: tuple[int, ...]
    channels: int
    extended: bool
    cells: Mapping[str, bytes]
    isd: bytes
    version: bytes
    kdd: bytes
    applets: Mapping[bytes, str]
    options: Mapping[str, Mapping[str, Any]]
    derived: Mapping[int, str]
    limits: Limits
    habits: Habits
    retry: RetryPolicy
    behaviour: Behaviour
    authority: Authority | None
    serial_size: int = SERIAL_SIZE

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image."""
        name = cells.data(self.isd, CPLC)
        cplc = self.cells[name]
        sets = sum(cell.startswith(cells.KEYS) for cell in self.cells)
        kdd = self.kdd + serial
        keys = {cells.keys(self.isd, kvn): form for kvn, form in self.derived.items()}
        return {
            **{cell: diversification.of_chip(self.cells[cell], kdd, form) for cell, form in keys.items()},
            **(self.authority.born(self.isd, serial, sets) if self.authority is not None else {}),
            name: cplc[:_SERIAL_AT] + serial + cplc[_SERIAL_AT + SERIAL_SIZE :],
            cells.data(self.isd, KDD): kdd,
        }


def build(table: Mapping[str, Any], digest: bytes) -> GpImage:
    """An image from its TOML table.

    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip, card = table["chip"], table["card"]
    atr, isd = bytes.fromhex(chip["atr"]), bytes.fromhex(card["aid"])
    channels, extended = capabilities(atr)
    image = GpImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        atr=atr,
        protocols=tuple(chip["protocols"]),
        channels=_MOST_CHANNELS if channels >= _MANY_CHANNELS else channels,
        extended=extended,
        cells=_cells(table, isd),
        isd=isd,
        version=bytes.fromhex(card["version"]),
        kdd=bytes.fromhex(card["kdd"]),
        applets={bytes.fromhex(line["aid"]): line["applet"] for line in _modules(table)},
        options=table.get("applets", {}),
        derived={
            line["kvn"]: diversification.check_form(line["derive"])
            for line in table.get("keys", [])
            if "derive" in line
        },
        limits=Limits(**table.get("limits", {})),
        habits=Habits(**_tuples(table.get("habits", {}))),
        retry=RetryPolicy(**_tuples(table.get("retry", {}))),
        behaviour=Behaviour(**table.get("behaviour", {})),
        authority=_authority(table.get("scp11")),
    )
    if len(image.kdd) != _KDD_PREFIX or len(image.cells[cells.data(isd, CPLC)]) != _CPLC_SIZE:
        raise ImageError("card: expected 4 bytes of kdd and 42 of cplc")
    return image


def _authority(table: Mapping[str, Any] | None) -> Authority | None:
    if table is None:
        return None
    return Authority(table["name"], int(table["secret"], 16), table["kvn"], tuple(table["kids"]), table["i"])


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _modules(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The modules of all packages, and the applications from birth that name what is behind them."""
    modules = [module for package in table.get("packages", []) for module in package["modules"]]
    return modules + [line for line in table.get("applications", []) if "applet" in line]


def _cells(table: Mapping[str, Any], isd: bytes) -> dict[str, bytes]:
    card = table["card"]
    entries = [_isd(card, isd), *(_package(line, isd) for line in table.get("packages", []))]
    entries += [_application(line, isd) for line in table.get("applications", [])]
    found = {cells.registry(entry.aid): entry.encode() for entry in entries}
    for order, keys in enumerate(_key_sets(table.get("keys", []))):
        found[cells.keys(isd, keys.kvn)] = keycells.encode(keys, order)
    found[cells.data(isd, CPLC)] = bytes.fromhex(card["cplc"])
    for line in table.get("data", []):
        found[cells.data(isd, line["tag"])] = bytes.fromhex(line["value"])
    return found


def _isd(card: Mapping[str, Any], aid: bytes) -> Entry:
    return Entry(
        aid=aid,
        kind=Kind.ISD,
        state=card["state"],
        privileges=int(card["privileges"], 16),
        domain=aid,
        protocols=tuple(bytes.fromhex(pair) for pair in card["protocols"]),
    )


def _package(line: Mapping[str, Any], isd: bytes) -> Entry:
    return Entry(
        aid=bytes.fromhex(line["aid"]),
        kind=Kind.LOAD_FILE,
        state=registry.LOADED,
        domain=isd,
        version=bytes.fromhex(line["version"]),
        modules=tuple(bytes.fromhex(module["aid"]) for module in line["modules"]),
    )


def _application(line: Mapping[str, Any], isd: bytes) -> Entry:
    """An application that is there from birth, such as a USIM."""
    return Entry(
        aid=bytes.fromhex(line["aid"]),
        kind=Kind.APPLICATION,
        state=registry.SELECTABLE,
        domain=isd,
        load_file=bytes.fromhex(line["package"]),
        module=bytes.fromhex(line["aid"] if "applet" in line else ""),
    )


def _key_sets(lines: list[Mapping[str, Any]]) -> list[KeySet]:
    """The sets in the order of their first lines."""
    sets: dict[int, KeySet] = {}
    for line in lines:
        kvn = line["kvn"]
        found = sets.setdefault(kvn, KeySet(kvn, line["scp"], line["i"]))
        found.keys[line["kid"]] = CardKeyEntry(
            kid=line["kid"],
            kvn=kvn,
            type=line["type"],
            value=bytes.fromhex(line["value"]),
            more=tuple((part["type"], bytes.fromhex(part["value"])) for part in line.get("more", [])),
            usage=bytes.fromhex(line.get("usage", "")),
            access=bytes.fromhex(line.get("access", "")),
        )
    return list(sets.values())
