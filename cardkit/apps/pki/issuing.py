"""Certificates of an issuing authority: CSCA, link, document signer, list signer (ICAO Doc 9303-12 7.1), card holders.

Serial numbers and times come in as arguments; keys stay in the key store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cardkit.apps.pki import extensions as ext
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import digest
from cardkit.apps.pki.certificate import CRL_SIGN, DIGITAL_SIGNATURE, KEY_CERT_SIGN, Certificate
from cardkit.apps.pki.names import Name
from cardkit.apps.pki.publickey import EcKey
from cardkit.apps.pki.signing import SigningKey
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

MASTER_LIST_SIGNER = "2.23.136.1.1.3"
_V3 = 2
_SERIAL_BYTES = 20


@dataclass(frozen=True, slots=True)
class Term:
    """How long a certificate is good, and its private key signs; aware times.

    :param key_end: last moment the private key signs, from ``begin`` on.
    """

    begin: datetime
    end: datetime
    key_end: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Whose certificates they are, and where to reach them.

    :param state: three letters, as in the zone.  :param uri: of the authority.  :param crl_uri: of its CRL.
    """

    state: str
    uri: str
    crl_uri: str


@dataclass(frozen=True, slots=True)
class Request:
    """What every certificate is asked for with.

    :param serial: positive, up to 20 bytes.  :param key: of the subject.
    :param explicit: whether curve parameters are written out, as ICAO wants; few libraries take such a key.
    """

    serial: int
    subject: Name
    key: SigningKey
    term: Term
    explicit: bool = False

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo in the form asked for."""
        named = self.key.public_key
        key = publickey.parse(named)
        return (
            publickey.build_ec(key.curve, key.point, explicit=True)
            if self.explicit and isinstance(key, EcKey)
            else named
        )


@dataclass(frozen=True, slots=True)
class HolderRequest:
    """What the certificate of a key is asked for with that a card holder's card has made.

    :param serial: positive, up to 20 bytes.  :param subject: Name, DER.  :param public_key: SubjectPublicKeyInfo.
    :param usage: first byte of keyUsage.
    """

    serial: int
    subject: bytes
    public_key: bytes
    term: Term
    usage: int


def key_identifier(public_key: bytes) -> bytes:
    """Return the SHA-1 of a key's bit string. RFC 5280 4.2.1.2

    :param public_key: SubjectPublicKeyInfo.
    """
    fields = Fields(der.only(public_key, Tag.SEQUENCE, "SubjectPublicKeyInfo").value, "SubjectPublicKeyInfo")
    fields.take(Tag.SEQUENCE, "algorithm")
    return digest("sha1", der.read_bits(fields.take(Tag.BIT_STRING, "subjectPublicKey").value))


def issue_root(request: Request, place: Place) -> bytes:
    """Return a self-signed CSCA certificate.  :raises KeyStoreError: as of the key store."""
    identifier = key_identifier(request.public_key)
    name = request.subject.build()
    return _issue(request, name, name, request.key, _authority_extensions(request, place, identifier, identifier))


def issue_link(request: Request, place: Place, issuer: Certificate, issuer_key: SigningKey) -> bytes:
    """Return a link certificate: the new CSCA key under the old one's signature; a change of name is marked."""
    identifiers = key_identifier(request.public_key), issuer.subject_key_identifier
    name = request.subject.build()
    extra = [] if name == issuer.subject else [ext.name_change()]
    extensions = [*_authority_extensions(request, place, *identifiers), *extra]
    return _issue(request, name, issuer.subject, issuer_key, extensions)


def issue_document_signer(
    request: Request, place: Place, issuer: Certificate, issuer_key: SigningKey, types: Sequence[str]
) -> bytes:
    """Return a document signer's certificate.

    :param types: of the documents it signs: ``P``, ``I``, ``ID`` ...
    """
    extensions = [*_signer_extensions(request, place, issuer), ext.document_types(types)]
    return _issue(request, request.subject.build(), issuer.subject, issuer_key, extensions)


def issue_list_signer(request: Request, place: Place, issuer: Certificate, issuer_key: SigningKey) -> bytes:
    """Return the certificate of a signer of master lists."""
    extensions = [*_signer_extensions(request, place, issuer), ext.extended_key_usage(MASTER_LIST_SIGNER)]
    return _issue(request, request.subject.build(), issuer.subject, issuer_key, extensions)


def issue_holder(request: HolderRequest, issuer: Certificate, issuer_key: SigningKey) -> bytes:
    """Return the certificate of a card holder's key.  :raises KeyStoreError: as of the key store."""
    extensions = [
        ext.authority_key_identifier(issuer.subject_key_identifier),
        ext.subject_key_identifier(key_identifier(request.public_key)),
        ext.key_usage(request.usage),
    ]
    return _issue(request, request.subject, issuer.subject, issuer_key, extensions)


def _authority_extensions(request: Request, place: Place, own: bytes, issuers: bytes) -> list[bytes]:
    return [
        ext.authority_key_identifier(issuers),
        ext.subject_key_identifier(own),
        ext.key_usage(KEY_CERT_SIGN | CRL_SIGN),
        ext.private_key_usage_period(request.term.begin, request.term.key_end),
        ext.alternative_names(place.state, place.uri),
        ext.basic_constraints_of_authority(),
        ext.distribution_point(place.crl_uri),
    ]


def _signer_extensions(request: Request, place: Place, issuer: Certificate) -> list[bytes]:
    return [
        ext.authority_key_identifier(issuer.subject_key_identifier),
        ext.subject_key_identifier(key_identifier(request.public_key)),
        ext.key_usage(DIGITAL_SIGNATURE),
        ext.private_key_usage_period(request.term.begin, request.term.key_end),
        ext.alternative_names(place.state, place.uri),
        ext.distribution_point(place.crl_uri),
    ]


def _issue(
    request: Request | HolderRequest, subject: bytes, issuer: bytes, key: SigningKey, extensions: Sequence[bytes]
) -> bytes:
    if not 0 < request.serial < 1 << (8 * _SERIAL_BYTES - 1):
        raise EncodingError(f"certificate: serial number of {request.serial.bit_length()} bits, expected 1 to 159")
    validity = der.sequence(der.time(request.term.begin), der.time(request.term.end))
    signed = der.sequence(
        der.explicit(0, der.integer(_V3)),
        der.integer(request.serial),
        key.algorithm,
        issuer,
        validity,
        subject,
        request.public_key,
        der.explicit(3, der.sequence(*extensions)),
    )
    return der.sequence(signed, key.algorithm, der.bits(key.sign(signed)))
