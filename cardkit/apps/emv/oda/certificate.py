"""The three certificates of a payment card: one layout, whoever owns the key (EMV 4.4 Book 2, 5.3, 6.4, 7.1)."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date

from cardkit.apps.emv.oda.block import Signed
from cardkit.crypto.emvrsa import HASH_BYTES, RsaPublicKey
from cardkit.errors import EncodingError

# MMYY: years from 50 on are of the last century (Book 4, 6.7.3)
_CENTURY = 50


@dataclass(frozen=True, slots=True)
class Kind(Signed):
    """A kind of certificate.

    :param identity: bytes of the field that says whose key it is.
    :param tags: certificate, remainder, exponent: what they are called on a card.
    """

    identity: int
    tags: tuple[str, str, str]

    @property
    def left(self) -> int:
        """Where the leftmost part of the public key begins in the block."""
        return self.identity + 11

    def room(self, size: int) -> int:
        """Return how many bytes of a public key fit into a block of a size."""
        return size - self.fixed


ISSUER = Kind("issuer certificate", "Book 2, 5.3", 0x02, 36, 4, ("90", "92", "9F32"))
ICC = Kind("ICC certificate", "Book 2, 6.4", 0x04, 42, 10, ("9F46", "9F48", "9F47"))
PIN = Kind("PIN encipherment certificate", "Book 2, 7.1", 0x04, 42, 10, ("9F2D", "9F2F", "9F2E"))


@dataclass(frozen=True, slots=True)
class SignedKey:
    """A certificate as it is on a card: three data objects.

    :param certificate: tag 90, 9F46 or 9F2D.  :param remainder: 92, 9F48 or 9F2F; empty where the key fits.
    :param exponent: 9F32, 9F47 or 9F2E.
    """

    certificate: bytes
    remainder: bytes
    exponent: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says, recovered.

    :param identity: issuer identifier (4 bytes) or PAN (10), digits and the letter F behind them.
    :param expiry: month and year, 2 bytes of BCD.  :param serial: 3 bytes.
    :param key: the public key, whole: the part in the block and the remainder.
    :param digest: the hash in the block, 20 bytes.  :param plain: the clear block.
    """

    kind: Kind
    identity: str
    expiry: bytes
    serial: bytes
    hash_algorithm: int
    key_algorithm: int
    key: RsaPublicKey
    digest: bytes
    plain: bytes

    @property
    def owner(self) -> str:
        """The digits of the identity, without the letters behind them."""
        return self.identity.rstrip("F")

    @property
    def last_day(self) -> date:
        """The last day the certificate is good for; EncodingError where the expiry is no month."""
        return last_day(self.expiry)

    @classmethod
    def read(cls, kind: Kind, plain: bytes, signed: SignedKey) -> Certificate:
        """Read a clear block that has its length and frame; nothing is judged here."""
        at = 2 + kind.identity
        key_size = plain[at + 7]
        room = plain[kind.left : -1 - HASH_BYTES]
        modulus = room[:key_size] if key_size <= len(room) else room + signed.remainder
        return cls(
            kind,
            plain[2:at].hex().upper(),
            plain[at : at + 2],
            plain[at + 2 : at + 5],
            plain[at + 5],
            plain[at + 6],
            RsaPublicKey(modulus, signed.exponent),
            plain[-1 - HASH_BYTES : -1],
            plain,
        )


def last_day(expiry: bytes) -> date:
    """Return the last day of a month in BCD, ``MMYY``.

    :raises EncodingError: where it is no month.

    >>> last_day(bytes.fromhex("0224")).isoformat()
    '2024-02-29'
    """
    text = expiry.hex()
    if len(text) != 4 or not text.isdigit() or not 1 <= int(text[:2]) <= 12:
        raise EncodingError(f"expiry {text.upper()}: expected a month and a year, MMYY")
    month, year = int(text[:2]), int(text[2:])
    year += 1900 if year >= _CENTURY else 2000
    return date(year, month, calendar.monthrange(year, month)[1])
