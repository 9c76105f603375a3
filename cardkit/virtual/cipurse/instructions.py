"""The instructions of the card, one line an entry (sheet 2.1)."""

from typing import Final

from . import attributes, authentication, binary, creation, keys, records, selecting, transactions, values
from .chip import Operation

_SOME: Final = (1, 255)
_VALUE: Final = (values.SIZE, values.SIZE)


def _zero(p1: int, p2: int) -> bool:
    return not p1 and not p2


def _key_number(p1: int, p2: int) -> bool:
    del p2
    return not p1


_INTERINDUSTRY: Final = {
    0x04: Operation(creation.deactivate, _zero),
    0x44: Operation(creation.activate, _zero),
    0x82: Operation(
        authentication.mutual_authenticate,
        _key_number,
        (authentication.TOKEN_SIZE, authentication.TOKEN_SIZE),
        answers=True,
        outside=True,
    ),
    0x84: Operation(authentication.get_challenge, _zero, answers=True, outside=True),
    0xA4: Operation(selecting.select, selecting.parameters, (0, selecting.LONGEST_NAME), outside=True),
    0xB0: Operation(binary.read, binary.parameters, answers=True),
    0xB2: Operation(records.read, records.read_parameters, answers=True),
    0xD6: Operation(binary.update, binary.parameters, _SOME),
    0xDC: Operation(records.update, records.update_parameters, _SOME),
    0xE0: Operation(creation.create, creation.create_parameters, _SOME),
    0xE2: Operation(records.append, records.append_parameters, _SOME),
    0xE4: Operation(creation.delete, creation.delete_parameters, (0, selecting.LONGEST_NAME)),
}
_PROPRIETARY: Final = {
    0x30: Operation(values.decrease, records.update_parameters, _VALUE),
    0x32: Operation(values.increase, records.update_parameters, _VALUE),
    0x34: Operation(values.read, records.read_parameters, answers=True),
    0x3C: Operation(values.limited_increase, keys.update_parameters, _VALUE),
    0x3E: Operation(values.limited_decrease, keys.update_parameters, _VALUE),
    0x4E: Operation(keys.update_attributes, _key_number, (1, 1)),
    0x52: Operation(keys.update, keys.update_parameters, (keys.UPDATE_SIZE, keys.UPDATE_SIZE)),
    0x7C: Operation(transactions.cancel, _zero),
    0x7E: Operation(transactions.perform, _zero),
    0xCE: Operation(attributes.read, _zero, answers=True),
    0xDE: Operation(attributes.update, _zero, _SOME),
    0xFC: Operation(creation.format_all, _zero, (creation.CONFIRMATION_SIZE, creation.CONFIRMATION_SIZE)),
}

OPERATIONS: Final = {
    **{(0x00, ins): operation for ins, operation in _INTERINDUSTRY.items()},
    **{(0x80, ins): operation for ins, operation in _PROPRIETARY.items()},
}
