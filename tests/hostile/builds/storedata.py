"""The command line with a personalization that ends in the middle: at the second STORE DATA.

storedata.py refuse|kill COMMAND...      the card answers 6A88, or the process dies
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from cardkit.cli import main
from cardkit.transport.loopback import LoopbackConnection

STORE_DATA, LAST = 0xE2, 2
how = sys.argv.pop(1)
answer = LoopbackConnection.transmit
stored = count(1)


def transmit(connection: LoopbackConnection, command: bytes) -> bytes:
    if command[1] != STORE_DATA or next(stored) != LAST:
        return answer(connection, command)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return b"\x6a\x88"


LoopbackConnection.transmit = transmit
main()
