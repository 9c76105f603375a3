"""Offline PIN verification: try counter, VERIFY in plain or enciphered (EMV 4.4 Book 3 10.5.1; Book 2 7)."""

from __future__ import annotations

from cardkit.apps.emv.bits.cvm import Method
from cardkit.apps.emv.commands import PinForm
from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.pin import FIXED_BYTES, encipher_pin
from cardkit.apps.emv.oda.recover import recover_pin_key
from cardkit.apps.emv.terminal.authenticate import recover_icc_key, recover_issuer_key
from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.apps.emv.values import pan_of
from cardkit.crypto import Secret
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.pinblock import format_2
from cardkit.errors import CardError

PLAIN = frozenset((Method.PLAINTEXT_PIN, Method.PLAINTEXT_PIN_AND_SIGNATURE))
ENCIPHERED = frozenset((Method.ENCIPHERED_PIN, Method.ENCIPHERED_PIN_AND_SIGNATURE))
OFFLINE = PLAIN | ENCIPHERED
_TRY_COUNTER = b"\x9f\x17"
_PIN_CERTIFICATE = b"\x9f\x2d"


def verify_offline(transaction: Transaction, *, enciphered: bool) -> bool:
    """Have the card verify the PIN, once: whether it did.

    :raises StatusError: when VERIFY is answered as no PIN is.
    """
    if not _tries_left(transaction):
        transaction.flag("PIN try limit exceeded")
        return False
    if transaction.pin_refused:
        refused = "the PIN was refused before: it is not presented again"
        transaction.say(refused, mark=Mark.NOTE, clause="Book 3 10.5.1")
        return False
    secret = transaction.purchase.pin
    if secret is None:
        transaction.flag("PIN entry required, PIN pad present, but PIN was not entered")
        return False
    data = _enciphered(transaction, secret) if enciphered else format_2(secret)
    if data is None:
        return False
    answer = transaction.card.verify(PinForm.ENCIPHERED if enciphered else PinForm.PLAINTEXT, data)
    if answer.accepted:
        transaction.say("the card accepts the PIN", clause="Book 3 6.5.12")
        return True
    transaction.pin_refused = True
    transaction.problem(f"the card refuses the PIN, {answer.tries_left} tries left", clause="Book 3 6.5.12")
    if not answer.tries_left:
        transaction.flag("PIN try limit exceeded")
    return False


def _tries_left(transaction: Transaction) -> bool:
    """Whether the card takes a PIN; one that does not tell its counter is believed to."""
    try:
        counter = transaction.card.get_data(_TRY_COUNTER)
    except CardError as error:
        transaction.say(f"the try counter is not told: {error}", mark=Mark.NOTE, clause="Book 3 10.5.1")
        return True
    transaction.card_data[_TRY_COUNTER] = counter
    transaction.say(f"PIN try counter {counter.hex().upper()}", clause="Book 3 10.5.1")
    return any(counter)


def _enciphered(transaction: Transaction, secret: Secret) -> Secret | None:
    """Return the enciphered PIN block; None where the card's key cannot be had (Book 2 7.2)."""
    key = _pin_key(transaction)
    if key is None or key.size <= FIXED_BYTES:
        transaction.problem("no public key of the card to encipher the PIN", clause="Book 2 7.1")
        return None
    try:
        challenge = transaction.card.get_challenge()
    except CardError as error:
        transaction.problem(str(error), clause="Book 2 7.2")
        return None
    filler = transaction.around.random(key.size - FIXED_BYTES)
    return Secret(encipher_pin(key, format_2(secret), challenge, filler), "enciphered PIN")


def _pin_key(transaction: Transaction) -> RsaPublicKey | None:
    """Return the key of the PIN certificate, else that of the ICC certificate (Book 2 7.1)."""
    if _PIN_CERTIFICATE not in transaction.card_data:
        recovered = transaction.icc_certificate is not None or recover_icc_key(transaction)
        return transaction.icc_certificate.key if recovered and transaction.icc_certificate else None
    if transaction.issuer_certificate is None and not recover_issuer_key(transaction):
        return None
    if transaction.issuer_certificate is None:
        return None
    signed = SignedKey(*(transaction.card_data.get(bytes.fromhex(tag), b"") for tag in ("9F2D", "9F2F", "9F2E")))
    pan, today = pan_of(transaction.card_data), transaction.purchase.moment.date()
    recovered_key = recover_pin_key(transaction.issuer_certificate.key, signed, pan=pan, on=today)
    for fault in recovered_key.faults:
        transaction.problem(str(fault), clause=fault.clause)
    return recovered_key.checked().key if recovered_key.good else None
