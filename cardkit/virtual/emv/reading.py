"""READ RECORD and GET DATA (EMV Book 3, 6.5.7 and 6.5.11)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import log, objects
from .data import TEMPLATE_FILES
from .transaction import Scene, State

_BY_NUMBER: Final = 0x04  # P2 b3 to b1: P1 is a record number
_SFIS: Final = range(1, 31)


def record_reference(command: PlainCommand) -> tuple[int, int]:
    """SFI and record number.

    :raises StatusWordError: 6A86 for a form that EMV does not have.
    """
    sfi = command.p2 >> 3
    if not command.p1 or command.p2 & 7 != _BY_NUMBER or sfi not in _SFIS:
        raise StatusWordError(sw.WRONG_P1P2)
    return sfi, command.p1


def _require_reading(scene: Scene) -> None:
    if scene.transaction.state is State.SELECTED and not scene.choices.records_before_gpo:
        raise StatusWordError(sw.CONDITIONS)


def read_record(scene: Scene, command: PlainCommand) -> Answer:
    """READ RECORD.

    :raises StatusWordError: 6A86, 6700 with data, 6985 before GPO if the image says so, 6A82 no file, 6A83 no record.
    """
    sfi, number = record_reference(command)
    if command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    _require_reading(scene)
    if sfi == log.file_of(scene.data):
        return log.record(scene.data, number), sw.OK
    found = scene.data.record(sfi, number)
    if not found:
        raise StatusWordError(sw.RECORD_NOT_FOUND if scene.data.has_file(sfi) else sw.FILE_NOT_FOUND)
    return (_with_values(found, scene.transaction.fast) if sfi in TEMPLATE_FILES else found), sw.OK


def _with_values(record: bytes, values: dict[int, bytes]) -> bytes:
    """A record as it is read after a fast contactless transaction: its 9F4B and 9F69 are this transaction's."""
    if not values or not any(objects.find(record, tag) is not None for tag in values):
        return record
    ((template, inside),) = objects.parse(record)
    fresh = (objects.build(tag, values.get(tag, value)) for tag, value in objects.parse(inside))
    return objects.build(template, b"".join(fresh))


def get_data(scene: Scene, command: PlainCommand) -> Answer:
    """GET DATA: the counters and the log format.

    :raises StatusWordError: 6700 with data, 6985, 6A88.
    """
    if command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    _require_reading(scene)
    data = scene.data
    found = {
        0x9F36: data.atc,
        0x9F13: data.last_online,
        0x9F17: data.get("tries")[:1],
        0x9F4F: data.dgi(0x9F4F),
    }.get(command.tag)
    if not found:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return objects.build(command.tag, found), sw.OK
