"""Rules about passwords that are printed: whether somebody who sees none of the card could guess them (9303-11 4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.signerrules import Trouble

_WHERE = "CAN"
EVEN, ODD = "pair of an even number", "pair of an odd number"
"""Kinds of :func:`number_pairs`."""
_DIGITS = re.compile("[0-9]+$")
_RUNS = ("01234567890123456789", "98765432109876543210")


def number_pairs(number: str) -> Mapping[str, str]:
    """Return the two pairs of consecutive document numbers that one belongs to: another of a pair is its neighbour.

    >>> sorted(number_pairs("UT07").values()), sorted(number_pairs("UT08").values())
    (['UT3', 'UT4'], ['UT4', 'UT4'])
    """
    digits = _DIGITS.search(number)
    if digits is None:
        return {}
    head, value = number[: digits.start()], int(digits[0])
    return {EVEN: f"{head}{value // 2}", ODD: f"{head}{(value + 1) // 2}"}


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
