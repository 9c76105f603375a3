"""What commands carry: BER-TLV objects, and fields of length and value; what does not parse is 6A80."""

from .. import statuswords as sw
from .. import tlv
from ..errors import ImageError, StatusWordError

build = tlv.build
Objects = list[tuple[int, bytes]]


def parse(data: bytes) -> Objects:
    """The TLV objects of `data` one after the other, as (tag, value).

    :raises StatusWordError: 6A80 when one is cut short or has another length form than 1, 81 or 82.

    >>> parse(bytes.fromhex("4F02A0005C009F700107"))
    [(79, b'\\xa0\\x00'), (92, b''), (40816, b'\\x07')]
    """
    try:
        return list(tlv.parse(data))
    except ImageError as error:
        raise StatusWordError(sw.WRONG_DATA) from error


def unique(data: bytes, allowed: frozenset[int] | None = None) -> dict[int, bytes]:
    """The objects of `data` by tag.

    :param allowed: tags that may stand there; None for any.
    :raises StatusWordError: 6A80 also when a tag comes twice or is not allowed.
    """
    objects = parse(data)
    found = dict(objects)
    if len(found) != len(objects) or (allowed is not None and not found.keys() <= allowed):
        raise StatusWordError(sw.WRONG_DATA)
    return found


class Fields:
    """Reads fields of length and value from left to right.

    :raises StatusWordError: 6A80 from each method when the data end too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self.at + size
        if end > len(self._data):
            raise StatusWordError(sw.WRONG_DATA)
        found, self.at = self._data[self.at : end], end
        return found

    def short(self) -> bytes:
        """A value behind a length of one byte."""
        return self.take(self.byte())

    def long(self) -> bytes:
        """A value behind a BER length of 1 to 3 bytes; a plain 80 stands for 128 (11.1.5)."""
        first = self.byte()
        if first in (0x81, 0x82):
            return self.take(int.from_bytes(self.take(first - 0x80), "big"))
        if first > 0x80:
            raise StatusWordError(sw.WRONG_DATA)
        return self.take(first)

    def more(self) -> bool:
        """Is anything left?"""
        return self.at < len(self._data)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self.at)

    def end(self) -> None:
        """Refuse what follows the last field."""
        if self.more():
            raise StatusWordError(sw.WRONG_DATA)
