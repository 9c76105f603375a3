"""A PIV chip: its one application, and who works on which command (SP 800-73-4 part 2, 3)."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from ... import statuswords as sw
from ... import tlv
from ...errors import StatusWordError
from ...gp import wire
from ...memory import Memory
from ..chip import EidChip, require
from ..image import EidImage
from . import layout
from .authenticate import general_authenticate
from .objects import get_data, put_data
from .pins import change_reference_data, reset_retry_counter, set_tries, verify
from .session import Session
from .slots import generate, import_key, metadata, move_key
from .state import State
from .vendor import factory_reset, get_serial, get_version, set_management_key

_SELECT: Final = 0xA4
_BY_NAME: Final = (0x0400, 0x040C)
_PROPERTIES, _NAME, _AUTHORITY, _LABEL, _ALGORITHMS = 0x61, 0x4F, 0x79, 0x50, 0xAC
_ALGORITHM, _OBJECT_IDENTIFIER = 0x80, 0x06
_PIX_AT: Final = 5


class PivChip(EidChip):
    """The state of one chip."""

    def __init__(self, image: EidImage, memory: Memory, random: Random) -> None:
        super().__init__(image, memory, random)
        self._state = State(image, self.journal, random, Session())

    def reset(self) -> None:
        """Forget everything volatile."""
        super().reset()
        self._state.session = Session()

    def work(self, apdu: wire.Apdu) -> bytes:
        """The command itself; whatever it is, the PIN is not fresh any more for the one after, unless it verifies it.

        :raises StatusWordError: 6D00, and as each command says.
        """
        session = self._state.session
        if apdu.ins == _SELECT:
            session.fresh = False
            return _select(apdu)
        worker = _COMMANDS.get(apdu.ins)
        if worker is None:
            session.fresh = False
            raise StatusWordError(sw.NO_INSTRUCTION)
        try:
            return worker(self._state, apdu)
        finally:
            session.fresh = session.fresh and apdu.ins == _VERIFY


def _select(apdu: wire.Apdu) -> bytes:
    """SELECT by the AID, whole or its right-truncated forms; security status stays as it is (part 2, 3.1.1).

    :raises StatusWordError: 6A82, and the application stays selected.
    """
    require(apdu, *_BY_NAME)
    if len(apdu.data) < layout.AID_LEAST or not layout.AID.startswith(apdu.data):
        raise StatusWordError(sw.FILE_NOT_FOUND)
    algorithms = b"".join(tlv.build(_ALGORITHM, bytes((number,))) for number in layout.ALGORITHMS)
    inner = (
        tlv.build(_NAME, layout.AID[_PIX_AT:])
        + tlv.build(_AUTHORITY, tlv.build(_NAME, layout.AID[:_PIX_AT]))
        + tlv.build(_LABEL, b"Virtual PIV")
        + tlv.build(_ALGORITHMS, algorithms + tlv.build(_OBJECT_IDENTIFIER, b"\x00"))
    )
    return tlv.build(_PROPERTIES, inner)


_VERIFY: Final = 0x20
_COMMANDS: Final[Mapping[int, Callable[[State, wire.Apdu], bytes]]] = {
    _VERIFY: verify,
    0x24: change_reference_data,
    0x2C: reset_retry_counter,
    0x47: generate,
    0x87: general_authenticate,
    0xCB: get_data,
    0xDB: put_data,
    0xF6: move_key,
    0xF7: metadata,
    0xF8: get_serial,
    0xFA: set_tries,
    0xFB: factory_reset,
    0xFD: get_version,
    0xFE: import_key,
    0xFF: set_management_key,
}
