"""Application identifiers GlobalPlatform names, and their shape (GPCS H.1.3; ISO/IEC 7816-4 8.2.1.2)."""

from __future__ import annotations

from cardkit.errors import EncodingError

AID_BYTES = range(5, 17)

ISD = bytes.fromhex("A000000151000000")
ISD_OPEN_PLATFORM = bytes.fromhex("A000000003000000")
SSD_PACKAGE = bytes.fromhex("A0000001515350")
SSD_MODULE = bytes.fromhex("A000000151535041")
ARA_M = bytes.fromhex("A00000015141434C00")
JCOP_IDENTIFY = bytes.fromhex("A000000167413000FF")

# First bytes, and who has them; a longer match wins. GPCS H.1.3, GP Amendments; vendors' as seen on cards.
_NAMES = {
    "A000000151000000": "issuer security domain",
    "A0000001510000": "issuer security domain",
    "A000000003000000": "issuer security domain (Open Platform)",
    "A0000000030000": "issuer security domain (Open Platform)",
    "A0000001515350": "security domain package",
    "A000000151535041": "security domain module",
    "A0000000035350": "security domain package (Open Platform)",
    "A000000003535041": "security domain module (Open Platform)",
    "A0000005591010FFFFFFFF8900000100": "ISD-R",
    "A0000005591010FFFFFFFF8900000200": "ECASD",
    "A00000015141434C00": "access rule application (ARA-M)",
    "A00000015100": "org.globalplatform",
    "A0000000620001": "java.lang",
    "A0000000620101": "javacard.framework",
    "A0000000620102": "javacard.security",
    "A0000000620201": "javacardx.crypto",
}


def checked_aid(aid: bytes, what: str = "AID") -> bytes:
    """Return an AID that has a legal length.

    :param what: what it names, for the error.
    :raises EncodingError: on fewer than 5 or more than 16 bytes.

    >>> checked_aid(ISD).hex()
    'a000000151000000'
    """
    if len(aid) not in AID_BYTES:
        raise EncodingError(f"{what}: got {len(aid)} bytes, expected {AID_BYTES[0]} to {AID_BYTES[-1]}")
    return aid


def aid_name(aid: bytes) -> str:
    """Say whose AID this is; empty where it is nobody's we know.

    >>> aid_name(bytes.fromhex("A00000015141434C00"))
    'access rule application (ARA-M)'
    """
    text = aid.hex().upper()
    return next((_NAMES[text[:size]] for size in range(len(text), 0, -2) if text[:size] in _NAMES), "")
