"""Value records: READ VALUE, INCREASE, DECREASE, and their limited forms (sheet 2.1, 2.7).

Beside each record the chip keeps an allowance: what the last DECREASE took, LIMITED INCREASE may give back, once; and
the other way round, as a negative number.
"""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .chip import CipurseChip
from .files import File, Kind
from .image import ValueRecord
from .messaging import FULL, Command

SIZE: Final = 4  # bytes of a value
_MODE: Final = 0x07
_ONE: Final = 4
_LEAST, _MOST = -(1 << 31), (1 << 31) - 1


def number(data: bytes) -> int:
    """A value, signed."""
    return int.from_bytes(data, "big", signed=True)


def _bytes(value: int) -> bytes:
    return value.to_bytes(SIZE, "big", signed=True)


def read(chip: CipurseChip, command: Command) -> bytes:
    """READ VALUE: one, or as many as fit, each 4 bytes.

    :raises StatusWordError: 6700 for less than one of them, and as `_target`.
    """
    room = command.room
    file = _target(chip, command, "read")
    if room < SIZE:
        raise StatusWordError(sw.WRONG_LENGTH)
    body, model = chip.body(file), chip.image.value_record
    last = command.p1 if command.p2 & _MODE == _ONE else file.records
    starts = (file.record_size * at + model.value for at in range(command.p1 - 1, last))
    found = b"".join(body[start : start + SIZE] for start in starts)
    return found[: room // SIZE * SIZE]


def increase(chip: CipurseChip, command: Command) -> bytes:
    """INCREASE VALUE, see `_changed`."""
    return _changed(chip, command, "increase", 1)


def decrease(chip: CipurseChip, command: Command) -> bytes:
    """DECREASE VALUE, see `_changed`."""
    return _changed(chip, command, "decrease", -1)


def limited_increase(chip: CipurseChip, command: Command) -> bytes:
    """LIMITED INCREASE VALUE, see `_changed`."""
    return _changed(chip, command, "limited_increase", 1)


def limited_decrease(chip: CipurseChip, command: Command) -> bytes:
    """LIMITED DECREASE VALUE, see `_changed`."""
    return _changed(chip, command, "limited_decrease", -1)


_LIMITED: Final = frozenset({"limited_increase", "limited_decrease"})


def _changed(chip: CipurseChip, command: Command, operation: str, sign: int) -> bytes:
    """Change a value by an amount, and answer the new one when Le is there.

    :raises StatusWordError: 6700, 6A80 on a negative amount, 6985 beyond a limit or an allowance, 6581, and as
        `_target`.
    """
    if command.ne not in (0, SIZE, FULL):
        raise StatusWordError(sw.WRONG_LENGTH)
    if operation in _LIMITED and command.p2 & _MODE != chip.image.behaviour.limited_p1p2:
        raise StatusWordError(sw.WRONG_P1P2)
    file = _target(chip, command, operation)
    amount = number(command.data)
    if amount < 0:
        raise StatusWordError(sw.WRONG_DATA)
    body, model = chip.body(file), chip.image.value_record
    start = file.record_size * (command.p1 - 1)
    allowance_at = file.size + SIZE * (command.p1 - 1)
    record = body[start : start + file.record_size]
    new = number(record[model.value : model.value + SIZE]) + sign * amount
    allowance = number(body[allowance_at : allowance_at + SIZE])
    if not _within(record, model, new) or (operation in _LIMITED and amount > sign * allowance):
        raise StatusWordError(sw.CONDITIONS)
    left = 0 if operation in _LIMITED else -sign * amount
    body = _put(body, start + model.value, _bytes(new))
    chip.update(file, _put(body, allowance_at, _bytes(left)), SIZE)
    return _bytes(new) if command.ne else b""


def checked(chip: CipurseChip, record: bytes, allowances: bytes, which: int) -> bytes:
    """A record that UPDATE RECORD brings: its value lies within its limits, and it has no allowance.

    :returns: the allowances.  :raises StatusWordError: 6A80.
    """
    model = chip.image.value_record
    if not _within(record, model, number(record[model.value : model.value + SIZE])):
        raise StatusWordError(sw.WRONG_DATA)
    return _put(allowances, SIZE * (which - 1), bytes(SIZE))


def _within(record: bytes, model: ValueRecord, value: int) -> bool:
    lower = number(record[model.minimum : model.minimum + SIZE])
    upper = number(record[model.maximum : model.maximum + SIZE])
    return max(lower, _LEAST) <= value <= min(upper, _MOST)


def _put(body: bytes, at: int, part: bytes) -> bytes:
    return body[:at] + part + body[at + len(part) :]


def _target(chip: CipurseChip, command: Command, operation: str) -> File:
    """The value file whose record is meant.

    :raises StatusWordError: 6A82, 6986, 6981, 6A83, 6985, 6982.
    """
    file = chip.file(command.p2 >> 3)
    if file.kind is not Kind.VALUE:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    if not 1 <= command.p1 <= file.records:
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    chip.require_active()
    chip.require(file, chip.image.values[operation], command)
    return file
