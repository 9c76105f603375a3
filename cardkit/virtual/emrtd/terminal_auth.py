"""Terminal authentication: a chain of certificates, then a signature (BSI TR-03110; ICAO Doc 9303-11 7.1)."""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from . import cvcert, keys, security_infos, signatures
from .bac import WRONG
from .cvcert import CvCertificate
from .document import CVCA, EMRTD_AID, Document
from .groups import refuse
from .session import Access, Answer, Command, Session

_REFERENCE, _MECHANISM, _AUXILIARY, _EPHEMERAL = 0x83, 0x80, 0x67, 0x91
_CAR: Final = 0x42
INSPECTION: Final = security_infos.ROLES + b"\x01"
_RIGHTS: Final = 0x3F
_DATE_SIZE: Final = 6


@dataclass(slots=True)
class Chain:
    """What the terminal has proved so far.

    :ivar reference: name of the key that verifies the next certificate, of MSE:SET DST.
    :ivar verified: the certificate verified last.
    :ivar parameters: objects of the last CVCA key, whose curve the others share.
    :ivar authorization: of all certificates so far, bit by bit.
    :ivar auxiliary: and `ephemeral`: of version 2, where this comes before chip authentication.
    :ivar granted: what version 2 gives once chip authentication has followed.
    """

    reference: bytes = b""
    verified: CvCertificate | None = None
    parameters: dict[int, bytes] | None = None
    authorization: bytes = b""
    ready: bool = False
    auxiliary: bytes = b""
    ephemeral: bytes = b""
    granted: int = 0


def trust_points(document: Document) -> list[CvCertificate]:
    """The certificates of the authorities this chip trusts, the newest first."""
    found = (document.key(identifier) for identifier in keys.TRUST_POINTS)
    return [CvCertificate.parse(raw) for raw in found if raw]


def references(document: Document) -> list[bytes]:
    """Their names."""
    return [point.holder for point in trust_points(document)]


def set_verification_key(document: Document, session: Session, command: Command) -> Answer:
    """MSE:SET DST 81B6: whose key verifies the next certificate.

    :raises StatusWordError: 6982 outside a session, 6A80 malformed, 6A88 unknown.
    """
    session.require_session()
    reference = ber.unique(command.data, frozenset((_REFERENCE,))).get(_REFERENCE, b"")
    if not reference:
        raise refuse()
    chain = session.chain or Chain()
    known = chain.verified is not None and chain.verified.holder == reference
    if not known:
        if reference not in references(document):
            raise StatusWordError(sw.DATA_NOT_FOUND)
        chain = Chain()
    chain.reference = reference
    session.chain = chain
    return b"", sw.OK


def verify_certificate(document: Document, session: Session, command: Command) -> Answer:
    """PSO VERIFY CERTIFICATE 00BE: body and signature of one certificate.

    :raises StatusWordError: 6985 without MSE:SET DST, 6A86, 6A80 malformed, 6300 when it does not verify.
    """
    command.require(0x00BE)
    chain = session.chain
    if chain is None or not chain.reference:
        raise StatusWordError(sw.CONDITIONS)
    certificate = CvCertificate.parse_parts(command.data)
    issuer = chain.verified
    if issuer is None or issuer.holder != chain.reference:
        issuer = next(point for point in trust_points(document) if point.holder == chain.reference)
        chain.parameters, chain.authorization = issuer.key, b""
    chain.reference = b""
    key = {**(chain.parameters or {}), **issuer.key}
    valid = certificate.issuer == issuer.holder and _may_issue(document, issuer, certificate)
    if not valid or not signatures.verify(key, certificate.body, certificate.signature):
        raise StatusWordError(WRONG)
    _accept(document, chain, issuer, certificate)
    return b"", sw.OK


def _may_issue(document: Document, issuer: CvCertificate, subject: CvCertificate) -> bool:
    """Ranks, role, and dates against the date of the card; an authority past its date may still be linked from."""
    today = document.key(keys.DATE) or bytes(_DATE_SIZE)
    allowed = {
        cvcert.CVCA: (cvcert.CVCA, cvcert.DV_DOMESTIC, cvcert.DV_FOREIGN),
        cvcert.DV_DOMESTIC: (cvcert.TERMINAL,),
        cvcert.DV_FOREIGN: (cvcert.TERMINAL,),
    }.get(issuer.rank, ())
    linking = issuer.rank == subject.rank == cvcert.CVCA
    current = subject.expires >= today and (linking or issuer.expires >= today)
    same_role = subject.role == issuer.role and len(subject.authorization) == len(issuer.authorization)
    return subject.rank in allowed and current and same_role and subject.effective <= subject.expires


def _accept(document: Document, chain: Chain, issuer: CvCertificate, certificate: CvCertificate) -> None:
    chain.verified, chain.ready = certificate, False
    both = zip(chain.authorization or issuer.authorization, certificate.authorization, strict=True)
    chain.authorization = bytes(one & other for one, other in both)
    if certificate.rank == cvcert.CVCA:
        chain.parameters, chain.authorization = {**(chain.parameters or {}), **certificate.key}, b""
        _link(document, issuer, certificate)
    domestic = certificate.rank in (cvcert.CVCA, cvcert.DV_DOMESTIC) or issuer.rank == cvcert.DV_DOMESTIC
    if domestic and certificate.effective > (document.key(keys.DATE) or bytes(_DATE_SIZE)):
        document.put_key(keys.DATE, certificate.effective)


def _link(document: Document, issuer: CvCertificate, certificate: CvCertificate) -> None:
    """A new trust point takes the first place, the one that issued it the second; EF.CVCA follows."""
    new, old = keys.TRUST_POINTS
    document.put_key(new, certificate.raw)
    document.put_key(old, issuer.raw)
    directory = document.application(EMRTD_AID)
    file = None if directory is None else document.find(directory, CVCA)
    if file is not None:
        names = tlv.build(_CAR, certificate.holder) + tlv.build(_CAR, issuer.holder)
        document.write(file, names.ljust(len(document.body(file)), b"\x00"))


def set_template(document: Document, session: Session, command: Command) -> Answer:
    """MSE:SET AT 81A4: the terminal key that signs; with version 2 also its ephemeral key.

    :raises StatusWordError: 6982 outside a session, 6A80 malformed, 6A88 no such terminal.
    """
    del document
    session.require_session()
    objects = ber.unique(command.data, frozenset((_REFERENCE, _MECHANISM, _AUXILIARY, _EPHEMERAL)))
    chain = session.chain
    verified = chain.verified if chain is not None else None
    if _REFERENCE not in objects:
        raise refuse()
    if chain is None or verified is None or verified.holder != objects[_REFERENCE] or verified.rank != cvcert.TERMINAL:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if objects.get(_MECHANISM, verified.key[signatures.OID]) != verified.key[signatures.OID]:
        raise refuse()
    if _AUXILIARY in objects:
        chain.auxiliary = tlv.build(_AUXILIARY, objects[_AUXILIARY])
    chain.ephemeral = objects.get(_EPHEMERAL, b"")
    chain.ready = True
    return b"", sw.OK


def authenticate(document: Document, session: Session, command: Command) -> Answer:
    """EXTERNAL AUTHENTICATE of a terminal: its signature over chip identifier, challenge and ephemeral key.

    :raises StatusWordError: 6985 too early, 6300 wrong.
    """
    chain = session.chain
    verified = chain.verified if chain is not None else None
    challenge = session.take_challenge()
    if chain is None or verified is None or not chain.ready:
        raise StatusWordError(sw.CONDITIONS)
    ephemeral = chain.ephemeral or session.ephemeral
    if not ephemeral:
        raise StatusWordError(sw.CONDITIONS)
    chain.ready = False
    identifier = session.chip_identifier if session.access is Access.PACE else keys.document_number(document)
    signed = identifier + challenge + ephemeral + chain.auxiliary
    key = {**(chain.parameters or {}), **verified.key}
    if not signatures.verify(key, signed, command.data):
        raise StatusWordError(WRONG)
    granted = chain.authorization[0] & _RIGHTS & _chat_limit(session) if verified.role == INSPECTION else 0
    if chain.ephemeral:
        chain.granted = granted
    else:
        session.rights = granted
    return b"", sw.OK


def _chat_limit(session: Session) -> int:
    """What the CHAT of PACE allows at most; everything when none was sent."""
    limit = session.chat.get(cvcert.AUTHORIZATION)
    return limit[-1] if limit else _RIGHTS
