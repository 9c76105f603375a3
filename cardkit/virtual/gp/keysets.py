"""Key sets of a security domain: keys, sequence counter, tries (GPCS 7.5, 9.6.7; Amendment D 6.2.2.1; E.1.2).

Counter and tries live in a persistent cell that is read before each use and written before the card answers.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from .. import statuswords as sw
from ..errors import StatusWordError
from .crypto import KEY_AES, KEY_DES, kcv

ENC, MAC, DEK = 1, 2, 3  # key identifiers of a secure channel set
SCP01, SCP02, SCP03, SCP11, SCP80 = 0x01, 0x02, 0x03, 0x11, 0x80

_ONE_BASE_KEY: Final = 0x01  # SCP02 i: clear when one key serves as all three
_COUNTER_AT: Final = 1  # state: failures, counter (3)
_STATE_SIZE: Final = 4
_HIGHEST: Final = {SCP01: 0, SCP02: 0x7FFF, SCP03: 0xFFFFFF}  # E.1.2: a card may stop at 7FFF
_COUNTER_SIZE: Final = {SCP02: 2, SCP03: 3}


class Cell(Protocol):
    """One persistent value; empty until it is written."""

    def read(self) -> bytes:
        """Its value now."""

    def write(self, value: bytes) -> None:
        """Replace it, atomically.

        :raises WriteFailedError: the old value is still there.
        """


class VolatileCell:
    """A cell that forgets with its process, for cards without a memory."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes = b"") -> None:
        self._value = value

    def read(self) -> bytes:
        """Its value."""
        return self._value

    def write(self, value: bytes) -> None:
        """Replace it."""
        self._value = value


@dataclass(frozen=True, slots=True, repr=False)
class CardKeyEntry:
    """One key of the card.

    :ivar type: key type of GPCS Table 11-16: 80 DES, 88 AES, A1 RSA public, B0 and B1 EC public and private.
    :ivar value: the first component: secret key, modulus, uncompressed point, or private scalar.
    :ivar more: further components as (type, value): (A0, exponent), (F0, curve reference).
    :ivar usage: key usage qualifier, 0 to 2 bytes.  :ivar access: key access, 0 or 1 byte.
    """

    kid: int
    kvn: int
    type: int
    value: bytes
    more: tuple[tuple[int, bytes], ...] = ()
    usage: bytes = b""
    access: bytes = b""

    def __repr__(self) -> str:
        check = f" kcv={kcv(self.type, self.value).hex().upper()}" if self.type in (KEY_DES, KEY_AES) else ""
        return f"<key {self.type:02X} kvn={self.kvn:02X} kid={self.kid:02X}{check}>"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a key set is guarded against guessing (GPCS 9.6.7 wants it and fixes no number).

    :ivar on: "ea": a try is spent by a wrong EXTERNAL AUTHENTICATE; "iu": by INITIALIZE UPDATE, until success.
    :ivar delay_s: seconds the card would wait after the 1st, 2nd... failure, the last value from then on; reported.
    :ivar lock_card_after: failures after which the card locks itself.
    """

    limit: int = 10
    on: str = "ea"
    delay_s: tuple[int, ...] = ()
    lock_card_after: int | None = None


@dataclass(slots=True, repr=False)
class KeySet:
    """The keys of one key version number, and what the card remembers about their use.

    :ivar scp: protocol its keys 1 to 3 open: 01, 02, 03; 11 for a set that holds SCP11 keys only; 80 for over the air.
    :ivar i: parameter of that protocol, one byte.
    """

    kvn: int
    scp: int
    i: int
    keys: dict[int, CardKeyEntry] = field(default_factory=dict)
    cell: Cell = field(default_factory=VolatileCell)
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def __repr__(self) -> str:
        return f"<key set {self.kvn:02X} scp={self.scp:02X} i={self.i:02X} {list(self.keys.values())}>"

    def _state(self) -> bytes:
        return self.cell.read().ljust(_STATE_SIZE, b"\x00")

    def _write(self, failures: int, counter: int) -> None:
        self.cell.write(bytes((min(failures, 0xFF),)) + counter.to_bytes(_STATE_SIZE - _COUNTER_AT, "big"))

    @property
    def counter(self) -> int:
        """Sequence counter: SCP02 sessions opened, or SCP03 challenges made."""
        return int.from_bytes(self._state()[_COUNTER_AT:], "big")

    @property
    def counter_bytes(self) -> bytes:
        """The counter as GET DATA C1 shows it: 2 bytes for SCP02, 3 for SCP03, none for others."""
        return self.counter.to_bytes(3, "big")[3 - _COUNTER_SIZE.get(self.scp, 0) :]

    @property
    def failures(self) -> int:
        """Tries spent since the last success."""
        return self._state()[0]

    @property
    def tries_left(self) -> int:
        """Tries left before the set is blocked for good."""
        return max(self.policy.limit - self.failures, 0)

    @property
    def delay_s(self) -> int:
        """Seconds a card of this policy would wait before its next answer."""
        delays, failures = self.policy.delay_s, self.failures
        return delays[min(failures, len(delays)) - 1] if delays and failures else 0

    @property
    def locks_card(self) -> bool:
        """Have there been so many failures that the card locks itself?"""
        return self.policy.lock_card_after is not None and self.failures >= self.policy.lock_card_after

    def take_try(self) -> None:
        """Spend a try; done before anything is compared, so that a power cut gives nothing back.

        :raises StatusWordError: 6983 when none is left.
        """
        self.require_tries()
        self._write(self.failures + 1, self.counter)

    def require_tries(self) -> None:
        """Refuse to work with a blocked set.

        :raises StatusWordError: 6983.
        """
        if not self.tries_left:
            raise StatusWordError(sw.BLOCKED)

    def settle(self, counter: int) -> None:
        """After success, in one write: all tries again, and the counter."""
        self._write(0, counter)

    def next_counter(self) -> int:
        """The counter after this one; it never wraps.

        :raises StatusWordError: 6985 at its highest value.
        """
        if self.counter >= _HIGHEST.get(self.scp, 0):
            raise StatusWordError(sw.CONDITIONS)
        return self.counter + 1

    def count(self) -> int:
        """Move the counter on, and answer its new value.

        :raises StatusWordError: 6985 at its highest value.
        """
        counter = self.next_counter()
        self._write(self.failures, counter)
        return counter

    def renew(self) -> None:
        """A key was created or replaced: counter 0, all tries (E.1.2; Amendment D 6.2.2.1)."""
        self._write(0, 0)

    def channel_keys(self) -> tuple[bytes, bytes, bytes]:
        """ENC, MAC and DEK, fit for the protocol of the set.

        :raises StatusWordError: 6A88 when one is missing, or of another type or length than the others.
        """
        single = self.scp == SCP02 and not self.i & _ONE_BASE_KEY
        found = [self.keys.get(ENC if single else kid) for kid in (ENC, MAC, DEK)]
        wanted = {SCP01: KEY_DES, SCP02: KEY_DES, SCP03: KEY_AES}.get(self.scp)
        values = [key.value for key in found if key is not None and key.type == wanted]
        if len(values) != 3 or len({len(value) for value in values}) != 1:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        enc, mac, dek = values
        return enc, mac, dek


class KeyRing:
    """All key sets of a security domain.

    :ivar sets: by key version number; whoever adds, replaces or deletes keys changes it.
    :ivar default: version number that 00 stands for; None: the first set that can open a channel.
    """

    def __init__(self, *sets: KeySet, default: int | None = None) -> None:
        self.sets = {found.kvn: found for found in sets}
        self.default = default

    def __repr__(self) -> str:
        return f"<key ring {list(self.sets.values())}>"

    def find(self, kvn: int) -> KeySet:
        """The set for INITIALIZE UPDATE.

        :raises StatusWordError: 6A88.
        """
        wanted = self._default() if kvn == 0 else kvn
        found = self.sets.get(wanted)
        if found is None or found.scp not in _HIGHEST:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return found

    def key(self, kvn: int, kid: int) -> CardKeyEntry:
        """One key; with version number 00 the first of that identifier.

        :raises StatusWordError: 6A88.
        """
        for found in self.sets.values():
            if kvn in (0, found.kvn) and kid in found.keys:
                return found.keys[kid]
        raise StatusWordError(sw.DATA_NOT_FOUND)

    def _default(self) -> int:
        if self.default is not None:
            return self.default
        return next((kvn for kvn, found in self.sets.items() if found.scp in _HIGHEST), 0)
