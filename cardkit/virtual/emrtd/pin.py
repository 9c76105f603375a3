"""RESET RETRY COUNTER: who opened the session with the PUK makes the PIN usable again (TR-03110-2 3.3, B.11)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import keys
from .document import Document
from .pace import PUK
from .session import Answer, Command, Session

_RESET_PIN: Final = 0x0303  # the counter alone, of the PIN


def reset(document: Document, session: Session, command: Command) -> Answer:
    """Fill the counter of the PIN.

    :raises StatusWordError: 6A86, 6700 with data, 6982 without PACE by the PUK, 6A88 without a PIN.
    """
    command.require(_RESET_PIN)
    if command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    if not command.secured or session.password != PUK:
        raise StatusWordError(sw.SECURITY_STATUS)
    _, most = document.tries(keys.PIN)
    if not most:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    document.put_tries(keys.PIN, most, most)
    return b"", sw.OK
