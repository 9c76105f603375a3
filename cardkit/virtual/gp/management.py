"""Who may manage card content: privileges, tokens, restrictions, and the confirmation of what was done.

GPCS 9.1.3, 9.3, 11.1.6, C.4, C.5.
"""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, signatures
from .chip import GpChip, PlainCommand, is_issuer
from .getdata import CONFIRMATIONS
from .privileges import Privilege
from .registry import PERSONALIZED, Entry

_LAST_CONFIRMATION: Final = 0xFFFF
_NOTHING: Final = b"\x00"
_FULL_SHORT: Final = 255
_FROM_ANCESTOR, _FROM_ISSUER = 0x80, 0x20  # bits of a domain's policy, as other implementations write them


def require_working(chip: GpChip, domain: Entry, restriction: int) -> None:
    """A security domain manages content only when it is personalized, and not when D9 forbids it.

    :param restriction: bit of tag D9, the same as of P1 of INSTALL; 01 for DELETE.
    :raises StatusWordError: 6985.
    """
    ready = is_issuer(domain) or domain.state == PERSONALIZED
    if not ready or (domain.restrictions | chip.registry.isd.restrictions) & restriction:
        raise StatusWordError(sw.CONDITIONS)


def require_right(chip: GpChip, domain: Entry, message: bytes, token: bytes) -> None:
    """Authorized Management, or Delegated Management with a token that its issuer has signed.

    :param message: what the token signs.
    :raises StatusWordError: 6985 neither, or no token; 6A80 a token nobody asked for; 6982 a wrong one.
    """
    if domain.has(Privilege.AUTHORIZED_MANAGEMENT):
        if token:
            raise StatusWordError(sw.WRONG_DATA)
        return
    if not domain.has(Privilege.DELEGATED_MANAGEMENT) or not token:
        raise StatusWordError(sw.CONDITIONS)
    verifier = _above(chip, domain, Privilege.TOKEN_VERIFICATION)
    if verifier is None:
        raise StatusWordError(sw.CONDITIONS)
    signatures.verify(signatures.find(chip.keys(verifier.aid).ring(), signatures.TOKEN), message, token)


def token_message(command: PlainCommand, without_token: bytes) -> bytes:
    """P1, P2, Lc and data, both without the token and its length (C.4)."""
    size = len(without_token)
    lc = bytes((size,)) if size <= _FULL_SHORT else b"\x00" + size.to_bytes(2, "big")
    return bytes((command.p1, command.p2)) + lc + without_token


def confirmation(chip: GpChip, domain: Entry, *subject: bytes) -> bytes:
    """What a delegated operation answers: a receipt and what it is about; a single 00 where no receipt is due.

    :param subject: fields that follow the confirmation data in the receipt's message.
    :raises StatusWordError: 6985 when the confirmation counter is at its end.
    """
    issuer = _above(chip, domain, Privilege.RECEIPT_GENERATION)
    if domain.has(Privilege.AUTHORIZED_MANAGEMENT) or issuer is None:
        return _NOTHING
    key = signatures.find(chip.keys(issuer.aid).ring(), signatures.RECEIPT)
    count = int.from_bytes(chip.data(issuer.aid, CONFIRMATIONS), "big")
    if count >= _LAST_CONFIRMATION:
        raise StatusWordError(sw.CONDITIONS)
    chip.put_data(issuer.aid, CONFIRMATIONS, (count + 1).to_bytes(2, "big"))
    unique = chip.data(issuer.aid, 0x42) + chip.data(issuer.aid, 0x45)
    data = b"\x02" + count.to_bytes(2, "big") + lv(unique)
    receipt = signatures.sign(key, data + b"".join(map(lv, subject)))
    return _ber_length(len(receipt)) + receipt + data


def lv(value: bytes) -> bytes:
    """A value behind its length of one byte."""
    return bytes((len(value),)) + value


def _ber_length(size: int) -> bytes:
    return ber.build(0, bytes(size))[1:-size]


def _above(chip: GpChip, domain: Entry, privilege: Privilege) -> Entry | None:
    """The nearest security domain above with a privilege, the one itself included."""
    return next((found for found in (domain, *chip.registry.ancestors(domain)) if found.has(privilege)), None)


def require_willing(chip: GpChip, target: Entry, actor: Entry) -> None:
    """A security domain takes new content only when it is personalized and its policy lets this actor bring it.

    :raises StatusWordError: 6985.
    """
    if not is_issuer(target) and target.state != PERSONALIZED:
        raise StatusWordError(sw.CONDITIONS)
    if target.aid == actor.aid or not target.accepts:
        return
    policy = target.accepts[0]
    above = any(found.aid == actor.aid for found in chip.registry.ancestors(target))
    by_ancestor = policy & _FROM_ANCESTOR and above and actor.has(Privilege.AUTHORIZED_MANAGEMENT)
    if not by_ancestor and not (policy & _FROM_ISSUER and is_issuer(actor)):
        raise StatusWordError(sw.CONDITIONS)


def controls(chip: GpChip, domain: Entry, entry: Entry) -> bool:
    """Is an entry associated with a security domain, directly or through others?"""
    return any(found.aid == domain.aid for found in chip.registry.ancestors(entry))
