"""A storage card by the pseudo-APDUs of its reader (PC/SC part 3, 3.2.2)."""

from __future__ import annotations

from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import AuthenticationError, EncodingError, NotFoundError, ProtocolError, StatusError

_READER = 0xFF
_GET_DATA, _LOAD_KEY, _AUTHENTICATE, _READ = 0xCA, 0x82, 0x86, 0xB0
_UID, _HISTORICAL = 0x00, 0x01
_VOLATILE = 0x00
_OK = 0x9000
_NOT_THERE = frozenset((0x6A81, 0x6A82, 0x6300, 0x6282))
BLOCK_BYTES, KEY_BYTES = 16, 6
UID_SIZES = (4, 7, 10)
_ANY = 256


class KeyKind(IntEnum):
    """Which of a sector's two keys."""

    A = 0x60
    B = 0x61


class StorageClient:
    """A card.

    Every method raises TransportError when the link fails, StatusError when reader or card refuses.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def uid(self) -> bytes:
        """Return the UID, 4, 7 or 10 bytes.  :raises ProtocolError: on another length."""
        found = self._channel.require(CommandAPDU(_READER, _GET_DATA, _UID, 0, ne=_ANY), what="UID")
        if len(found) not in UID_SIZES:
            raise ProtocolError(f"UID: {len(found)} bytes, expected 4, 7 or 10")
        return found

    def historical(self) -> bytes:
        """Return the historical bytes of the ATS; empty where the card has none."""
        response = self._channel.send(CommandAPDU(_READER, _GET_DATA, _HISTORICAL, 0, ne=_ANY))
        if response.sw == _OK:
            return response.data
        if response.sw in _NOT_THERE:
            return b""
        raise StatusError("historical bytes", response.sw)

    def read(self, place: int) -> bytes:
        """Return 16 bytes: a block, or four pages.

        :param place: number of the block or of the first page, 0 to 255.
        :raises NotFoundError: where there is none, or nobody may read it.  :raises ProtocolError: on another length.
        """
        what = f"block {place}"
        response = self._channel.send(CommandAPDU(_READER, _READ, 0, place, ne=BLOCK_BYTES))
        if response.sw in _NOT_THERE:
            raise NotFoundError(what, response.sw)
        if response.sw != _OK:
            raise StatusError(what, response.sw)
        if len(response.data) != BLOCK_BYTES:
            raise ProtocolError(f"{what}: {len(response.data)} bytes, expected {BLOCK_BYTES}")
        return response.data

    def load_key(self, slot: int, key: Secret) -> None:
        """Give the reader a key of Classic for as long as it has power.

        :param slot: where it keeps it.  :param key: 6 bytes.  :raises EncodingError: on another length.
        """
        if len(key) != KEY_BYTES:
            raise EncodingError(f"key {key.name}: {len(key)} bytes, Classic has {KEY_BYTES}")
        self._channel.require(CommandAPDU(_READER, _LOAD_KEY, _VOLATILE, slot, (key,)), what="load key")

    def authenticate(self, block: int, kind: KeyKind, slot: int) -> None:
        """Open the sector of a block with a loaded key.  :raises AuthenticationError: when the card refuses it."""
        data = bytes((1, 0, block, kind, slot))
        response = self._channel.send(CommandAPDU(_READER, _AUTHENTICATE, 0, 0, data))
        if response.sw != _OK:
            raise AuthenticationError(f"sector of block {block}: key {kind.name} is refused, {response.sw:04X}")
