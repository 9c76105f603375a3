"""What the chip must know of the SecurityInfos it shows (ICAO Doc 9303-11 9.2): protocols, versions, references.

SET OF SEQUENCE { protocol OID, required, optional }
"""

from dataclasses import dataclass
from typing import Final

from .. import tlv
from ..errors import ImageError
from .document import CARD_ACCESS, DG14, EMRTD_AID, MF, Document

BSI: Final = bytes.fromhex("04007F00070202")  # 0.4.0.127.0.7.2.2
PACE_ROOT, CHIP_ROOT = BSI + b"\x04", BSI + b"\x03"
SIGNATURE_ROOT: Final = BSI + b"\x02"  # of terminal authentication
ROLES: Final = bytes.fromhex("04007F0007030102")  # 0.4.0.127.0.7.3.1.2
DIFFIE_HELLMAN, ELLIPTIC = 1, 2
ACTIVE_AUTHENTICATION: Final = bytes.fromhex("678108010105")  # 2.23.136.1.1.5
PLAIN_ECDSA: Final = bytes.fromhex("04007F000701010401")  # then the number of the hash

_SET, _SEQUENCE, _INTEGER, _OID = 0x31, 0x30, 0x02, 0x06
_DG14_TAG: Final = 0x6E


@dataclass(frozen=True, slots=True)
class SecurityInfo:
    """One entry whose fields are integers or an identifier.

    :ivar version: the required field, an INTEGER.  :ivar reference: the optional one.
    :ivar identifier: the optional field when it is an OID.
    """

    protocol: bytes
    version: int
    reference: int | None
    identifier: bytes = b""


def card_access(document: Document) -> list[SecurityInfo]:
    """The entries of EF.CardAccess."""
    return _infos(document.content(MF, CARD_ACCESS))


def data_group_14(document: Document) -> list[SecurityInfo]:
    """The entries of DG14."""
    body = document.content(document.application(EMRTD_AID), DG14)
    return _infos(_first(body, _DG14_TAG))


def announced(document: Document) -> list[SecurityInfo]:
    """Both."""
    return card_access(document) + data_group_14(document)


def _first(body: bytes, tag: int) -> bytes:
    """The value of the object in front, nothing when it is another one; the rest of a file is fill."""
    try:
        found, start, end = next(tlv.spans(body))
    except (ImageError, StopIteration):
        return b""
    return body[start:end] if found == tag else b""


def _infos(body: bytes) -> list[SecurityInfo]:
    try:
        entries = [value for tag, value in tlv.parse(_first(body, _SET)) if tag == _SEQUENCE]
        parsed = [list(tlv.parse(entry)) for entry in entries]
    except ImageError:
        return []
    return [_info(parts) for parts in parsed if [tag for tag, _ in parts[:2]] == [_OID, _INTEGER]]


def _info(parts: list[tuple[int, bytes]]) -> SecurityInfo:
    optional = dict(parts[2:3])
    reference = int.from_bytes(optional[_INTEGER], "big") if _INTEGER in optional else None
    return SecurityInfo(parts[0][1], int.from_bytes(parts[1][1], "big"), reference, optional.get(_OID, b""))
