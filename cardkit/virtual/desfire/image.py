"""Images of DESFire and NTAG 424 chips, read from TOML; see images/desfire-ev1.toml for every key in use.

The UID of a chip is a byte of the image, then its serial number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ImageError
from . import cells, failures
from .crypto import KeyType
from .model import Application, File, FileType, Key, KeySet

SYSTEM: Final = "desfire"
SERIAL_SIZE: Final = 6
_FURTHER_KEYS: Final = {0x10: 3, 0x20: 2}  # at PICC level from EV2 on: delegation, virtual card and proximity
_MOST_EV1: Final = 28  # applications
_FIRST_FREE: Final = 2  # generation from which only memory bounds their number
_PARTS: Final = {"hardware": 7, "software": 7, "production": 7}
_CHECKED: Final = b"\x80\x01"  # of the ATR that a reader makes: T=0, T=1
_OPTIONS: Final = {
    0: frozenset[int](),
    1: frozenset({0x00, 0x01, 0x02}),
    2: frozenset({0x00, 0x01, 0x02, 0x03, 0x04, 0x05}),
}
_NTAG_OPTIONS: Final = frozenset({0x00, 0x05, 0x0A})
_AES: Final = 0xAA
_ANY: Final = frozenset(range(256))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DesfireImage:
    """A blank chip. Immutable and shared.

    :ivar digest: 8 bytes that name this content; a chip's file opens only with the image it was made from.
    :ivar generation: 0 D40, 1 EV1, 2 EV2, 3 EV3.  :ivar maker: first byte of the UID.
    :ivar hardware: of GetVersion, as software and production.  :ivar signer: scalar of the originality key.
    :ivar opcodes: those it knows.  :ivar options: of SetConfiguration.
    :ivar longest: data bytes of a command in one frame.  :ivar drops_chains: another command in mid-chain is heard.
    :ivar sdm: secure dynamic messaging.  :ivar lrp: may be switched to LRP.
    """

    name: str
    title: str
    digest: bytes
    protocols: tuple[int, ...]
    generation: int
    maker: bytes
    ats: bytes
    hardware: bytes
    software: bytes
    production: bytes
    signer: int
    nvm: int
    longest: int
    drops_chains: bool
    opcodes: frozenset[int]
    options: frozenset[int]
    sdm: bool
    lrp: bool
    cells: Mapping[str, bytes]
    serial_size: int = SERIAL_SIZE

    @property
    def atr(self) -> bytes:
        """Of a blank chip."""
        return self.atr_of(self.ats)

    @property
    def most_applications(self) -> int:
        """How many there may be, memory permitting."""
        return _MOST_EV1 if self.generation < _FIRST_FREE else self.nvm

    @property
    def has_ev1(self) -> bool:
        """Does it know the messaging of EV1?"""
        return self.generation > 0 and self.knows(_AES)

    def knows(self, opcode: int) -> bool:
        """Is the command there at all?"""
        return opcode in self.opcodes

    def historical(self, ats: bytes) -> bytes | None:
        """Historical bytes of an ATS; None when it is malformed."""
        if len(ats) < 2:
            return None
        at = 2 + (ats[1] >> 4 & 7).bit_count()
        return ats[at:] if at <= len(ats) and ats[0] == len(ats) else None

    def atr_of(self, ats: bytes) -> bytes:
        """The ATR that a reader makes of an ATS (PC/SC part 3, 3.1.3.2.3)."""
        history = self.historical(ats) or b""
        body = bytes((0x80 | len(history),)) + _CHECKED + history
        check = 0
        for byte in body:
            check ^= byte
        return b"\x3b" + body + bytes((check,))

    def born(self, serial: bytes) -> dict[str, bytes]:
        """The cells in which a fresh chip differs from its image: none, its UID is its serial number."""
        del serial
        return {}


def build(table: Mapping[str, Any], digest: bytes) -> DesfireImage:
    """An image from its TOML table.

    :raises ImageError: contradictions.  :raises KeyError: a missing entry.  :raises ValueError, TypeError: a bad one.
    """
    chip = table["chip"]
    parts = {name: bytes.fromhex(chip[name]) for name in _PARTS}
    generation = chip["generation"]
    ntag = "tag" in table
    image = DesfireImage(
        name=chip["name"],
        title=chip["title"],
        digest=digest,
        protocols=tuple(chip["protocols"]),
        generation=generation,
        maker=bytes.fromhex(chip["maker"]),
        ats=bytes.fromhex(chip["ats"]),
        hardware=parts["hardware"],
        software=parts["software"],
        production=parts["production"],
        signer=int(chip["signer"], 16),
        nvm=chip["nvm"],
        longest=chip["longest"],
        drops_chains=chip.get("drops_chains", False),
        opcodes=frozenset(bytes.fromhex(table["tag"]["opcodes"])) if ntag else _ANY,
        options=_NTAG_OPTIONS if ntag else _OPTIONS[min(generation, 2)],
        sdm=ntag,
        lrp=ntag,
        cells=_tag(table["tag"]) if ntag else _blank(generation),
    )
    sizes = {name: len(part) for name, part in parts.items()}
    if sizes != _PARTS or image.protocols != (1,) or len(image.maker) != 1 or image.historical(image.ats) is None:
        raise ImageError("chip: expected protocols [1], 7 bytes of each version, a maker of 1 byte, a sound ATS")
    return image


def _blank(generation: int) -> dict[str, bytes]:
    """PICC level with one DES key of zeros, everything allowed."""
    picc = Application(cells.PICC, 0x0F, 0x01)
    found = {
        cells.SETTINGS: bytes(3),
        cells.application(cells.PICC): picc.encode(),
        cells.numbered(cells.KEYS, cells.PICC, 0): KeySet((Key.zero(KeyType.TDEA2),)).encode(),
    }
    if generation >= _FIRST_FREE:
        for first, count in _FURTHER_KEYS.items():
            further = KeySet((Key.zero(KeyType.AES),) * count)
            found[cells.numbered(cells.KEYS, cells.PICC, first)] = further.encode()
    return found


def _tag(tag: Mapping[str, Any]) -> dict[str, bytes]:
    """An application that is there from birth, and a PICC level without keys."""
    aid = bytes.fromhex(tag["aid"])
    application = Application(
        aid, tag["settings"], tag["keys"], fid=bytes.fromhex(tag["fid"])[::-1], name=bytes.fromhex(tag["name"])
    )
    found = {
        cells.SETTINGS: bytes(3),
        cells.FAILURES: failures.BORN,
        cells.application(cells.PICC): Application(cells.PICC, 0, 0).encode(),
        cells.numbered(cells.KEYS, cells.PICC, 0): KeySet(()).encode(),
        cells.application(aid): application.encode(),
        cells.numbered(cells.KEYS, aid, 0): KeySet((Key.zero(KeyType.AES),) * application.key_count).encode(),
    }
    for line in tag["files"]:
        body = bytes.fromhex(line.get("data", "")).ljust(line["size"], b"\x00")
        size, fid = line["size"].to_bytes(3, "little"), bytes.fromhex(line["fid"])[::-1]
        file = File(line["number"], FileType.STANDARD, line["mode"], int(line["rights"], 16), size, fid)
        found[cells.numbered(cells.FILES, aid, file.number)] = file.encode()
        found[cells.numbered(cells.BODIES, aid, file.number)] = body
    return found
