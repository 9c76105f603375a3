"""The chip: who works on which command."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from ...memory import Memory
from ..chip import EidChip
from ..image import EidImage
from .contents import create_file, delete_file, read_binary, update_binary
from .keys import generate, import_key, manage_environment
from .operations import get_challenge, internal_authenticate, perform
from .pins import change_reference_data, reset_retry_counter, verify
from .selecting import select
from .state import Session, State


class Pkcs15Chip(EidChip):
    """The state of one chip."""

    def __init__(self, image: EidImage, memory: Memory, random: Random) -> None:
        super().__init__(image, memory, random)
        self._state = State(image, self.journal, random, Session())

    def reset(self) -> None:
        """Forget everything volatile."""
        super().reset()
        self._state.session = Session()

    def work(self, apdu: wire.Apdu) -> bytes:
        """The command itself.

        :raises StatusWordError: 6D00, and as each command says.
        """
        worker = _COMMANDS.get(apdu.ins)
        if worker is None:
            raise StatusWordError(sw.NO_INSTRUCTION)
        return worker(self._state, apdu)


_COMMANDS: Final[Mapping[int, Callable[[State, wire.Apdu], bytes]]] = {
    0x20: verify,
    0x22: manage_environment,
    0x24: change_reference_data,
    0x2A: perform,
    0x2C: reset_retry_counter,
    0x46: generate,
    0x84: get_challenge,
    0x88: internal_authenticate,
    0xA4: select,
    0xB0: read_binary,
    0xD6: update_binary,
    0xDB: import_key,
    0xE0: create_file,
    0xE4: delete_file,
}
