"""Cardholder verification in words: the CVM list, its rules, and CVM results (EMV 4.4 Book 3 10.5, C3; Book 4 A4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cardkit.apps.emv.bits.model import Word
from cardkit.errors import EncodingError

_AMOUNT_BYTES, _RULE_BYTES = 4, 2
_APPLY_NEXT, _METHOD = 0x40, 0x3F
_RFU = 0x80


class Method(IntEnum):
    """Ways to verify a cardholder: bits 6 to 1 of a CVM code, compared as a number."""

    FAIL = 0x00
    PLAINTEXT_PIN = 0x01
    ONLINE_PIN = 0x02
    PLAINTEXT_PIN_AND_SIGNATURE = 0x03
    ENCIPHERED_PIN = 0x04
    ENCIPHERED_PIN_AND_SIGNATURE = 0x05
    SIGNATURE = 0x1E
    NO_CVM = 0x1F


METHODS = {
    0x00: "fail CVM processing",
    0x01: "plaintext PIN verified by the card",
    0x02: "enciphered PIN verified online",
    0x03: "plaintext PIN verified by the card, and signature",
    0x04: "enciphered PIN verified by the card",
    0x05: "enciphered PIN verified by the card, and signature",
    0x06: "facial biometric verified by the card",
    0x07: "facial biometric verified online",
    0x08: "finger biometric verified by the card",
    0x09: "finger biometric verified online",
    0x0A: "palm biometric verified by the card",
    0x0B: "palm biometric verified online",
    0x0C: "iris biometric verified by the card",
    0x0D: "iris biometric verified online",
    0x0E: "voice biometric verified by the card",
    0x0F: "voice biometric verified online",
    0x1E: "signature",
    0x1F: "no CVM required",
}
_PAYMENT_SYSTEMS, _ISSUERS, _NOT_PERFORMED = range(0x20, 0x30), range(0x30, 0x3F), 0x3F


class Condition(IntEnum):
    """When a rule applies."""

    ALWAYS = 0x00
    UNATTENDED_CASH = 0x01
    NO_CASH = 0x02
    IF_SUPPORTED = 0x03
    MANUAL_CASH = 0x04
    CASHBACK = 0x05
    UNDER_X = 0x06
    OVER_X = 0x07
    UNDER_Y = 0x08
    OVER_Y = 0x09


CONDITIONS = {
    Condition.ALWAYS: "always",
    Condition.UNATTENDED_CASH: "if unattended cash",
    Condition.NO_CASH: "if not unattended cash, not manual cash and not purchase with cashback",
    Condition.IF_SUPPORTED: "if terminal supports the CVM",
    Condition.MANUAL_CASH: "if manual cash",
    Condition.CASHBACK: "if purchase with cashback",
    Condition.UNDER_X: "if transaction is in the application currency and is under X",
    Condition.OVER_X: "if transaction is in the application currency and is over X",
    Condition.UNDER_Y: "if transaction is in the application currency and is under Y",
    Condition.OVER_Y: "if transaction is in the application currency and is over Y",
}
_OWN_CONDITIONS = range(0x80, 0x100)

RESULTS = {0x00: "unknown", 0x01: "failed", 0x02: "successful"}


@dataclass(frozen=True, slots=True)
class CvmRule:
    """One rule: what to do, and when.

    :ivar code, condition: as coded.
    """

    code: int
    condition: int

    @property
    def method(self) -> int:
        """Bits 6 to 1 of the code."""
        return self.code & _METHOD

    @property
    def goes_on(self) -> bool:
        """Whether the next rule applies when this CVM is unsuccessful."""
        return bool(self.code & _APPLY_NEXT)

    def describe(self) -> str:
        """Return the rule in words."""
        otherwise = "apply next rule" if self.goes_on else "fail cardholder verification"
        return f"{method_name(self.code)}, {condition_name(self.condition)}; if unsuccessful {otherwise}"


@dataclass(frozen=True, slots=True)
class CvmList:
    """Tag 8E, lossless.

    :ivar x, y: amounts in the application currency.
    :ivar tail: a byte behind the last rule, where the length is odd; such a list is malformed.

    >>> print(CvmList.parse(bytes.fromhex("00000000 00000000 1F03")).rules[0].describe())
    no CVM required, if terminal supports the CVM; if unsuccessful fail cardholder verification
    """

    x: int
    y: int
    rules: tuple[CvmRule, ...]
    tail: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> CvmList:
        """Read a list.  :raises EncodingError: when it is shorter than the two amounts."""
        start = 2 * _AMOUNT_BYTES
        if len(data) < start:
            raise EncodingError(f"CVM List (8E): got {len(data)} bytes, expected {start + _RULE_BYTES} or more")
        end = len(data) - len(data) % _RULE_BYTES
        return cls(
            int.from_bytes(data[:_AMOUNT_BYTES], "big"),
            int.from_bytes(data[_AMOUNT_BYTES:start], "big"),
            tuple(CvmRule(data[offset], data[offset + 1]) for offset in range(start, end, _RULE_BYTES)),
            data[end:],
        )

    def build(self) -> bytes:
        """Return the coded list.  :raises EncodingError: on an amount of more than four bytes."""
        try:
            amounts = self.x.to_bytes(_AMOUNT_BYTES, "big") + self.y.to_bytes(_AMOUNT_BYTES, "big")
        except OverflowError:
            raise EncodingError(f"CVM List: amounts {self.x} and {self.y}, expected 0 to {0xFFFFFFFF}") from None
        return amounts + b"".join(bytes((rule.code, rule.condition)) for rule in self.rules) + self.tail


def method_name(code: int) -> str:
    """Return a CVM code's method in words."""
    method = code & _METHOD
    rfu = " (with the reserved bit 8)" if code & _RFU else ""
    return METHODS.get(method, _other_method(method)) + rfu


def _other_method(method: int) -> str:
    if method in _PAYMENT_SYSTEMS:
        return f"method {method:02X} of the payment system"
    if method in _ISSUERS:
        return f"method {method:02X} of the issuer"
    return "no CVM performed" if method == _NOT_PERFORMED else f"method {method:02X}, reserved for future use"


def condition_name(condition: int) -> str:
    """Return a condition code in words."""
    if condition in CONDITIONS:
        return CONDITIONS[Condition(condition)]
    owner = "of the payment system" if condition in _OWN_CONDITIONS else "reserved for future use"
    return f"condition {condition:02X}, {owner}"


def list_words(value: bytes) -> tuple[Word, ...]:
    """Return a CVM list in words.  :raises EncodingError: as :meth:`CvmList.parse`."""
    decoded = CvmList.parse(value)
    words = [Word("", f"X = {decoded.x}, Y = {decoded.y}")]
    words += [Word(f"{rule.code:02X}{rule.condition:02X}", rule.describe()) for rule in decoded.rules]
    if decoded.tail:
        words.append(Word("", f"odd length: byte {decoded.tail.hex().upper()} is no rule"))
    return tuple(words)


def result_words(value: bytes) -> tuple[Word, ...]:
    """Return CVM results, tag 9F34, in words.  :raises EncodingError: when they are not three bytes."""
    if len(value) != 3:
        raise EncodingError(f"CVM Results (9F34): got {len(value)} bytes, expected 3")
    code, condition, result = value
    return (
        Word("1", method_name(code)),
        Word("2", condition_name(condition)),
        Word("3", RESULTS.get(result, f"result {result:02X}, reserved")),
    )
