"""What one DESFire card showed, beside the contents of its files."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.desfire.settings import FileSettings, KeySettings
from cardkit.apps.desfire.version import Version

NOTE = "DESFire"
"""Name of the note of a session: :class:`SeenDesfire`."""


@dataclass(slots=True)
class SeenDesfire:
    """Everything by the names of states.

    :ivar told: UID as the reader tells it.  :ivar identified: of the card this run began with.
    :ivar uid: as the card tells it inside a session.
    :ivar settings: of files.  :ivar key_settings: of applications and of the card.  :ivar versions: of keys.
    :ivar proven: keys that opened a session.  :ivar alike: pairs of keys that are the same.
    :ivar inputs: what keys were diversified with, by state.  :ivar commands: how many were sent to this card.
    :ivar misused: what came of treating a sample badly, None where nobody did.
    :ivar answers: status words of what must be refused.  :ivar troubles: what went wrong.
    """

    told: bytes = b""
    identified: bytes = b""
    uid: bytes = b""
    version: Version | None = None
    memory: int | None = None
    signature: bytes | None = None
    applications: tuple[bytes, ...] | None = None
    key_settings: dict[str, KeySettings] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    files: dict[str, tuple[int, ...]] = field(default_factory=dict)
    iso_files: dict[str, tuple[int, ...]] = field(default_factory=dict)
    settings: dict[str, FileSettings] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    alike: set[tuple[str, str]] = field(default_factory=set)
    inputs: dict[str, bytes] = field(default_factory=dict)
    commands: int = 0
    misused: dict[tuple[str, str], str] | None = None
    answers: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
