"""A signed block, opened: what is wrong with it is said step by step, for a terminal and for a validator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from cardkit.crypto.emvrsa import HASH_BYTES, HEADER, TRAILER, RsaPublicKey
from cardkit.errors import AuthenticationError, EncodingError

T = TypeVar("T")
FILLER = 0xBB
SHA1 = 0x01  # hash algorithm indicator
RSA = 0x01  # public key algorithm indicator


class Step(StrEnum):
    """A step of recovering, in the order they are done (Book 2, 5.3, 5.4, 6.3, 6.4, 6.5.2, 6.6.2)."""

    MISSING = "object missing"
    CA_KEY = "CA public key"
    LENGTH = "length"
    KEY = "public key"
    BLOCK = "header or trailer"
    FORMAT = "format"
    FILLING = "filler"
    DYNAMIC = "dynamic data"
    HASH = "hash"
    IDENTITY = "identity"
    EXPIRY = "expired"
    REVOKED = "revoked"
    ALGORITHM = "algorithm"
    CID = "cryptogram information"
    TRANSACTION_HASH = "transaction data hash"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    :param what: the object, in words.  :param expected: and ``actual``: public data, for people.
    """

    step: Step
    what: str
    clause: str
    expected: str
    actual: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.what}: {self.step}: expected {self.expected}, got {self.actual} ({self.clause})"


@dataclass(frozen=True, slots=True)
class Recovery(Generic[T]):
    """What was recovered, as far as it could be, and what is wrong with it.

    :param value: None where there is nothing to read; a value that has faults must not be trusted.
    """

    value: T | None
    faults: tuple[Fault, ...]

    @property
    def good(self) -> bool:
        """Whether it may be trusted."""
        return self.value is not None and not self.faults

    def checked(self) -> T:
        """Return the value; AuthenticationError with the first fault where there is one."""
        if self.value is None or self.faults:
            raise AuthenticationError(str(self.faults[0]))
        return self.value


@dataclass(frozen=True, slots=True)
class Signed:
    """What kind of block is opened: its name, where it is described, its format byte and its shortest length."""

    what: str
    clause: str
    format: int
    fixed: int

    def fault(self, step: Step, expected: object, actual: object) -> Fault:
        """Return a fault of this object."""
        return Fault(step, self.what, self.clause, str(expected), str(actual))

    def missing(self, name: str) -> Recovery[T]:
        """Return what stands for an object that is not there."""
        return Recovery(None, (self.fault(Step.MISSING, name, "nothing"),))


def open_block(signed: Signed, key: RsaPublicKey, block: bytes) -> Recovery[bytes]:
    """Recover a block with a public key, and look at its length, frame and format.

    :returns: the whole clear block, from 6A to BC.
    """
    if len(block) != key.size:
        return Recovery(None, (signed.fault(Step.LENGTH, f"{key.size} bytes", f"{len(block)} bytes"),))
    if key.size < signed.fixed:
        return Recovery(None, (signed.fault(Step.LENGTH, f"a key of {signed.fixed} bytes or more", f"{key.size}"),))
    try:
        plain = key.recover(block)
    except EncodingError as error:
        return Recovery(None, (signed.fault(Step.KEY, "an RSA key", error),))
    if plain[0] != HEADER or plain[-1] != TRAILER:
        return Recovery(None, (signed.fault(Step.BLOCK, "6A .. BC", f"{plain[0]:02X} .. {plain[-1]:02X}"),))
    if plain[1] != signed.format:
        return Recovery(None, (signed.fault(Step.FORMAT, f"{signed.format:02X}", f"{plain[1]:02X}"),))
    return Recovery(plain, ())


def digest_of(plain: bytes) -> bytes:
    """Return the hash a clear block carries, 20 bytes."""
    return plain[-1 - HASH_BYTES : -1]


def hash_faults(signed: Signed, plain: bytes, extra: bytes) -> tuple[Fault, ...]:
    """Return what is wrong with the hash of a clear block.

    :param extra: what is hashed behind the block's own content.
    """
    computed = hashlib.sha1(plain[1 : -1 - HASH_BYTES] + extra).digest()  # noqa: S324  the only hash EMV has here
    if computed == digest_of(plain):
        return ()
    return (signed.fault(Step.HASH, computed.hex().upper(), digest_of(plain).hex().upper()),)
