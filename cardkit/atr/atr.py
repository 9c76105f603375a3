"""Answer to reset (ISO/IEC 7816-3 8; ETSI TS 102 221 6.3; PC/SC part 3 for contactless cards)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from cardkit.atr.historical import Capabilities, Historical
from cardkit.atr.interface import GLOBAL, InterfaceBytes, read_groups
from cardkit.atr.tables import BAUD_RATE, CLASSES, CLOCK_RATE, CLOCK_STOP
from cardkit.encoding.compact import CompactTlv
from cardkit.errors import EncodingError

_DIRECT, _INVERSE = 0x3B, 0x3F
_LONGEST = 33
_DEFAULT_TA1 = 0x11


@dataclass(frozen=True, slots=True)
class ATR:
    """An answer to reset, taken apart.

    :param raw: all bytes from TS on.
    :param groups: interface bytes in order.
    :param historical: the historical bytes.
    :param tck: check byte, None where there is none.

    >>> atr = ATR.parse(bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5"))
    >>> atr.protocols, atr.fi_di, atr.classes
    ((0,), (512, 32), ('A', 'B', 'C'))
    """

    raw: bytes
    groups: tuple[InterfaceBytes, ...]
    historical: bytes
    tck: int | None

    @classmethod
    def parse(cls, raw: bytes) -> ATR:
        """Take an answer to reset apart.

        :raises EncodingError: if it is cut short, has surplus bytes, or its check byte is missing, wrong or not due.
        """
        atr = cls.parse_unchecked(raw)
        if atr.defect:
            raise EncodingError(f"ATR: {atr.defect}")
        return atr

    @classmethod
    def parse_unchecked(cls, raw: bytes) -> ATR:
        """Take an answer to reset apart whatever its check byte; see :attr:`defect`.

        :raises EncodingError: if it is cut short or has surplus bytes.
        """
        if not 2 <= len(raw) <= _LONGEST:
            raise EncodingError(f"ATR: got {len(raw)} bytes, expected 2 to {_LONGEST}")
        if raw[0] not in {_DIRECT, _INVERSE}:
            raise EncodingError(f"ATR: TS is {raw[0]:02X}, expected 3B (direct) or 3F (inverse convention)")
        try:
            groups, offset = read_groups(raw)
        except IndexError:
            raise EncodingError(f"ATR: ends within its interface bytes, after {len(raw)} bytes") from None
        end = offset + (raw[1] & 0x0F)
        if not end <= len(raw) <= end + 1:
            raise EncodingError(f"ATR: got {len(raw)} bytes, expected {end} and a check byte where one is due")
        return cls(raw, groups, raw[offset:end], raw[end] if end < len(raw) else None)

    @property
    def defect(self) -> str:
        """What is wrong with the check byte, "" if nothing (7816-3 8.2.5: there is one unless only T=0 is offered)."""
        due = any(group.td is not None and group.td & 0x0F for group in self.groups)
        if self.tck is None:
            return "the check byte TCK is missing" if due else ""
        if not due:
            return f"{self.tck:02X} follows the historical bytes, but a card with T=0 only has no check byte"
        expected = reduce(xor, self.raw[1:-1])
        return "" if self.tck == expected else f"check byte TCK is {self.tck:02X}, expected {expected:02X}"

    @property
    def inverse(self) -> bool:
        """Whether the card uses the inverse convention."""
        return self.raw[0] == _INVERSE

    def ta(self, index: int) -> int | None:
        """TA of group `index`, from 1; None if absent."""
        return self._group(index).ta

    def tb(self, index: int) -> int | None:
        """TB of group `index`, from 1; None if absent."""
        return self._group(index).tb

    def tc(self, index: int) -> int | None:
        """TC of group `index`, from 1; None if absent."""
        return self._group(index).tc

    def td(self, index: int) -> int | None:
        """TD of group `index`, from 1; None if absent."""
        return self._group(index).td

    @property
    def protocols(self) -> tuple[int, ...]:
        """Protocols offered, in order, each once: numbers T, never 15."""
        offered = [group.td & 0x0F for group in self.groups if group.td is not None]
        # Without TD1, and where only T=15 is named, the card speaks T=0.
        return tuple(dict.fromkeys(t for t in offered if t != GLOBAL)) or (0,)

    @property
    def first_protocol(self) -> int:
        """T of the first protocol offered, the one used unless PPS chooses another."""
        return self.protocols[0]

    @property
    def fi_di(self) -> tuple[int, int]:
        """F and D that TA1 offers, 372 and 1 without TA1.

        :raises EncodingError: if TA1 has a reserved value.
        """
        ta1 = self._ta1
        if ta1 >> 4 not in CLOCK_RATE or ta1 & 0x0F not in BAUD_RATE:
            raise EncodingError(f"ATR: TA1 {ta1:02X} has a reserved value of F or D")
        return CLOCK_RATE[ta1 >> 4][0], BAUD_RATE[ta1 & 0x0F]

    @property
    def fmax_mhz(self) -> float:
        """Highest clock in MHz that TA1 allows.

        :raises EncodingError: if TA1 has a reserved value.
        """
        if self._ta1 >> 4 not in CLOCK_RATE:
            raise EncodingError(f"ATR: TA1 {self._ta1:02X} has a reserved value of F")
        return CLOCK_RATE[self._ta1 >> 4][1]

    @property
    def extra_guard_time(self) -> int:
        """N of TC1 in etu between characters sent to the card; 255 means the protocol's minimum."""
        return self.tc(1) or 0

    @property
    def specific_mode(self) -> bool:
        """Whether TA2 fixes protocol and bit rate, so that no PPS is made."""
        return self.ta(2) is not None

    @property
    def specific_protocol(self) -> int | None:
        """T that TA2 fixes, None in negotiable mode."""
        ta2 = self.ta(2)
        return ta2 & 0x0F if ta2 is not None else None

    @property
    def waiting_integer(self) -> int:
        """WI for T=0, from TC2."""
        return self.tc(2) or 10

    @property
    def ifsc(self) -> int:
        """Longest information field in bytes the card takes in a T=1 block."""
        return self._specific(1, "ta") or 32

    @property
    def bwi_cwi(self) -> tuple[int, int]:
        """Block and character waiting integers for T=1."""
        tb = self._specific(1, "tb")
        return (4, 13) if tb is None else (tb >> 4, tb & 0x0F)

    @property
    def crc(self) -> bool:
        """Whether T=1 blocks end in a CRC rather than an LRC."""
        return bool((self._specific(1, "tc") or 0) & 1)

    @property
    def clock_stop(self) -> str:
        """Whether the clock may stop, in words (first TA for T=15)."""
        return CLOCK_STOP[(self._specific(GLOBAL, "ta") or 0) >> 6]

    @property
    def classes(self) -> tuple[str, ...]:
        """Operating conditions ``A``, ``B``, ``C`` the card accepts; class A alone where it says nothing."""
        ta = self._specific(GLOBAL, "ta")
        return tuple(words[0] for bit, words in CLASSES.items() if (1 if ta is None else ta) & bit)

    @property
    def contactless(self) -> bool:
        """Whether a reader made this ATR up for a contactless card: ``3B 8n 80 01``, no other interface bytes."""
        return self.raw[0] == _DIRECT and self.raw[1] >> 4 == 8 and self.raw[2:4] == b"\x80\x01"

    @property
    def history(self) -> Historical:
        """The historical bytes taken apart."""
        return Historical(self.historical)

    @property
    def compact(self) -> tuple[CompactTlv, ...]:
        """COMPACT-TLV objects of the historical bytes, none where they have none."""
        return self.history.objects

    @property
    def capabilities(self) -> Capabilities | None:
        """Card capabilities, None where the card does not state them."""
        return self.history.capabilities

    def describe(self) -> list[tuple[str, str, str]]:
        """Return (name, hex, words with the clause) for each part, in order."""
        convention = "inverse" if self.inverse else "direct"
        lines = [
            ("TS", f"{self.raw[0]:02X}", f"{convention} convention [ISO/IEC 7816-3 8.1]"),
            ("T0", f"{self.raw[1]:02X}", f"{len(self.historical)} historical bytes [ISO/IEC 7816-3 8.2.2]"),
        ]
        for group in self.groups:
            lines += group.describe()
        lines += self.history.describe()
        if self.tck is not None or self.defect:
            tck = "" if self.tck is None else f"{self.tck:02X}"
            lines.append(("TCK", tck, f"{self.defect or 'check byte is right'} [ISO/IEC 7816-3 8.2.5]"))
        return lines

    @property
    def _ta1(self) -> int:
        ta1 = self.ta(1)
        return _DEFAULT_TA1 if ta1 is None else ta1

    def _group(self, index: int) -> InterfaceBytes:
        return next((group for group in self.groups if group.index == index), InterfaceBytes(index, None))

    def _specific(self, protocol: int, name: str) -> int | None:
        """Return the first byte of this name for a protocol, behind group 2."""
        values = (getattr(group, name) for group in self.groups if group.index > 2 and group.protocol == protocol)
        return next((value for value in values if value is not None), None)
