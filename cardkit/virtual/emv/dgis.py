"""The data groupings a payment application takes, one line an entry (EMV CPS 2.0, annex A; sheet payment.md 13).

Each value is checked and stored as it comes; `personalization` checks at the last block that all are there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import crypto
from . import dol, objects, versions
from .data import CONTACTLESS, ICC_KEY, INTERNAL, PIN_KEY, CardData, check_record

KEYS, CHECK_VALUES, PIN_BLOCK, PIN_TRIES, INTERNAL_DATA, INTERNAL_CONTACTLESS = (
    0x8000,
    0x9000,
    0x8010,
    0x9010,
    0x0D01,
    0x0E01,
)
FCI, FCI_CONTACTLESS, GPO, GPO_CONTACTLESS, LOG_FORMAT, FIRST_ATC = 0x9102, 0x9103, 0x9104, 0xB104, 0x9F4F, 0x9F36
FILES: Final = 0x0062

_PROPRIETARY: Final = 0xA5
_KEY, _CHECK = 16, 3
_LONGEST: Final = 256  # bytes of any value here
_KEY_COUNTS: Final = range(3, 6)
_NOT_RECORDS: Final = (0x0D, 0x0E)  # their DGIs are internal data
_MOST_TRIES: Final = 15
_PIN_DIGITS: Final = range(4, 13)
_AFL_SIZES: Final = range(4, 253, 4)
_MADE_BY_CARD: Final = frozenset({0x9F10, 0x9F26, 0x9F27, 0x9F36, 0x9F6C, 0x9F4B})
_FILE_SIZE, _FILE_SFI, _FCP = 0x80, 0x88, 0x62
_SIZES_OF_INTERNAL: Final = {
    INTERNAL: {0x9F10: 32, 0x9F51: 2, 0x9F58: 1, 0x9F59: 1, 0x9F54: 6, 0x9F5C: 6, 0xDF01: 1, 0xDF02: 1},
    CONTACTLESS: {0x9F10: 32, 0x9F6C: 2, 0x9F6B: 6},
}
_AMOUNTS: Final = (0x9F54, 0x9F5C, 0x9F6B)
_MAC_SIZES: Final = range(4, 9)

Taker = Callable[[CardData, int, bytes], None]


@dataclass(frozen=True, slots=True)
class Grouping:
    """One data grouping.

    :ivar take: checks the value and stores it.  :ivar secret: never comes in clear.
    """

    take: Taker
    secret: bool = False


def refuse() -> StatusWordError:
    """The error of contents that are wrong."""
    return StatusWordError(sw.WRONG_DATA)


def take(data: CardData, tag: int, value: bytes) -> None:
    """Check a data grouping and store it.

    :raises StatusWordError: 6A88 unknown, 6A80 wrong contents, 6A84 more than its file may hold.
    """
    found = _of(tag)
    if len(value) > _LONGEST:
        raise refuse()
    found.take(data, tag, value)


def _of(tag: int) -> Grouping:
    found = GROUPINGS.get(tag)
    if found is not None:
        return found
    sfi, number = tag >> 8, tag & 0xFF
    if 1 <= sfi <= 30 and number and sfi not in _NOT_RECORDS:
        return _RECORD
    raise StatusWordError(sw.DATA_NOT_FOUND)


def _put(data: CardData, tag: int, value: bytes) -> None:
    data.put(f"dgi/{tag:04X}", value)


def _record(data: CardData, tag: int, value: bytes) -> None:
    check_record(tag >> 8, value)
    data.put(f"record/{tag:04X}", value)
    room = data.get(f"file/{tag >> 8:02X}")
    taken = sum(len(data.get(f"record/{name}")) for name in data.names("record") if name.startswith(f"{tag >> 8:02X}"))
    if room and taken > int.from_bytes(room, "big"):
        raise StatusWordError(sw.NO_MEMORY)


def _fci(data: CardData, tag: int, value: bytes) -> None:
    """The template A5, or what stands in it."""
    found = objects.parse(value)
    inside = found[0][1] if len(found) == 1 and found[0][0] == _PROPRIETARY else value
    if not inside:
        raise refuse()
    objects.check(inside)
    dol.parse(objects.find(inside, 0x9F38) or b"")
    _put(data, tag, inside)


def _gpo(data: CardData, tag: int, value: bytes) -> None:
    found = objects.unique(value)
    afl = found.get(0x94)
    if len(found.get(0x82, b"")) != 2 or (afl is not None and len(afl) not in _AFL_SIZES):
        raise refuse()
    if found.keys() & _MADE_BY_CARD or (tag == GPO and found.keys() != {0x82, 0x94}):
        raise refuse()
    _put(data, tag, value)


def _keys(data: CardData, tag: int, value: bytes) -> None:
    if len(value) % _KEY or len(value) // _KEY not in _KEY_COUNTS:
        raise refuse()
    _put(data, tag, value)
    _compare(data)


def _check_values(data: CardData, tag: int, value: bytes) -> None:
    if len(value) % _CHECK or len(value) // _CHECK not in _KEY_COUNTS:
        raise refuse()
    _put(data, tag, value)
    _compare(data)


def _compare(data: CardData) -> None:
    """Keys and check values, once both have come: all of one algorithm."""
    if (
        data.dgi(KEYS)
        and data.dgi(CHECK_VALUES)
        and not any(has_check_values(data, algorithm) for algorithm in (crypto.KEY_DES, crypto.KEY_AES))
    ):
        raise refuse()


def has_check_values(data: CardData, algorithm: int) -> bool:
    """Are the check values those of the keys, if these are of that algorithm?"""
    keys = data.dgi(KEYS)
    values = (crypto.kcv(algorithm, keys[at : at + _KEY]) for at in range(0, len(keys), _KEY))
    return data.dgi(CHECK_VALUES) == b"".join(values)


def pin_digits(block: bytes) -> str | None:
    """The PIN of a block of format 2 (ISO 9564-1), None for a block that is none."""
    text = block.hex().upper()
    size = int(text[1], 16)
    pin, rest = text[2 : 2 + size], text[2 + size :]
    if text[0] != "2" or size not in _PIN_DIGITS or not pin.isdecimal() or rest.strip("F"):
        return None
    return pin


def _pin_block(data: CardData, tag: int, value: bytes) -> None:
    del tag
    block = value[:8]
    if len(block) != 8 or value[8:] not in (b"", b"\x80" + bytes(7)) or pin_digits(block) is None:
        raise refuse()
    data.put("pin", block)


def _pin_tries(data: CardData, tag: int, value: bytes) -> None:
    del tag
    if len(value) != 2 or not 1 <= value[1] <= _MOST_TRIES or value[0] > value[1]:
        raise refuse()
    data.put("tries", value)


def _key_component(data: CardData, tag: int, value: bytes) -> None:
    """Padding goes: p, q, the exponents and the modulus are odd. q^-1 may look padded without being so, and waits."""
    if not value:
        raise refuse()
    body = value.rstrip(b"\x00")
    padded = body.endswith(b"\x80") and tag not in (ICC_KEY.crt[0], PIN_KEY.crt[0])
    _put(data, tag, body[:-1] if padded else value)


def _internal(folder: str) -> Taker:
    def take(data: CardData, tag: int, value: bytes) -> None:
        del tag
        found = objects.unique(value)
        for name, content in found.items():
            check_internal(folder, name, content)
        for old in data.names(folder):
            data.put(f"{folder}/{old}", b"")
        for name, content in found.items():
            data.put(f"{folder}/{name:04X}", content)

    return take


def check_internal(folder: str, tag: int, value: bytes) -> None:
    """Refuse a tag of the internal data that is not known, or whose value is none.

    :raises StatusWordError: 6A80.
    """
    size = _SIZES_OF_INTERNAL[folder].get(tag)
    if tag == 0x9F10:
        if versions.of(value).contactless and folder == INTERNAL:
            raise refuse()
        return
    if len(value) != size or (tag in _AMOUNTS and not value.hex().isdecimal()):
        raise refuse()
    if tag == 0xDF02 and value[0] not in _MAC_SIZES:
        raise refuse()


def _log_format(data: CardData, tag: int, value: bytes) -> None:
    if not dol.size(value):
        raise refuse()
    _put(data, tag, value)


def _first_atc(data: CardData, tag: int, value: bytes) -> None:
    del tag
    if len(value) != 2:
        raise refuse()
    data.put("atc", value)


def _files(data: CardData, tag: int, value: bytes) -> None:
    """File creation: one template 62 a file, with its size and SFI (CPS A.5, table A-27)."""
    del tag
    for template, content in objects.parse(value):
        fields = objects.unique(content)
        size, sfi = fields.get(_FILE_SIZE, b""), fields.get(_FILE_SFI, b"")
        if template != _FCP or len(size) != 2 or len(sfi) != 1 or not 1 <= sfi[0] >> 3 <= 30 or sfi[0] & 7:
            raise refuse()
        data.put(f"file/{sfi[0] >> 3:02X}", size)


_RECORD: Final = Grouping(_record)
_COMPONENT: Final = Grouping(_key_component, secret=True)
_MODULUS: Final = Grouping(_key_component)
GROUPINGS: Final[Mapping[int, Grouping]] = {
    FILES: Grouping(_files),
    INTERNAL_DATA: Grouping(_internal(INTERNAL)),
    INTERNAL_CONTACTLESS: Grouping(_internal(CONTACTLESS)),
    KEYS: Grouping(_keys, secret=True),
    CHECK_VALUES: Grouping(_check_values),
    PIN_BLOCK: Grouping(_pin_block, secret=True),
    PIN_TRIES: Grouping(_pin_tries),
    **dict.fromkeys((*ICC_KEY.crt, *PIN_KEY.crt, ICC_KEY.plain[0], PIN_KEY.plain[0]), _COMPONENT),
    **dict.fromkeys((ICC_KEY.plain[1], PIN_KEY.plain[1]), _MODULUS),
    FCI: Grouping(_fci),
    FCI_CONTACTLESS: Grouping(_fci),
    GPO: Grouping(_gpo),
    GPO_CONTACTLESS: Grouping(_gpo),
    LOG_FORMAT: Grouping(_log_format),
    FIRST_ATC: Grouping(_first_atc),
}
