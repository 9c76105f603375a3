"""Data objects of a PIV card: CHUID, capability container, discovery, certificates (SP 800-73-4 part 1, appendix A).

parse(b).build() == b       for every b that parses: order, unknown and repeated elements stay
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self

from cardkit.apps.eid.fascn import FascN
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

CONTAINER, DISCOVERY, APPLICATION = 0x53, 0x7E, 0x61
CHUID, CAPABILITIES = 0x5FC102, 0x5FC107
MOST_CERTIFICATE_BYTES = 65_536
"""No certificate is longer unpacked: a card that holds more is not believed."""

_AID, _AUTHORITY, _LABEL, _ALGORITHMS, _ALGORITHM = 0x4F, 0x79, 0x50, 0xAC, 0x80
_POLICY = 0x5F2F
_FASCN, _GUID, _EXPIRY, _SIGNATURE, _CHECK = 0x30, 0x34, 0x35, 0x3E, 0xFE
_CARD_ID = 0xF0
_CERTIFICATE, _INFO = 0x70, 0x71
_PACKED = 0x01
_GUID_BYTES, _CARD_ID_BYTES = 16, 21
_GZIP = 31  # window bits that mean a gzip header
# Of the capability container behind the card's identifier: versions 2.1, PKCS#15, data model 10, and empty elements.
_CAPABILITY_REST = tuple((tag, value) for tag, value in zip(
    (0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, _CHECK),
    (b"\x21", b"\x21", b"", b"\x00", b"\x10", b"", b"", b"", b"", b"", b"", b""),
    strict=True,
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class PivObject:
    """An object of elements.

    :param elements: as they were.
    """

    elements: TlvList = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the value of object ``53``.  :raises EncodingError: where it is not of this kind."""
        found = cls(tlv.parse(data))
        found.check()
        return found

    @classmethod
    def _of(cls, *elements: tuple[int, bytes]) -> Self:
        return cls.parse(b"".join(tlv.build(tag, value) for tag, value in elements))

    def build(self) -> bytes:
        """Return the value of object ``53``."""
        return self.elements.build()

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""

    def _value(self, tag: int, what: str, *sizes: int) -> bytes:
        found = [item.value for item in self.elements if item.tag == tag]
        if len(found) != 1 or (sizes and len(found[0]) not in sizes):
            got = ", ".join(f"{len(value)} bytes" for value in found) or "nothing"
            expected = f"{' or '.join(map(str, sizes))} bytes" if sizes else "once"
            raise EncodingError(f"{what} ({tag:02X}): {got}, expected {expected}")
        return found[0]


class Chuid(PivObject):
    """The card holder unique identifier."""

    __slots__ = ()

    @classmethod
    def of(cls, fascn: FascN, guid: bytes, expiry: date) -> Self:
        """Return one without a signature.  :param guid: 16 bytes.  :param expiry: of the card."""
        day = expiry.strftime("%Y%m%d").encode("ascii")
        return cls._of((_FASCN, fascn.build()), (_GUID, guid), (_EXPIRY, day), (_SIGNATURE, b""), (_CHECK, b""))

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""
        assert self.fascn
        assert self.guid
        assert self.expiry

    @property
    def fascn(self) -> FascN:
        """Who holds the card."""
        return FascN.parse(self._value(_FASCN, "CHUID: FASC-N"))

    @property
    def guid(self) -> bytes:
        """The card's number, 16 bytes."""
        return self._value(_GUID, "CHUID: GUID", _GUID_BYTES)

    @property
    def expiry(self) -> date:
        """Last day of the card."""
        text = self._value(_EXPIRY, "CHUID: expiry", 8)
        try:
            return datetime.strptime(text.decode("ascii"), "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            raise EncodingError(f"CHUID: expiry ({_EXPIRY:02X}) {text.hex().upper()}, expected YYYYMMDD") from None


class Capabilities(PivObject):
    """The card capability container; what stands behind the identifier is of no use to PIV (unverified)."""

    __slots__ = ()

    @classmethod
    def of(cls, card_id: bytes) -> Self:
        """Return a container.  :param card_id: 21 bytes."""
        return cls._of((_CARD_ID, card_id), *_CAPABILITY_REST)

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""
        assert self.card_id is not None

    @property
    def card_id(self) -> bytes:
        """The card's identifier, 21 bytes; empty where the issuer gave it none."""
        return self._value(_CARD_ID, "capability container: identifier", 0, _CARD_ID_BYTES)


class CertificateObject(PivObject):
    """A certificate as a slot has it."""

    __slots__ = ()

    @classmethod
    def of(cls, certificate: bytes) -> Self:
        """Return the object of a certificate, not packed.  :param certificate: DER."""
        return cls._of((_CERTIFICATE, certificate), (_INFO, b"\x00"), (_CHECK, b""))

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""
        assert self.certificate is not None

    @property
    def packed(self) -> bool:
        """Whether the card holds the certificate packed by gzip."""
        return bool(self._value(_INFO, "certificate: information", 1)[0] & _PACKED)

    @property
    def certificate(self) -> bytes:
        """The certificate, DER.  :raises EncodingError: where it cannot be unpacked."""
        value = self._value(_CERTIFICATE, "certificate")
        if not self.packed:
            return value
        unpacking = zlib.decompressobj(_GZIP)
        try:
            clear = unpacking.decompress(value, MOST_CERTIFICATE_BYTES)
        except zlib.error:
            raise EncodingError(f"certificate: {len(value)} bytes that are not gzip") from None
        if not unpacking.eof:
            raise EncodingError(f"certificate: gzip cut short or of more than {MOST_CERTIFICATE_BYTES:,} bytes")
        return clear


class Discovery(PivObject):
    """The discovery object: which application, which PINs it takes."""

    __slots__ = ()

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""
        assert self.aid
        assert self.policy

    @property
    def aid(self) -> bytes:
        """Of the application."""
        return self._value(_AID, "discovery: AID", *range(5, 17))

    @property
    def policy(self) -> bytes:
        """PIN usage policy, 2 bytes: ``4000`` where only the PIV PIN counts. SP 800-73-4 part 1, 3.3.2"""
        return self._value(_POLICY, "discovery: PIN usage policy", 2)


class ApplicationTemplate(PivObject):
    """What SELECT answers (inside ``61``)."""

    __slots__ = ()

    def check(self) -> None:
        """Read every element once.  :raises EncodingError: on one that is missing or wrong."""
        assert self.aid
        assert self.authority
        assert self.algorithms is not None

    @property
    def aid(self) -> bytes:
        """Of the application, without its provider: ``000010000100``."""
        return self._value(_AID, "application template: AID")

    @property
    def authority(self) -> bytes:
        """Who gave the AID: ``A000000308``."""
        inner = tlv.parse(self._value(_AUTHORITY, "application template: authority"))
        if len(inner) != 1 or inner[0].tag != _AID or not inner[0].value:
            raise EncodingError(f"application template: authority ({_AUTHORITY:02X}): expected one AID")
        return inner[0].value

    @property
    def label(self) -> str:
        """What the application calls itself; empty where it does not."""
        return next((item.value.decode("utf-8", "replace") for item in self.elements if item.tag == _LABEL), "")

    @property
    def algorithms(self) -> tuple[int, ...]:
        """Algorithms it says it has; most cards do not say."""
        lists = [item.children() for item in self.elements if item.tag == _ALGORITHMS]
        return tuple(item.value[0] for found in lists for item in found if item.tag == _ALGORITHM and item.value)
