"""A plan: all that will be done to one card, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cardkit.desired.protocols import Blueprint, Remarks
from cardkit.desired.script import Script
from cardkit.desired.states import Content, Group, Phase, State
from cardkit.desired.steps import Step
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.meter import Tally, WriteModel


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will be done to one card: a pure function of profile, record and prepared values.

    :param profile_sha256: 32 bytes.  :param tag: 16 bytes, the marker's.
    :param states: in the order they are made true.  :param steps: what a blank card gets, in order.
    :param contents: by state name, secrets as Secret parts.
    :param transport: key references of the secrets as delivered, by name.
    :param writes: how long the chip's memory takes.  :param fits: whether an ATR is that of the profile's chip.
    :param scripts: commands that were computed beforehand, session by session.
    """

    profile: str
    version: int
    profile_sha256: bytes
    record_no: int
    tag: bytes = field(repr=False)
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    contents: Mapping[str, Content] = field(repr=False)
    transport: Mapping[str, str]
    writes: WriteModel
    fits: Callable[[bytes], bool] = field(repr=False)
    blueprint: Blueprint = field(repr=False)
    scripts: tuple[Script, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """States that count only together."""
        names = dict.fromkeys(state.group for state in self.states if state.group)
        return tuple(Group(name, tuple(s.name for s in self.states if s.group == name)) for name in names)

    @property
    def remarks(self) -> Mapping[str, str]:
        """What there is to say besides states and commands, by name."""
        return self.blueprint.remarks if isinstance(self.blueprint, Remarks) else {}

    def totals(self) -> dict[str, dict[str, int]]:
        """Return APDUs and bytes each way by phase, as a blank card gets them at T=1."""
        totals = {phase.value: {"apdus": 0, "bytes_in": 0, "bytes_out": 0} for phase in Phase}
        for step in self.steps:
            part = totals[step.phase]
            part["apdus"] += 1
            part["bytes_in"] += step.bytes_in
            part["bytes_out"] += step.bytes_out
        return totals

    def seconds(self, ta1: int, protocol: TransmissionProtocol) -> float:
        """Return the card time in seconds: line at a bit rate (TA1) and memory.

        :raises EncodingError: on a reserved TA1.
        """
        tally = Tally()
        for step in self.steps:
            tally.add(step.nc, step.answer, nvm_bytes=step.nvm)
        return tally.line_seconds(ta1, protocol) + self.writes.seconds(tally.apdus, tally.nvm_bytes)

    def to_json(self) -> dict[str, Any]:
        """Return states and commands as plain values, without contents: keys and personal data stay out."""
        return {
            "record": self.record_no,
            "states": [_state_json(state) for state in self.states],
            "steps": [_step_json(step) for step in self.steps],
            "scripts": [script.to_json() for script in self.scripts],
            "remarks": dict(self.remarks),
        }


def _state_json(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "title": state.title,
        "phase": state.phase.value,
        "access": state.access.name if state.access else None,
        "seen": state.seen.value,
        "rule": state.rule,
        "reversible": state.reversible,
        "varies": state.varies,
        "group": state.group or None,
        "after_unknown": state.after_unknown.value,
    }


def _step_json(step: Step) -> dict[str, Any]:
    cla, ins, p1, p2, nc, ne = step.shape
    return {
        "phase": step.phase.value,
        "role": step.role.value,
        "serves": step.serves,
        "header": f"{cla:02X}{ins:02X}{p1:02X}{p2:02X}",
        "lc": nc,
        "le": ne,
        "answer": step.answer,
        "sw": [f"{sw:04X}" for sw in step.sw],
        "nvm": step.nvm,
        "reversible": step.reversible,
    }
