"""Sequence number policy of the card (3GPP TS 33.102 6.3.3 and Annex C; file layout: sysmocom EF.USIM_SQN).

File: flags 1, flags 2, delta 6, age limit 6, then one freshness entry of 6 bytes per IND; all values in SQN units
(SEQ << IND bits | IND).
"""

from typing import Final

SKIP_NEXT: Final = 0x80  # flags 1; its low nibble is the number of IND bits
CHECK_DELTA: Final = 0x40
CHECK_AGE: Final = 0x20
CHECK_SQN: Final = 0x10
KEEP_AMF: Final = 0x04  # flags 2: MAC-S over the received AMF instead of 0000
CONCEAL_AUTS: Final = 0x02
CONCEAL_AUTN: Final = 0x01

_ENTRIES: Final = 14
LEAST_SIZE: Final = _ENTRIES + 6  # bytes of a file with one entry


class SequenceNumbers:
    """The contents of one SQN file, read and answered about; the caller writes back what `accept` returns."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.flags1, self.flags2 = body[0], body[1]
        self._ind_bits = self.flags1 & 0x0F
        self._entries = [int.from_bytes(body[at : at + 6], "big") for at in range(_ENTRIES, len(body) - 5, 6)]

    def conceals(self, flag: int) -> bool:
        """Is SQN exclusive-ored with the anonymity key there?"""
        return bool(self.flags2 & flag)

    @property
    def highest(self) -> bytes:
        """SQN_MS: the accepted value with the largest SEQ, 6 bytes."""
        return max(self._entries).to_bytes(6, "big")

    def is_fresh(self, sqn: bytes) -> bool:
        """May this SQN be accepted?"""
        if self.flags1 & SKIP_NEXT or not self.flags1 & CHECK_SQN:
            return True
        value = int.from_bytes(sqn, "big")
        seq, top = self._seq(value), self._seq(max(self._entries))
        if seq <= self._seq(self._entries[self._slot(value)]):
            return False
        if self.flags1 & CHECK_DELTA and seq - top > self._seq(self._limit(2)):
            return False
        return not self.flags1 & CHECK_AGE or top - seq < self._seq(self._limit(8))

    def accept(self, sqn: bytes) -> bytes:
        """The file body after this SQN was accepted."""
        start = _ENTRIES + 6 * self._slot(int.from_bytes(sqn, "big"))
        head = bytes((self.flags1 & ~SKIP_NEXT,))
        return head + self._body[1:start] + sqn + self._body[start + 6 :]

    def _limit(self, at: int) -> int:
        return int.from_bytes(self._body[at : at + 6], "big")

    def _seq(self, value: int) -> int:
        return value >> self._ind_bits

    def _slot(self, value: int) -> int:
        return (value & (1 << self._ind_bits) - 1) % len(self._entries)
