"""What a reader answers itself about a contactless card: pseudo-APDUs of class FF (PC/SC part 3, 3.2.2).

Behind vpcd there is no reader firmware, so the card's front end answers them.
"""

from typing import Final

from . import statuswords as sw

CLASS: Final = 0xFF
_GET_DATA: Final = 0xCA
_UID, _HISTORICAL = 0, 1
_APDU_SIZE: Final = 5


def answer(command: bytes, uid: bytes, historical: bytes) -> bytes:
    """GET DATA: the UID of the card, or the historical bytes of its answer to select; all else is not supported.

    :param command: a C-APDU of class FF.
    :returns: R-APDU: 6Cxx when Le is too short, the data with 6282 when it is too long.

    >>> answer(bytes.fromhex("FFCA000004"), bytes.fromhex("05010203040506"), b"").hex()
    '6c07'
    """
    if len(command) < 2 or command[1] != _GET_DATA:
        return sw.NOT_SUPPORTED
    if len(command) != _APDU_SIZE:
        return sw.WRONG_LENGTH
    found = {_UID: uid, _HISTORICAL: historical}.get(command[2], b"")
    if command[3] or not found:
        return sw.NOT_SUPPORTED
    wanted = command[4] or len(found)
    if wanted < len(found):
        return sw.right_length(len(found))
    return found + (sw.OK if wanted == len(found) else sw.END_REACHED)
