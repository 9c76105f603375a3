"""The slot of a channel for secure messaging: what it asks of a session, whatever the protocol."""

from __future__ import annotations

from typing import Protocol

from cardkit.apdu import CommandAPDU, ResponseAPDU


class SecureMessaging(Protocol):
    """A session that protects commands and checks their answers, one answer to each command."""

    def wrap(self, command: CommandAPDU) -> CommandAPDU:
        """Return the protected command, for logical channel 0: the channel puts its number in."""
        ...

    def unwrap(self, response: ResponseAPDU) -> ResponseAPDU:
        """Return the plain response to the command wrapped last.

        :raises SecureMessagingError: when a check fails: the session is over.
        """
        ...
