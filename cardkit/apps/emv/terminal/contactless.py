"""Contactless transactions: a cryptogram with GET PROCESSING OPTIONS, or records and one GENERATE AC.

EMV Contactless Books C-2 and C-3: tags and bits as published, the rest unverified.
"""

from __future__ import annotations

from cardkit.apps.emv.bits import IssuerApplicationData
from cardkit.apps.emv.bits.card import CTQ
from cardkit.apps.emv.bits.terminal import TTQ
from cardkit.apps.emv.client import Answer, ApplicationCryptogram, application_cryptogram
from cardkit.apps.emv.commands import Cryptogram
from cardkit.apps.emv.terminal.authenticate import check_fast_dda
from cardkit.apps.emv.terminal.cryptogram import check_cryptogram
from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.apps.emv.values import value_words
from cardkit.errors import ProtocolError

_AC, _CID, _ATC, _IAD, _CTQ, _TTQ = b"\x9f\x26", b"\x9f\x27", b"\x9f\x36", b"\x9f\x10", b"\x9f\x6c", b"\x9f\x66"
# Second byte of the terminal capabilities: online PIN and signature, or no CVM (Book C-2).
_WITH_CVM, _WITHOUT_CVM = b"\x60", b"\x08"
_KIND_BYTE = {"VSDC 0": 4, "VSDC 1": 4, "VSDC 3": 4, "VSDC 2": 3, "VSDC 4": 3, "CCD": 3}


def decided_at_once(transaction: Transaction) -> bool:
    """Whether the card made its cryptogram with GET PROCESSING OPTIONS."""
    return _AC in transaction.card_data


def qualify(transaction: Transaction) -> None:
    """Tell the card what this transaction needs, by the terminal transaction qualifiers (Book C-3)."""
    bits = int.from_bytes(transaction.settings.qualifiers, "big")
    if transaction.purchase.amount > transaction.settings.cvm_limit:
        bits |= TTQ.mask("CVM required")
    if transaction.purchase.amount >= transaction.settings.floor_limit or transaction.settings.force_online:
        bits |= TTQ.mask("online cryptogram required")
    transaction.data[_TTQ] = bits.to_bytes(4, "big")
    capabilities = transaction.settings.capabilities
    verified = bits & TTQ.mask("CVM required")
    transaction.data[b"\x9f\x33"] = capabilities[:1] + (_WITH_CVM if verified else _WITHOUT_CVM) + capabilities[2:]
    for word in TTQ.words(transaction.data[_TTQ]):
        transaction.say(f"  TTQ {word}", clause="Book C-3")


def first_cryptogram(transaction: Transaction) -> ApplicationCryptogram:
    """Return the cryptogram of the answer to GET PROCESSING OPTIONS.

    :raises ProtocolError: when it is incomplete, or the cardholder is not named.
    """
    values = transaction.card_data
    if b"\x57" not in values and b"\x5a" not in values:
        raise ProtocolError("neither Track 2 Equivalent Data (57) nor PAN (5A)")
    if _CID not in values:
        values[_CID] = bytes((_kind_from_iad(values.get(_IAD, b"")),))
    answer = application_cryptogram(Answer(0x77, values), "GET PROCESSING OPTIONS")
    transaction.first = answer
    transaction.say(f"the card answers {answer.kind.name}, ATC {answer.atc}", clause="Book C-3")
    for word in IssuerApplicationData.parse(answer.iad).words() if answer.iad else ():
        transaction.say(f"  IAD {word}", mark=Mark.NOTE, clause="Book 3 C7")
    _tell_qualifiers(transaction)
    check_cryptogram(transaction, answer)
    return answer


def _kind_from_iad(iad: bytes) -> int:
    """Return what a CID would say, from bits 6 and 5 of the card verification results."""
    decoded = IssuerApplicationData.parse(iad)
    position = _KIND_BYTE.get(decoded.format)
    if position is None:
        raise ProtocolError("neither CID (9F27) nor an issuer application data format that says the decision")
    return (iad[position] & 0x30) << 2


def _tell_qualifiers(transaction: Transaction) -> None:
    for word in value_words(_CTQ, transaction.card_data.get(_CTQ, b""), "C-3") if _CTQ in transaction.card_data else ():
        transaction.say(f"  CTQ {word}", clause="Book C-3")


def qualified(transaction: Transaction, name: str) -> bool:
    """Whether the card's transaction qualifiers have a bit, named as its table has it."""
    return bool(int.from_bytes(transaction.card_data.get(_CTQ, b"")[:2].ljust(2, b"\x00"), "big") & CTQ.mask(name))


def verify_cardholder(transaction: Transaction) -> bool:
    """Do what the card asks for; False where a CVM is required and there is none."""
    required = bool(int.from_bytes(transaction.data[_TTQ], "big") & TTQ.mask("CVM required"))
    if qualified(transaction, "consumer device cardholder verification performed"):
        transaction.say("the cardholder was verified on the device", clause="Book C-3")
    elif qualified(transaction, "online PIN required"):
        transaction.online_pin = transaction.purchase.pin is not None
        entered = "entered" if transaction.online_pin else "asked for and not entered"
        transaction.say(f"online PIN {entered}", clause="Book C-3")
        return transaction.online_pin
    elif qualified(transaction, "signature required"):
        transaction.say("the cardholder signs", clause="Book C-3")
    elif required:
        transaction.problem("a CVM is required and the card names none", clause="Book C-3")
        return False
    else:
        transaction.say("no cardholder verification needed", clause="Book C-3")
    return True


def judge_offline(transaction: Transaction, answer: ApplicationCryptogram) -> Cryptogram:
    """Check date and signature where the card approves offline, and return what stands after it."""
    if answer.kind is not Cryptogram.TC:
        return answer.kind
    if transaction.flagged("expired application"):
        return _otherwise(transaction, "the application expired", "go online if application expired")
    transaction.performed("offline data authentication was performed")
    if check_fast_dda(transaction):
        return Cryptogram.TC
    transaction.flag("DDA failed")
    return _otherwise(transaction, "the signature is wrong", "go online if offline data authentication fails")


def _otherwise(transaction: Transaction, why: str, qualifier: str) -> Cryptogram:
    if qualified(transaction, qualifier):
        transaction.say(f"{why}: the card wants to go online", clause="Book C-3")
        return Cryptogram.ARQC
    transaction.problem(f"{why}: declined", clause="Book C-3")
    return Cryptogram.AAC
