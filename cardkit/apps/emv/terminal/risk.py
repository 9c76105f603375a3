"""Terminal risk management: floor limit, random selection, velocity (EMV 4.4 Book 3 10.6)."""

from __future__ import annotations

from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.errors import CardError

_LOWER, _UPPER = b"\x9f\x14", b"\x9f\x23"
_ATC, _LAST_ONLINE = b"\x9f\x36", b"\x9f\x13"
_PERCENT = 100
_RANDOM_BYTES = 4


def manage_risk(transaction: Transaction) -> None:
    """Look at amount and counters; what speaks for going online stands in the TVR."""
    if transaction.settings.force_online:
        transaction.flag("merchant forced transaction online")
    if not transaction.supports("terminal risk management is to be performed"):
        transaction.say("the card does not ask for terminal risk management", clause="Book 3 10.6")
        return
    _floor_limit(transaction)
    _velocity(transaction)
    transaction.performed("terminal risk management was performed")


def _floor_limit(transaction: Transaction) -> None:
    amount, limit = transaction.purchase.amount, transaction.settings.floor_limit
    if amount >= limit:
        transaction.say(f"amount {amount} reaches the floor limit {limit}", clause="Book 3 10.6.1")
        transaction.flag("transaction exceeds floor limit")
    elif _drawn(transaction):
        transaction.flag("transaction selected randomly for online processing")


def _drawn(transaction: Transaction) -> bool:
    """Whether chance sends a transaction under the floor limit online (Book 3 10.6.2)."""
    chance, amount = transaction.settings.random_selection, transaction.purchase.amount
    percent = float(chance.percent)
    if amount >= chance.threshold and transaction.settings.floor_limit > chance.threshold:
        share = (amount - chance.threshold) / (transaction.settings.floor_limit - chance.threshold)
        percent += (chance.most_percent - chance.percent) * share
    draw = int.from_bytes(transaction.around.random(_RANDOM_BYTES), "big") * _PERCENT >> 8 * _RANDOM_BYTES
    return draw < percent


def _velocity(transaction: Transaction) -> None:
    """Compare how often the card went without its issuer with the card's limits (Book 3 10.6.3)."""
    limits = transaction.card_data.get(_LOWER), transaction.card_data.get(_UPPER)
    if limits[0] is None or limits[1] is None:
        transaction.say("the card sets no limits of consecutive offline transactions", clause="Book 3 10.6.3")
        return
    counters = _counters(transaction)
    if counters is None:
        transaction.flag("lower consecutive offline limit exceeded")
        transaction.flag("upper consecutive offline limit exceeded")
        return
    atc, last_online = counters
    lower, upper = (int.from_bytes(limit, "big") for limit in (limits[0], limits[1]))
    offline = atc - last_online if atc > last_online else None
    transaction.say(f"ATC {atc}, last online {last_online}; limits {lower} and {upper}", clause="Book 3 10.6.3")
    if offline is None or offline > lower:
        transaction.flag("lower consecutive offline limit exceeded")
    if offline is None or offline > upper:
        transaction.flag("upper consecutive offline limit exceeded")
    if not last_online:
        transaction.flag("new card")


def _counters(transaction: Transaction) -> tuple[int, int] | None:
    """Return ATC and last online ATC; None where the card does not tell them."""
    try:
        atc, last_online = (transaction.card.get_data(tag) for tag in (_ATC, _LAST_ONLINE))
    except CardError as error:
        transaction.say(f"counters are not told: {error}", mark=Mark.NOTE, clause="Book 3 10.6.3")
        return None
    return int.from_bytes(atc, "big"), int.from_bytes(last_online, "big")
