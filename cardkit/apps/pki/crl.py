"""Certificate revocation lists of issuing authorities (RFC 5280 5; ICAO Doc 9303-12 7.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm
from cardkit.apps.pki.certificate import CRL_NUMBER, Certificate, open_signed, read_extensions
from cardkit.apps.pki.extensions import authority_key_identifier, extension
from cardkit.apps.pki.signing import SigningKey
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag

_V2 = 1
_WHAT = "CRL"


@dataclass(frozen=True, slots=True)
class Crl:
    """A list of revoked certificates.

    :param der: the whole, as read.  :param signed: tbsCertList.  :param issuer: Name, DER.
    :param next_update: None where it says nothing.  :param revoked: day by serial number.
    :param number: CRLNumber, None where it has none.
    """

    der: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    revoked: dict[int, datetime]
    number: int | None
    algorithm: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Crl:
        """Read a list; nothing may follow it.  :raises EncodingError: where it is none."""
        signed, algorithm, signature = open_signed(data, _WHAT)
        fields = Fields(signed.value, _WHAT)
        fields.maybe(Tag.INTEGER)
        fields.take(Tag.SEQUENCE, "signature")
        issuer = fields.take(Tag.SEQUENCE, "issuer").build()
        this_update = der.read_time(fields.any("thisUpdate"))
        following = fields.maybe(Tag.UTC_TIME, Tag.GENERALIZED_TIME)
        entries = fields.maybe(Tag.SEQUENCE)
        extensions = fields.maybe(0xA0)
        number = read_extensions(extensions.value).get(CRL_NUMBER) if extensions else None
        return cls(
            data,
            signed.build(),
            issuer,
            this_update,
            der.read_time(following) if following else None,
            dict(_entry(item.value) for item in Fields(entries.value, _WHAT).rest()) if entries else {},
            der.read_integer(der.only(number.value, Tag.INTEGER, "CRLNumber").value) if number else None,
            algorithm,
            signature,
        )

    def signed_by(self, public_key: bytes) -> bool:
        """Whether a key made its signature.  :raises EncodingError: on a key or scheme that cannot be used."""
        return publickey.verifies(public_key, SignatureAlgorithm.parse(self.algorithm), self.signed, self.signature)


def _entry(value: bytes) -> tuple[int, datetime]:
    fields = Fields(value, "revokedCertificate")
    return fields.integer("userCertificate"), der.read_time(fields.any("revocationDate"))


@dataclass(frozen=True, slots=True)
class Revocation:
    """One line of a list: which certificate, and when."""

    serial: int
    day: datetime


def issue_crl(
    authority: Certificate,
    key: SigningKey,
    number: int,
    period: tuple[datetime, datetime],
    revocations: Iterable[Revocation] = (),
) -> bytes:
    """Return a list, DER; an empty one has no revokedCertificates.

    :param authority: whose certificates are revoked.  :param key: its private key.
    :param number: higher than that of the list before.  :param period: thisUpdate and nextUpdate, aware.
    :raises KeyStoreError: as of the key store.
    """
    entries = [der.sequence(der.integer(one.serial), der.time(one.day)) for one in revocations]
    extensions = der.sequence(
        authority_key_identifier(authority.subject_key_identifier),
        extension(CRL_NUMBER, der.integer(number)),
    )
    signed = der.sequence(
        der.integer(_V2),
        key.algorithm,
        authority.subject,
        *(der.time(moment) for moment in period),
        der.sequence(*entries) if entries else b"",
        der.explicit(0, extensions),
    )
    return der.sequence(signed, key.algorithm, der.bits(key.sign(signed)))
