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
from cardkit.apps.uicc.states.mistreating import REWRITTEN
from cardkit.apps.uicc.states.scripts import STRANGER
from cardkit.desired import ATR_FITS, LOOKED, REPEATED, Observations
from cardkit.errors import EncodingError

FILE_NOT_FOUND, NO_SUCH_FILE = 0x6A82, "no such file"
MADE = "FCP "
COUNTER, PRESENTED, CHANGED = "counter ", "presented ", "changed "
SQN, BEFORE = "SQN ", "SQN before "
PREFIXES = (MADE, COUNTER, PRESENTED, CHANGED, STRANGER, BEFORE)
_TEXTS = {FILE_NOT_FOUND: NO_SUCH_FILE, SECURITY_STATUS: f"{SECURITY_STATUS:04X}, access is not open"}


def picture_of(seen: Observations) -> CardPicture:
    """Return the picture of a card; what a check read after PINs were presented goes before what a stranger saw."""
    notes = seen.notes
    told = _sorted(notes)
    picture = CardPicture(
        atr_fits=notes.get(ATR_FITS),
        bodies=seen.bodies,
        refused=_refused(seen.words),
        controls=_controls(told[MADE]),
        faults=_faults(told[MADE]),
        unasked=_unasked(told[STRANGER]),
        codes=told[COUNTER],
        presented=told[PRESENTED],
        changed=told[CHANGED],
        proofs=notes,
        sequence=_sequence(told[BEFORE], notes),
        returned_kc=notes.get("Kc returned"),
        rewritten=notes.get(REWRITTEN),
        repeated=notes.get(REPEATED),
    )
    looked = notes.get(LOOKED)
    return picture if looked is None else _joined(picture_of_dump(looked), picture)


def _sorted(notes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the notes by what they begin with, their names without it, in one pass: every card has it."""
    told: dict[str, dict[str, Any]] = {prefix: {} for prefix in PREFIXES}
    for name, value in notes.items():
        prefix = name[: name.find(" ") + 1]
        if prefix in told:
            told[prefix][name[len(prefix) :]] = value
        elif name.startswith(BEFORE):
            told[BEFORE][name[len(BEFORE) :]] = value
    return told


def _joined(dumped: CardPicture, surveyed: CardPicture) -> CardPicture:
    bodies = {**dumped.bodies, **surveyed.bodies}
    refused = {**dumped.refused, **surveyed.refused}
    return replace(
        surveyed,
        names=dumped.names,
        controls={**dumped.controls, **surveyed.controls},
        faults={**dumped.faults, **surveyed.faults},
        bodies=bodies,
        blanks=dumped.blanks,
        refused={name: why for name, why in refused.items() if name not in bodies},
        specs=dumped.specs,
        domain=dumped.domain,
    )


def _refused(words: Mapping[str, int]) -> dict[str, str]:
    return {name: _TEXTS.get(sw) or f"status {sw:04X}" for name, sw in words.items()}


def _controls(made: Mapping[str, bytes]) -> dict[str, Fcp]:
    """Return what the card answered to SELECT for the files that were made on it."""
    return {name: fcp for name, answer in made.items() if (fcp := _fcp(answer)) is not None}


def _faults(made: Mapping[str, bytes]) -> dict[str, str]:
    broken = [name for name, answer in made.items() if _fcp(answer) is None]
    return {name: f"SELECT answered {len(made[name])} bytes that are no template" for name in broken}


def _fcp(answer: bytes) -> Fcp | None:
    try:
        return Fcp.parse(answer)
    except EncodingError:
        return None


def _unasked(tried: Mapping[str, int]) -> frozenset[str] | None:
    return frozenset(name for name, sw in tried.items() if is_done(sw)) if tried else None


def _sequence(before: Mapping[str, int], notes: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {place: (first, notes[SQN + place]) for place, first in before.items() if SQN + place in notes}
