"""Offline data authentication: SDA, DDA, CDA (EMV 4.4 Book 2 5, 6; Book 3 10.3)."""

from __future__ import annotations

from typing import Any

from cardkit.apps.emv.capk import CaPublicKey
from cardkit.apps.emv.client import ApplicationCryptogram
from cardkit.apps.emv.dol import parse_dol
from cardkit.apps.emv.oda.block import Recovery
from cardkit.apps.emv.oda.certificate import Certificate, SignedKey
from cardkit.apps.emv.oda.dynamic import fast_dda_data, recover_cda, recover_dda, without_sdad
from cardkit.apps.emv.oda.recover import recover_icc, recover_issuer, recover_ssad
from cardkit.apps.emv.oda.static import static_data
from cardkit.apps.emv.terminal.transaction import Mark, Method, Transaction
from cardkit.apps.emv.values import pan_of
from cardkit.errors import CardError, EncodingError

_UNPREDICTABLE = b"\x9f\x37"
_SDAD, _IDN, _DAC = b"\x9f\x4b", b"\x9f\x4c", b"\x9f\x45"
_NEEDED = {
    Method.SDA: ("8F", "90", "9F32", "93"),
    Method.DDA: ("8F", "90", "9F32", "9F46", "9F47"),
    Method.CDA: ("8F", "90", "9F32", "9F46", "9F47"),
}
_XDA = "XDA supported"
# By method: what the AIP and the terminal's capabilities call it.
_SUPPORT = {Method.CDA: "CDA supported", Method.DDA: "DDA supported", Method.SDA: "SDA supported"}


def choose_method(transaction: Transaction) -> Method:
    """Return the best method both sides know (Book 3 10.3)."""
    if transaction.supports(_XDA):
        offered = "the card offers XDA (elliptic curves), this terminal does not"
        transaction.say(offered, mark=Mark.NOTE, clause="Book 3 10.3")
    for method, bit in _SUPPORT.items():
        if transaction.supports(bit) and transaction.can(str(method)):
            return method
    return Method.NONE


def authenticate(transaction: Transaction) -> None:
    """Prove the card's data, as far as the method lets it be done before the cryptogram.

    What fails stands in the TVR; nothing raises but the link.
    """
    transaction.method = choose_method(transaction)
    if transaction.method is Method.NONE:
        transaction.say("card and terminal have no method in common", clause="Book 3 10.3")
        transaction.flag("offline data authentication was not performed")
        return
    transaction.say(f"method {transaction.method}", clause="Book 3 10.3")
    if transaction.method is Method.SDA:
        transaction.flag("SDA selected")
    if _complete(transaction):
        {Method.SDA: _sda, Method.DDA: _dda, Method.CDA: _cda_keys}[transaction.method](transaction)
    else:
        transaction.flag("ICC data missing")
        fail(transaction)
    if transaction.method is not Method.CDA or transaction.flagged("CDA failed"):
        transaction.performed("offline data authentication was performed")


def fail(transaction: Transaction) -> None:
    """Note in the TVR that the method failed."""
    transaction.flag(f"{transaction.method} failed")


def _complete(transaction: Transaction) -> bool:
    missing = [tag for tag in _NEEDED[transaction.method] if not transaction.card_data.get(bytes.fromhex(tag))]
    if missing:
        transaction.problem(f"objects for {transaction.method} are missing: {', '.join(missing)}", clause="Book 3 7.2")
    return not missing


def _sda(transaction: Transaction) -> None:
    """Recover the issuer's key and the static signature (Book 2 5)."""
    data = _static_data(transaction)
    if data is None or not recover_issuer_key(transaction) or transaction.issuer_certificate is None:
        fail(transaction)
        return
    ssad = recover_ssad(transaction.issuer_certificate.key, transaction.card_data[b"\x93"], data)
    if not _good(transaction, ssad):
        fail(transaction)
        return
    transaction.data[_DAC] = ssad.checked().dac
    transaction.say("static signature is right: data are as the issuer signed them", clause="Book 2 5.4")


def _cda_keys(transaction: Transaction) -> None:
    """Recover the keys CDA needs; the signature comes with the cryptogram (Book 2 6.6)."""
    if not recover_icc_key(transaction):
        fail(transaction)


def _dda(transaction: Transaction) -> None:
    """Have the card sign something fresh (Book 2 6.5)."""
    if not recover_icc_key(transaction):
        fail(transaction)
        return
    try:
        data = _ddol_data(transaction)
        sdad = transaction.card.internal_authenticate(data)
    except (CardError, EncodingError) as error:
        transaction.problem(str(error), clause="Book 2 6.5.1")
        fail(transaction)
        return
    if not check_dynamic(transaction, sdad, data):
        fail(transaction)


def _ddol_data(transaction: Transaction) -> bytes:
    ddol = transaction.card_data.get(b"\x9f\x49", transaction.settings.ddol)
    if _UNPREDICTABLE not in {entry.tag for entry in parse_dol(ddol)}:
        raise EncodingError("the DDOL does not ask for the unpredictable number (9F37)")
    return transaction.listed(ddol)


def check_dynamic(transaction: Transaction, sdad: bytes, terminal_data: bytes) -> bool:
    """Check a signature of DDA or fast DDA."""
    certificate = transaction.icc_certificate
    if certificate is None:
        return False
    signature = recover_dda(certificate.key, sdad, terminal_data)
    if not _good(transaction, signature):
        return False
    transaction.data[_IDN] = signature.checked().idn
    transaction.say("dynamic signature is right: the card has the private key", clause="Book 2 6.5.2")
    return True


def check_fast_dda(transaction: Transaction) -> bool:
    """Check the signature a contactless card made with its cryptogram (kernel 3, unverified)."""
    try:
        data = fast_dda_data(transaction.values)
    except EncodingError as error:
        transaction.problem(str(error), clause="Book C-3")
        return False
    return recover_icc_key(transaction) and check_dynamic(transaction, transaction.card_data.get(_SDAD, b""), data)


def check_combined(transaction: Transaction, answer: ApplicationCryptogram, cdol2_data: bytes = b"") -> bytes:
    """Check the signature that came with a cryptogram, and return the cryptogram in it; empty where it is wrong.

    :param cdol2_data: of the second GENERATE AC; empty for the first.
    Book 2 6.6.2
    """
    transaction.performed("offline data authentication was performed")
    certificate = transaction.icc_certificate
    if certificate is None or not answer.sdad:
        transaction.problem("no signature (9F4B) where CDA was asked for", clause="Book 2 6.6.2")
        fail(transaction)
        return b""
    hashed = transaction.pdol_data + transaction.cdol1_data + cdol2_data
    try:
        signature = recover_cda(
            certificate.key,
            answer.sdad,
            transaction.data[_UNPREDICTABLE],
            hashed + without_sdad(answer.answer.content),
            answer.cid,
        )
    except EncodingError as error:
        transaction.problem(f"answer with signature: {error}", clause="Book 2 6.6.2")
        fail(transaction)
        return b""
    if not _good(transaction, signature):
        fail(transaction)
        return b""
    transaction.data[_IDN] = signature.checked().idn
    transaction.say("signature with the cryptogram is right (CDA)", clause="Book 2 6.6.2")
    return signature.checked().cryptogram


def recover_issuer_key(transaction: Transaction) -> bool:
    """Recover the issuer's public key from its certificate (Book 2 5.3, 6.3)."""
    ca = _ca_key(transaction)
    if ca is None:
        return False
    signed = _signed_key(transaction, "90", "92", "9F32")
    today = transaction.purchase.moment.date()
    recovered = recover_issuer(ca.key, signed, pan=pan_of(transaction.card_data), on=today)
    if not _good(transaction, recovered):
        return False
    transaction.issuer_certificate = recovered.checked()
    _say_key(transaction, "issuer certificate", transaction.issuer_certificate, f"under CA key {ca.name}")
    return True


def recover_icc_key(transaction: Transaction) -> bool:
    """Recover the card's public key from its certificate, static data included (Book 2 6.4)."""
    data = _static_data(transaction)
    if data is None or not recover_issuer_key(transaction) or transaction.issuer_certificate is None:
        return False
    signed = _signed_key(transaction, "9F46", "9F48", "9F47")
    pan, today = pan_of(transaction.card_data), transaction.purchase.moment.date()
    recovered = recover_icc(transaction.issuer_certificate.key, signed, data, pan=pan, on=today)
    if not _good(transaction, recovered):
        return False
    transaction.icc_certificate = recovered.checked()
    _say_key(transaction, "ICC certificate", transaction.icc_certificate, "its static data as signed")
    return True


def _ca_key(transaction: Transaction) -> CaPublicKey | None:
    index = transaction.card_data.get(b"\x8f", b"")
    found = transaction.around.capks.find(transaction.aid, index[0]) if len(index) == 1 else None
    name = f"{transaction.aid[:5].hex().upper()} {index.hex().upper()}"
    if found is None:
        transaction.problem(f"the terminal has no CA public key {name}", clause="Book 2 5.2")
        return None
    if found.expires is not None and found.expires < transaction.purchase.moment.date():
        transaction.problem(f"CA public key {name} expired on {found.expires}", clause="Book 2 11.2")
        return None
    return found


def _static_data(transaction: Transaction) -> bytes | None:
    tag_list = transaction.card_data.get(b"\x9f\x4a")
    try:
        return static_data(transaction.records, tag_list, transaction.card_data[b"\x82"])
    except EncodingError as error:
        transaction.problem(str(error), clause="Book 3 10.3")
        return None


def _signed_key(transaction: Transaction, *tags: str) -> SignedKey:
    return SignedKey(*(transaction.card_data.get(bytes.fromhex(tag), b"") for tag in tags))


def _good(transaction: Transaction, recovery: Recovery[Any]) -> bool:
    for fault in recovery.faults:
        transaction.problem(str(fault), clause=fault.clause)
    return recovery.good


def _say_key(transaction: Transaction, what: str, certificate: Certificate, about: str) -> None:
    text = f"{what} is right, {about}: {certificate.key.bits} bits, good until {certificate.last_day}"
    transaction.say(text, clause=certificate.kind.clause)
