"""Rules about the machine readable zone (ICAO Doc 9303-3 4); what the zone says is never quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from cardkit.apps.emrtd.countries import STATES
from cardkit.apps.emrtd.mrz import Format, Mrz
from cardkit.apps.emrtd.mrzname import name_field
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.transliteration import transliterate
from cardkit.errors import EncodingError

_CARD = re.compile("[IAC][A-UW-Z<]")
_CODES = {Format.TD1: _CARD, Format.TD2: _CARD, Format.TD3: re.compile("P.")}
# 9303-3 5 C and D: British nationality, organizations, persons without a nationality.
_BRITISH = "GBD GBN GBO GBP GBS"
_ORGANIZATIONS = "UNA UNK XBA XIM XCC XCE XCO XEC XPO XES XMP XDC"
_STATELESS = tuple(f"XX{kind}" for kind in "ABCX")  # stateless, refugee, other refugee, unspecified
_STATES = frozenset((*STATES.values(), *_BRITISH.split(), *_ORGANIZATIONS.split(), *_STATELESS))
_NAME = re.compile("[A-Z]+(<[A-Z]+)*(<<[A-Z]+(<[A-Z]+)*)?<*")
_DG1 = "EF.DG1"


def troubles(mrz: Mrz, today: date) -> Iterator[Trouble]:
    """Return what is wrong with a zone: EMRTD-042, 043, 045 and 046."""
    yield from _syntax(mrz)
    for digit in mrz.wrong_digits():
        yield Trouble("EMRTD-043", f"{_DG1} {digit.name}", f"check digit {digit.expected}", digit.actual)
    yield from _dates(mrz, today)
    if mrz.name_may_be_truncated:
        yield Trouble("EMRTD-046", f"{_DG1} name", "a filler in the last place", "none: it may be truncated")


def name_troubles(mrz: Mrz, full_name: str) -> Iterator[Trouble]:
    """EMRTD-046: the whole name, of DG11, transliterates to that of the zone."""
    primary, _, secondary = full_name.partition("<<")
    field = mrz.field("name")
    try:
        state = mrz.field("issuing_state").rstrip("<")
        written = name_field(transliterate(primary, state), transliterate(secondary, state), len(field))
    except EncodingError:
        written = ""
    if written != field:
        yield Trouble("EMRTD-046", "EF.DG11 name_of_holder", "the name of the zone, transliterated", "another")


def _syntax(mrz: Mrz) -> Iterator[Trouble]:
    checks = (
        ("document_code", "a code of its format", _CODES[mrz.format].fullmatch(mrz.field("document_code"))),
        ("issuing_state", "a state of Doc 9303-3", mrz.field("issuing_state").rstrip("<") in _STATES),
        ("nationality", "a nationality of Doc 9303-3", mrz.field("nationality").rstrip("<") in _STATES),
        ("sex", "M, F or <", mrz.field("sex") in ("M", "F", "<")),
        ("name", "primary << secondary, letters only", _NAME.fullmatch(mrz.field("name"))),
    )
    for name, expected, right in checks:
        if not right:
            yield Trouble("EMRTD-042", f"{_DG1} {name}", expected, "something else")


def _dates(mrz: Mrz, today: date) -> Iterator[Trouble]:
    expiry = mrz.date_of_expiry(today)
    if expiry is None:
        yield Trouble("EMRTD-045", f"{_DG1} date_of_expiry", "a day", "none")
    elif expiry < today:
        yield Trouble("EMRTD-045", f"{_DG1} date_of_expiry", f"{today} or later", str(expiry))
