"""Whose terminals a document lets read fingers: trust points, the chip's date, EF.CVCA (BSI TR-03110-3 C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cardkit.apps.emrtd.schema import TerminalAuthenticationBlock
from cardkit.apps.emrtd.terminal_auth import effective_rights
from cardkit.apps.pki.cvc import CvCertificate, Right
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError

CVCA = "EF.CVCA"
_AUTHORITY = 0x42
_CVCA_BYTES = 36


@dataclass(frozen=True, slots=True)
class TerminalTrust:
    """What a chip is told of terminals, and the terminal it is proven with.

    :param points: certificates of CVCAs.  :param chain: from the trust point down to the terminal; empty without one.
    :param key: reference of the terminal's private key.
    """

    points: tuple[CvCertificate, ...]
    chain: tuple[CvCertificate, ...] = ()
    key: str = ""

    @property
    def rights(self) -> Right:
        """What the terminal may read."""
        return effective_rights(self.chain) if self.chain else Right(0)

    @property
    def file(self) -> bytes:
        """EF.CVCA: the references of the trust points, 36 bytes."""
        references = b"".join(tlv.build(_AUTHORITY, one.holder.encode("latin-1")) for one in self.points)
        return references.ljust(_CVCA_BYTES, b"\x00")


def read_trust(block: TerminalAuthenticationBlock | None, attached: Mapping[str, bytes]) -> TerminalTrust | None:
    """Return what a profile says; None where it says nothing.

    :param attached: files beside the profile, by name.
    :raises ProfileError: on a file that is no such certificate, a trust point that is none, a chain that ends nowhere.
    """
    if block is None:
        return None
    points = _certificates(block.trust_points, attached)
    for one in points:
        if one.authority != one.holder:
            raise ProfileError(f"emrtd.terminal_authentication: {one.holder} is of {one.authority}, no trust point")
    if block.terminal is None:
        return TerminalTrust(points)
    chain = _certificates(block.terminal.certificates, attached)
    if chain[0].authority not in {one.holder for one in points}:
        raise ProfileError(f"emrtd.terminal_authentication.terminal: {chain[0].authority} is no trust point")
    trust = TerminalTrust(points, chain, block.terminal.key)
    try:
        assert trust.rights is not None
    except EncodingError as error:
        raise ProfileError(f"emrtd.terminal_authentication.terminal: {error}") from None
    return trust


def _certificates(names: Sequence[str], attached: Mapping[str, bytes]) -> tuple[CvCertificate, ...]:
    found = []
    for name in names:
        try:
            found.append(CvCertificate.parse(attached[name]))
        except EncodingError as error:
            raise ProfileError(f"emrtd.terminal_authentication: {name}: {error}") from None
    return tuple(found)


def date_digits(day: str) -> bytes:
    """Return a day as the chip takes it: YYMMDD, a byte for each digit.

    :param day: YYYY-MM-DD.  :raises EncodingError: where it is none.

    >>> date_digits("2026-02-01").hex()
    '020600020001'
    """
    try:
        return bytes(int(digit) for digit in f"{date.fromisoformat(day):%y%m%d}")
    except ValueError:
        raise EncodingError("emrtd.terminal_authentication.date: expected a day as YYYY-MM-DD") from None
