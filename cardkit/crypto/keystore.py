"""The KeyStore Protocol: work with long-term keys by reference, each operation bound to a purpose.

A reference is ``scheme:name``: ``test:vu1-adm1``, ``order:kek-1``, ``plant:dup``, ``batch:B-2031-0001``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.key import Usage
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.secret import Secret
from cardkit.crypto.wrap import Wrapping


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """The public facts of a key: what a plan may print.

    :param algorithm: empty for a card secret, which is no cipher key.  :param kcv: upper hex, None where there is none.
    """

    reference: str
    algorithm: str
    bits: int
    usage: Usage
    kvn: int | None
    kcv: str | None


class KeyStore(Protocol):
    """What cardkit asks of a key store. Every operation raises KeyStoreError: no such key, or another purpose."""

    @property
    def kind(self) -> Literal["TEST", "LIVE"]:
        """Whether it holds test keys or live ones, never both."""
        ...

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts."""
        ...

    def kcv(self, reference: str, method: KCVMethod) -> str:
        """Return a key's check value by a named method, upper hex."""
        ...

    def card_secret(self, reference: str) -> Secret:
        """Return a value that is presented to the card in clear, such as a chip's transport ADM."""
        ...

    def unwrap(self, reference: str, wrapped: bytes, wrapping: Wrapping) -> bytearray:
        """Return the clear value of a wrapped order field; the caller wipes it."""
        ...

    def marker(self, reference: str, binding: Binding, state: MarkerState) -> bytes:
        """Return the 18-byte marker of a binding under a batch key."""
        ...

    def dup_digest(self, reference: str, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed digest of a business key."""
        ...
