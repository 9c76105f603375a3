"""Privileges: three bytes, one enumerator a bit (GPCS 11.1.2, 6.6)."""

from enum import IntFlag
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError


class Privilege(IntFlag):
    """The bits as one number of 24 bits, byte 1 first."""

    SECURITY_DOMAIN = 0x800000
    DAP_VERIFICATION = 0x400000
    DELEGATED_MANAGEMENT = 0x200000
    CARD_LOCK = 0x100000
    CARD_TERMINATE = 0x080000
    CARD_RESET = 0x040000
    CVM_MANAGEMENT = 0x020000
    MANDATED_DAP = 0x010000
    TRUSTED_PATH = 0x008000
    AUTHORIZED_MANAGEMENT = 0x004000
    TOKEN_VERIFICATION = 0x002000
    GLOBAL_DELETE = 0x001000
    GLOBAL_LOCK = 0x000800
    GLOBAL_REGISTRY = 0x000400
    FINAL_APPLICATION = 0x000200
    GLOBAL_SERVICE = 0x000100
    RECEIPT_GENERATION = 0x000080
    CIPHERED_LOAD = 0x000040
    CONTACTLESS_ACTIVATION = 0x000020
    CONTACTLESS_SELF_ACTIVATION = 0x000010


P: Final = Privilege

# Only one application of the card has each of these (6.6.2).
EXCLUSIVE_HOLDERS: Final = (P.CARD_RESET, P.FINAL_APPLICATION)

_SIZE: Final = 3
_RFU: Final = 0x0F
_NEEDS_DOMAIN: Final = (P.DAP_VERIFICATION, P.DELEGATED_MANAGEMENT, P.AUTHORIZED_MANAGEMENT, P.TOKEN_VERIFICATION)
_NEVER_WITH_DELEGATED: Final = P.AUTHORIZED_MANAGEMENT | P.TOKEN_VERIFICATION | P.RECEIPT_GENERATION
_SHORT_DOMAIN: Final = bytes.fromhex("8000")  # bytes 2 and 3 behind one byte, for security domains (Table 6-2)


def read(data: bytes) -> int:
    """Privileges from an INSTALL command, one byte or three; the bits of one byte say nothing of the others.

    :raises StatusWordError: 6A80 on another size, RFU bits, or bits that exclude each other.
    """
    if len(data) == 1:
        data += _SHORT_DOMAIN if data[0] & 0x80 else bytes(_SIZE - 1)
    if len(data) != _SIZE:
        raise StatusWordError(sw.WRONG_DATA)
    found = int.from_bytes(data, "big")
    _check(found)
    return found


def write(privileges: int) -> bytes:
    """Three bytes, as the registry shows them."""
    return privileges.to_bytes(_SIZE, "big")


def _check(found: int) -> None:
    domain = bool(found & P.SECURITY_DOMAIN)
    mandated = bool(found & P.MANDATED_DAP)
    contradiction = (
        found & _RFU
        or (not domain and any(found & bit for bit in _NEEDS_DOMAIN))
        or (mandated and not found & P.DAP_VERIFICATION)
        or (found & P.DELEGATED_MANAGEMENT and found & _NEVER_WITH_DELEGATED)
    )
    if contradiction:
        raise StatusWordError(sw.WRONG_DATA)
