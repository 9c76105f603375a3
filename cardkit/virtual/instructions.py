"""The instructions of the card, one line an entry (ETSI TS 102 221 table 10.5; TS 102 222 6; 3GPP TS 31.102 7)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from . import admin, authenticate, bertlv, binary, channels, creation, identity, pins, protocol, records, selection
from .chip import Answer, Chip, Command
from .protocol import Flow

Handler = Callable[[Chip, Command], Answer]
Check = Callable[[int, int], bool]


class Operation(NamedTuple):
    """How one instruction is checked and done.

    :ivar valid: are P1 and P2 ones this instruction knows? (6A86)
    :ivar flow: which fields it has. (6700)
    """

    handler: Handler
    valid: Check
    flow: int


_GET_RESPONSE: Final = Operation(protocol.get_response, protocol.valid_get_response, int(Flow.READ))

# CLA 0X and 4X
_INTERINDUSTRY: Final = {
    0x04: Operation(admin.deactivate, admin.valid_target, int(Flow.DATA)),
    0x20: Operation(pins.verify, pins.valid_reference, int(Flow.DATA)),
    0x24: Operation(pins.change, pins.valid_reference, int(Flow.WRITE)),
    0x26: Operation(pins.disable, pins.valid_reference, int(Flow.WRITE)),
    0x28: Operation(pins.enable, pins.valid_reference, int(Flow.WRITE)),
    0x2C: Operation(pins.unblock, pins.valid_reference, int(Flow.DATA)),
    0x44: Operation(admin.activate, admin.valid_target, int(Flow.DATA)),
    0x70: Operation(channels.manage, channels.valid_manage, int(Flow.ANSWER)),
    0x84: Operation(channels.get_challenge, channels.valid_challenge, int(Flow.READ)),
    0x88: Operation(authenticate.authenticate, authenticate.valid_context, int(Flow.BOTH)),
    0xA2: Operation(records.search_record, records.valid_search, int(Flow.BOTH)),
    0xA4: Operation(selection.select, selection.valid_select, int(Flow.DATA | Flow.ANSWER)),
    0xB0: Operation(binary.read_binary, binary.valid_offset, int(Flow.READ)),
    0xB2: Operation(records.read_record, records.valid_record, int(Flow.READ)),
    0xC0: _GET_RESPONSE,
    0xD6: Operation(binary.update_binary, binary.valid_offset, int(Flow.WRITE)),
    0xDC: Operation(records.update_record, records.valid_record, int(Flow.WRITE)),
    0xE0: Operation(creation.create, admin.valid_nothing, int(Flow.WRITE)),
    0xE4: Operation(admin.delete, admin.valid_nothing, int(Flow.WRITE)),
    0xE6: Operation(admin.terminate_df, admin.valid_target, int(Flow.DATA)),
    0xE8: Operation(admin.terminate_ef, admin.valid_target, int(Flow.DATA)),
    0xFE: Operation(admin.terminate_card, admin.valid_nothing, int(Flow.NONE)),
}

# CLA 8X, CX
_PROPRIETARY: Final = {
    0x32: Operation(records.increase, records.valid_increase, int(Flow.BOTH)),
    0x78: Operation(identity.get_identity, identity.valid_identity, int(Flow.READ)),
    0xC0: _GET_RESPONSE,
    0xCB: Operation(bertlv.retrieve, bertlv.valid_block, int(Flow.DATA | Flow.ANSWER)),
    0xD4: Operation(creation.resize, admin.valid_nothing, int(Flow.WRITE)),
    0xDB: Operation(bertlv.set_data, bertlv.valid_block, int(Flow.WRITE)),
    0xF2: Operation(selection.status, selection.valid_status, int(Flow.ANSWER)),
}


Entry = tuple[Handler, Check, int, int]  # an operation's fields and the channel number


TERMINATED: Final = frozenset({0xA4, 0xC0, 0xF2})  # what a card answers after TERMINATE CARD USAGE


@lru_cache(maxsize=8)
def dispatch_table(channel_count: int) -> dict[bytes, Entry]:
    """(CLA, INS) -> operation and channel number, for a card with that many logical channels."""
    table: dict[bytes, Entry] = {}
    for number in range(channel_count):
        cla = number if number < 4 else 0x40 + number - 4
        for base, operations in ((cla, _INTERINDUSTRY), (cla | 0x80, _PROPRIETARY)):
            for ins, operation in operations.items():
                table[bytes((base, ins))] = (*operation, number)
    return table
