"""Processing restrictions: version, usage, dates (EMV 4.4 Book 3 10.4)."""

from __future__ import annotations

from cardkit.apps.emv.bits.card import AUC
from cardkit.apps.emv.terminal.settings import TransactionType
from cardkit.apps.emv.terminal.transaction import Transaction

_CARD_VERSION, _TERMINAL_VERSION = b"\x9f\x08", b"\x9f\x09"
_AUC, _ISSUER_COUNTRY, _TERMINAL_COUNTRY = b"\x9f\x07", b"\x5f\x28", b"\x9f\x1a"
_EFFECTIVE, _EXPIRES, _TODAY = b"\x5f\x25", b"\x5f\x24", b"\x9a"
_PIVOT = 0x50


def restrict(transaction: Transaction) -> None:
    """Look at version, usage control and dates; what does not fit stands in the TVR."""
    _version(transaction)
    _dates(transaction)
    _usage(transaction)


def _version(transaction: Transaction) -> None:
    ours, its = transaction.settings.versions, transaction.card_data.get(_CARD_VERSION)
    transaction.data[_TERMINAL_VERSION] = its if its and (not ours or its in ours) else (ours or (bytes(2),))[0]
    if its is None:
        transaction.say("the card names no version", clause="Book 3 10.4.1")
    elif its == transaction.data[_TERMINAL_VERSION]:
        transaction.say(f"application version {its.hex().upper()} is the terminal's", clause="Book 3 10.4.1")
    else:
        transaction.flag("ICC and terminal have different application versions")


def _dates(transaction: Transaction) -> None:
    today = _comparable(transaction.data[_TODAY])
    effective = transaction.card_data.get(_EFFECTIVE)
    if effective is not None and _comparable(effective) > today:
        transaction.flag("application not yet effective")
    expires = transaction.card_data.get(_EXPIRES, b"")
    if not expires:
        transaction.say("the card names no expiry date", clause="Book 3 10.4.3")
    elif _comparable(expires) < today:
        transaction.flag("expired application")
    else:
        transaction.say(f"valid until {transaction.text_of('5F24')}", clause="Book 3 10.4.3")


def _comparable(date: bytes) -> bytes:
    """Return a date YYMMDD so that dates compare as bytes: years from 50 on are of the last century."""
    return (b"\x19" if date[:1] >= bytes((_PIVOT,)) else b"\x20") + date


def _usage(transaction: Transaction) -> None:
    control = transaction.card_data.get(_AUC)
    if control is None:
        transaction.say("the card sets no usage control", clause="Book 3 10.4.2")
        return
    bits = int.from_bytes(control[:2].ljust(2, b"\x00"), "big")
    wanted = _wanted(transaction)
    missing = [name for names in wanted if not any(bits & AUC.mask(name) for name in names) for name in names]
    if missing:
        transaction.problem(f"usage control does not allow: {', '.join(missing)}", clause="Book 3 10.4.2")
        transaction.flag("requested service not allowed for card product")
    else:
        transaction.say("usage control allows this service here", clause="Book 3 10.4.2")


def _wanted(transaction: Transaction) -> list[tuple[str, ...]]:
    """Return the bits the card must have: one of each group."""
    is_atm = _is_atm(transaction)
    groups: list[tuple[str, ...]] = [("at ATMs" if is_atm else "at terminals other than ATMs",)]
    country = transaction.card_data.get(_ISSUER_COUNTRY)
    if country is None:
        return groups
    where = "domestic" if country == transaction.data[_TERMINAL_COUNTRY] else "international"
    kind = transaction.purchase.type
    if kind is TransactionType.CASH:
        groups.append((f"{where} cash",))
    elif kind in (TransactionType.GOODS, TransactionType.CASHBACK):
        groups.append((f"{where} goods", f"{where} services"))
    if kind is TransactionType.CASHBACK:
        groups.append((f"{where} cashback",))
    return groups


def _is_atm(transaction: Transaction) -> bool:
    """Whether the terminal is an ATM: a bank's, unattended, that pays out cash (Book 4 A1)."""
    settings = transaction.settings
    return settings.type >> 4 == 1 and not settings.type.attended and bool(settings.additional[0] & 0x80)
