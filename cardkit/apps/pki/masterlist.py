"""Master lists: the CSCA certificates one authority vouches for (ICAO Doc 9303-12 9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cardkit.apps.pki import cms
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.cms import SignedData, Signer
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

CONTENT_TYPE = "2.23.136.1.1.2"
VERSION = 0
_WHAT = "CscaMasterList"


@dataclass(frozen=True, slots=True)
class MasterList:
    """A master list, not verified.

    :param certificates: each as it is, DER, those that cannot be read included.
    """

    signed: SignedData
    version: int
    certificates: tuple[bytes, ...]

    @classmethod
    def parse(cls, data: bytes) -> MasterList:
        """Read a list.  :raises EncodingError: where it is not SignedData around certificates."""
        signed = cms.parse(data)
        if signed.content_type != CONTENT_TYPE:
            raise EncodingError(f"master list: content type {signed.content_type}, expected {CONTENT_TYPE}")
        fields = Fields(der.only(signed.content, Tag.SEQUENCE, _WHAT).value, _WHAT)
        version = fields.integer("version")
        items = Fields(fields.take(Tag.SET, "certList").value, _WHAT).rest()
        fields.end()
        return cls(signed, version, tuple(item.build() for item in items))

    def readable(self) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
        """Return the certificates, and why others cannot be read."""
        found, troubles = [], []
        for number, data in enumerate(self.certificates, 1):
            try:
                found.append(Certificate.parse(data))
            except EncodingError as error:
                troubles.append(f"certificate {number}: {error}")
        return tuple(found), tuple(troubles)


def issue_master_list(
    certificates: Iterable[bytes], signer: Signer, authority: bytes, signing_time: datetime | None = None
) -> bytes:
    """Return a list, DER.

    :param certificates: of CSCAs, DER.  :param signer: its certificate has the purpose of one.
    :param authority: the CSCA of the signer, DER; both certificates go along. 9303-12 9.2
    :raises KeyStoreError: as of the key store.
    """
    content = der.sequence(der.integer(VERSION), der.set_of(set(certificates)))
    return cms.sign(CONTENT_TYPE, content, signer, signing_time, (authority,))
