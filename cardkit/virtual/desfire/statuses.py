"""Status bytes of native commands (sheet 3.15)."""

from typing import Final

from ..errors import VirtualCardError

OK: Final = 0x00
NO_CHANGES: Final = 0x0C
NO_MEMORY: Final = 0x0E
ILLEGAL_COMMAND: Final = 0x1C
INTEGRITY: Final = 0x1E
NO_SUCH_KEY: Final = 0x40
LENGTH: Final = 0x7E
SIGNATURE: Final = 0x90
PERMISSION: Final = 0x9D
PARAMETER: Final = 0x9E
NO_APPLICATION: Final = 0xA0
DELAY: Final = 0xAD
AUTHENTICATION: Final = 0xAE
MORE: Final = 0xAF
BOUNDARY: Final = 0xBE
ABORTED: Final = 0xCA
COUNT: Final = 0xCE
DUPLICATE: Final = 0xDE
EEPROM: Final = 0xEE
NO_FILE: Final = 0xF0


class RefusedError(VirtualCardError):
    """A command ends with this status and no data; never leaves the card.

    :param status: the status byte.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:02X}")
        self.status = status
