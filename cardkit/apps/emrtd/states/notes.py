"""What a session on a travel document keeps besides the files it read."""

from __future__ import annotations

from dataclasses import dataclass, field

NOTE = "document"
"""Name of the note of a session: :class:`SeenDocument`."""


@dataclass(slots=True)
class SeenDocument:
    """What a chip did besides showing files.

    :ivar proven: names of passwords and keys that were proven.  :ivar present: keys, passwords and directories the
        chip has, as the factory sees them.  :ivar answers: status words of commands that may be refused, by step.
    :ivar recovered: the chip's random parts of RSA signatures.  :ivar troubles: what went wrong, by step.
    """

    proven: set[str] = field(default_factory=set)
    present: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    recovered: set[bytes] = field(default_factory=set)
    troubles: dict[str, str] = field(default_factory=dict)
