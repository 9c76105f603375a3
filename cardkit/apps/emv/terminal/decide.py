"""Terminal action analysis: what the terminal asks the card for (EMV 4.4 Book 3 10.7)."""

from __future__ import annotations

from cardkit.apps.emv.bits.terminal import TVR
from cardkit.apps.emv.commands import Cryptogram
from cardkit.apps.emv.terminal.transaction import Transaction

_DENIAL, _ONLINE, _DEFAULT = b"\x9f\x0e", b"\x9f\x0f", b"\x9f\x0d"
# What counts where the card has no issuer action code (unverified: the books say all zeros, and all ones).
_ABSENT = {_DENIAL: bytes(5), _ONLINE: b"\xff" * 5, _DEFAULT: b"\xff" * 5}
_NAMES = {_DENIAL: "denial", _ONLINE: "online", _DEFAULT: "default"}


def decide(transaction: Transaction) -> Cryptogram:
    """Return what the first GENERATE AC asks for."""
    kind = transaction.settings.type
    if _matches(transaction, _DENIAL, transaction.settings.action_codes.denial):
        return _decided(transaction, Cryptogram.AAC)
    if kind.offline_only:
        return decide_alone(transaction)
    if transaction.settings.force_online:
        return _decided(transaction, Cryptogram.ARQC)
    if kind.online_only or _matches(transaction, _ONLINE, transaction.settings.action_codes.online):
        return _decided(transaction, Cryptogram.ARQC)
    return _decided(transaction, Cryptogram.TC)


def decide_alone(transaction: Transaction) -> Cryptogram:
    """Return what is asked for when the issuer cannot be reached."""
    refused = _matches(transaction, _DEFAULT, transaction.settings.action_codes.default)
    return _decided(transaction, Cryptogram.AAC if refused else Cryptogram.TC)


def _matches(transaction: Transaction, tag: bytes, terminal_code: bytes) -> bool:
    """Whether a bit of the TVR is one that issuer or payment system care for."""
    issuer_code = transaction.card_data.get(tag, _ABSENT[tag])[:5].ljust(5, b"\x00")
    cared = int.from_bytes(issuer_code, "big") | int.from_bytes(terminal_code, "big")
    hits = (transaction.tvr & cared).to_bytes(5, "big")
    reasons = [word.text for word in TVR.words(hits)]
    if reasons:
        transaction.say(f"action code {_NAMES[tag]}: {'; '.join(reasons)}", clause="Book 3 10.7")
    return bool(reasons)


def _decided(transaction: Transaction, kind: Cryptogram) -> Cryptogram:
    words = {
        Cryptogram.AAC: "decline (AAC)",
        Cryptogram.TC: "approve offline (TC)",
        Cryptogram.ARQC: "go online (ARQC)",
    }
    transaction.say(f"the terminal decides: {words[kind]}", clause="Book 3 10.7")
    return kind
