"""What must be true of a finished card: states, the access they need, what only the card knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.crypto import Secret

Content = bytes | tuple[bytes | Secret, ...]
"""A data field, or its parts where some are secret."""


class Phase(StrEnum):
    """Where in a card's run a state or command belongs, and under which total it is counted."""

    FENCE = "fence"
    WRITE = "write"
    VERIFY = "verify"
    PROVE = "prove"
    SEAL = "seal"


class Seen(StrEnum):
    """How a state is proven: read back, by what the card does, or not at all."""

    READ = "read"
    BEHAVE = "behave"
    NEVER = "never"


class AfterUnknown(StrEnum):
    """What follows when nobody knows whether the card took a state."""

    REWRITE = "rewrite"
    LOOK = "look first"
    RESTART_GROUP = "restart the group"
    PEOPLE = "people"


class Interface(StrEnum):
    """Through which of its faces a card is written."""

    CONTACT = "contact"
    CONTACTLESS = "contactless"


@dataclass(frozen=True, slots=True)
class Access:
    """A right the card asks for before a state can be written or read. Never a state itself.

    :param name: ``ADM1``, ``PIN1``.  :param reference: the card's key reference, one byte.
    :param tries: the counter when full.  :param scope: the application it is local to, "" for the whole card.
    """

    name: str
    reference: int
    tries: int
    scope: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One thing that must be true of the finished card.

    :param name: unique in its plan: ``ADF.USIM/EF.IMSI``, ``ADM1``.  :param title: for people, without values.
    :param rule: the verification rule that finds this state missing.
    :param group: states of one group count only together; "" for a state that stands alone.
    """

    name: str
    title: str
    phase: Phase
    rule: str
    seen: Seen
    after_unknown: AfterUnknown
    access: Access | None = None
    reversible: bool = True
    group: str = ""
    interface: Interface = Interface.CONTACT
    varies: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """States that count only together: torn, they start over."""

    name: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """What only the card knows and the run found out: chip id, sequence number. Public, never personal."""

    name: str
    value: str
