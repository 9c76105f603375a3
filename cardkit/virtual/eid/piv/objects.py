"""Data objects: GET DATA and PUT DATA (SP 800-73-4 part 2, 3.1.2 and 3.3.2)."""

from typing import Final

from ... import statuswords as sw
from ... import tlv
from ...errors import StatusWordError
from ...gp import ber, wire
from ..chip import require
from . import layout
from .state import State

_CURRENT: Final = 0x3FFF
_TAG_LIST, _DATA = 0x5C, 0x53
_LARGEST: Final = 8192
_OBJECTS: Final = "object/"


def get_data(state: State, apdu: wire.Apdu) -> bytes:
    """An object in its template.

    :raises StatusWordError: 6A82 absent, 6982 without the PIN, 6A80 no tag list.
    """
    require(apdu, _CURRENT)
    fields = ber.parse(apdu.data)
    if len(fields) != 1 or fields[0][0] != _TAG_LIST or not fields[0][1]:
        raise StatusWordError(sw.WRONG_DATA)
    tag = int.from_bytes(fields[0][1], "big")
    if tag in layout.BEHIND_PIN:
        state.require_pin()
    value = state.journal.get(layout.object_cell(tag))
    if not value:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return tlv.build(tag if tag in (layout.DISCOVERY, layout.BIOMETRIC_GROUP) else _DATA, value)


def put_data(state: State, apdu: wire.Apdu) -> bytes:
    """An object in place of the one with its tag; an empty one takes that away.

    :raises StatusWordError: 6982 without the management key, 6A80 no such object, 6A84 too large.
    """
    require(apdu, _CURRENT)
    state.require_management()
    tag, value = _addressed(ber.parse(apdu.data))
    if not layout.is_object(tag):
        raise StatusWordError(sw.WRONG_DATA)
    name = layout.object_cell(tag)
    others = sum(len(state.journal.get(other)) for other in state.journal.names(_OBJECTS) if other != name)
    if len(value) > _LARGEST or others + len(value) > state.image.nvm:
        raise StatusWordError(sw.NO_MEMORY)
    state.journal.put(name, value)
    return b""


def _addressed(fields: ber.Objects) -> tuple[int, bytes]:
    """Tag and contents of `5C tag 53 contents`, or of an object that is its own template."""
    if len(fields) == 1 and fields[0][0] in (layout.DISCOVERY, layout.BIOMETRIC_GROUP):
        return fields[0]
    if [tag for tag, _ in fields] != [_TAG_LIST, _DATA]:
        raise StatusWordError(sw.WRONG_DATA)
    return int.from_bytes(fields[0][1], "big"), fields[1][1]
