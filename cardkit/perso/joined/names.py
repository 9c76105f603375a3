"""Names of what belongs to one application of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from cardkit.desired import Finding, State, Step

Value = TypeVar("Value")
_BETWEEN = ": "


def joint(app: str, name: str) -> str:
    """Return a name with its application.

    >>> joint("pkcs15", "PIN")
    'pkcs15: PIN'
    """
    return f"{app}{_BETWEEN}{name}"


def apart(name: str) -> tuple[str, str]:
    """Return application and name.

    >>> apart("emv: data of 325041592E5359532E4444463031: SFI 1")
    ('emv', 'data of 325041592E5359532E4444463031: SFI 1')
    """
    app, _, own = name.partition(_BETWEEN)
    return app, own


def joined(apps: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    """Return the values of all applications under their joint names."""
    return {joint(app, name): value for app, values in apps.items() for name, value in values.items()}


def own(app: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return one application's values under its own names."""
    start = joint(app, "")
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def own_names(app: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return one application's own names."""
    return tuple(found for of, found in map(apart, names) if of == app)


def joint_state(app: str, state: State) -> State:
    """Return a state under its joint name; what people read begins with the application, too."""
    group = joint(app, state.group) if state.group else ""
    return replace(state, name=joint(app, state.name), group=group)


def joint_steps(app: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return steps that name their application."""
    return tuple(replace(step, serves=joint(app, step.serves)) for step in steps)


def own_step(step: Step) -> tuple[str, Step]:
    """Return the application of a step, and the step as that application planned it."""
    app, serves = apart(step.serves)
    return app, replace(step, serves=serves)


def joint_finding(app: str, finding: Finding) -> Finding:
    """Return a finding whose place names its application."""
    return replace(finding, where=joint(app, finding.where))
