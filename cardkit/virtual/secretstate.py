"""PINs and administrative keys: state, counters, and what they grant (ETSI TS 102 221 9).

State, as in the PIN files of sysmocom cards: flags, tries left, tries at most, value 8 [, unblocks left, unblocks at
most, unblocking value 8].
Flags: b8 valid, b7 changeable, b6 unblockable, b5 can be disabled, b2 not initialised, b1 disabled.
"""

import hmac
from collections.abc import Iterable
from typing import Final

from . import statuswords as sw
from .errors import StatusWordError
from .image import SecretSpec
from .memory import Memory

VALID: Final = 0x80
CHANGEABLE: Final = 0x40
UNBLOCKABLE: Final = 0x20
CAN_BE_DISABLED: Final = 0x10
NOT_INITIALISED: Final = 0x02
DISABLED: Final = 0x01

_CODE: Final = 8  # bytes of a PIN, ADM key or PUK
_PIN_AT: Final = 1  # offsets of {left, max, value} in the state
_PUK_AT: Final = 11


class Secret:
    """One PIN or ADM key; its state is read from its cell each time, so writing the cell takes effect at once."""

    __slots__ = ("adf", "cell", "memory", "reference", "verified")

    def __init__(self, spec: SecretSpec, memory: Memory) -> None:
        self.reference = spec.reference
        self.adf = spec.adf
        self.cell = spec.cell
        self.memory = memory
        self.verified = False

    @property
    def state(self) -> bytes:
        """The bytes of its memory cell."""
        return self.memory.cells[self.cell]

    def has(self, flag: int) -> bool:
        """Is a flag of its first byte set?"""
        return bool(self.state[0] & flag)

    @property
    def left(self) -> int:
        """Tries left."""
        return self.state[_PIN_AT]

    @property
    def unblocks_left(self) -> int:
        """Tries of the unblocking code; 0 for a secret without one."""
        return self.state[_PUK_AT] if len(self.state) > _PUK_AT else 0

    def compare(self, code: bytes) -> bool:
        """Present the code: the counter is one lower in memory before anything is compared.

        :returns: True: `settle` then fills the counter; False: one try less.
        :raises StatusWordError: 6983 when no try is left.
        :raises WriteFailedError: the counter could not be lowered; nothing was compared.
        """
        return self._present(_PIN_AT, code)

    def compare_unblocking(self, code: bytes) -> bool:
        """As `compare`, for the unblocking code and its own counter."""
        return self._present(_PUK_AT, code)

    def _present(self, at: int, code: bytes) -> bool:
        state = self.state
        if state[at] == 0:
            raise StatusWordError(sw.BLOCKED)
        self._put(at, bytes((state[at] - 1,)))
        return hmac.compare_digest(state[at + 2 : at + 2 + _CODE], code)

    def settle(self, *, value: bytes | None = None, disabled: bool | None = None, unblocked: bool = False) -> None:
        """After a right code, in one write: full counter, and what the command changes.

        :param unblocked: the right code was the unblocking one, whose counter is full again, too.
        """
        state = bytearray(self.state)
        state[_PIN_AT] = state[_PIN_AT + 1]
        if unblocked:
            state[_PUK_AT] = state[_PUK_AT + 1]
        if value is not None:
            state[_PIN_AT + 2 : _PUK_AT] = value
        if disabled is not None:
            state[0] = state[0] | DISABLED if disabled else state[0] & ~DISABLED
        self.memory.write(self.cell, bytes(state))

    def _put(self, at: int, part: bytes) -> None:
        state = self.state
        self.memory.write(self.cell, state[:at] + part + state[at + len(part) :])

    @property
    def grants(self) -> bool:
        """Verified in this session, or valid and disabled."""
        return self.verified or self.state[0] & (VALID | DISABLED) == VALID | DISABLED


class SecretStore:
    """All secrets of a chip. References below 80 are global, others belong to one ADF (TS 102 221 table 9.3)."""

    def __init__(self, specs: Iterable[SecretSpec], memory: Memory) -> None:
        self._secrets = {(spec.adf, spec.reference): Secret(spec, memory) for spec in specs}
        self._granted: dict[str, frozenset[int]] = {}

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the memory cells that hold the states."""
        return tuple(secret.cell for secret in self._secrets.values())

    def find(self, reference: int, adf: str) -> Secret:
        """The secret a key reference means while `adf` is active.

        :raises StatusWordError: 6A88.
        """
        secret = self._secrets.get((adf, reference)) or self._secrets.get(("", reference))
        if secret is None or not secret.has(VALID):
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return secret

    def is_enabled(self, reference: int, adf: str) -> bool:
        """Is there such a secret, and is it in force? For the PIN status template."""
        secret = self._secrets.get((adf, reference)) or self._secrets.get(("", reference))
        return secret is not None and secret.state[0] & (VALID | DISABLED) == VALID

    def granted(self, adf: str) -> frozenset[int]:
        """Key references whose holders may act now, on a channel where `adf` is active."""
        found = self._granted.get(adf)
        if found is None:
            found = frozenset(
                reference
                for (owner, reference), secret in self._secrets.items()
                if owner in ("", adf) and secret.grants
            )
            self._granted[adf] = found
        return found

    def refresh(self) -> None:
        """Forget what was derived from the states; called on each write to one of their cells."""
        self._granted = {}

    def forget(self) -> None:
        """End of session: nothing is verified any more."""
        for secret in self._secrets.values():
            secret.verified = False
        self.refresh()
