"""What a terminal is, and what it is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from cardkit.crypto import Secret
from cardkit.errors import EncodingError

_LARGEST_AMOUNT = 10**12 - 1
_PIN_DIGITS = range(4, 13)
_ACTION_CODE_BYTES = 5


class TransactionType(IntEnum):
    """What is done (tag 9C, first two digits of the processing code; ISO 8583)."""

    GOODS = 0x00
    CASH = 0x01
    CASHBACK = 0x09
    REFUND = 0x20
    PAYMENT = 0x50


class TerminalType(IntEnum):
    """Who runs a terminal, and whether it can go online (tag 9F35; EMV 4.4 Book 4 A1)."""

    BANK_ATTENDED = 0x12
    BANK_UNATTENDED = 0x15
    MERCHANT_ATTENDED_ONLINE = 0x21
    MERCHANT_ATTENDED = 0x22
    MERCHANT_ATTENDED_OFFLINE = 0x23
    MERCHANT_UNATTENDED_ONLINE = 0x24
    MERCHANT_UNATTENDED = 0x25
    MERCHANT_UNATTENDED_OFFLINE = 0x26

    @property
    def online_only(self) -> bool:
        """Whether it never decides alone."""
        return self & 0x0F in (1, 4)

    @property
    def offline_only(self) -> bool:
        """Whether it has no line to an issuer."""
        return self & 0x0F in (3, 6)

    @property
    def attended(self) -> bool:
        """Whether somebody stands by."""
        return self & 0x0F in (1, 2, 3)


@dataclass(frozen=True, slots=True)
class ActionCodes:
    """A payment system's wishes for a terminal, bits as in the TVR; 5 bytes each (Book 3 10.7)."""

    denial: bytes = bytes(_ACTION_CODE_BYTES)
    online: bytes = bytes(_ACTION_CODE_BYTES)
    default: bytes = bytes(_ACTION_CODE_BYTES)

    def __post_init__(self) -> None:
        for name, value in (("denial", self.denial), ("online", self.online), ("default", self.default)):
            if len(value) != _ACTION_CODE_BYTES:
                raise EncodingError(f"terminal action code {name}: {len(value)} bytes, expected {_ACTION_CODE_BYTES}")


@dataclass(frozen=True, slots=True)
class RandomSelection:
    """How often a small offline transaction is sent online all the same (Book 3 10.6.2).

    :ivar percent: of transactions under the threshold.  :ivar most_percent: of those just under the floor limit.
    :ivar threshold: amount in the smallest unit.
    """

    percent: int = 0
    most_percent: int = 0
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """A terminal of a country and a merchant.

    :ivar applications: AIDs, or beginnings of AIDs, it takes; empty to take whatever the card lists.
    :ivar country, currency: ISO 3166 and 4217 numbers.  :ivar exponent: digits behind the decimal point.
    :ivar capabilities: tag 9F33, 3 bytes.  :ivar additional: tag 9F40, 5 bytes.
    :ivar qualifiers: tag 9F66 for contactless kernel 3 and its kin, 4 bytes.
    :ivar floor_limit: in the smallest unit: amounts from there on go online.
    :ivar cvm_limit: contactless: amounts above it need the cardholder verified.
    :ivar versions: tag 9F09 it knows, 2 bytes each; empty to have the card's own.
    :ivar ddol, tdol: lists used where the card has none.
    :ivar force_online: the merchant wants it online.
    """

    applications: tuple[bytes, ...] = ()
    country: int = 860
    currency: int = 860
    exponent: int = 2
    type: TerminalType = TerminalType.MERCHANT_ATTENDED
    capabilities: bytes = bytes.fromhex("E0F8C8")
    additional: bytes = bytes.fromhex("F000F0A001")
    qualifiers: bytes = bytes.fromhex("36004080")
    floor_limit: int = 0
    cvm_limit: int = 5000
    versions: tuple[bytes, ...] = ()
    ddol: bytes = bytes.fromhex("9F3704")
    tdol: bytes = b""
    action_codes: ActionCodes = field(default_factory=ActionCodes)
    random_selection: RandomSelection = field(default_factory=RandomSelection)
    identification: str = "CARDKIT1"
    merchant: str = "CARDKIT TEST"
    category: int = 5999
    force_online: bool = False


@dataclass(frozen=True, slots=True)
class Purchase:
    """One transaction as the merchant types it.

    :ivar amount, other: in the smallest unit of the currency; `other` is the cashback part.
    :ivar moment: local date and time.
    :ivar pin: 4 to 12 ASCII digits; None where the cardholder enters none.
    """

    amount: int
    moment: datetime
    other: int = 0
    type: TransactionType = TransactionType.GOODS
    pin: Secret | None = None

    def __post_init__(self) -> None:
        for name, amount in (("amount", self.amount), ("other amount", self.other)):
            if not 0 <= amount <= _LARGEST_AMOUNT:
                raise EncodingError(f"{name} {amount}, expected 0 to {_LARGEST_AMOUNT} in the smallest unit")
        if self.pin is not None and len(self.pin) not in _PIN_DIGITS:
            raise EncodingError(f"PIN: {len(self.pin)} digits, expected {_PIN_DIGITS[0]} to {_PIN_DIGITS[-1]}")
