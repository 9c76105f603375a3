"""What a run tells its listener, which returns when it is durable: the next command is sent only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BindEvent:
    """The next command changes the card: from here on this record belongs to this chip."""

    chip_id: str


@dataclass(frozen=True, slots=True)
class IntentEvent:
    """A secret is about to be presented or changed, or a life-cycle step taken.

    :param step: what.  :param key_ref: which secret, never its value.  :param tries: tries left before, -1 unknown.
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


Event = BindEvent | IntentEvent | UnknownEvent | DoneEvent
OnEvent = Callable[[Event], None]
