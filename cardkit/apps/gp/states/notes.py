"""What a session keeps of a card besides bodies and status words, for whoever judges it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.gp.picture import Refusals, SeenChain, SeenLoad
from cardkit.apps.gp.tags import FCI, StatusEntry, StatusKind
from cardkit.secure.greeting import Greeting

NOTES = "GlobalPlatform"
"""Name of the one note of a session, a :class:`Notes`."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A greeting and what it answered.  :param sessions: opened since the greeting before it."""

    domain: bytes
    challenge: bytes
    greeting: Greeting
    sessions: int = 0


@dataclass(slots=True)
class Notes:
    """One look at a card.

    :ivar lists: of the registry.  :ivar faults: of its pages.  :ivar failure: why no session opened, "" if one did.
    :ivar opened: key version and level of the session, None before.
    :ivar refusals: of a card that was mistreated, None of any other.  :ivar chain: None where none was read.
    :ivar asked: status words in order, by what was asked.  :ivar words: instruction and status word of all commands.
    """

    fci: FCI | None = None
    select_sw: int | None = None
    lists: dict[StatusKind, tuple[StatusEntry, ...]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    greetings: list[Hello] = field(default_factory=list)
    opened: tuple[int, int] | None = None
    failure: str = ""
    unproven: list[str] = field(default_factory=list)
    asked: dict[str, list[int]] = field(default_factory=dict)
    words: set[tuple[int, int]] = field(default_factory=set)
    troubles: dict[str, str] = field(default_factory=dict)
    echoes: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    loads: dict[bytes, SeenLoad] = field(default_factory=dict)
    refusals: Refusals | None = None
    chain: SeenChain | None = None
