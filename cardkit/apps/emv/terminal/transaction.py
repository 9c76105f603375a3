"""One transaction under way: what is known of card and terminal, and what was done so far."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum

from cardkit.apps.emv.bits import card as card_bits
from cardkit.apps.emv.bits import terminal as terminal_bits
from cardkit.apps.emv.capk import CapkStore
from cardkit.apps.emv.client import ApplicationCryptogram, EmvCard
from cardkit.apps.emv.dol import build_dol, split_dol
from cardkit.apps.emv.fci import Fci
from cardkit.apps.emv.oda.certificate import Certificate
from cardkit.apps.emv.tags import name_of
from cardkit.apps.emv.terminal.host import IssuerHost, OnlineAnswer
from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.values import shown
from cardkit.errors import EncodingError

MOST_DATA = 252
"""Bytes a list may ask for: they travel in one command, those of a PDOL within a template (Book 3 5.4)."""

Random = Callable[[int], bytes]
"""Fresh random bytes of a length."""


class Mark(StrEnum):
    """What a line of the story is."""

    DONE = "done"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a terminal did, saw or decided.

    :ivar phase: of the transaction, as the standard calls it.  :ivar clause: where it is described.
    """

    phase: str
    mark: Mark
    text: str
    clause: str = ""


class Method(StrEnum):
    """Methods of offline data authentication, best first."""

    CDA = "CDA"
    DDA = "DDA"
    SDA = "SDA"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a transaction needs besides the card: all that is slow, secret or random comes in here.

    :ivar host: None where nobody answers for the issuer.
    :ivar online: whether there is a line to the host now; its keys check offline cryptograms all the same.
    """

    settings: Settings
    purchase: Purchase
    capks: CapkStore
    random: Random
    host: IssuerHost | None = None
    online: bool = True
    contactless: bool = False


@dataclass(slots=True)
class Transaction:
    """Everything a terminal keeps of one transaction.

    :ivar card_data: what the card told, by tag.  :ivar data: what the terminal has, by tag.
    :ivar records: SFI and record as read, in the order of the AFL, of those that are signed.
    :ivar signed: a cryptogram was asked for with a signature, and one came that must have it.
    :ivar pin_refused: the card refused the PIN: it is not presented again.
    :ivar context: whose meaning a tag has where it has several: ``C-3``.
    """

    card: EmvCard
    around: Surroundings
    data: dict[bytes, bytes] = field(default_factory=dict)
    card_data: dict[bytes, bytes] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    fci: Fci | None = None
    context: str = ""
    kernel: int = 0
    afl: bytes = b""
    pdol_data: bytes = b""
    cdol1_data: bytes = b""
    records: list[tuple[int, bytes]] = field(default_factory=list)
    method: Method = Method.NONE
    icc_certificate: Certificate | None = None
    issuer_certificate: Certificate | None = None
    first: ApplicationCryptogram | None = None
    second: ApplicationCryptogram | None = None
    signed: bool = False
    online_pin: bool = False
    pin_refused: bool = False
    answer: OnlineAnswer | None = None
    phase: str = ""
    tvr: int = 0
    tsi: int = 0

    @property
    def settings(self) -> Settings:
        """The terminal."""
        return self.around.settings

    @property
    def purchase(self) -> Purchase:
        """What is bought."""
        return self.around.purchase

    @property
    def aid(self) -> bytes:
        """Full name of the selected application; empty before."""
        return self.fci.name if self.fci else b""

    @property
    def values(self) -> MutableMapping[bytes, bytes]:
        """What lists of the card are answered from: the terminal's data first, then what the card told."""
        return ChainMap(self.data, self.card_data)

    def flag(self, name: str) -> None:
        """Set a bit of the TVR, named as its table has it."""
        bit = terminal_bits.TVR.mask(name)
        if not self.tvr & bit:
            self.tvr |= bit
            self.data[b"\x95"] = self.tvr.to_bytes(5, "big")
            self.say(f"TVR: {name}", mark=Mark.NOTE, clause="Book 3 C5")

    def flagged(self, name: str) -> bool:
        """Whether a bit of the TVR is set."""
        return bool(self.tvr & terminal_bits.TVR.mask(name))

    def performed(self, name: str) -> None:
        """Set a bit of the TSI, named as its table has it."""
        self.tsi |= terminal_bits.TSI.mask(name)
        self.data[b"\x9b"] = self.tsi.to_bytes(2, "big")

    @property
    def signature_failed(self) -> bool:
        """Whether a cryptogram came whose signature is wrong: then it counts for nothing (Book 2 6.6.2)."""
        return self.signed and self.flagged("CDA failed")

    def supports(self, name: str) -> bool:
        """Whether the card's AIP has a bit, named as its table has it."""
        return bool(int.from_bytes(self.card_data.get(b"\x82", b""), "big") & card_bits.AIP.mask(name))

    def can(self, name: str) -> bool:
        """Whether the terminal has a capability now, named as the table of 9F33 has it."""
        return bool(int.from_bytes(self.data[b"\x9f\x33"], "big") & terminal_bits.CAPABILITIES.mask(name))

    def say(self, text: str, *, clause: str = "", mark: Mark = Mark.DONE) -> None:
        """Tell what was done."""
        self.lines.append(Line(self.phase, mark, text, clause))

    def problem(self, text: str, *, clause: str = "") -> None:
        """Tell what went wrong."""
        self.say(text, clause=clause, mark=Mark.PROBLEM)

    def listed(self, dol: bytes) -> bytes:
        """Return what a list of the card asks for.

        :raises EncodingError: when the list is malformed, or asks for more than a command carries.
        """
        data = build_dol(dol, self.values, self.context)
        if len(data) > MOST_DATA:
            raise EncodingError(f"DOL asks for {len(data)} bytes, expected {MOST_DATA} or fewer")
        return data

    def tell_list(self, dol: bytes, data: bytes) -> None:
        """Tell what a list of the card was answered with."""
        for entry, value in split_dol(dol, data):
            name = name_of(entry.tag, self.context)
            text = shown(entry.tag, value, self.context)
            line = f"  {entry.tag.hex().upper()} {name}: {text}"
            self.say(line, mark=Mark.NOTE, clause="Book 3 5.4")

    def text_of(self, tag: str) -> str:
        """Return a value of the card or terminal for people."""
        key = bytes.fromhex(tag)
        return shown(key, self.values.get(key, b""), self.context)


def number(values: Mapping[bytes, bytes], tag: bytes) -> int:
    """Return a value as a binary number, 0 where it is absent."""
    return int.from_bytes(values.get(tag, b""), "big")
