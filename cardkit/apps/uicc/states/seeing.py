"""From what a survey saw, and a dump if somebody took one, to the picture the rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cardkit.apps.uicc.client import is_done
from cardkit.apps.uicc.dumped import picture_of_dump
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.states.aka import SECURITY_STATUS
from cardkit.apps.uicc.states.scripts import STRANGER
from cardkit.desired import ATR_FITS, LOOKED, REPEATED, Observations
from cardkit.errors import EncodingError

FILE_NOT_FOUND, NO_SUCH_FILE = 0x6A82, "no such file"
MADE = "FCP "
COUNTER, PRESENTED, CHANGED = "counter ", "presented ", "changed "
SQN, BEFORE = "SQN ", "SQN before "


def picture_of(seen: Observations) -> CardPicture:
    """Return the picture of a card; what a check read after PINs were presented goes before what a stranger saw."""
    notes = seen.notes
    looked = notes.get(LOOKED)
    base = CardPicture() if looked is None else picture_of_dump(looked)
    bodies, words = seen.bodies, seen.words
    if looked is not None:
        bodies = {**base.bodies, **bodies}
    return replace(
        base,
        controls={**base.controls, **_controls(notes)},
        faults={**base.faults, **_faults(notes)},
        atr_fits=notes.get(ATR_FITS),
        bodies=bodies,
        refused={name: text for name, text in {**base.refused, **_refused(words)}.items() if name not in bodies},
        codes=_stripped(notes, COUNTER),
        presented=_stripped(notes, PRESENTED),
        changed=_stripped(notes, CHANGED),
        proofs={name: value for name, value in notes.items() if isinstance(value, str)},
        sequence=_sequence(notes),
        returned_kc=notes.get("Kc returned"),
        rewritten=notes.get("rewritten"),
        unasked=_unasked(notes),
        repeated=notes.get(REPEATED),
    )


def _refused(words: Mapping[str, int]) -> dict[str, str]:
    texts = {FILE_NOT_FOUND: NO_SUCH_FILE, SECURITY_STATUS: f"{SECURITY_STATUS:04X}, access is not open"}
    return {name: texts.get(sw, f"status {sw:04X}") for name, sw in words.items()}


def _stripped(notes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in notes.items() if name.startswith(prefix)}


def _controls(notes: Mapping[str, Any]) -> dict[str, Fcp]:
    """Return what the card answered to SELECT for the files that were made on it."""
    return {name: fcp for name, answer in _stripped(notes, MADE).items() if (fcp := _fcp(answer)) is not None}


def _faults(notes: Mapping[str, Any]) -> dict[str, str]:
    made = _stripped(notes, MADE)
    return {
        name: f"SELECT answered {len(made[name])} bytes that are no template" for name in made.keys() - _controls(notes)
    }


def _fcp(answer: bytes) -> Fcp | None:
    try:
        return Fcp.parse(answer)
    except EncodingError:
        return None


def _unasked(notes: Mapping[str, Any]) -> frozenset[str] | None:
    tried = _stripped(notes, STRANGER)
    return frozenset(name for name, sw in tried.items() if is_done(sw)) if tried else None


def _sequence(notes: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    before = _stripped(notes, BEFORE)
    return {place: (first, notes[SQN + place]) for place, first in before.items() if SQN + place in notes}
