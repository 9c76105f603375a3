"""What profile, order and packs say a finished card shows, in the rules' terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from cardkit.apps.emv.capk import CapkStore
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.prepare.tracks import Tracks


class KnowsKeys(Protocol):
    """Who can compute what a card must answer: :class:`cardkit.apps.emv.issuer.IssuerSimulator`."""

    def cryptogram(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the cryptogram a card with these data must give, 8 bytes."""
        ...

    def dynamic_code(self, values: Mapping[bytes, bytes]) -> str:
        """Return the dynamic code a card with these data must give, 5 digits."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers that are neither the standard's nor the profile's; None where nobody set one.

    :param gpo_ms, answer_ms: longest times of GET PROCESSING OPTIONS and of any other command.
    :param atc: highest transaction counter at delivery.
    :param issuer_bits, icc_bits: least sizes of moduli.
    :param denial: bits that may be set in the IAC denial, 5 bytes.
    """

    gpo_ms: int | None = None
    answer_ms: int | None = None
    atc: int | None = None
    issuer_bits: int | None = None
    icc_bits: int | None = None
    denial: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An application as its profile has it.

    :param priority: 0 for none.  :param values: data objects by interface and tag.
    :param dac: data authentication code, empty for none.  :param key_index: which of the issuer's master keys.
    :param pin_tries: limit, None for a card without a PIN.  :param issuer: None where no key is at hand.
    """

    aid: bytes
    priority: int
    values: Mapping[str, Mapping[bytes, bytes]]
    dac: bytes = b""
    key_index: int | None = None
    pin_tries: int | None = None
    issuer: KnowsKeys | None = None

    def value(self, interface: str, tag: bytes) -> bytes | None:
        """Return what the profile says of a data object, None where it says nothing."""
        return self.values.get(interface, {}).get(tag)


@dataclass(frozen=True, slots=True)
class Printed:
    """What the machine behind the line got for a card: fields of its file, spaces removed from the PAN.

    :param thru: ``MM/YY``.  :param track1, track2: with sentinels, as they are encoded.
    """

    pan: str = field(repr=False)
    thru: str = ""
    name: str = field(default="", repr=False)
    cvv2: str = field(default="", repr=False)
    track1: str = field(default="", repr=False)
    track2: str = field(default="", repr=False)


@dataclass(frozen=True, eq=False)
class Expectation:
    """A finished card.

    :param capks: CA keys, None where nobody gave any.  :param applications: by AID; empty without a profile.
    :param holder, tracks: of the order; ``tracks`` recomputed by the key store.  :param printed: None if not at hand.
    :param layout: parts of the discretionary data, in order.
    :param iins: leading digits of the PANs the issuer has.  :param production: cards are for people, not for tests.
    :param test_keys: names of keys of the profile that are published.
    :param check_values: by AID: those prepared for the card, and those of the key store.
    :param traced: whether CPLC was ordered to say where the card was made; None without a profile.
    """

    today: date
    capks: CapkStore | None = None
    limits: Limits = field(default_factory=Limits)
    applications: Mapping[bytes, Ordered] = field(default_factory=dict)
    holder: Holder | None = None
    tracks: Tracks | None = None
    layout: tuple[str, ...] = ()
    printed: Printed | None = None
    iins: tuple[str, ...] = ()
    production: bool = False
    test_keys: tuple[str, ...] = ()
    check_values: Mapping[bytes, tuple[bytes, bytes]] | None = None
    traced: bool | None = None
