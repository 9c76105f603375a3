"""The plant's marker on a chip: which record it is for, and how far the work got.

18 bytes: ``01 | state | HMAC-SHA-256(batch key, "cardkit-marker-1" 00 batch 00 record u64 token u32)[0:16]``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum

from cardkit.crypto.key import Key, Usage
from cardkit.errors import EncodingError, KeyStoreError

VERSION = 1
SIZE_BYTES = 18


class MarkerState(IntEnum):
    """How far the card got."""

    STARTED = 1
    DATA_DONE = 2
    VERIFIED = 3


@dataclass(frozen=True, slots=True)
class Binding:
    """What a marker binds a chip to.

    :param batch: the batch's name.  :param record_no: 0 to 2**64-1.  :param token: the claim's token, 0 to 2**32-1.
    """

    batch: str
    record_no: int
    token: int

    def message(self) -> bytes:
        """Return the bytes under the MAC; EncodingError where a number or the name does not fit."""
        batch = self.batch.encode()
        if not batch or b"\0" in batch:
            raise EncodingError("marker: batch must be a name without NUL, got an empty one or a NUL")
        if not 0 <= self.record_no < 1 << 64 or not 0 <= self.token < 1 << 32:
            raise EncodingError(f"marker: record {self.record_no} or token {self.token} is out of range (u64, u32)")
        numbers = self.record_no.to_bytes(8, "big") + self.token.to_bytes(4, "big")
        return b"cardkit-marker-1\0" + batch + b"\0" + numbers


def marker(batch_key: Key, binding: Binding, state: MarkerState) -> bytes:
    """Return the 18 bytes written to the chip.

    :param batch_key: HMAC-256 with usage data-mac.
    :raises EncodingError: on a binding out of range.  :raises KeyStoreError: on a key for another purpose.
    """
    if batch_key.usage is not Usage.DATA_MAC:
        raise KeyStoreError(f"key {batch_key.name}: usage {batch_key.usage}, a marker needs {Usage.DATA_MAC}")
    with batch_key.reveal() as key:
        return sealed(hmac.digest(key, binding.message(), "sha256"), state)


def sealed(mac: bytes, state: MarkerState) -> bytes:
    """Return the marker of a state and the MAC of its binding."""
    return bytes((VERSION, state)) + mac[:16]


def same_binding(left: bytes, right: bytes) -> bool:
    """Whether two markers bind to the same record and token, whatever their states; constant time."""
    sizes = len(left) == len(right) == SIZE_BYTES
    return sizes and left[0] == right[0] == VERSION and hmac.compare_digest(left[2:], right[2:])
