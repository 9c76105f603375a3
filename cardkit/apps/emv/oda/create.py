"""Certificates and static signatures for a card; the keys that sign stay in their store (EMV 4.4 Book 2, 5 to 7).

Nothing here is random: the same data under the same key give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cardkit.apps.emv.oda.block import FILLER, RSA, SHA1
from cardkit.apps.emv.oda.certificate import ICC, ISSUER, PIN, Kind, SignedKey
from cardkit.apps.emv.oda.recover import ISSUER_DIGITS, LONGEST_KEY_BYTES, SSAD
from cardkit.crypto.emvrsa import HASH_BYTES, RsaPublicKey, check_exponent
from cardkit.crypto.emvstore import EmvKeyStore
from cardkit.encoding.digits import encode_bcd
from cardkit.errors import EncodingError

SERIAL_BYTES = 3
DAC_BYTES = 2
PAN_DIGITS = (12, 19)
_FRAME_BYTES = HASH_BYTES + 2  # 6A, hash, BC: made by the key store
# Book 4, 6.7.3: two digits stand for these years
_YEARS = range(1950, 2050)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose public key a certificate is about.

    :param owner: 3 to 8 leading digits of PANs for an issuer, the whole PAN for a card.
    :param expires: its month counts: the certificate is good to the end of it.  :param serial: 3 bytes.
    """

    owner: str
    key: RsaPublicKey
    expires: date
    serial: bytes


def create_issuer_certificate(keystore: EmvKeyStore, ca: str, subject: Subject) -> SignedKey:
    """Certify an issuer's key with a payment system's: tags 90, 92, 9F32.

    :param ca: reference of a key of usage ``emv-sign``.  :raises KeyStoreError: where it is none.
    :raises EncodingError: on a subject that does not fit into the certificate, or a key longer than the one that signs.
    Book 2, 5.3
    """
    return _create(ISSUER, keystore, ca, subject, b"")


def create_icc_certificate(keystore: EmvKeyStore, issuer: str, subject: Subject, static_data: bytes) -> SignedKey:
    """Certify a card's key with its issuer's: tags 9F46, 9F48, 9F47; errors as :func:`create_issuer_certificate`.

    :param static_data: see :func:`~cardkit.apps.emv.oda.static.static_data`: final when this is called.
    Book 2, 6.4
    """
    return _create(ICC, keystore, issuer, subject, static_data)


def create_pin_certificate(keystore: EmvKeyStore, issuer: str, subject: Subject) -> SignedKey:
    """Certify a card's PIN encipherment key: tags 9F2D, 9F2F, 9F2E; errors as :func:`create_issuer_certificate`.

    Book 2, 7.1; that no static data are hashed is unverified
    """
    return _create(PIN, keystore, issuer, subject, b"")


def create_ssad(keystore: EmvKeyStore, issuer: str, dac: bytes, static_data: bytes) -> bytes:
    """Sign the static data of a card: tag 93.

    :param dac: data authentication code, 2 bytes.  :raises EncodingError: on another length.
    Book 2, 5.4
    """
    if len(dac) != DAC_BYTES:
        raise EncodingError(f"{SSAD.what}: data authentication code of {len(dac)} bytes, expected {DAC_BYTES}")
    size = keystore.emv_public(issuer).size
    return keystore.emv_sign(issuer, _filled(bytes((SSAD.format, SHA1)) + dac, size), static_data)


def _create(kind: Kind, keystore: EmvKeyStore, reference: str, subject: Subject, static_data: bytes) -> SignedKey:
    above, key = keystore.emv_public(reference), subject.key
    _check(kind, subject, above)
    room = kind.room(above.size)
    remainder = key.modulus[room:]
    head = b"".join(
        (
            bytes((kind.format,)),
            encode_bcd(subject.owner, kind.identity),
            bytes.fromhex(f"{subject.expires:%m%y}"),
            subject.serial,
            bytes((SHA1, RSA, key.size, len(key.exponent))),
        )
    )
    content = _filled(head + key.modulus[:room], above.size)
    certificate = keystore.emv_sign(reference, content, remainder + key.exponent + static_data)
    return SignedKey(certificate, remainder, key.exponent)


def _filled(content: bytes, size: int) -> bytes:
    return content.ljust(size - _FRAME_BYTES, bytes((FILLER,)))


def _check(kind: Kind, subject: Subject, above: RsaPublicKey) -> None:
    least, most = ISSUER_DIGITS if kind is ISSUER else PAN_DIGITS
    if not least <= len(subject.owner) <= most or not subject.owner.isdigit():
        raise EncodingError(f"{kind.what}: owner of {len(subject.owner)} characters, expected {least} to {most} digits")
    if len(subject.serial) != SERIAL_BYTES:
        raise EncodingError(f"{kind.what}: serial number of {len(subject.serial)} bytes, expected {SERIAL_BYTES}")
    if subject.expires.year not in _YEARS:
        raise EncodingError(f"{kind.what}: expires in {subject.expires.year}, expected 1950 to 2049")
    check_exponent(kind.what, subject.key.exponent)
    most = min(above.size, LONGEST_KEY_BYTES)
    if not kind.fixed < subject.key.size <= most or not subject.key.modulus[0]:
        raise EncodingError(
            f"{kind.what}: key of {subject.key.bits} bits, expected {8 * kind.fixed + 8} to {8 * most}, no longer than "
            "the key that signs, and no leading zeros"
        )
