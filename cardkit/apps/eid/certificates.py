"""Certificates of keys in a card: what is known before there is a key, issued in the run, held against the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.issuing import HolderRequest, Term, issue_holder
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import KeyStore
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError, KeyStoreError

_POSITIVE = 0x7F


def term_of(validity: Mapping[str, str], where: str) -> Term:
    """Return a term from the beginning of one day to the end of another.

    :param validity: ``begin`` and ``end``, YYYY-MM-DD (UTC).  :param where: the block, for messages.
    :raises EncodingError: where they are no such days, or in the wrong order.
    """
    try:
        begin, end = (date.fromisoformat(validity[name]) for name in ("begin", "end"))
    except ValueError:
        raise EncodingError(f"{where}: expected days as YYYY-MM-DD") from None
    if end < begin:
        raise EncodingError(f"{where}: ends on {end}, begins on {begin}")
    last = datetime.combine(end, time(23, 59, 59), UTC)
    return Term(datetime.combine(begin, time(), UTC), last, last)


def serial_of(rand: bytes) -> int:
    """Return a positive serial number of random bytes, 20 at most."""
    return int.from_bytes(bytes((rand[0] & _POSITIVE,)) + rand[1:], "big") or 1


def statement(serial: int, subject: bytes, term: Term) -> bytes:
    """Return what is known of a certificate before there is a key: DER of number, validity, subject."""
    return der.sequence(der.integer(serial), der.sequence(der.time(term.begin), der.time(term.end)), subject)


def request_of(stated: bytes, usage: int, public_key: bytes) -> HolderRequest:
    """Return what a certificate is asked for with.

    :param stated: as :func:`statement` wrote it.  :param usage: first byte of keyUsage.
    :param public_key: SubjectPublicKeyInfo.
    """
    what = "statement of a certificate"
    fields = Fields(der.only(stated, Tag.SEQUENCE, what).value, what)
    serial = fields.integer("serialNumber")
    validity = fields.sequence("validity")
    begin, end = der.read_time(validity.any("notBefore")), der.read_time(validity.any("notAfter"))
    subject = fields.take(Tag.SEQUENCE, "subject").build()
    return HolderRequest(serial, subject, public_key, Term(begin, end, end), usage)


def read_issuer(data: bytes, where: str) -> Certificate:
    """Return the certificate of who issues.  :raises EncodingError: naming the entry it is from."""
    try:
        return Certificate.parse(data)
    except EncodingError as error:
        raise EncodingError(f"{where}: {error}") from None


def check_issuer(issuer: Certificate, key: str, file: str, keystore: KeyStore) -> None:
    """Find the issuer's key.

    :param key: its reference.  :param file: the certificate's name.
    :raises KeyStoreError: when it is missing, or the certificate is of another.
    """
    if keystore.public_key_info(key) != issuer.public_key:
        raise KeyStoreError(f"key {key}: {file} is the certificate of another key")


def issue(request: HolderRequest, issuer: Certificate, key: str, keystore: KeyStore) -> bytes:
    """Return a certificate, DER.  :raises KeyStoreError: when the issuer's key is missing, or for another purpose."""
    return issue_holder(request, issuer, SigningKey(keystore, key))


def fault(wanted: HolderRequest, issuer: Certificate, certificate: bytes) -> str:
    """Return what is wrong with a certificate; empty where nothing is.

    :param wanted: its public key is empty where the card does not tell it.
    """
    try:
        found = Certificate.parse(certificate)
        algorithm = SignatureAlgorithm.parse(found.algorithm)
        signed = publickey.verifies(issuer.public_key, algorithm, found.signed, found.signature)
        differences = {
            "serial number": found.serial == wanted.serial,
            "subject": found.subject == wanted.subject,
            "validity": (found.not_before, found.not_after) == (wanted.term.begin, wanted.term.end),
            "key usage": found.key_usage == wanted.usage,
            "issuer": found.issuer == issuer.subject and signed,
            "key": not wanted.public_key or found.public_key == wanted.public_key,
        }
    except EncodingError as error:
        return str(error)
    wrong = ", ".join(name for name, same in differences.items() if not same)
    return f"another {wrong}" if wrong else ""
