"""Whom a run trusts: CSCA certificates, CRLs and master lists, given for this run and never taken from a document."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cardkit.apps.pki.certificate import KEY_CERT_SIGN, Certificate
from cardkit.apps.pki.crl import Crl
from cardkit.apps.pki.issuing import MASTER_LIST_SIGNER
from cardkit.apps.pki.masterlist import VERSION as LIST_VERSION
from cardkit.apps.pki.masterlist import MasterList
from cardkit.errors import EncodingError

_PEM = b"-----BEGIN "
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Certificates and lists of one run.

    :param authorities: CSCA and link certificates.  :param signers: others, for documents that carry none.
    :param troubles: what was given and cannot be used, and why.
    :param distrusted: master lists among these, by name, and why nobody they name is trusted.
    """

    authorities: tuple[Certificate, ...] = ()
    crls: tuple[Crl, ...] = ()
    signers: tuple[Certificate, ...] = ()
    troubles: tuple[str, ...] = ()
    distrusted: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, contents: Iterable[tuple[str, bytes]]) -> TrustStore:
        """Return the store of files: certificates, CRLs and master lists, in DER or PEM.

        Master lists come last: each counts when its signer chains to a CSCA given besides.

        :param contents: name and content of each.
        """
        store = cls()
        lists = []
        for name, content in contents:
            try:
                for item in _blocks(content):
                    kind = _read(item)
                    if isinstance(kind, MasterList):
                        lists.append((name, kind))
                    else:
                        store = store._with(kind)
            except EncodingError as error:
                store = replace(store, troubles=(*store.troubles, f"{name}: {error}"))
        for name, master_list in lists:
            store = store.with_master_list(name, master_list)
        return store

    def _with(self, item: Certificate | Crl) -> TrustStore:
        if isinstance(item, Crl):
            return replace(self, crls=(*self.crls, item))
        if is_authority(item):
            return replace(self, authorities=(*self.authorities, item))
        return replace(self, signers=(*self.signers, item))

    def with_master_list(self, name: str, master_list: MasterList) -> TrustStore:
        """Return the store with the certificates of a list, if its signer chains to a CSCA of this one.

        Those that cannot be read are named in ``troubles``, and so is a list that is not trusted.
        """
        try:
            reason = self._distrust(master_list)
        except EncodingError as error:
            reason = str(error)
        if reason:
            troubles = (*self.troubles, f"{name}: {reason}")
            return replace(self, troubles=troubles, distrusted=(*self.distrusted, (name, reason)))
        found, unread = master_list.readable()
        known = {one.der for one in self.authorities}
        added = tuple(one for one in found if is_authority(one) and one.der not in known)
        troubles = (*self.troubles, *(f"{name}: {text}" for text in unread))
        return replace(self, authorities=(*self.authorities, *added), troubles=troubles)

    def _distrust(self, master_list: MasterList) -> str:
        """Return why a list is not trusted; empty where it is."""
        if master_list.version != LIST_VERSION:
            return f"master list: version {master_list.version}, expected {LIST_VERSION}"
        signer = next((one for one in _readable(master_list) if master_list.signed.signer.names(one)), None)
        if signer is None:
            return "master list: the certificate of its signer is missing"
        if MASTER_LIST_SIGNER not in signer.extended_key_usage:
            return f"master list: its signer has no purpose {MASTER_LIST_SIGNER}"
        if not (master_list.signed.content_matches() and master_list.signed.signature_verifies(signer.public_key)):
            return "master list: its signature is wrong"
        return "" if self.chain(signer) else "master list: its signer does not chain to a trusted CSCA"

    def chain(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Return the authorities above a certificate, up to a self-signed one; empty where there is no such chain.

        Names, key identifiers and signatures are compared; times are not. 9303-12 5, RFC 5280 6.1
        """
        return self._chain(certificate, _LONGEST_CHAIN)

    def _chain(self, certificate: Certificate, steps: int) -> tuple[Certificate, ...]:
        candidates = [one for one in self.authorities if _may_have_issued(one, certificate)]
        issuers = [one for one in candidates if _signed(certificate, one)]
        for root in issuers:
            if root.self_issued and _signed(root, root):
                return (root,)
        for link in issuers if steps else ():
            if above := self._chain(link, steps - 1):
                return (link, *above)
        return ()

    def crl_of(self, authority: Certificate, at: datetime) -> Crl | None:
        """Return the newest list of an authority that was out by then; None where there is none.

        After a change of keys the new one signs the lists for certificates of both. 9303-12 7.2
        """
        named = [one for one in (authority, *self.authorities) if one.subject == authority.subject]
        out = (crl for crl in self.crls if crl.issuer == authority.subject and crl.this_update <= at)
        own = [crl for crl in out if any(_list_signed(crl, one) for one in named)]
        return max(own, key=lambda crl: (crl.this_update, crl.number or 0), default=None)


def is_authority(certificate: Certificate) -> bool:
    """Whether a certificate says that it is of an authority."""
    constraints = certificate.basic_constraints
    usage = certificate.key_usage
    return bool(constraints and constraints[0]) and (usage is None or bool(usage & KEY_CERT_SIGN))


def _may_have_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether names and key identifiers fit; an identifier that cannot be read fits nothing."""
    try:
        wanted, own = certificate.authority_key_identifier, issuer.subject_key_identifier
    except EncodingError:
        return False
    return issuer.subject == certificate.issuer and (not wanted or not own or wanted == own)


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        return certificate.signed_by(issuer.public_key)
    except EncodingError:
        return False


def _list_signed(crl: Crl, authority: Certificate) -> bool:
    try:
        return crl.signed_by(authority.public_key)
    except EncodingError:
        return False


def _readable(master_list: MasterList) -> list[Certificate]:
    found = []
    for data in master_list.signed.certificates:
        try:
            found.append(Certificate.parse(data))
        except EncodingError:
            continue
    return found


def _read(data: bytes) -> Certificate | Crl | MasterList:
    reasons = []
    for kind in (Certificate, Crl, MasterList):
        try:
            return kind.parse(data)
        except EncodingError as error:
            reasons.append(str(error))
    raise EncodingError(f"neither certificate, CRL nor master list ({reasons[0]})")


def _blocks(content: bytes) -> list[bytes]:
    """Return what is in a file: one object in DER, or those of a PEM file."""
    if _PEM not in content:
        return [content]
    found = []
    for block in content.split(_PEM)[1:]:
        text = block.partition(b"-----")[2].partition(b"-----END")[0]
        try:
            found.append(base64.b64decode(b"".join(text.split()), validate=True))
        except binascii.Error:
            raise EncodingError("PEM: expected base64 between BEGIN and END") from None
    return found
