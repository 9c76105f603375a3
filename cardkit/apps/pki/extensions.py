"""Extensions of certificates and lists, as they are written (RFC 5280 4.2; ICAO Doc 9303-12 7.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cardkit.apps.pki import certificate as oids
from cardkit.apps.pki.names import locality
from cardkit.encoding import der, tlv
from cardkit.encoding.der import Tag

_URI, _DIRECTORY_NAME = 0x86, 0xA4


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return an extension.  :param value: DER."""
    return der.sequence(der.oid(oid), der.TRUE if critical else b"", der.octets(value))


def basic_constraints_of_authority() -> bytes:
    """Return basicConstraints of a CSCA: a CA, and no CA below it. Critical."""
    return extension(oids.BASIC_CONSTRAINTS, der.sequence(der.TRUE, der.integer(0)), critical=True)


def key_usage(flags: int) -> bytes:
    """Return keyUsage, critical.  :param flags: first byte, ``DIGITAL_SIGNATURE`` and so on."""
    unused = (flags & -flags).bit_length() - 1
    return extension(oids.KEY_USAGE, der.bits(bytes((flags,)), unused), critical=True)


def extended_key_usage(*purposes: str) -> bytes:
    """Return extKeyUsage, critical."""
    return extension(oids.EXTENDED_KEY_USAGE, der.sequence(*map(der.oid, purposes)), critical=True)


def subject_key_identifier(identifier: bytes) -> bytes:
    """Return subjectKeyIdentifier."""
    return extension(oids.SUBJECT_KEY_IDENTIFIER, der.octets(identifier))


def authority_key_identifier(identifier: bytes) -> bytes:
    """Return authorityKeyIdentifier with the identifier of a key."""
    return extension(oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(tlv.build(0x80, identifier)))


def private_key_usage_period(begin: datetime, end: datetime) -> bytes:
    """Return privateKeyUsagePeriod; aware times, in seconds."""
    times = (der.generalized_time(moment)[2:] for moment in (begin, end))
    value = der.sequence(*(tlv.build(0x80 + at, text) for at, text in enumerate(times)))
    return extension(oids.PRIVATE_KEY_USAGE_PERIOD, value)


def alternative_names(state: str, uri: str) -> bytes:
    """Return subjectAltName and issuerAltName: where to reach the authority, and its state.

    :param state: three letters.  :param uri: such as ``https://csca.example``.
    """
    names = der.sequence(tlv.build(_URI, uri.encode("ascii")), tlv.build(_DIRECTORY_NAME, locality(state)))
    kinds = (oids.SUBJECT_ALTERNATIVE_NAME, oids.ISSUER_ALTERNATIVE_NAME)
    return b"".join(extension(kind, names) for kind in kinds)


def distribution_point(uri: str) -> bytes:
    """Return cRLDistributionPoints with one address."""
    full_name = tlv.build(0xA0, tlv.build(_URI, uri.encode("ascii")))
    return extension(oids.CRL_DISTRIBUTION_POINTS, der.sequence(der.sequence(tlv.build(0xA0, full_name))))


def document_types(types: Iterable[str]) -> bytes:
    """Return documentTypeList: ``P``, ``I`` ..., in DER order. 9303-12 7.1.1.6"""
    listed = der.set_of(der.text(Tag.PRINTABLE, kind) for kind in types)
    return extension(oids.DOCUMENT_TYPE_LIST, der.sequence(der.integer(0), listed))


def name_change() -> bytes:
    """Return the mark of a link certificate whose subject has another name than its issuer. 9303-12 7.1.1"""
    return extension(oids.NAME_CHANGE, der.NULL)
