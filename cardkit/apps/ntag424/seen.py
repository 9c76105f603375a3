"""What one tag showed since it was reset."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.desfire.settings import FileSettings
from cardkit.apps.desfire.sun import SunMessage
from cardkit.apps.desfire.version import Version

NOTE = "NTAG 424"
"""Name of the note of a session: :class:`SeenTag`."""


@dataclass(slots=True)
class SeenTag:
    """What a tag showed.

    :ivar told: UID as the reader tells it.  :ivar identified: of the tag this run began with.
    :ivar uid: as the tag tells it inside a session.  :ivar versions: of keys, by state.
    :ivar readings: the file, each time it was read.  :ivar messages: those of them that hold.
    :ivar refused: status of a session with AES that the tag did not open; 0 where it opened one.
    :ivar proven: keys that opened a session.  :ivar troubles: what went wrong, by what it was for.
    """

    told: bytes = b""
    identified: bytes = b""
    uid: bytes = b""
    version: Version | None = None
    versions: dict[str, int] = field(default_factory=dict)
    settings: FileSettings | None = None
    readings: list[bytes] = field(default_factory=list)
    messages: list[SunMessage] = field(default_factory=list)
    refused: int = 0
    proven: set[str] = field(default_factory=set)
    troubles: dict[str, str] = field(default_factory=dict)
