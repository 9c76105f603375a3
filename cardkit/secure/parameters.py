"""What a secure channel protocol and its ``i`` mean: one record for each, decoded once (GPCS D.1.1, E.1.1; Amd D 5.1).

SCP01, SCP02, SCP03 and SCP11 are 1, 2, 3 and 0x11, as a card writes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.errors import ProfileError
from cardkit.secure.levels import SecurityLevel

SCP01, SCP02, SCP03, SCP11 = 0x01, 0x02, 0x03, 0x11

# SCP01 (table D-1): these two, and bit 5 is the difference.
_SCP01_OPTIONS = (0x05, 0x15)
_SCP01_ICV_ENCRYPTION = 0x10

# SCP02 (table E-1).
_THREE_KEYS = 0x01
_UNMODIFIED = 0x02
_EXPLICIT = 0x04
_ICV_OVER_AID = 0x08
_ICV_ENCRYPTION = 0x10
_SCP02_R_MAC = 0x20
_WELL_KNOWN_CHALLENGE = 0x40
_SCP02_RESERVED = 0x80

# SCP03 (Amd D 5.1).
_S16 = 0x01
_PSEUDO_RANDOM = 0x10
_SCP03_R_MAC = 0x20
_SCP03_R_ENC = 0x40
_SCP03_RESERVED = 0x8E

# SCP11, first byte (Amd F, from memory).
_SCP11_S16 = 0x40
_SCP11_SECOND_BYTE = 0x80
_SCP11_VARIANTS = 0x13

_COMMAND_LEVELS = (0x00, 0x01, 0x03)


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a card departs from the texts; named in its chip file, never guessed.

    :param enc_empty_data: SCP03: it wants a padding block encrypted where a command has no data.
    :param counter_data_only: SCP03: its encryption counter moves only for commands with data.
    :param scp03_challenge_old_counter: its pseudo-random challenge is made with the counter before the increment.
    :param rmac_on_error: it sends an R-MAC with an error status word too, so one without is refused.
    """

    enc_empty_data: bool = False
    counter_data_only: bool = False
    scp03_challenge_old_counter: bool = False
    rmac_on_error: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """A protocol and its options. Made by :func:`decode_parameters`, which refuses what no card may have.

    :param scp: 1, 2, 3 or 0x11.  :param i: as the card writes it; SCP11 may have two bytes.
    """

    scp: int
    i: int

    def __str__(self) -> str:
        return f"SCP{self.scp:02X} i={self.i:02X}"

    def _has(self, scp: int, bits: int) -> bool:
        return self.scp == scp and bool(self.i & bits)

    @property
    def explicit(self) -> bool:
        """Whether INITIALIZE UPDATE opens it; not so SCP11 and implicit SCP02."""
        return self.scp in (SCP01, SCP03) or self._has(SCP02, _EXPLICIT)

    @property
    def three_keys(self) -> bool:
        """Whether ENC, MAC and DEK are three keys; false for SCP02 with one base key."""
        return self.scp != SCP02 or self._has(SCP02, _THREE_KEYS)

    @property
    def c_mac_unmodified(self) -> bool:
        """SCP02: the C-MAC is taken over the command as it was before protection."""
        return self._has(SCP02, _UNMODIFIED)

    @property
    def icv_encryption(self) -> bool:
        """SCP01, SCP02: the chaining value is encrypted before it is used."""
        return self._has(SCP02, _ICV_ENCRYPTION) or self._has(SCP01, _SCP01_ICV_ENCRYPTION)

    @property
    def pseudo_random(self) -> bool:
        """SCP02, SCP03: the card challenge can be recomputed."""
        return self._has(SCP02, _WELL_KNOWN_CHALLENGE) or self._has(SCP03, _PSEUDO_RANDOM)

    @property
    def rmac(self) -> bool:
        """Whether responses can have an R-MAC."""
        return self._has(SCP02, _SCP02_R_MAC) or self._has(SCP03, _SCP03_R_MAC) or self.scp == SCP11

    @property
    def renc(self) -> bool:
        """Whether responses can be encrypted."""
        return self._has(SCP03, _SCP03_R_ENC) or self.scp == SCP11

    @property
    def s16(self) -> bool:
        """SCP03, SCP11: challenges, cryptograms and MACs of 16 bytes."""
        if self.scp == SCP11:
            return bool(self._first & _SCP11_S16)
        return self._has(SCP03, _S16)

    @property
    def _first(self) -> int:
        return self.i >> 8 or self.i

    @property
    def mac_size(self) -> int:
        """Bytes of a MAC on the wire: 8 or 16."""
        return 16 if self.s16 else 8

    @property
    def cryptogram_size(self) -> int:
        """Bytes of the host and the card cryptogram: 8 or 16."""
        return self.mac_size

    @property
    def challenge_size(self) -> int:
        """Bytes of the host challenge: 8 or 16."""
        return self.mac_size

    @property
    def card_challenge_size(self) -> int:
        """Bytes of the card challenge: 6 (SCP02), 8 or 16."""
        return 6 if self.scp == SCP02 else self.mac_size

    @property
    def sequence_size(self) -> int:
        """Bytes of the sequence counter in the answer to INITIALIZE UPDATE: 2 (SCP02), 3 or 0."""
        if self.scp == SCP02:
            return 2
        return 3 if self._has(SCP03, _PSEUDO_RANDOM) else 0

    @property
    def block_size(self) -> int:
        """Bytes of a cipher block: 8 (3DES) or 16 (AES)."""
        return 8 if self.scp in (SCP01, SCP02) else 16

    @property
    def levels(self) -> tuple[SecurityLevel, ...]:
        """The levels a session may begin with, weakest first (GPCS D.5.2, E.5.2; Amd D 7.1.2)."""
        if self.scp == SCP11:
            return SecurityLevel(0x11), SecurityLevel(0x33)
        if not self.explicit:
            return (SecurityLevel.C_MAC,)
        values = list(_COMMAND_LEVELS)
        if self.rmac:
            values += (0x10, 0x11, 0x13) if self.scp == SCP02 else (0x11, 0x13)
        if self.renc:
            values.append(0x33)
        return tuple(map(SecurityLevel, values))


def decode_parameters(scp: int, i: int) -> Parameters:
    """Return the parameters of a protocol.

    :param scp: 1, 2, 3 or 0x11.  :param i: one byte; for SCP11 one, or two where the first says so (``0x9B06``).
    :raises ProfileError: for another protocol, and for an ``i`` no card may have.
    Clauses: GPCS tables D-1, E-1; Amd D 5.1; Amd F from memory.

    >>> decode_parameters(3, 0x70).levels[-1]
    <SecurityLevel.C_MAC|C_DEC|R_MAC|R_ENC: 51>
    """
    checks = {SCP01: _scp01_fault, SCP02: _scp02_fault, SCP03: _scp03_fault, SCP11: _scp11_fault}
    if scp not in checks:
        raise ProfileError(f"secure channel protocol {scp:02X}: not supported, expected SCP01, SCP02, SCP03 or SCP11")
    fault = checks[scp](i)
    if fault:
        raise ProfileError(f"SCP{scp:02X} i={i:02X}: {fault}")
    return Parameters(scp, i)


def _scp01_fault(i: int) -> str:
    return "" if i in _SCP01_OPTIONS else "expected 05 or 15"


def _scp02_fault(i: int) -> str:
    if not 0 <= i < _SCP02_RESERVED:
        return "expected one byte with bit 8 clear"
    if bool(i & _EXPLICIT) == bool(i & _ICV_OVER_AID):
        return "bits 3 and 4 say explicit and implicit initiation, or neither"
    return ""


def _scp03_fault(i: int) -> str:
    if not 0 <= i <= 0xFF or i & _SCP03_RESERVED:
        return "expected one byte with bits 2, 3, 4 and 8 clear"
    if i & _SCP03_R_ENC and not i & _SCP03_R_MAC:
        return "R-ENCRYPTION (bit 7) needs R-MAC (bit 6)"
    return ""


def _scp11_fault(i: int) -> str:
    first = i >> 8 or i
    if not 0 <= i <= 0xFFFF or bool(first & _SCP11_SECOND_BYTE) != (i > 0xFF):
        return "expected one byte, or two where bit 8 of the first says so"
    if not first & _SCP11_VARIANTS:
        return "names no variant (bits 1, 2 and 5)"
    return ""
