"""Rules about passwords that are printed: whether somebody who sees none of the card could guess them (9303-11 4.3)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.signerrules import Trouble

_WHERE = "CAN"
_RUNS = ("01234567890123456789", "98765432109876543210")


def can_troubles(can: str, mrz: Mrz) -> Iterator[Trouble]:
    """EMRTD-096: an access number is drawn, no part of what else is printed. Nothing of it is quoted.

    :param can: digits.
    """
    expected = "drawn digits"
    if len(set(can)) == 1:
        yield Trouble("EMRTD-096", _WHERE, expected, "one digit, repeated")
    elif any(can in run for run in _RUNS):
        yield Trouble("EMRTD-096", _WHERE, expected, "digits that follow each other")
    elif can in mrz.document_number:
        yield Trouble("EMRTD-096", _WHERE, expected, "part of the document number")
    elif can in (mrz.field("date_of_birth"), mrz.field("date_of_expiry")):
        yield Trouble("EMRTD-096", _WHERE, expected, "a date of the zone")
