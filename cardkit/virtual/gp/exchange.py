"""One APDU through a GlobalPlatform chip: parsed, worked on, answered, with GET RESPONSE at either protocol."""

from typing import Final

from ..errors import StatusWordError
from . import dispatch, wire
from .chip import GpChip

_GET_RESPONSE: Final = 0xC0


def exchange(chip: GpChip, command: bytes) -> bytes:
    """Work on one C-APDU.

    :returns: R-APDU, at least 2 bytes.  :raises PowerCutError: by a fault.
    """
    waiting, chip.waiting = chip.waiting, None
    try:
        apdu = wire.parse(command, protocol=chip.protocol, extended=chip.image.extended)
        if apdu.ins == _GET_RESPONSE:
            answer, chip.waiting = wire.get_response(apdu, waiting, protocol=chip.protocol)
            return answer
    except StatusWordError as refusal:
        return refusal.sw
    data, status = dispatch.run(chip, apdu)
    answer, chip.waiting = wire.answer(apdu, data, status, protocol=chip.protocol)
    return answer
