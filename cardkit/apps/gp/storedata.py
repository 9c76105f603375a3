"""STORE DATA: what P1 says is taken from the content, never from a constant (GPCS 11.11, Table 11-89).

Data groupings are packed into commands: those that fit one are never cut, longer ones begin a command and go on in the
next (GPCS 11.11.2.3; EMV CPS 4.3.4.4). Secret and clear groupings never share a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.install import ANY_LENGTH, CLA
from cardkit.encoding.dgi import DGI
from cardkit.errors import EncodingError

_INS = 0xE2
LAST, _CASE_4, _RESERVED = 0x80, 0x01, 0x06
_MOST_COMMANDS = 256
_LARGEST_BLOCK = 255
_HEADER_BYTES, _LONG_HEADER_BYTES = 3, 5


class Structure(IntEnum):
    """How the data is built (P1 b5 b4)."""

    NONE = 0x00
    DGI = 0x08
    BER = 0x10


class Encryption(IntEnum):
    """Which values are ciphered under the DEK, below any secure messaging (P1 b7 b6)."""

    NONE = 0x00
    MIXED = 0x20
    """It depends on the application: some are."""
    ALL = 0x60


@dataclass(frozen=True, slots=True)
class Grouping:
    """A data grouping to store.

    :param tag: data grouping identifier.  :param value: 0 to 65,534 bytes; of a secret one, whole cipher blocks.
    :param secret: whether the card expects the value under the DEK.  :param plain: whether it is not yet.
    """

    tag: int
    value: bytes = field(repr=False)
    secret: bool = False
    plain: bool = True

    def build(self) -> bytes:
        """Return identifier, length and value."""
        return DGI(self.tag, self.value).build()


@dataclass(frozen=True, slots=True)
class Block:
    """The data of one STORE DATA and what P1 says of it."""

    data: bytes = field(repr=False)
    structure: Structure = Structure.NONE
    encryption: Encryption = Encryption.NONE


P1Table = Mapping[tuple[Structure, Encryption], int]
"""What a chip wants in P1 in place of Table 11-89, without the last flag: a profile's ``store_data_p1``."""


def is_secret(tag: int) -> bool:
    """Whether a grouping holds ciphered keys or codes by convention: identifiers 8xxx (GPCS 11.11.4, EMV CPS).

    >>> is_secret(0x8113), is_secret(0x9000)
    (True, False)
    """
    return tag >> 12 == 0x8


def ciphered(groupings: Iterable[Grouping], encrypt: Callable[[bytes], bytes]) -> list[Grouping]:
    """Return the groupings with every secret value under the DEK.

    :param encrypt: of the session's DEK; refuses what is not whole cipher blocks.
    """
    return [
        replace(item, value=encrypt(item.value), plain=False) if item.secret and item.plain else item
        for item in groupings
    ]


class Packing(StrEnum):
    """How data groupings are shared out over commands."""

    SINGLE = "single"
    """A command is of one grouping: applications that read no second one."""
    WHOLE = "whole"
    """Groupings share commands; only what fits none is cut."""
    FULL = "full"
    """Values are cut wherever a command ends, so that every one is full (EMV CPS 4.3.4.5)."""


def pack(
    groupings: Sequence[Grouping], size: int, *, mixed: bool = False, packing: Packing = Packing.WHOLE
) -> list[Block]:
    """Share groupings out over as few commands as their order and secrecy allow.

    :param size: data bytes of a command, 6 to 255: what the session leaves of them.
    :param mixed: put secret and clear groupings into the same commands, all announced as mixed.
    :param packing: identifier and length stay together, however it is.
    :raises EncodingError: on a size no grouping fits, and on a secret value that is not ciphered yet.

    >>> clear, secret = Grouping(0x0101, bytes(2)), Grouping(0x8000, bytes(2), secret=True, plain=False)
    >>> [block.data.hex() for block in pack([clear, secret], 16)]
    ['0101020000', '8000020000']
    """
    if not _LONG_HEADER_BYTES < size <= _LARGEST_BLOCK:
        raise EncodingError(f"STORE DATA: {size} data bytes a command, expected 6 to {_LARGEST_BLOCK}")
    if exposed := [f"{item.tag:04X}" for item in groupings if item.secret and item.plain]:
        raise EncodingError(f"STORE DATA: secret groupings {', '.join(exposed)} are not ciphered yet")
    blocks: list[Block] = []
    current, kind = b"", Encryption.NONE
    for item in groupings:
        wanted = Encryption.MIXED if mixed else Encryption.ALL if item.secret else Encryption.NONE
        written = item.build()
        whole = len(written) - len(item.value) if packing is Packing.FULL else len(written)
        alone = packing is Packing.SINGLE or wanted is not kind
        if current and (alone or len(current) + whole > size):
            blocks.append(Block(current, Structure.DGI, kind))
            current = b""
        kind = wanted
        current += written
        while len(current) > size:
            blocks.append(Block(current[:size], Structure.DGI, kind))
            current = current[size:]
    return [*blocks, Block(current, Structure.DGI, kind)] if current else blocks


def cut(
    data: bytes, size: int, structure: Structure = Structure.NONE, encryption: Encryption = Encryption.NONE
) -> list[Block]:
    """Share opaque or BER-TLV data out over commands."""
    return [Block(data[start : start + size], structure, encryption) for start in range(0, len(data), size)]


def store_data(number: int, block: Block, *, last: bool, p1: int | None = None, answer: bool = False) -> CommandAPDU:
    """Return one STORE DATA.

    :param number: of the block, 0 to 255.  :param p1: all of P1, where a chip wants another than the content gives.
    :param answer: case 4: the card answers with data.
    :raises EncodingError: on another number, an empty or too long block.

    >>> store_data(0, Block(bytes(3), Structure.DGI), last=True).encode().hex()
    '80e2880003000000'
    """
    if not 0 <= number < _MOST_COMMANDS:
        raise EncodingError(f"STORE DATA: block {number}, expected 0 to {_MOST_COMMANDS - 1}")
    if not 0 < len(block.data) <= _LARGEST_BLOCK:
        raise EncodingError(f"STORE DATA: block of {len(block.data)} bytes, expected 1 to {_LARGEST_BLOCK}")
    derived = last * LAST | block.encryption | block.structure | answer * _CASE_4
    return CommandAPDU(CLA, _INS, derived if p1 is None else p1, number, block.data, ANY_LENGTH if answer else 0)


def store_commands(
    blocks: Sequence[Block], *, table: P1Table | None = None, p1: Mapping[int, int] | None = None
) -> list[CommandAPDU]:
    """Return the commands of one personalization: numbered from 00, the last one flagged.

    :param table: what a chip wants in P1 for each kind of content.
    :param p1: all of P1 of single blocks, by number; -1 for the last one.
    :raises EncodingError: on more than 256 commands: block numbers would wrap.
    """
    if len(blocks) > _MOST_COMMANDS:
        raise EncodingError(f"STORE DATA: {len(blocks)} commands, expected {_MOST_COMMANDS} or fewer")
    table, single = table or {}, p1 or {}
    commands = []
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        bits = table.get((block.structure, block.encryption))
        wanted = None if bits is None else bits | last * LAST
        wanted = single.get(-1, single.get(number, wanted)) if last else single.get(number, wanted)
        commands.append(store_data(number, block, last=last, p1=wanted))
    return commands
