"""Keys that live on a card: named by the key they come from and how they are diversified, never by value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.crypto.key import Key


class Scheme(StrEnum):
    """How a card key is derived from its master key (GPCS sheet 10: EMV CPS 4.1, VISA2, GP SCP03 KDF3, NXP AN10922)."""

    NONE = "none"
    EMV = "emv"
    VISA2 = "visa2"
    VISA = "visa"
    KDF3 = "kdf3"
    AN10922 = "an10922"
    TEMPLATE = "template"


class Role(StrEnum):
    """Which of the three keys of a secure channel set a key is; its number ``k`` in the diversification."""

    ENC = "enc"
    MAC = "mac"
    DEK = "dek"

    @property
    def number(self) -> int:
        """1 ENC, 2 MAC, 3 DEK."""
        return list(Role).index(self) + 1


@dataclass(frozen=True, slots=True)
class CardKey:
    """One static key of one card.

    :param reference: the key, or master key, in the key store.  :param scheme: how the card's key is made from it.
    :param data: what it is diversified with: KDD (10 bytes), UID ...; empty for ``NONE``.
    :param role: which key of a set it is; None for a key that stands alone.
    :param template: for ``Scheme.TEMPLATE``, its text.
    """

    reference: str
    scheme: Scheme = Scheme.NONE
    data: bytes = b""
    role: Role | None = None
    template: str = ""


@dataclass(frozen=True, slots=True)
class CardKeySet:
    """The three static keys of a secure channel.

    :param kvn: key version number, 0 to 255; 0 is the card's default set in INITIALIZE UPDATE.
    """

    kvn: int
    enc: CardKey
    mac: CardKey
    dek: CardKey


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Keys of one session. Whoever opened it wipes them when it ends.

    :param rmac: None where the protocol or level has none.
    :param dek: session DEK of SCP02 and SCP11; None where sensitive data goes under the static one (SCP01, SCP03).
    :param receipt: SCP11 only.
    """

    enc: Key
    mac: Key
    rmac: Key | None = None
    dek: Key | None = None
    receipt: Key | None = None

    def wipe(self) -> None:
        """Overwrite every key with zeros."""
        for key in (self.enc, self.mac, self.rmac, self.dek, self.receipt):
            if key is not None:
                key.wipe()


@dataclass(frozen=True, slots=True)
class WrappedCardKey:
    """A key as a card takes it in PUT KEY or STORE DATA.

    :param algorithm: ``AES-128`` ...  :param size_bytes: of the clear key.
    :param cryptogram: the key under the DEK, padded as the cipher asks.
    :param kcv: 3 bytes, by the method GlobalPlatform has for this algorithm (B.6).
    """

    algorithm: str
    size_bytes: int
    cryptogram: bytes
    kcv: bytes
