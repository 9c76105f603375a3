"""What must hold of the certificates above a document: signer, revocation, authority (ICAO Doc 9303-12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cardkit.apps.emrtd.countries import same_state
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.pki import certificate as x509
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm
from cardkit.apps.pki.certificate import CRL_SIGN, DIGITAL_SIGNATURE, KEY_CERT_SIGN, Certificate
from cardkit.apps.pki.publickey import EcKey
from cardkit.apps.pki.trust import TrustStore
from cardkit.desired import NOT_CHECKED
from cardkit.errors import EncodingError

_SIGNER, _AUTHORITY = "document signer", "CSCA"
_SERIAL_BITS = 8 * 20
_LEAST_RSA = {_SIGNER: 2048, _AUTHORITY: 3072}
_LEAST_EC = {_SIGNER: 224, _AUTHORITY: 256}
_WEAK = ("sha1", "sha224")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check has to say.

    :param rule: ``EMRTD-070`` ...  :param actual: begins with "not checked" where it could not tell.
    """

    rule: str
    where: str
    expected: str
    actual: str


def unknown(rule: str, where: str, expected: str, why: str) -> Trouble:
    """Return that something could not be checked, and why."""
    return Trouble(rule, where, expected, f"{NOT_CHECKED}: {why}")


def signer_troubles(
    signer: Certificate,
    chain: Sequence[Certificate],
    trust: TrustStore,
    times: tuple[datetime | None, datetime],
    mrz: Mrz | None,
) -> list[Trouble]:
    """Return what is wrong with the signer.

    :param chain: of :meth:`TrustStore.chain`.
    :param times: of the signature, None where nobody says, of which the day counts; and of the check.
    """
    checks: tuple[Callable[[], Iterator[Trouble]], ...] = (
        lambda: _chained(signer, chain, trust, times),
        lambda: _profile(signer, mrz),
        lambda: _usage_period(signer, *times),
        lambda: _revocation(signer, chain, trust, times[1]),
        lambda: _form(signer, _SIGNER),
    )
    return [trouble for check in checks for trouble in _guarded(check, _SIGNER)]


def authority_troubles(chain: Sequence[Certificate], signer: Certificate, mrz: Mrz | None) -> list[Trouble]:
    """Return what is wrong with the authority right above the signer; nothing where there is none."""
    if not chain:
        return []
    authority = chain[0]
    checks: tuple[Callable[[], Iterator[Trouble]], ...] = (
        lambda: _authority_profile(authority),
        lambda: _form(authority, _AUTHORITY),
        lambda: _countries(authority, signer, mrz),
    )
    return [trouble for check in checks for trouble in _guarded(check, _AUTHORITY)]


def _guarded(check: Callable[[], Iterator[Trouble]], where: str) -> list[Trouble]:
    """Run one check; a certificate it cannot read is a finding of the profile's rule."""
    rule = "EMRTD-074" if where == _SIGNER else "EMRTD-077"
    try:
        return list(check())
    except EncodingError as error:
        return [Trouble(rule, where, "a certificate that can be read", str(error))]


def _chained(
    signer: Certificate, chain: Sequence[Certificate], trust: TrustStore, times: tuple[datetime | None, datetime]
) -> Iterator[Trouble]:
    rule = "EMRTD-073"
    if not trust.authorities:
        yield unknown(rule, _SIGNER, "a chain to a trusted CSCA", "no trust store given")
        return
    if not chain:
        yield Trouble(rule, _SIGNER, "a chain to a trusted CSCA", "none of those that are trusted has issued it")
        return
    for where, certificate in ((_SIGNER, signer), *((_AUTHORITY, one) for one in chain)):
        wrong = _out_of_force(certificate, *times)
        if wrong is not None:
            period = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
            yield Trouble(rule, where, f"in force on {wrong:%Y-%m-%d}", period)


def _profile(signer: Certificate, mrz: Mrz | None) -> Iterator[Trouble]:
    rule = "EMRTD-074"
    if signer.key_usage != DIGITAL_SIGNATURE:
        yield Trouble(rule, _SIGNER, "keyUsage digitalSignature", _usage_text(signer))
    if signer.basic_constraints is not None:
        yield Trouble(rule, _SIGNER, "no basicConstraints", "there")
    for oid, name in (
        (x509.SUBJECT_ALTERNATIVE_NAME, "subjectAltName"),
        (x509.ISSUER_ALTERNATIVE_NAME, "issuerAltName"),
    ):
        if oid not in signer.extensions:
            yield Trouble(rule, _SIGNER, name, "missing")
    types = signer.document_types
    if types is None:
        yield Trouble(rule, _SIGNER, "documentTypeList", "missing")
    elif mrz is not None and not _type_listed(mrz.field("document_code"), types):
        yield Trouble(rule, _SIGNER, f"document type {mrz.field('document_code')}", " ".join(types))


def _type_listed(code: str, types: Sequence[str]) -> bool:
    """Whether a code of the zone is among document types: whole, or by its first letter. 9303-12 7.1.1.6"""
    return bool({code.rstrip("<"), code[:1]} & {kind.rstrip("<") for kind in types})


def _usage_text(certificate: Certificate) -> str:
    return "missing" if certificate.key_usage is None else f"{certificate.key_usage:02X}"


def _out_of_force(certificate: Certificate, signing: datetime | None, at: datetime) -> datetime | None:
    """Return when a certificate was not in force that should have been; None where it was."""
    if signing is not None and not _covers(certificate.not_before, certificate.not_after, signing):
        return signing
    return None if certificate.not_before <= at <= certificate.not_after else at


def _covers(begin: datetime | None, end: datetime | None, signing: datetime) -> bool:
    """Whether a period covers the day of a signature: of a document without signing time the day is all there is."""
    day = signing.date()
    return not (begin and day < begin.date()) and not (end and day > end.date())


def _usage_period(signer: Certificate, signing: datetime | None, at: datetime) -> Iterator[Trouble]:
    rule = "EMRTD-075"
    period = signer.private_key_usage_period
    expected = "a privateKeyUsagePeriod that covers the signing time"
    if period is None:
        yield unknown(rule, _SIGNER, expected, "there is none")
    elif signing is None and not (period[0] or at) <= at <= (period[1] or at):
        yield unknown(rule, _SIGNER, expected, "the document says neither when it was signed nor when it was issued")
    elif signing is not None and not _covers(*period, signing):
        text = " to ".join(f"{moment:%Y-%m-%d}" if moment else "open" for moment in period)
        yield Trouble(rule, _SIGNER, f"a key that signs on {signing:%Y-%m-%d}", text)


def _revocation(
    signer: Certificate, chain: Sequence[Certificate], trust: TrustStore, at: datetime
) -> Iterator[Trouble]:
    rule = "EMRTD-076"
    if not chain:
        return  # whose list it would be, nobody knows: the rule of the chain has said so
    crl = trust.crl_of(chain[0], at)
    if crl is None:
        yield unknown(rule, _SIGNER, "a signer that is not revoked", "no CRL of its CSCA given")
        return
    if signer.serial in crl.revoked:
        yield Trouble(
            rule, _SIGNER, "a signer that is not revoked", f"revoked on {crl.revoked[signer.serial]:%Y-%m-%d}"
        )
    if crl.next_update is None or crl.next_update < at:
        until = f"{crl.next_update:%Y-%m-%d}" if crl.next_update else "no day named"
        yield Trouble(rule, "CRL", f"fresh on {at:%Y-%m-%d}", f"next update {until}")


def _authority_profile(authority: Certificate) -> Iterator[Trouble]:
    rule = "EMRTD-077"
    if authority.basic_constraints != (True, 0):
        yield Trouble(rule, _AUTHORITY, "basicConstraints CA, pathLen 0", str(authority.basic_constraints))
    if authority.key_usage != KEY_CERT_SIGN | CRL_SIGN:
        yield Trouble(rule, _AUTHORITY, "keyUsage keyCertSign and cRLSign", _usage_text(authority))
    if not authority.subject_key_identifier:
        yield Trouble(rule, _AUTHORITY, "subjectKeyIdentifier", "missing")
    yield from _key_size(authority, _AUTHORITY, rule)
    name = SignatureAlgorithm.parse(authority.algorithm).hash
    if name in _WEAK:
        yield Trouble(rule, _AUTHORITY, "SHA-256 or better", name)


def _key_size(certificate: Certificate, where: str, rule: str) -> Iterator[Trouble]:
    key = publickey.parse(certificate.public_key)
    least = (_LEAST_EC if isinstance(key, EcKey) else _LEAST_RSA)[where]
    if key.bits < least:
        yield Trouble(rule, where, f"a key of {least} bits or more", str(key.bits))


def _form(certificate: Certificate, where: str) -> Iterator[Trouble]:
    rule = "EMRTD-078"
    key = publickey.parse(certificate.public_key)
    if isinstance(key, EcKey) and not key.explicit:
        yield Trouble(rule, where, "explicit curve parameters", f"curve {key.curve.name} by name")
    if isinstance(key, EcKey) and key.compressed:
        yield Trouble(rule, where, "an uncompressed point", "a compressed one")
    if not 0 < certificate.serial < 1 << _SERIAL_BITS:
        yield Trouble(rule, where, "a positive serial number of 20 bytes at most", f"{certificate.serial:X}")
    if where == _SIGNER:
        yield from _key_size(certificate, where, "EMRTD-074")


def _countries(authority: Certificate, signer: Certificate, mrz: Mrz | None) -> Iterator[Trouble]:
    rule = "EMRTD-080"
    if authority.country.upper() != signer.country.upper():
        yield Trouble(rule, _SIGNER, f"country {authority.country} of the CSCA", signer.country)
    if mrz is None:
        return
    state = mrz.field("issuing_state")
    same = same_state(signer.country, state)
    if same is None:
        yield unknown(rule, "EF.DG1", f"state {state}", f"country {signer.country} is not known")
    elif not same:
        yield Trouble(rule, "EF.DG1", f"a state of country {signer.country}", state)
