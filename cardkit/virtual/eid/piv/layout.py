"""References, object tags, algorithms, and where everything lies in memory (SP 800-73-4 part 1; SP 800-78-4).

pin  puk        tries left, tries in all, 8 bytes        management       algorithm, key
object/TAG      contents of a data object                key/SLOT         algorithm, PIN policy, touch, origin, PKCS #8
"""

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ..keypair import Domain

AID: Final = bytes.fromhex("A000000308000010000100")
AID_LEAST: Final = 5  # bytes of an AID by which SELECT finds the application

PIN, PUK, MANAGEMENT = 0x80, 0x81, 0x9B
PIN_CELL, PUK_CELL, MANAGEMENT_CELL = "pin", "puk", "management"
PIN_SIZE: Final = 8
PADDING: Final = b"\xff"

AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION = 0x9A, 0x9C, 0x9D, 0x9E
RETIRED: Final = range(0x82, 0x96)
SLOTS: Final = frozenset((AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION, *RETIRED))
AGREEING: Final = frozenset((KEY_MANAGEMENT, *RETIRED))  # slots whose keys do key agreement

ALGORITHMS: Final[Mapping[int, Domain]] = {0x07: 2048, 0x05: 3072, 0x11: ec.SECP256R1(), 0x14: ec.SECP384R1()}
TRIPLE_DES: Final = 0x03
MANAGEMENT_KEY_SIZES: Final[Mapping[int, int]] = {TRIPLE_DES: 24, 0x08: 16, 0x0A: 24, 0x0C: 32}

DISCOVERY, BIOMETRIC_GROUP = 0x7E, 0x7F61  # objects that are their own templates
_STANDARD: Final = range(0x5FC101, 0x5FC124)
_VENDOR: Final = range(0x5FFF00, 0x600000)
BEHIND_PIN: Final = frozenset((0x5FC103, 0x5FC108, 0x5FC109, 0x5FC121))  # fingers, face, printed information, iris


def object_cell(tag: int) -> str:
    """Where a data object lies."""
    return f"object/{tag:X}"


def key_cell(slot: int) -> str:
    """Where a key lies."""
    return f"key/{slot:02X}"


def is_object(tag: int) -> bool:
    """Is there room for an object of that tag?"""
    return tag in _STANDARD or tag in _VENDOR or tag in (DISCOVERY, BIOMETRIC_GROUP)
