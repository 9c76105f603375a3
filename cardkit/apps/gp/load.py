"""LOAD and the load file it carries (GPCS 11.6, Tables 11-57, 11-58, C.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.dap import DAP_BLOCK, DapBlock
from cardkit.apps.gp.install import ANY_LENGTH, CLA
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_INS = 0xE8
_LAST = 0x80
_CLEAR, _CIPHERED, _ICV = 0xC4, 0xD4, 0xD3
_LARGEST_BLOCK = 255


@dataclass(frozen=True, slots=True)
class LoadFile:
    """What the LOAD commands carry, joined.

    :param block: load file data block, in clear or ciphered.  :param daps: signatures of it, one a security domain.
    :param ciphered: whether `block` is ciphered (``D4``).  :param icv: with which initial value, empty for zeros.
    """

    block: bytes
    daps: tuple[DapBlock, ...] = ()
    ciphered: bool = False
    icv: bytes = b""

    def build(self) -> bytes:
        """Return the bytes: DAP blocks, then ``C4``, or ``D3`` and ``D4``.

        :raises EncodingError: on an initial value for a clear block.
        """
        if self.icv and not self.ciphered:
            raise EncodingError("load file: an initial value (D3) belongs to a ciphered block only")
        icv = tlv.build(_ICV, self.icv) if self.icv else b""
        block = tlv.build(_CIPHERED if self.ciphered else _CLEAR, self.block)
        return b"".join(dap.build() for dap in self.daps) + icv + block

    @classmethod
    def parse(cls, data: bytes) -> LoadFile:
        """Read a load file.

        :raises EncodingError: on objects missing, unknown or out of order.

        >>> LoadFile.parse(bytes.fromhex("C403 010203")).block.hex()
        '010203'
        """
        items = tlv.parse(data)
        tags = [item.tag for item in items]
        count = tags.count(DAP_BLOCK)
        rest = tags[count:]
        if tags[:count] != [DAP_BLOCK] * count or rest not in ([_CLEAR], [_CIPHERED], [_ICV, _CIPHERED]):
            got = " ".join(f"{tag:02X}" for tag in tags)
            raise EncodingError(f"load file: got objects {got or 'none'}, expected E2 ... then C4, or D3 and D4")
        daps = tuple(DapBlock.parse(item.value) for item in items.find(DAP_BLOCK))
        icv = items.first(_ICV) or b""
        return cls(items[-1].value, daps, ciphered=rest[-1] == _CIPHERED, icv=icv)


def load_block(number: int, data: bytes, *, last: bool) -> CommandAPDU:
    """Return one LOAD command.

    :param number: of the block, from 0; the card sees it modulo 256.  :param data: 1 to 255 bytes.

    >>> load_block(3, bytes.fromhex("0102030405"), last=False).encode().hex()
    '80e8000305010203040500'
    """
    if not 0 < len(data) <= _LARGEST_BLOCK:
        raise EncodingError(f"LOAD block {number}: got {len(data)} bytes, expected 1 to {_LARGEST_BLOCK}")
    return CommandAPDU(CLA, _INS, last * _LAST, number & 0xFF, data, ANY_LENGTH)


def load_blocks(load_file: bytes, size: int) -> Iterator[CommandAPDU]:
    """Return the LOAD commands of a load file, as few as its bytes need.

    :param size: data bytes of a command, 1 to 255: what the session leaves of them.
    """
    starts = range(0, len(load_file), size)
    for number, start in enumerate(starts):
        yield load_block(number, load_file[start : start + size], last=start == starts[-1])
