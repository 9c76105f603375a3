"""Data groupings that bring keys into a security domain or application (GPCS 11.11.4, Tables 11-92 to 11-99)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.apps.gp.putkey import key_type
from cardkit.apps.gp.storedata import Grouping
from cardkit.crypto.cardkeys import WrappedCardKey
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_ATTRIBUTES, _SYMMETRIC = 0x00B9, 0x8113
_CONTROL = 0xB9
_USAGE, _ACCESS, _TYPE, _LENGTH, _KID, _KVN, _KCV = 0x95, 0x96, 0x80, 0x81, 0x82, 0x83, 0x84
_LARGEST = 0x7F


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A symmetric key as STORE DATA brings it.

    :param usage: usage qualifier, 1 or 2 bytes (11.1.9).  :param access: access condition, 1 byte; empty for the
        default (11.1.10).
    """

    kid: int
    kvn: int
    wrapped: WrappedCardKey
    usage: bytes
    access: bytes = b""

    def attributes(self) -> bytes:
        """Return its template ``B9``.

        :raises EncodingError: on an identifier or version above 7F.
        """
        if not 0 <= self.kid <= _LARGEST or not 1 <= self.kvn <= _LARGEST:
            raise EncodingError(f"key {self.kid:02X}/{self.kvn:02X}: expected KID 00 to 7F, KVN 01 to 7F")
        pairs = (
            (_USAGE, self.usage),
            (_ACCESS, self.access),
            (_TYPE, bytes((key_type(self.wrapped.algorithm),))),
            (_LENGTH, bytes((self.wrapped.size_bytes,))),
            (_KID, bytes((self.kid,))),
            (_KVN, bytes((self.kvn,))),
            (_KCV, self.wrapped.kcv),
        )
        return tlv.build(_CONTROL, b"".join(tlv.build(tag, value) for tag, value in pairs if value))


def key_groupings(keys: Sequence[LoadedKey]) -> list[Grouping]:
    """Return the groupings of a key set: ``00B9`` with the attributes of all, then ``8113`` for each, in order."""
    attributes = b"".join(key.attributes() for key in keys)
    return [
        Grouping(_ATTRIBUTES, attributes),
        *(Grouping(_SYMMETRIC, key.wrapped.cryptogram, secret=True, plain=False) for key in keys),
    ]
