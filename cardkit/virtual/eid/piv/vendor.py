"""Commands outside SP 800-73-4 that yubikit uses: version, serial number, management key, factory reset."""

from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from ..chip import require
from ..image import SERIAL
from . import layout
from .session import Session
from .state import State

_NEW_KEY: Final = 0xFFFF
_HEAD: Final = 3  # algorithm, 9B, length


def get_version(state: State, apdu: wire.Apdu) -> bytes:
    """Major, minor and patch version.

    :raises StatusWordError: 6A86.
    """
    require(apdu, 0)
    return state.image.version


def get_serial(state: State, apdu: wire.Apdu) -> bytes:
    """The serial number of the chip, 4 bytes.

    :raises StatusWordError: 6A86.
    """
    require(apdu, 0)
    return state.journal.get(SERIAL)


def set_management_key(state: State, apdu: wire.Apdu) -> bytes:
    """A new management key: `algorithm 9B L key`.

    :raises StatusWordError: 6A86, 6982, 6A80 an unknown algorithm or a key of another length.
    """
    require(apdu, _NEW_KEY)
    state.require_management()
    head, key = apdu.data[:_HEAD], apdu.data[_HEAD:]
    expected = layout.MANAGEMENT_KEY_SIZES.get(head[0] if head else 0)
    if expected is None or head[1:] != bytes((layout.MANAGEMENT, expected)) or len(key) != expected:
        raise StatusWordError(sw.WRONG_DATA)
    state.journal.put(layout.MANAGEMENT_CELL, head[:1] + key)
    return b""


def factory_reset(state: State, apdu: wire.Apdu) -> bytes:
    """The chip as it was born, once PIN and PUK are both blocked.

    :raises StatusWordError: 6A86, 6985 while one of them has tries left.
    """
    require(apdu, 0)
    if state.pin.left or state.puk.left:
        raise StatusWordError(sw.CONDITIONS)
    for name in state.journal.names(""):
        if name != SERIAL:
            state.journal.put(name, state.image.cells.get(name, b""))
    for name, value in state.image.cells.items():
        state.journal.put(name, value)
    state.session = Session()
    return b""
