"""X.509 certificates read as they are (RFC 5280; ICAO Doc 9303-12): negative serials, odd encodings and all.

Every part that is compared or signed is kept as the bytes it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm, digest
from cardkit.apps.pki.names import country_of
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError

SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
PRIVATE_KEY_USAGE_PERIOD = "2.5.29.16"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
ISSUER_ALTERNATIVE_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_NUMBER = "2.5.29.20"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"
DOCUMENT_TYPE_LIST = "2.23.136.1.1.6.2"
NAME_CHANGE = "2.23.136.1.1.6.1"
DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN = 0x80, 0x04, 0x02
"""Bits of the first byte of keyUsage."""
_WHAT = "certificate"


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension: whether it is critical, and its value, DER."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    :param der: the whole, as read.  :param signed: tbsCertificate.  :param issuer, subject: Name, DER.
    :param public_key: SubjectPublicKeyInfo.  :param algorithm: AlgorithmIdentifier of the signature.
    """

    der: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    serial: int
    issuer: bytes
    not_before: datetime
    not_after: datetime
    subject: bytes
    public_key: bytes = field(repr=False)
    extensions: Mapping[str, Extension] = field(repr=False)
    algorithm: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Certificate:
        """Read a certificate; nothing may follow it.  :raises EncodingError: where it is not X.509."""
        signed, algorithm, signature = open_signed(data, _WHAT)
        fields = Fields(signed.value, _WHAT)
        fields.maybe(0xA0)
        serial = fields.integer("serialNumber")
        fields.take(Tag.SEQUENCE, "signature")
        issuer = fields.take(Tag.SEQUENCE, "issuer").build()
        validity = fields.sequence("validity")
        begin, end = der.read_time(validity.any("notBefore")), der.read_time(validity.any("notAfter"))
        subject = fields.take(Tag.SEQUENCE, "subject").build()
        key = fields.take(Tag.SEQUENCE, "subjectPublicKeyInfo").build()
        found = [item.value for item in fields.rest() if item.tag == 0xA3]
        extensions = read_extensions(found[0]) if found else {}
        return cls(data, signed.build(), serial, issuer, begin, end, subject, key, extensions, algorithm, signature)

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject have one name."""
        return self.issuer == self.subject

    @property
    def country(self) -> str:
        """Country of the subject, as written; empty where there is none."""
        return country_of(self.subject)

    @property
    def sha256(self) -> str:
        """Its fingerprint, upper hex."""
        return digest("sha256", self.der).hex().upper()

    @property
    def subject_key_identifier(self) -> bytes:
        """Empty where there is none."""
        value = self._value(SUBJECT_KEY_IDENTIFIER)
        return der.only(value, Tag.OCTET_STRING, "subjectKeyIdentifier").value if value else b""

    @property
    def authority_key_identifier(self) -> bytes:
        """Empty where there is none."""
        value = self._value(AUTHORITY_KEY_IDENTIFIER)
        if not value:
            return b""
        fields = Fields(der.only(value, Tag.SEQUENCE, "authorityKeyIdentifier").value, "authorityKeyIdentifier")
        found = fields.maybe(0x80)
        return found.value if found else b""

    @property
    def key_usage(self) -> int | None:
        """First byte of keyUsage; None where the extension is missing."""
        value = self._value(KEY_USAGE)
        if not value:
            return None
        content = der.only(value, Tag.BIT_STRING, "keyUsage").value
        return content[1] if len(content) > 1 else 0

    @property
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """Whether it is a CA, and how long a path may be; None where the extension is missing."""
        value = self._value(BASIC_CONSTRAINTS)
        if not value:
            return None
        fields = Fields(der.only(value, Tag.SEQUENCE, "basicConstraints").value, "basicConstraints")
        authority, length = fields.maybe(Tag.BOOLEAN), fields.maybe(Tag.INTEGER)
        return bool(authority and authority.value.strip(b"\x00")), der.read_integer(length.value) if length else None

    @property
    def extended_key_usage(self) -> tuple[str, ...]:
        """Purposes, in dots; empty where the extension is missing."""
        value = self._value(EXTENDED_KEY_USAGE)
        if not value:
            return ()
        return tuple(der.read_oid(item.value) for item in Fields(_sequence(value), "extKeyUsage").rest())

    @property
    def private_key_usage_period(self) -> tuple[datetime | None, datetime | None] | None:
        """From when until when the private key signs; None where the extension is missing. 9303-12 7.1"""
        value = self._value(PRIVATE_KEY_USAGE_PERIOD)
        if not value:
            return None
        fields = Fields(_sequence(value), "privateKeyUsagePeriod")
        begin, end = fields.maybe(0x80), fields.maybe(0x81)
        times = (der.read_time(Tlv(Tag.GENERALIZED_TIME, item.value)) if item else None for item in (begin, end))
        first, last = times
        return first, last

    @property
    def document_types(self) -> tuple[str, ...] | None:
        """Document types a signer may sign: ``P``, ``I`` ...; None where the extension is missing. 9303-12 7.1.1.6"""
        value = self._value(DOCUMENT_TYPE_LIST)
        if not value:
            return None
        fields = Fields(_sequence(value), "documentTypeList")
        fields.integer("version")
        return tuple(der.read_text(item) for item in Fields(fields.take(Tag.SET, "docTypes").value, "docTypes").rest())

    def signed_by(self, public_key: bytes) -> bool:
        """Whether a key made its signature.  :raises EncodingError: on a key or scheme that cannot be used."""
        return publickey.verifies(public_key, SignatureAlgorithm.parse(self.algorithm), self.signed, self.signature)

    def _value(self, oid: str) -> bytes:
        return self.extensions[oid].value if oid in self.extensions else b""


def open_signed(data: bytes, what: str) -> tuple[Tlv, bytes, bytes]:
    """Return what is signed, the AlgorithmIdentifier and the signature of a certificate or list. RFC 5280 4.1, 5.1

    :raises EncodingError: where it is none, or something follows it.
    """
    whole = Fields(der.only(data, Tag.SEQUENCE, what).value, what)
    signed = whole.take(Tag.SEQUENCE, "what is signed")
    algorithm = whole.take(Tag.SEQUENCE, "signatureAlgorithm").build()
    signature = der.read_bits(whole.take(Tag.BIT_STRING, "signature").value)
    whole.end()
    return signed, algorithm, signature


def read_extensions(data: bytes) -> dict[str, Extension]:
    """Return extensions by object identifier.

    :param data: SEQUENCE OF Extension.  :raises EncodingError: where one is malformed, or there twice.
    """
    found: dict[str, Extension] = {}
    for item in Fields(_sequence(data), "extensions").rest():
        fields = Fields(item.value, "extension")
        oid = fields.oid("extnID")
        critical = fields.maybe(Tag.BOOLEAN)
        if oid in found:
            raise EncodingError(f"extensions: {oid} is there twice")
        found[oid] = Extension(bool(critical and critical.value != b"\x00"), fields.octets("extnValue"))
    return found


def _sequence(value: bytes) -> bytes:
    return der.only(value, Tag.SEQUENCE, "extension").value
