"""The two GENERATE AC commands, and what a terminal makes of their answers (EMV 4.4 Book 3 6.5.5, 9, 10.8, 10.11)."""

from __future__ import annotations

import hashlib
import hmac

from cardkit.apps.emv.bits import IssuerApplicationData
from cardkit.apps.emv.client import ApplicationCryptogram
from cardkit.apps.emv.commands import Cryptogram
from cardkit.apps.emv.dol import parse_dol
from cardkit.apps.emv.tags import name_of
from cardkit.apps.emv.terminal.authenticate import check_combined
from cardkit.apps.emv.terminal.host import KnowsKeys
from cardkit.apps.emv.terminal.transaction import Mark, Method, Transaction
from cardkit.apps.emv.values import value_words
from cardkit.errors import EncodingError, ProtocolError

_CDOL1, _CDOL2, _TDOL, _TC_HASH = b"\x8c", b"\x8d", b"\x97", b"\x98"
_AC, _CID, _ATC, _IAD = b"\x9f\x26", b"\x9f\x27", b"\x9f\x36", b"\x9f\x10"
# What a card may answer: it may always say less than it is asked for, never more.
_ALLOWED = {
    Cryptogram.AAC: (Cryptogram.AAC,),
    Cryptogram.ARQC: (Cryptogram.ARQC, Cryptogram.AAC),
    Cryptogram.TC: (Cryptogram.TC, Cryptogram.ARQC, Cryptogram.AAC),
}


def first_generate(transaction: Transaction, kind: Cryptogram) -> ApplicationCryptogram:
    """Ask for the first cryptogram and check what comes.

    :raises CardError: when the answer cannot be used, or is more than was asked for.
    """
    answer = _generate(transaction, kind, _CDOL1, _ALLOWED[kind])
    transaction.first = answer
    transaction.performed("card risk management was performed")
    return answer


def second_generate(transaction: Transaction, kind: Cryptogram) -> ApplicationCryptogram:
    """Ask for the final cryptogram and check what comes.

    :param kind: TC or AAC.  :raises CardError: as :func:`first_generate`.
    """
    answer = _generate(transaction, kind, _CDOL2, (kind, Cryptogram.AAC))
    transaction.second = answer
    return answer


def _list_data(transaction: Transaction, tag: bytes) -> bytes:
    dol = transaction.card_data.get(tag)
    if dol is None:
        raise ProtocolError(f"{name_of(tag)}, tag {tag.hex().upper()}, is missing")
    try:
        if _TC_HASH in {entry.tag for entry in parse_dol(dol)}:
            _hash_certificate_data(transaction)
        return transaction.listed(dol)
    except EncodingError as error:
        raise ProtocolError(f"{name_of(tag)}: {error}") from None


def _hash_certificate_data(transaction: Transaction) -> None:
    """Hash what the TDOL asks for (Book 3 9.2.2)."""
    tdol = transaction.card_data.get(_TDOL)
    if tdol is None:
        transaction.flag("default TDOL used")
        tdol = transaction.settings.tdol
    digest = hashlib.sha1(transaction.listed(tdol))  # noqa: S324  the standard's
    transaction.data[_TC_HASH] = digest.digest()


def _generate(
    transaction: Transaction, kind: Cryptogram, tag: bytes, allowed: tuple[Cryptogram, ...]
) -> ApplicationCryptogram:
    """Send the command with the data of one list, and take the answer apart.

    :param tag: of the list: CDOL1 or CDOL2.
    """
    cda = transaction.method is Method.CDA and not transaction.flagged("CDA failed") and kind is not Cryptogram.AAC
    data = _list_data(transaction, tag)
    asked = f"{kind.name}{' with signature (CDA)' if cda else ''}"
    transaction.say(f"GENERATE AC asks for {asked}, {len(data)} bytes of data", clause="Book 3 6.5.5")
    transaction.tell_list(transaction.card_data[tag], data)
    answer = transaction.card.generate_ac(kind, data, cda=cda)
    if answer.kind not in allowed:
        raise ProtocolError(f"GENERATE AC: asked for {kind.name}, card answered {answer.kind.name}")
    values = answer.answer.values
    transaction.card_data.update({name: value for name, value in values.items() if name != _AC})
    if tag == _CDOL1:
        transaction.cdol1_data = data
    cryptogram = answer.ac
    if cda and (answer.kind is not Cryptogram.AAC or answer.sdad):
        transaction.signed = transaction.signed or answer.kind is not Cryptogram.AAC
        cryptogram = check_combined(transaction, answer, data if tag == _CDOL2 else b"")
    if cryptogram:
        transaction.card_data[_AC] = cryptogram
    _tell(transaction, answer)
    check_cryptogram(transaction, answer)
    return answer


def check_cryptogram(transaction: Transaction, answer: ApplicationCryptogram) -> None:
    """Compare a cryptogram with what the issuer's keys say, where they are known; the host itself checks an ARQC."""
    host: object = transaction.around.host
    cryptogram = transaction.card_data.get(_AC)
    if answer.kind is Cryptogram.ARQC or cryptogram is None or not isinstance(host, KnowsKeys):
        return
    try:
        expected = host.cryptogram(transaction.values)
    except EncodingError as error:
        transaction.say(f"the cryptogram is not checked: {error}", mark=Mark.NOTE, clause="Book 2 8.1")
        return
    if hmac.compare_digest(expected, cryptogram):
        transaction.say(f"the {answer.kind.name} is right by the issuer's keys", clause="Book 2 8.1")
    else:
        transaction.problem(f"the {answer.kind.name} is wrong by the issuer's keys", clause="Book 2 8.1")


def _tell(transaction: Transaction, answer: ApplicationCryptogram) -> None:
    transaction.say(f"the card answers {answer.kind.name}, ATC {answer.atc}", clause="Book 3 6.5.5.4")
    for word in value_words(_CID, bytes((answer.cid,)))[1:]:
        transaction.say(f"  CID {word}", mark=Mark.NOTE, clause="Book 3 6.5.5.4")
    for word in IssuerApplicationData.parse(answer.iad).words() if answer.iad else ():
        transaction.say(f"  IAD {word}", mark=Mark.NOTE, clause="Book 3 C7")
