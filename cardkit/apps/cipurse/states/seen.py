"""What one card showed since it was reset, besides contents of files."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.cipurse.attributes import DfAttributes, EfAttributes

NOTE = "CIPURSE"
"""Name of the note of a session: :class:`SeenTransit`."""


@dataclass(slots=True)
class SeenTransit:
    """What a card showed.

    :ivar uid: empty before it was read.  :ivar directories, files: attributes by name.
    :ivar lists: control information of the lists of applications, by name.
    :ivar found: status words of selections that may fail.
    :ivar kvvs: key verification values the product's keys have, by key.
    :ivar inputs: what keys were diversified with, by key.  :ivar commands: how many were sent to this card.
    :ivar proven: names of the keys both sides proved.  :ivar answers: status words of what must be refused.
    :ivar misused: of what a sample was made to bear, by what was done to it.
    :ivar troubles: what went wrong, by what it was for.
    """

    uid: bytes = b""
    directories: dict[str, DfAttributes] = field(default_factory=dict)
    files: dict[str, EfAttributes] = field(default_factory=dict)
    lists: dict[str, bytes] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    kvvs: dict[str, bytes] = field(default_factory=dict)
    inputs: dict[str, bytes] = field(default_factory=dict)
    commands: int = 0
    proven: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    misused: dict[str, str] | None = None
    troubles: dict[str, str] = field(default_factory=dict)
