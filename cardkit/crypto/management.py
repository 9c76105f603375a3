"""What a key store that keeps its keys also does: make, import, export, list and destroy them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Protocol

from cardkit.crypto.custodians import Custodian
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.key import ALGORITHMS, Usage
from cardkit.crypto.keystore import KeyStore
from cardkit.errors import KeyStoreError

PUBLIC_KEY_METHOD = "sha256_public_key"
NO_METHOD = "none"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class State(StrEnum):
    """Where a key is in its life (K11); only an active one is used. A destroyed one is gone."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is said of a key when it comes into a store.

    :param reference: ``scheme:name``.  :param algorithm: ``AES-256``, ``3DES-128``, ``EC-P256``, ``RSA-2048`` ...;
        empty for a card secret, which has no version either and never leaves.
    :param customer: whose it is; empty for the plant's own.  :param kvn: key version number, where it has one.
    :param exportable: whether it may leave in a key block.  :param not_after: last day of its cryptoperiod.
    :param custodian: who answers for it.
    """

    reference: str
    algorithm: str
    usage: Usage
    customer: str = ""
    kvn: int | None = None
    exportable: bool = False
    not_after: date | None = None
    custodian: str = ""

    def __post_init__(self) -> None:
        scheme, _, name = self.reference.partition(":")
        if not scheme or not name or not self.reference.isprintable():
            raise KeyStoreError(f"key reference {self.reference!r}: expected scheme:name")
        if self.usage is Usage.CARD_SECRET and (self.algorithm or self.kvn is not None or self.exportable):
            raise KeyStoreError(
                f"key {self.reference}: usage {self.usage}, a code has no algorithm, no version, and is never exported"
            )


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The public facts of a kept key: the inventory's line.

    :param algorithm: empty for a card secret.
    :param kcv: upper hex, empty where the algorithm has none.
    :param kcv_method: of :class:`~cardkit.crypto.kcv.KCVMethod`, ``sha256_public_key`` or ``none``.
    :param created: UTC.
    """

    reference: str
    algorithm: str
    bits: int
    usage: Usage
    customer: str
    kvn: int | None
    kcv: str
    kcv_method: str
    state: State
    created: datetime
    not_after: date | None
    exportable: bool
    custodian: str

    @property
    def named(self) -> str:
        """What it is, for people: its algorithm, or the length of a card secret."""
        return named(self.algorithm, self.bits)


def named(algorithm: str, bits: int) -> str:
    """Return what a key is, for people: its algorithm, or the length of a card secret, which has none.

    >>> named("AES-128", 128), named("", 64)
    ('AES-128', '8 bytes')
    """
    return algorithm or f"{bits // 8} bytes"


def check_usable(reference: str, state: State, not_after: date | None, clock: Clock) -> None:
    """Raise KeyStoreError for a key that is not active, or past its cryptoperiod (K11)."""
    if state is not State.ACTIVE:
        raise KeyStoreError(f"key {reference}: {state}, expected {State.ACTIVE}")
    if not_after is not None and clock().astimezone(UTC).date() > not_after:
        raise KeyStoreError(f"key {reference}: expired on {not_after}")


def shown_method(algorithm: str) -> KCVMethod | None:
    """Return the method of the check value that is shown for an algorithm; None where there is none."""
    return ALGORITHMS[algorithm][1] if algorithm in ALGORITHMS else None


class ManagedKeyStore(KeyStore, Protocol):
    """A key store whose keys are kept: a file or a token."""

    @property
    def custodians(self) -> Sequence[Custodian]:
        """Who may bring components."""
        ...

    def entries(self) -> list[KeyEntry]:
        """Return the inventory, sorted by reference."""
        ...

    def generate(self, new: NewKey) -> KeyEntry:
        """Make a random key."""
        ...

    def check_new(self, new: NewKey) -> None:
        """Refuse what this store cannot take in whatever its value, before anybody types a component of it."""
        ...

    def import_key(self, new: NewKey, value: bytearray) -> KeyEntry:
        """Take a key in that was combined from components; the caller wipes the buffer.

        A private key is PKCS#8, DER. A card secret is refused by a token, which would never show it to a card.
        """
        ...

    def import_block(self, new: NewKey, block: str, protection: str) -> KeyEntry:
        """Take a key in from a TR-31 key block under a block protection key of this store."""
        ...

    def export_block(self, reference: str, protection: str) -> str:
        """Return an exportable key as a TR-31 key block under a block protection key of this store."""
        ...

    def destroy(self, reference: str) -> None:
        """Delete a key and make sure it is gone."""
        ...
