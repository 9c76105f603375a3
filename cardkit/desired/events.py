"""What a run tells its listener, which returns when it is durable: the next command is sent only then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cardkit.desired.steps import Role, Step

NO_TRIES = -1
_ANNOUNCED = frozenset((Role.PRESENT, Role.CHANGE, Role.DELETE))


@dataclass(frozen=True, slots=True)
class BindEvent:
    """From the next command on, which may change the card, this record belongs to this chip.

    :param key_ref, tries: what is presented before the seal, as in an intent: one flush serves both.
    :param keys: digests of the card's own keys that are known by now, by role.
    """

    chip_id: str
    key_ref: str = ""
    tries: int = NO_TRIES
    keys: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeysEvent:
    """The card told what more of its own keys are diversified with; none of them is on it yet.

    :param keys: their digests, by role.
    """

    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class IntentEvent:
    """Secrets are about to be presented or changed, or life-cycle steps taken, all in one stretch of commands.

    :param step: the stretch, with its life-cycle steps.  :param key_ref: which secrets, never their values.
    :param tries: the fewest tries the card should have left for one of them, -1 where it counts none.
    """

    step: str
    key_ref: str
    tries: int


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """Nobody knows whether the card ran the command."""

    step: str
    error: str


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The run ended with a verdict.

    :param evidence_sha256: 32 bytes.
    """

    verdict: str
    evidence_sha256: bytes


def intent_of(stretch: str, steps: Iterable[Step]) -> IntentEvent | None:
    """Return what these steps do that must be durable before the first of them is sent; None for nothing."""
    secrets: dict[str, int] = {}
    life_cycle: dict[str, None] = {}
    for step in [step for step in steps if step.role in _ANNOUNCED]:
        if step.role is Role.DELETE:
            life_cycle[step.serves] = None
        else:
            access = step.access
            name = f"{access.name} {access.reference:02X}" if access else step.serves
            secrets[name] = access.tries if access else NO_TRIES
    if not secrets and not life_cycle:
        return None
    what = ": ".join(part for part in (stretch, ", ".join(life_cycle)) if part)
    return IntentEvent(what, ", ".join(secrets), min(secrets.values(), default=NO_TRIES))


Event = BindEvent | KeysEvent | IntentEvent | UnknownEvent | DoneEvent
OnEvent = Callable[[Event], None]
