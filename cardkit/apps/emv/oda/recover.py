"""What a terminal recovers from a card: issuer and card keys, signed static data (EMV 4.4 Book 2, 5, 6.3, 6.4, 7.1)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date

from cardkit.apps.emv.oda.block import (
    FILLER,
    RSA,
    SHA1,
    Fault,
    Recovery,
    Signed,
    Step,
    digest_of,
    hash_faults,
    open_block,
)
from cardkit.apps.emv.oda.certificate import ICC, ISSUER, PIN, Certificate, Kind, SignedKey
from cardkit.crypto.emvrsa import EXPONENTS, HASH_BYTES, RsaPublicKey
from cardkit.errors import EncodingError

SSAD = Signed("signed static application data", "Book 2, 5.4", 0x03, 26)
LONGEST_KEY_BYTES = 248
ISSUER_DIGITS = (3, 8)


@dataclass(frozen=True, slots=True)
class StaticSignature:
    """What signed static application data (tag 93) say.

    :param dac: data authentication code, 2 bytes: the terminal keeps it as 9F45.  :param digest: 20 bytes.
    """

    hash_algorithm: int
    dac: bytes
    digest: bytes
    plain: bytes


def recover_issuer(
    ca: RsaPublicKey, signed: SignedKey, *, pan: str = "", on: date | None = None, revoked: Container[bytes] = ()
) -> Recovery[Certificate]:
    """Recover an issuer's public key.

    :param ca: the payment system's key.  :param signed: tags 90, 92, 9F32.
    :param pan: digits; empty to leave the issuer identifier unchecked.
    :param on: the date it must be good on; None to leave that unchecked.
    :param revoked: serial numbers (3 bytes) the payment system took back under this key.
    Book 2, 5.3
    """
    opened = _open(ISSUER, ca, signed)
    if opened.value is None:
        return Recovery(None, opened.faults)
    certificate = Certificate.read(ISSUER, opened.value, signed)
    faults = hash_faults(ISSUER, opened.value, signed.remainder + signed.exponent)
    if pan and not _leads(certificate.owner, pan):
        faults += (ISSUER.fault(Step.IDENTITY, "3 to 8 leading digits of the PAN", certificate.identity),)
    faults += _expiry_faults(certificate, on)
    if certificate.serial in revoked:
        faults += (ISSUER.fault(Step.REVOKED, "a serial number that is good", certificate.serial.hex().upper()),)
    return Recovery(certificate, faults + _key_faults(certificate, ca, signed))


def recover_icc(
    issuer: RsaPublicKey, signed: SignedKey, static_data: bytes | None, *, pan: str = "", on: date | None = None
) -> Recovery[Certificate]:
    """Recover a card's public key.

    :param issuer: recovered before.  :param signed: tags 9F46, 9F48, 9F47.
    :param static_data: see :func:`~cardkit.apps.emv.oda.static.static_data`; None to leave the hash unchecked.
    :param pan: digits of 5A; empty to leave it unchecked.  :param on: as for :func:`recover_issuer`.
    Book 2, 6.4
    """
    return _recover_card_key(ICC, issuer, signed, static_data, pan, on)


def recover_pin_key(
    issuer: RsaPublicKey, signed: SignedKey, *, pan: str = "", on: date | None = None
) -> Recovery[Certificate]:
    """Recover a card's PIN encipherment key; static data are not hashed (unverified).

    :param signed: tags 9F2D, 9F2F, 9F2E.  :param pan: and ``on``: as for :func:`recover_icc`.
    Book 2, 7.1
    """
    return _recover_card_key(PIN, issuer, signed, b"", pan, on)


def recover_ssad(issuer: RsaPublicKey, ssad: bytes, static_data: bytes | None) -> Recovery[StaticSignature]:
    """Recover signed static application data.

    :param ssad: tag 93.  :param static_data: what is authenticated; None to leave the hash unchecked.
    Book 2, 5.4
    """
    opened = open_block(SSAD, issuer, ssad)
    plain = opened.value
    if plain is None:
        return Recovery(None, opened.faults)
    signature = StaticSignature(plain[2], plain[3:5], digest_of(plain), plain)
    faults: tuple[Fault, ...] = ()
    if plain[2] != SHA1:
        faults += (SSAD.fault(Step.ALGORITHM, f"hash {SHA1:02X}", f"{plain[2]:02X}"),)
    faults += filler_faults(SSAD, plain[5 : -1 - HASH_BYTES])
    if static_data is not None:
        faults += hash_faults(SSAD, plain, static_data)
    return Recovery(signature, faults)


def filler_faults(signed: Signed, filler: bytes) -> tuple[Fault, ...]:
    """Return what is wrong with a field that holds nothing but BB."""
    wrong = filler.strip(bytes((FILLER,)))
    return (signed.fault(Step.FILLING, "BB only", f"{len(wrong)} other bytes"),) if wrong else ()


def _open(kind: Kind, key: RsaPublicKey, signed: SignedKey) -> Recovery[bytes]:
    certificate, _, exponent = kind.tags
    for name, value in ((certificate, signed.certificate), (exponent, signed.exponent)):
        if not value:
            return kind.missing(name)
    return open_block(kind, key, signed.certificate)


def _recover_card_key(
    kind: Kind, issuer: RsaPublicKey, signed: SignedKey, static_data: bytes | None, pan: str, on: date | None
) -> Recovery[Certificate]:
    opened = _open(kind, issuer, signed)
    if opened.value is None:
        return Recovery(None, opened.faults)
    certificate = Certificate.read(kind, opened.value, signed)
    faults: tuple[Fault, ...] = ()
    if static_data is not None:
        faults += hash_faults(kind, opened.value, signed.remainder + signed.exponent + static_data)
    if pan and certificate.owner != pan:
        faults += (kind.fault(Step.IDENTITY, "the PAN of the card", f"{len(certificate.owner)} other digits"),)
    faults += _expiry_faults(certificate, on)
    return Recovery(certificate, faults + _key_faults(certificate, issuer, signed))


def _leads(issuer: str, pan: str) -> bool:
    least, most = ISSUER_DIGITS
    return least <= len(issuer) <= most and pan.startswith(issuer)


def _expiry_faults(certificate: Certificate, on: date | None) -> tuple[Fault, ...]:
    kind = certificate.kind
    try:
        last = certificate.last_day
    except EncodingError:
        return (kind.fault(Step.EXPIRY, "MMYY", certificate.expiry.hex().upper()),)
    if on is None or on <= last:
        return ()
    return (kind.fault(Step.EXPIRY, f"good on {on.isoformat()}", f"good until {last.isoformat()}"),)


def _key_faults(certificate: Certificate, above: RsaPublicKey, signed: SignedKey) -> tuple[Fault, ...]:
    """Return what is wrong with the algorithm and the key itself (step 9 and 10; A2.1, B2.1)."""
    kind, plain = certificate.kind, certificate.plain
    faults: tuple[Fault, ...] = ()
    algorithms = (certificate.hash_algorithm, certificate.key_algorithm)
    if algorithms != (SHA1, RSA):
        faults += (kind.fault(Step.ALGORITHM, "hash 01, key 01", "hash {:02X}, key {:02X}".format(*algorithms)),)
    stated, exponent_size = plain[kind.left - 2 : kind.left]
    remainder = max(0, stated - kind.room(above.size))
    if len(signed.remainder) != remainder:
        faults += (kind.fault(Step.LENGTH, f"remainder of {remainder} bytes", len(signed.remainder)),)
    faults += filler_faults(kind, plain[kind.left + stated : -1 - HASH_BYTES] if not remainder else b"")
    if signed.exponent not in EXPONENTS or exponent_size != len(signed.exponent):
        got = f"{signed.exponent.hex().upper()}, stated as {exponent_size} bytes"
        faults += (kind.fault(Step.KEY, "exponent 03 or 010001", got),)
    if not 0 < stated <= min(above.size, LONGEST_KEY_BYTES):
        faults += (kind.fault(Step.KEY, f"a modulus no longer than {above.size} bytes", stated),)
    return faults
