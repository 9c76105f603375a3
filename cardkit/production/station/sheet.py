"""The shift end sheet: as values for programs, and as lines for the printer. production.md 15"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cardkit.production.station.shift import Shift

VERDICTS = ("GOOD", "REJECTED", "BLANK_REJECT", "IN_DOUBT")


def sheet(shift: Shift) -> dict[str, Any]:
    """Return the sheet as plain values; shares are fractions of 1, None where there is nothing to take them of."""
    figures, oee = shift.figures, shift.figures.effectiveness(shift.seconds)
    return {
        "station": shift.station,
        "operator": shift.operator,
        "began": shift.began.isoformat(timespec="seconds"),
        "ended": shift.ended.isoformat(timespec="seconds"),
        "seconds": round(shift.seconds, 3),
        "cards": {verdict: figures.cards[verdict] for verdict in VERDICTS},
        "rejects": [
            {"class": kind, "code": code, "cards": count} for (kind, code), count in figures.codes.most_common()
        ],
        "uph": _rounded(figures.uph, 1),
        "oee": {
            "availability": _rounded(oee.availability),
            "performance": _rounded(oee.performance),
            "quality": _rounded(oee.quality),
            "overall": _rounded(oee.overall),
        },
        "software_share": _rounded(figures.software_share),
        "couplers": figures.couplers,
        "restarts": figures.restarts,
        "stopped_couplers": [
            {"coupler": stop.coupler, "rule": stop.rule, "why": stop.why} for stop in figures.stopped_couplers
        ],
        "stops": [{"scope": stop.scope, "rule": stop.rule, "why": stop.why} for stop in figures.stops],
        "batches": [{"batch": run.batch, "records": dict(run.counts)} for run in shift.runs],
        "checkpoint": None if shift.sealed is None else {"seq": shift.sealed.seq, "hash": shift.sealed.hash},
    }


def sheet_lines(shift: Shift) -> Iterator[tuple[str, str]]:
    """Yield the sheet for people, by name; what they count by hand and sign for is left blank."""
    figures, oee = shift.figures, shift.figures.effectiveness(shift.seconds)
    yield "station", f"{shift.station}, operator {shift.operator}"
    yield "shift", f"{shift.began:%Y-%m-%d %H:%M:%S} to {shift.ended:%H:%M:%S} UTC, {shift.seconds:.0f} s"
    yield "cards", ", ".join(f"{figures.cards[name]} {name}" for name in VERDICTS)
    for (kind, code), count in figures.codes.most_common():
        yield "reject", f"{count} {code} ({kind})"
    yield "cards an hour", "-" if figures.uph is None else f"{figures.uph:.0f} good, of {figures.couplers} couplers"
    factors = f"{_percent(oee.availability)} x {_percent(oee.performance)} x {_percent(oee.quality)}"
    yield "OEE", f"{_percent(oee.overall)} = availability x performance x quality = {factors}"
    yield "software", f"{_percent(figures.software_share)} of the cards' time"
    for coupler in figures.stopped_couplers:
        yield "stopped", f"{coupler.coupler}: {coupler.why}"
    for stop in figures.stops:
        yield "stopped", f"{stop.scope}: {stop.why}"
    for run in shift.runs:
        records = ", ".join(f"{count} {state}" for state, count in run.counts.items() if count)
        yield "batch", f"{run.batch}: {records}"
    if shift.sealed is not None:
        yield "checkpoint", f"event {shift.sealed.seq}, {shift.sealed.hash}"
    yield "counted by hand", "good ______  rejected ______  blank ______  hold ______"
    yield "signed", "operator ____________________  supervisor ____________________"


def _rounded(value: float | None, places: int = 4) -> float | None:
    return None if value is None else round(value, places)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
