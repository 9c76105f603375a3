"""The machine readable zone of a record (ICAO Doc 9303-3 to -6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.emrtd.mrz import Format, Holder, Mrz, compose
from cardkit.apps.emrtd.transliteration import transliterate
from cardkit.errors import EncodingError

_DAY_PARTS = (4, 2, 2)
_UNSPECIFIED = {"X": "<"}
_FREE = frozenset({"name", "optional_data", "optional_data_1", "optional_data_2"})
"""Fields where an order's own zone may be right and ours another."""


def zone_of(form: Format, holder: Mapping[str, Any]) -> Mrz:
    """Return the zone of a holder: the order's own where it has one, whose fields and digits are checked.

    :param holder: values of the profile's block, resolved.
    :raises EncodingError: where a value does not fit, or the order's zone is of somebody else.
    """
    composed = compose(form, _holder(holder))
    if not holder["mrz"]:
        return composed
    own = Mrz.parse(holder["mrz"]).checked()
    if own.format is not form:
        raise EncodingError(f"mrz: a zone of {own.format}, expected {form}")
    for name, value in composed.fields().items():
        if not name.endswith("_digit") and name not in _FREE and own.field(name) != value:
            raise EncodingError(f"mrz: {name} is not the record's")
    return own


def _holder(values: Mapping[str, Any]) -> Holder:
    state = values["issuing_state"]
    return Holder(
        document_code=values["document_code"],
        issuing_state=state,
        document_number=values["document_number"],
        nationality=values["nationality"],
        date_of_birth=_day("birth", values["birth"]),
        sex=_UNSPECIFIED.get(values["sex"], values["sex"]),
        date_of_expiry=_day("expiry", values["expiry"]),
        primary=transliterate(values["primary"], state),
        secondary=transliterate(values["secondary"], state),
        optional_data=values["optional_data"],
        optional_data_2=values["optional_data_2"],
    )


def _day(name: str, text: str) -> str:
    """Return YYMMDD of YYYY-MM-DD."""
    parts = text.split("-")
    if tuple(map(len, parts)) != _DAY_PARTS:
        raise EncodingError(f"{name}: got {len(text)} characters, expected YYYY-MM-DD")
    return text[2:4] + parts[1] + parts[2]
