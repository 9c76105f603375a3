"""Virtual cards: do they work in this process, and how fast."""

from __future__ import annotations

import time

from cardkit.apdu import CommandAPDU
from cardkit.doctor.check import Seen, fail, ok
from cardkit.doctor.station import Station
from cardkit.errors import CardkitError
from cardkit.target import open_card

IMAGE = "virtual:usim"
SELECT_MF = CommandAPDU(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex("3F00"))  # ISO/IEC 7816-4 11.2.2, no answer wanted
_COUNT = 2_000


def cards(_: Station) -> Seen:
    """Send a fresh virtual chip a number of SELECTs, all of which it must answer 9000."""
    try:
        with open_card(IMAGE) as card:
            start = time.perf_counter()
            for _count in range(_COUNT):
                card.channel.require(SELECT_MF)
            rate = _COUNT / (time.perf_counter() - start)
    except CardkitError as error:
        return fail(f"{IMAGE}: {error}", "install cardkit again")
    return ok(f"virtual cards: {round(rate, -3):,.0f} APDU/s in this process, no reader needed")
