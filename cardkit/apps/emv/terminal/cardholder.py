"""Cardholder verification: the card's list of methods, walked in order (EMV 4.4 Book 3 10.5; Book 4 6.3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cardkit.apps.emv.bits.cvm import METHODS, Condition, CvmList, CvmRule, Method, condition_name, method_name
from cardkit.apps.emv.terminal import pin
from cardkit.apps.emv.terminal.settings import TransactionType
from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.errors import EncodingError, ProtocolError

_CVM_LIST, _CVM_RESULTS = b"\x8e", b"\x9f\x34"
_APPLICATION_CURRENCY, _CURRENCY = b"\x9f\x42", b"\x5f\x2a"
_NO_CVM_DONE = bytes.fromhex("3F0000")
_NONE_FITTED = bytes.fromhex("3F0001")


class Verdict(Enum):
    """What came of one method: the third byte of the CVM results."""

    UNKNOWN = 0x00
    FAILED = 0x01
    SUCCESSFUL = 0x02


_CAPABILITIES: dict[int, tuple[str, ...]] = {
    Method.PLAINTEXT_PIN: ("plaintext PIN for ICC verification",),
    Method.PLAINTEXT_PIN_AND_SIGNATURE: ("plaintext PIN for ICC verification", "signature"),
    Method.ENCIPHERED_PIN: ("enciphered PIN for offline verification (RSA)",),
    Method.ENCIPHERED_PIN_AND_SIGNATURE: ("enciphered PIN for offline verification (RSA)", "signature"),
    Method.ONLINE_PIN: ("enciphered PIN for online verification",),
    Method.SIGNATURE: ("signature",),
    Method.NO_CVM: ("no CVM required",),
    Method.FAIL: (),
}
_OFFLINE_PINS = pin.OFFLINE


@dataclass(frozen=True, slots=True)
class _Tried:
    rule: CvmRule
    verdict: Verdict

    @property
    def results(self) -> bytes:
        return bytes((self.rule.code, self.rule.condition, self.verdict.value))


def verify_cardholder(transaction: Transaction) -> None:
    """Walk the card's list until a method succeeds, or fails for good.

    :raises ProtocolError: on a malformed list.  :raises StatusError: when VERIFY is answered as no PIN is.
    """
    transaction.data[_CVM_RESULTS] = _NO_CVM_DONE
    if not transaction.supports("cardholder verification is supported"):
        transaction.say("the card does not support cardholder verification", clause="Book 3 10.5")
        return
    rules = _rules(transaction)
    if rules is None:
        return
    tried = _walk(transaction, rules)
    transaction.data[_CVM_RESULTS] = tried.results if tried else _NONE_FITTED
    if tried is None or tried.verdict is Verdict.FAILED:
        transaction.flag("cardholder verification was not successful")
    else:
        done = f"cardholder verification: {method_name(tried.rule.code)}, {tried.verdict.name.lower()}"
        transaction.say(done, clause="Book 3 10.5")
    transaction.performed("cardholder verification was performed")


def _rules(transaction: Transaction) -> CvmList | None:
    coded = transaction.card_data.get(_CVM_LIST)
    if coded is None:
        transaction.problem("the AIP promises a CVM list (8E), there is none", clause="Book 3 7.2, 10.5")
        transaction.flag("ICC data missing")
        return None
    try:
        rules = CvmList.parse(coded)
    except EncodingError as error:
        raise ProtocolError(str(error)) from None
    if rules.tail:
        raise ProtocolError(f"CVM List (8E): {len(coded)} bytes, expected an even number")
    if not rules.rules:
        transaction.say("the CVM list has no rule", mark=Mark.NOTE, clause="Book 3 10.5")
        return None
    return rules


def _walk(transaction: Transaction, cvm_list: CvmList) -> _Tried | None:
    """Return the last rule that was tried; None where no condition was met."""
    tried: _Tried | None = None
    for rule in cvm_list.rules:
        if not _applies(transaction, rule, cvm_list):
            passed = f"passed over: {method_name(rule.code)}, {condition_name(rule.condition)}"
            transaction.say(passed, clause="Book 3 10.5")
            continue
        tried = _Tried(rule, _perform(transaction, rule))
        if tried.verdict is not Verdict.FAILED:
            return tried
        transaction.say(f"unsuccessful: {method_name(rule.code)}", mark=Mark.NOTE, clause="Book 3 10.5")
        if not rule.goes_on:
            return tried
    return tried


def _applies(transaction: Transaction, rule: CvmRule, amounts: CvmList) -> bool:
    """Whether a rule's condition is met (Book 3 C3, table 44)."""
    kind = transaction.purchase.type
    unattended_cash = kind is TransactionType.CASH and not transaction.settings.type.attended
    manual_cash = kind is TransactionType.CASH and transaction.settings.type.attended
    cashback = kind is TransactionType.CASHBACK
    simple: dict[int, bool] = {
        Condition.ALWAYS: True,
        Condition.UNATTENDED_CASH: unattended_cash,
        Condition.NO_CASH: not (unattended_cash or manual_cash or cashback),
        Condition.IF_SUPPORTED: _supported(transaction, rule.method),
        Condition.MANUAL_CASH: manual_cash,
        Condition.CASHBACK: cashback,
    }
    return simple.get(rule.condition, _amount_fits(transaction, rule.condition, amounts))


def _amount_fits(transaction: Transaction, condition: int, amounts: CvmList) -> bool:
    if transaction.card_data.get(_APPLICATION_CURRENCY) != transaction.data[_CURRENCY]:
        return False
    amount = transaction.purchase.amount
    met: dict[int, bool] = {
        Condition.UNDER_X: amount < amounts.x,
        Condition.OVER_X: amount > amounts.x,
        Condition.UNDER_Y: amount < amounts.y,
        Condition.OVER_Y: amount > amounts.y,
    }
    return met.get(condition, False)


def _supported(transaction: Transaction, method: int) -> bool:
    return method in _CAPABILITIES and all(map(transaction.can, _CAPABILITIES[method]))


def _perform(transaction: Transaction, rule: CvmRule) -> Verdict:
    """Do what a rule says (Book 3 10.5.1 to 10.5.5)."""
    method = rule.method
    if method not in METHODS:
        transaction.flag("unrecognised CVM")
        return Verdict.FAILED
    if not _supported(transaction, method):
        if method in _OFFLINE_PINS or method == Method.ONLINE_PIN:
            transaction.flag("PIN entry required and PIN pad not present or not working")
        return Verdict.FAILED
    if method in (Method.NO_CVM, Method.FAIL):
        return Verdict.SUCCESSFUL if method == Method.NO_CVM else Verdict.FAILED
    if method == Method.SIGNATURE:
        return Verdict.UNKNOWN
    return _perform_pin(transaction, method)


def _perform_pin(transaction: Transaction, method: int) -> Verdict:
    if method == Method.ONLINE_PIN:
        return _online_pin(transaction)
    if not pin.verify_offline(transaction, enciphered=method in pin.ENCIPHERED):
        return Verdict.FAILED
    signed = method in (Method.PLAINTEXT_PIN_AND_SIGNATURE, Method.ENCIPHERED_PIN_AND_SIGNATURE)
    return Verdict.UNKNOWN if signed else Verdict.SUCCESSFUL


def _online_pin(transaction: Transaction) -> Verdict:
    if transaction.purchase.pin is None:
        transaction.flag("PIN entry required, PIN pad present, but PIN was not entered")
        return Verdict.FAILED
    transaction.online_pin = True
    transaction.flag("online CVM captured")
    return Verdict.UNKNOWN
