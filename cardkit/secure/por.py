"""Response packets: how a card answers a secured packet (ETSI TS 102 225 5.2; 3GPP TS 31.115 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cardkit.errors import EncodingError

USER_DATA_HEADER = bytes.fromhex("027100")
"""What a response begins with in a short message; its checksum covers it."""

TAR_BYTES = 3
FIXED_BYTES = 7
"""Counter, padding counter and status."""
_SHORTEST_HEADER = TAR_BYTES + FIXED_BYTES
_LENGTH_BYTES = 2


class Status(IntEnum):
    """What became of a secured packet (table 5)."""

    OK = 0x00
    PROOF_WRONG = 0x01
    COUNTER_LOW = 0x02
    COUNTER_HIGH = 0x03
    COUNTER_BLOCKED = 0x04
    CIPHERING_ERROR = 0x05
    SECURITY_ERROR = 0x06
    MEMORY_FULL = 0x07
    MORE_TIME = 0x08
    TAR_UNKNOWN = 0x09
    SECURITY_TOO_LOW = 0x0A
    DATA_BY_SUBMIT = 0x0B
    DATA_BY_USSD = 0x0C


_TEXTS = {
    Status.OK: "done",
    Status.PROOF_WRONG: "redundancy check, checksum or signature wrong",
    Status.COUNTER_LOW: "counter too low",
    Status.COUNTER_HIGH: "counter too high",
    Status.COUNTER_BLOCKED: "counter blocked",
    Status.CIPHERING_ERROR: "ciphering error",
    Status.SECURITY_ERROR: "security error the card does not name",
    Status.MEMORY_FULL: "no memory for the packet",
    Status.MORE_TIME: "the card needs more time",
    Status.TAR_UNKNOWN: "no application of this TAR",
    Status.SECURITY_TOO_LOW: "security level too low for this application",
    Status.DATA_BY_SUBMIT: "the response follows as an SMS",
    Status.DATA_BY_USSD: "the response follows by USSD",
}
ACCEPTED = frozenset((Status.OK, Status.MORE_TIME, Status.DATA_BY_SUBMIT, Status.DATA_BY_USSD))
"""What says that the packet reached its application."""


def status_text(status: int) -> str:
    """Return what a status means.

    >>> status_text(0x09), status_text(0x42)
    ('no application of this TAR', 'reserved status 42')
    """
    try:
        return _TEXTS[Status(status)]
    except ValueError:
        return f"reserved status {status:02X}"


@dataclass(frozen=True, slots=True)
class ResponsePacket:
    """A response packet as it travels.

    :param secured: counter to padding, ciphered where the command's SPI asks for it.
    :param proof_size: bytes of the redundancy check or checksum in it.
    """

    tar: bytes
    secured: bytes
    proof_size: int

    @classmethod
    def parse(cls, user_data: bytes) -> ResponsePacket:
        """Read the user data of a short message.

        :raises EncodingError: when it is no response packet, or its lengths are wrong.

        >>> ResponsePacket.parse(bytes.fromhex("027100000E0AB000110000000000000001612F")).tar.hex()
        'b00011'
        """
        start = len(USER_DATA_HEADER)
        packet = user_data[start:]
        if not user_data.startswith(USER_DATA_HEADER) or len(packet) < _LENGTH_BYTES + 1 + TAR_BYTES:
            raise EncodingError(
                f"response packet: got {user_data[:8].hex().upper() or 'nothing'}, expected 027100 and its header"
            )
        length, header = int.from_bytes(packet[:_LENGTH_BYTES]), packet[_LENGTH_BYTES]
        if length != len(packet) - _LENGTH_BYTES:
            raise EncodingError(f"response packet: RPL says {length} bytes, {len(packet) - _LENGTH_BYTES} follow")
        tar, secured = packet[3:6], packet[6:]
        if not _SHORTEST_HEADER <= header <= TAR_BYTES + len(secured):
            raise EncodingError(
                f"response packet: RHL says {header} bytes, expected {_SHORTEST_HEADER} to {TAR_BYTES + len(secured)}"
            )
        return cls(tar, secured, header - _SHORTEST_HEADER)

    def build(self) -> bytes:
        """Return the user data."""
        return self.covered + self.secured

    @property
    def covered(self) -> bytes:
        """What a checksum covers besides the secured part: everything before it."""
        header = bytes((_SHORTEST_HEADER + self.proof_size,)) + self.tar
        return USER_DATA_HEADER + (len(header) + len(self.secured)).to_bytes(_LENGTH_BYTES) + header

    @property
    def is_bare(self) -> bool:
        """Whether it is a status and nothing else: cards that cannot protect a refusal send it so."""
        return not self.proof_size and len(self.secured) == FIXED_BYTES


@dataclass(frozen=True, slots=True)
class ProofOfReceipt:
    """What a card says became of a packet.

    :param status: see :class:`Status`; reserved values are kept.  :param data: the application's response.
    :param proven: whether the protection that was asked for covers it; False too where none was asked for.
    """

    tar: bytes
    counter: int
    status: int
    data: bytes
    proven: bool

    @property
    def refused(self) -> bool:
        """Whether the card did not pass the packet on to its application."""
        return self.status not in ACCEPTED

    def __str__(self) -> str:
        proof = "" if self.proven else ", not proven"
        return f"{self.status:02X} ({status_text(self.status)}{proof})"
