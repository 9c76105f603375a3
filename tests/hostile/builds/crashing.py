"""The command line, with a crash in the middle of a card.

crashing.py APDU raise|kill COMMAND...      at the APDU of that number, counted over all cards of the process
"""

from __future__ import annotations

import os
import signal
import sys

from cardkit.cli import main
from cardkit.virtual import VirtualCard

number, how = int(sys.argv.pop(1)), sys.argv.pop(1)
seen = 0
answer = VirtualCard.transmit


def transmit(card: VirtualCard, command: bytes) -> bytes:
    global seen  # noqa: PLW0603
    seen += 1
    if seen == number and how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if seen == number:
        raise RuntimeError("crash in the middle of a card")
    return answer(card, command)


VirtualCard.transmit = transmit
main()
