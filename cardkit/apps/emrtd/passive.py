"""Passive authentication: what a document's security object proves, and of whom (ICAO Doc 9303-11 5.1, -12).

Every check ends in findings by rule; what could not be checked is one too. Nothing here says "success".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.emrtd.lds import Departure, Deviation, open_file
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.signerrules import Trouble, authority_troubles, signer_troubles, unknown
from cardkit.apps.emrtd.sod import Sod
from cardkit.apps.pki.algorithms import HASHES, digest
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.trust import TrustStore
from cardkit.errors import EncodingError

_VERSION = 3
_STRENGTHS = tuple(HASHES.values())
_SOD = "EF.SOD"


@dataclass(frozen=True, slots=True)
class Document:
    """What was read of a document.

    :param groups: files by number.  :param closed: groups nobody had the right to read.
    """

    sod: bytes = field(repr=False)
    groups: Mapping[int, bytes] = field(repr=False)
    closed: frozenset[int] = frozenset()

    @property
    def mrz(self) -> Mrz | None:
        """The zone of DG1; None where it was not read or is malformed."""
        try:
            return parse_dg1(self.groups[1]) if 1 in self.groups else None
        except EncodingError:
            return None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a document.

    :param at: the time of the check, aware.
    :param issued: when the document was, for one without a signing time; None where nobody knows.
    :param least_hash: weakest hash that is good enough; of ``sha1`` to ``sha512``.
    """

    at: datetime
    issued: datetime | None = None
    least_hash: str = "sha256"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What passive authentication found.

    :param sod: None where it cannot be read.  :param signer: whose certificate it is.
    :param chain: authorities above the signer, the last one self-signed; empty where nobody trusted vouches for it.
    :param troubles: every finding, in the order of the checks; empty where all holds.
    """

    sod: Sod | None
    signer: Certificate | None
    chain: tuple[Certificate, ...]
    troubles: tuple[Trouble, ...]


def authenticate(document: Document, trust: TrustStore, terms: Terms) -> Verdict:
    """Check a document as far as what was read and who is trusted allow."""
    try:
        sod = Sod.parse(document.sod)
    except EncodingError as error:
        return Verdict(None, None, (), (Trouble("EMRTD-070", _SOD, "a document security object", str(error)),))
    troubles = [*_form(sod), *_hashes(sod, document), *_strength(sod, terms)]
    signer, deviation = _signer(sod, trust)
    troubles += _deviations((*sod.deviations, *deviation))
    troubles += _signature(sod, signer)
    if signer is None:
        return Verdict(sod, None, (), tuple(troubles))
    chain = trust.chain(signer)
    mrz = document.mrz
    troubles += signer_troubles(signer, chain, trust, _times(sod, terms), mrz)
    troubles += authority_troubles(chain, signer, mrz)
    return Verdict(sod, signer, chain, tuple(troubles))


def _form(sod: Sod) -> Iterator[Trouble]:
    if sod.signed.version != _VERSION:
        yield Trouble("EMRTD-070", _SOD, f"SignedData version {_VERSION}", str(sod.signed.version))


def _hashes(sod: Sod, document: Document) -> Iterator[Trouble]:
    listed = sod.object.hashes
    for number in sorted({*listed, *document.groups}):
        where, data = f"EF.DG{number}", document.groups.get(number)
        if data is None:
            if number in document.closed:
                yield unknown("EMRTD-072", where, "the hash of EF.SOD", "no right to read it")
            else:
                yield Trouble("EMRTD-072", where, "a file that EF.SOD lists", "absent")
        elif number not in listed:
            yield Trouble("EMRTD-072", where, "a hash in EF.SOD", "none")
        elif (found := digest(sod.object.hash, _hashed(number, data))) != listed[number]:
            yield Trouble("EMRTD-072", where, listed[number].hex().upper(), found.hex().upper())


def _hashed(number: int, data: bytes) -> bytes:
    """Return what is hashed of a file: its object without the fill; the whole where it is no object."""
    try:
        return open_file(f"EF.DG{number}", data).signed
    except EncodingError:
        return data


def _strength(sod: Sod, terms: Terms) -> Iterator[Trouble]:
    least = _STRENGTHS.index(terms.least_hash)
    used = [("data groups", sod.object.hash)]
    used += [("signature", sod.signed.signers[0].digest)] if sod.signed.signers else []
    for what, name in used:
        if _STRENGTHS.index(name) < least:
            yield Trouble("EMRTD-081", f"{_SOD} {what}", f"{terms.least_hash} or better", name)


def _signer(sod: Sod, trust: TrustStore) -> tuple[Certificate | None, tuple[Deviation, ...]]:
    """Return the signer's certificate: the one named, inside or in the store; else the only one inside."""
    if len(sod.signed.signers) != 1:
        return None, ()
    inside = _certificates(sod.signed.certificates)
    for certificate in (*inside, *trust.signers):
        if sod.signed.signer.names(certificate):
            return certificate, ()
    if len(inside) == 1:
        return inside[0], (Deviation(Departure.SIGNER_NAMED_OTHERWISE, _SOD),)
    return None, ()


def _certificates(contents: Iterable[bytes]) -> list[Certificate]:
    found = []
    for content in contents:
        try:
            found.append(Certificate.parse(content))
        except EncodingError:
            continue
    return found


def _deviations(deviations: Iterable[Deviation]) -> Iterator[Trouble]:
    for one in deviations:
        yield Trouble("EMRTD-079", one.where, one.expected or "as the standard has it", one.actual or one.kind.value)


def _signature(sod: Sod, signer: Certificate | None) -> Iterator[Trouble]:
    rule = "EMRTD-071"
    if len(sod.signed.signers) != 1:
        yield Trouble(rule, _SOD, "one signer", str(len(sod.signed.signers)))
        return
    info = sod.signed.signer
    try:
        if not (info.signed and info.message_digest and info.content_type):
            yield Trouble(rule, _SOD, "signed attributes contentType and messageDigest", "missing")
        elif not sod.signed.content_matches():
            yield Trouble(rule, _SOD, "messageDigest and contentType of the content", "others")
        if signer is None:
            yield unknown(rule, _SOD, "a signature that is right", "no certificate of the signer")
        elif not sod.signed.signature_verifies(signer.public_key):
            yield Trouble(rule, _SOD, "a signature that is right", "wrong under the signer's key")
    except EncodingError as error:
        yield Trouble(rule, _SOD, "a signature that can be checked", str(error))


def _times(sod: Sod, terms: Terms) -> tuple[datetime | None, datetime]:
    """Return when it was signed, None where nobody says, and when it is checked."""
    try:
        signing = sod.signed.signer.signing_time if len(sod.signed.signers) == 1 else None
    except EncodingError:
        signing = None
    return signing or terms.issued, terms.at
