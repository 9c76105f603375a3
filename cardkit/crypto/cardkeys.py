"""Keys that live on a card: named by the key they come from and how they are diversified, never by value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cardkit.crypto.key import Key
from cardkit.errors import KeyStoreError

_REFERENCE = r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.+@-]+"
_KEY_SET = re.compile(
    rf"(?:(?P<kvn>[0-9A-Fa-f]{{1,2}})=)?(?P<keys>{_REFERENCE}(?:,{_REFERENCE}){{0,2}})"
    r"(?:/(?P<scheme>[a-z0-9]+)(?::(?P<template>.+))?)?"
)


class Scheme(StrEnum):
    """How a card key is derived from its master key (GPCS sheet 10: EMV CPS 4.1, VISA2, GP SCP03 KDF3, NXP AN10922)."""

    NONE = "none"
    EMV = "emv"
    VISA2 = "visa2"
    VISA = "visa"
    KDF3 = "kdf3"
    AN10922 = "an10922"
    PLAIN_CMAC = "plain-cmac-legacy"  # what passed for AN10922 in old libraries: an unpadded CMAC, AES only
    TEMPLATE = "template"
    # master keys of payment cards, from PAN and sequence number (EMV 4.4 Book 2, A1.4)
    EMV_A = "emv-a"
    EMV_B = "emv-b"
    EMV_C = "emv-c"


# Schemes of a payment card's master keys: such a key stands alone, and belongs to no secure channel.
OF_PAYMENT_CARDS = (Scheme.EMV_A, Scheme.EMV_B, Scheme.EMV_C)


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
    :param data: what it is diversified with: KDD (10 bytes), UID, digits of PAN and PSN ...; empty for ``NONE``.
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
class KeySetSpec:
    """A key set before the card is known: which keys, and how the card's own are made from them.

    :param kvn: key version number, 0 to 255; 0 is the card's default set.
    :param enc: ``mac`` and ``dek``: references in the key store, which may be the same.
    :param scheme: how the card's keys are diversified.  :param template: for ``Scheme.TEMPLATE``, its text.
    """

    kvn: int
    enc: str
    mac: str
    dek: str
    scheme: Scheme = Scheme.NONE
    template: str = ""

    def for_card(self, kdd: bytes) -> CardKeySet:
        """Return the set of one card.

        :param kdd: what its keys are diversified with; without meaning for ``Scheme.NONE``.
        """
        data = b"" if self.scheme is Scheme.NONE else kdd
        enc, mac, dek = (
            CardKey(reference, self.scheme, data, role, self.template)
            for reference, role in zip((self.enc, self.mac, self.dek), Role, strict=True)
        )
        return CardKeySet(self.kvn, enc, mac, dek)

    def __str__(self) -> str:
        """Return the text :func:`parse_key_set` reads."""
        keys = self.enc if self.enc == self.mac == self.dek else f"{self.enc},{self.mac},{self.dek}"
        scheme = "" if self.scheme is Scheme.NONE else f"/{self.scheme}"
        return f"{self.kvn:02X}={keys}{scheme}" + (f":{self.template}" if self.template else "")


def parse_key_set(text: str) -> KeySetSpec:
    """Read the text form of a key set: ``[KVN=]REF[,REF,REF][/SCHEME[:TEMPLATE]]``, the version in hexadecimal.

    :raises KeyStoreError: on another form, an unknown scheme, or two references.

    >>> parse_key_set("30=plant:kmc/kdf3")
    KeySetSpec(kvn=48, enc='plant:kmc', mac='plant:kmc', dek='plant:kmc', scheme=<Scheme.KDF3: 'kdf3'>, template='')
    """
    match = _KEY_SET.fullmatch(text)
    if match is None:
        raise KeyStoreError(f"key set {text!r}: expected [KVN=]REF[,REF,REF][/SCHEME], such as 30=plant:kmc/kdf3")
    references = match["keys"].split(",")
    if len(references) == 2:
        raise KeyStoreError(f"key set {text!r}: 2 keys, expected 1 or 3 (ENC, MAC, DEK)")
    enc, mac, dek = references if len(references) == 3 else references * 3
    scheme = _scheme(text, match["scheme"] or Scheme.NONE)
    if (scheme is Scheme.TEMPLATE) != (match["template"] is not None):
        raise KeyStoreError(f"key set {text!r}: /{Scheme.TEMPLATE}:TEXT has a text, other schemes have none")
    return KeySetSpec(int(match["kvn"] or "0", 16), enc, mac, dek, scheme, match["template"] or "")


def _scheme(text: str, name: str) -> Scheme:
    known = [scheme for scheme in Scheme if scheme not in (*OF_PAYMENT_CARDS, Scheme.PLAIN_CMAC)]
    if name not in known:
        raise KeyStoreError(f"key set {text!r}: scheme {name!r}, expected one of {', '.join(known)}")
    return Scheme(name)


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
