"""Card verifiable certificates as a chip reads them (BSI TR-03110-3 C, D).

7F21 { 7F4E { 5F29 00, 42 CAR, 7F49 key, 5F20 CHR, 7F4C { 06 role, 53 authorization }, 5F25 from, 5F24 to }, 5F37 }
"""

from dataclasses import dataclass
from typing import Final

from .. import tlv
from ..gp import ber
from .groups import refuse

_CERTIFICATE, _BODY, _SIGNATURE = 0x7F21, 0x7F4E, 0x5F37
_PROFILE, _CAR, _KEY, _CHR, _CHAT = 0x5F29, 0x42, 0x7F49, 0x5F20, 0x7F4C
_FROM, _UNTIL, _EXTENSIONS = 0x5F25, 0x5F24, 0x65
_NEEDED: Final = frozenset((_PROFILE, _CAR, _KEY, _CHR, _CHAT, _FROM, _UNTIL))
_OID, AUTHORIZATION = 0x06, 0x53
_REFERENCE_SIZES: Final = range(8, 17)
_DATE: Final = 6
CVCA, DV_DOMESTIC, DV_FOREIGN, TERMINAL = 0b11, 0b10, 0b01, 0b00  # top bits of an authorization


@dataclass(frozen=True, slots=True)
class CvCertificate:
    """One certificate.

    :ivar body: 7F4E object as sent, which is what is signed.
    :ivar key: objects of the public key, its OID under 06.
    :ivar authorization: relative authorization; its two top bits are the role.
    :ivar effective: and `expires`: six digits, a byte each.
    """

    raw: bytes
    body: bytes
    signature: bytes
    issuer: bytes
    holder: bytes
    key: dict[int, bytes]
    role: bytes
    authorization: bytes
    effective: bytes
    expires: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "CvCertificate":
        """A certificate with its outer tag.

        :raises StatusWordError: 6A80.
        """
        outer = ber.unique(raw)
        if set(outer) != {_CERTIFICATE}:
            raise refuse()
        return cls.parse_parts(outer[_CERTIFICATE])

    @classmethod
    def parse_parts(cls, data: bytes) -> "CvCertificate":
        """Body and signature, as PSO VERIFY CERTIFICATE brings them.

        :raises StatusWordError: 6A80.
        """
        parts = ber.parse(data)
        if [tag for tag, _ in parts] != [_BODY, _SIGNATURE]:
            raise refuse()
        (_, body), (_, signature) = parts
        objects = ber.unique(body, _NEEDED | {_EXTENSIONS})
        if not objects.keys() >= _NEEDED or objects[_PROFILE] != b"\x00":
            raise refuse()
        chat = ber.unique(objects[_CHAT], frozenset((_OID, AUTHORIZATION)))
        found = cls(
            raw=tlv.build(_CERTIFICATE, data),
            body=tlv.build(_BODY, body),
            signature=signature,
            issuer=objects[_CAR],
            holder=objects[_CHR],
            key=ber.unique(objects[_KEY]),
            role=chat.get(_OID, b""),
            authorization=chat.get(AUTHORIZATION, b""),
            effective=objects[_FROM],
            expires=objects[_UNTIL],
        )
        found._check()
        return found

    def _check(self) -> None:
        dates = (self.effective, self.expires)
        if any(len(date) != _DATE or max(date) > 9 for date in dates) or not self.authorization or _OID not in self.key:
            raise refuse()
        if len(self.issuer) not in _REFERENCE_SIZES or len(self.holder) not in _REFERENCE_SIZES:
            raise refuse()

    @property
    def rank(self) -> int:
        """CVCA, DV_DOMESTIC, DV_FOREIGN or TERMINAL."""
        return self.authorization[0] >> 6

    def require_authority(self) -> None:
        """Refuse what is no country verifying authority's certificate.

        :raises StatusWordError: 6A80.
        """
        if self.rank != CVCA:
            raise refuse()
