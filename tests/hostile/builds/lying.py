"""The command line with cards that show somebody else's IMSI: findings about personal data.

lying.py COMMAND...
"""

from __future__ import annotations

from cardkit.cli import main
from cardkit.virtual import VirtualCard

READ_IMSI = bytes.fromhex("00B0870009")
answer = VirtualCard.transmit


def transmit(card: VirtualCard, command: bytes) -> bytes:
    said = answer(card, command)
    if command == READ_IMSI and len(said) == 11:
        return said[:8] + bytes((said[8] ^ 0x11,)) + said[9:]
    return said


VirtualCard.transmit = transmit
main()
