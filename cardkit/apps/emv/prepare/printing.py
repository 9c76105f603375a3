"""What the machine behind the line gets of a card: embossed and printed fields, stripe, chip data to compare.

A plain text of named fields, one a line, in the manner of printer files; it claims no vendor's format. ISO/IEC 7813
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.prepare.tracks import Tracks, stripe_lines

_GROUPS_OF_15 = (4, 6, 5)
_GROUP = 4


def printed_card(holder: Holder, tracks: Tracks, data: Iterable[ApplicationData]) -> Iterator[str]:
    """Yield the lines of one card: named fields, tracks 1 and 2, then the clear data groupings of each application.

    :raises EncodingError: when a track is longer than a stripe takes.
    """
    yield f"PAN={grouped(holder.pan)}"
    yield f"PSN={holder.psn}"
    if holder.effective is not None:
        yield f"FROM={_month(holder.effective)}"
    yield f"THRU={_month(holder.expiry)}"
    yield f"NAME={holder.name}"
    if tracks.cvv2:
        yield f"CVV2={tracks.cvv2}"
    yield f"LAST4={holder.pan[-4:]}"
    for number, line in enumerate(stripe_lines(tracks, holder), 1):
        yield f"TRACK{number}={line}"
    for item in data:
        yield f"CHIP={item.aid.hex().upper()}"
        yield from item.texts()


def grouped(pan: str) -> str:
    """Return a PAN as it is embossed: 4-6-5 for 15 digits, else groups of four.

    >>> grouped("9999990000000014"), grouped("999999000000018")
    ('9999 9900 0000 0014', '9999 990000 00018')
    """
    if len(pan) == sum(_GROUPS_OF_15):
        ends = (4, 10, 15)
        return " ".join(pan[end - size : end] for end, size in zip(ends, _GROUPS_OF_15, strict=True))
    return " ".join(pan[start : start + _GROUP] for start in range(0, len(pan), _GROUP))


def _month(day: date) -> str:
    return f"{day:%m/%y}"
