"""Certificates of Calypso's PKI mode: of an authority, of a card, and the chain between them (transport sheet 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cardkit.crypto import iso9796
from cardkit.errors import AuthenticationError, EncodingError

CA_BYTES, CARD_BYTES = 384, 316
_CA, _CARD, _VERSION = 0x90, 0x91, 0x01
_REFERENCE, _AID, _HEADER = 29, 16, 34
_NO_CARDS = 0x04
_TRUNCATED = 0x01
_ANY_AID = 0xFF
PRODUCTION, TEST, BOTH = 0x00, 0x01, 0xFF
_PUBLIC_KEY_BYTES = 64


class _Cut:
    """Cuts fields off bytes of a known length."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, size: int) -> bytes:
        self._place += size
        return self._data[self._place - size : self._place]

    def aid(self) -> bytes:
        """An AID with its length before it, in 16 bytes; empty where none is named."""
        size, whole = self.take(1)[0], self.take(_AID)
        if size == _ANY_AID:
            return b""
        if size > _AID:
            raise EncodingError(f"certificate: AID of {size} bytes, expected {_AID} at most")
        return whole[:size]


@dataclass(frozen=True, slots=True)
class Term:
    """Days as BCD, YYYYMMDD; zeros where none is named."""

    start: bytes
    end: bytes

    def check(self, today: date) -> None:
        """Check that a day lies within.  :raises AuthenticationError: when it does not."""
        day = today.strftime("%Y%m%d")
        begin, end = (moment.hex() for moment in (self.start, self.end))
        if (any(self.start) and day < begin) or (any(self.end) and day > end):
            raise AuthenticationError(f"certificate: valid from {begin} to {end}, today is {day}")


@dataclass(frozen=True, slots=True)
class CaCertificate:
    """Of an authority.

    :param issuer, target: references of keys, 29 bytes.  :param modulus: 256 bytes.
    :param aid: the beginning all cards of it have; empty for any.  :param truncated: AIDs may be longer.
    """

    issuer: bytes
    target: bytes
    term: Term
    rights: int
    scope: int
    aid: bytes
    truncated: bool
    modulus: bytes

    @classmethod
    def open(cls, data: bytes, modulus: bytes, exponent: int) -> CaCertificate:
        """Read a certificate with its issuer's key.

        :raises EncodingError: on another form.  :raises AuthenticationError: when its signature is wrong.
        """
        clear, recovered = _opened(data, CA_BYTES, _CA, modulus, exponent)
        cut = _Cut(clear)
        cut.take(2)
        issuer, target, start = cut.take(_REFERENCE), cut.take(_REFERENCE), cut.take(4)
        cut.take(4)
        rights, scope, end = cut.take(1)[0], cut.take(1)[0], cut.take(4)
        aid, mode = cut.aid(), cut.take(1)[0]
        cut.take(2)
        whole = cut.take(_HEADER) + recovered
        return cls(issuer, target, Term(start, end), rights, scope, aid, bool(mode & _TRUNCATED), whole)

    def check_cards(self) -> None:
        """Check that it may sign certificates of cards.  :raises AuthenticationError: when it may not."""
        if self.rights & _NO_CARDS:
            raise AuthenticationError(f"certificate of an authority: rights {self.rights:02X}: it signs no cards")


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """Of a card.  :param info: its startup information, 7 bytes.  :param public_key: on P-256, 64 bytes."""

    issuer: bytes
    aid: bytes
    serial: bytes
    index: bytes
    term: Term
    info: bytes
    public_key: bytes

    @classmethod
    def open(cls, data: bytes, modulus: bytes, exponent: int) -> CardCertificate:
        """Read a certificate with its issuer's key.

        :raises EncodingError: on another form.  :raises AuthenticationError: when its signature is wrong.
        """
        clear, recovered = _opened(data, CARD_BYTES, _CARD, modulus, exponent)
        cut, inside = _Cut(clear), _Cut(recovered)
        cut.take(2)
        issuer, aid, serial, index = cut.take(_REFERENCE), cut.aid(), cut.take(8), cut.take(4)
        start, end = inside.take(4), inside.take(4)
        inside.take(1)
        info = inside.take(7)
        inside.take(18)
        return cls(issuer, aid, serial, index, Term(start, end), info, inside.take(_PUBLIC_KEY_BYTES))


def _opened(data: bytes, size: int, kind: int, modulus: bytes, exponent: int) -> tuple[bytes, bytes]:
    if len(data) != size or data[:2] != bytes((kind, _VERSION)):
        raise EncodingError(f"certificate: {len(data)} bytes {data[:2].hex().upper()}, expected {size}, {kind:02X}01")
    clear, signature = data[: -iso9796.SIGNATURE_BYTES], data[-iso9796.SIGNATURE_BYTES :]
    return clear, iso9796.recover(modulus, exponent, clear, signature)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a chain must fit.  :param scope: PRODUCTION or TEST."""

    aid: bytes
    serial: bytes
    today: date
    scope: int


def check_chain(ca: CaCertificate, card: CardCertificate, expected: Expected) -> None:
    """Check everything but signatures of a chain: references, rights, scope, both terms, AID, serial number.

    :raises AuthenticationError: naming what does not fit.
    """
    ca.check_cards()
    ca.term.check(expected.today)
    card.term.check(expected.today)
    fits = {
        "issuer": card.issuer == ca.target,
        "scope": ca.scope in (expected.scope, BOTH),
        "serial number": card.serial == expected.serial,
        "AID": card.aid in (b"", expected.aid),
        "AID of the authority": _within(ca, card.aid or expected.aid),
    }
    wrong = ", ".join(name for name, right in fits.items() if not right)
    if wrong:
        raise AuthenticationError(f"certificate of the card: another {wrong}")


def _within(ca: CaCertificate, aid: bytes) -> bool:
    return not ca.aid or aid == ca.aid or (ca.truncated and aid.startswith(ca.aid))
