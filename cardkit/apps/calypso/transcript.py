"""PKI sessions: everything said in a session, under a signature of the card (transport sheet 6)."""

from __future__ import annotations

from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardsignature import verify_p256
from cardkit.errors import EncodingError

_HEADER = 0x10
SIGNATURE_BYTES = 64


class Transcript:
    """What was said, from Open Session on."""

    def __init__(self) -> None:
        self._said = bytes((_HEADER,))

    def add(self, command: CommandAPDU, response: ResponseAPDU) -> None:
        """Add a command and its answer.  :raises EncodingError: where one is longer than 255 bytes."""
        without_le = replace(command, ne=0) if command.nc else command
        for said in (without_le.encode(), response.encode()):
            if len(said) > 0xFF:
                raise EncodingError(f"PKI session: {len(said)} bytes at once, expected 255 at most")
            self._said += bytes((len(said),)) + said

    @property
    def said(self) -> bytes:
        """What is signed."""
        return self._said

    def check(self, public_key: bytes, signature: bytes) -> None:
        """Check the card's signature.

        :param public_key: X and Y on P-256, 64 bytes.  :param signature: r and s, 64 bytes.
        :raises EncodingError: on another length.  :raises AuthenticationError: when it is wrong.
        """
        verify_p256(public_key, self._said, signature)
