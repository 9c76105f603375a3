"""What the plant does with any of these chips before the lock: read back, and ask which key objects are there."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.protection import R_ENC, R_MAC
from ..gp.session import SecureChannel
from . import keys, reading
from .document import Condition, Document
from .passport import MOST_ANSWER, READ_BINARY, READ_BINARY_ODD, SELECT
from .session import Answer, Command, Session

GET_DATA: Final = 0xCA
_PROTECTED_ROOM: Final = 239  # of a short answer that is enciphered and has a MAC


def room(secure: SecureChannel, *, extended: bool) -> int:
    """Most bytes of an answer."""
    if extended:
        return MOST_ANSWER
    return _PROTECTED_ROOM if secure.level & (R_MAC | R_ENC) else 256


def read(document: Document, session: Session, command: Command, *, opened: bool) -> Answer:
    """SELECT, READ BINARY, GET DATA of a key object.

    :param opened: the plant has authenticated itself: every file reads.
    :raises StatusWordError: 6D00 another instruction, 6982, 6A88 no such object, and as `reading`.
    """

    def may_read(condition: Condition) -> bool:
        return opened or condition is Condition.ALWAYS

    if command.ins == SELECT:
        return reading.select(document, session, command)
    if command.ins == READ_BINARY:
        return reading.read_binary(document, session, command, may_read)
    if command.ins == READ_BINARY_ODD:
        return reading.read_binary_odd(document, session, command, may_read)
    if command.ins != GET_DATA:
        raise StatusWordError(sw.NO_INSTRUCTION)
    if not opened:
        raise StatusWordError(sw.SECURITY_STATUS)
    return keys.public_object(document, command.parameters), sw.OK
