"""DESFire sessions: what all of its protections have in common (transport sheet 3.8). Pure: no card, no random numbers.

A session protects one logical command after the other, whatever frames it travels in. Any failed check ends it.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from cardkit.crypto.desfire import DesfireKey
from cardkit.crypto.secret import Secret, joined
from cardkit.errors import EncodingError, SecureMessagingError

OK, SIGNATURE_OK = 0x00, 0x90
READ_SIGNATURE = 0x3C
CHANGE_KEY, CHANGE_KEY_EV2 = 0xC4, 0xC6
# Commands with a MAC of their own, where a file asks for MACs: writes and value commands (transport sheet 3.8).
SENDING_MAC = frozenset((0x3D, 0x3B, 0xDB, 0x0C, 0xDC, 0x1C, 0x8D, 0x8B, 0xBA))
# With the protection of EV1, commands of later cards, too: reader identifiers and sets of keys.
SENDING_MAC_EV1 = SENDING_MAC | {0xC8, 0x55, 0x56, 0x57}


class Mode(IntEnum):
    """How a command travels; the values are those of a file's settings."""

    PLAIN = 0
    MAC = 1
    FULL = 3

    @classmethod
    def of(cls, value: int) -> Mode:
        """Return the mode of a settings byte, of which only the two lowest bits are read; 02 is plain, too."""
        return cls(value & 3) if value & 1 else cls.PLAIN


class Authentication(StrEnum):
    """By which command a session was opened, and which protection it has."""

    D40 = "D40"
    ISO = "ISO"
    AES = "AES"
    EV2 = "EV2"
    LRP = "LRP"


@dataclass(frozen=True, slots=True)
class NativeCommand:
    """One logical command.

    :param op: the command byte.  :param header: what follows in clear.
    :param payload: what FULL enciphers, or its parts where some are secret.
    :param mode: its protection in a session.
    :param answer: bytes its answer has in clear, None where only the card knows.  :param reads: whether FULL enciphers
        its answer.
    """

    op: int
    header: bytes = b""
    payload: bytes | tuple[bytes | Secret, ...] = field(default=b"", repr=False)
    mode: Mode = Mode.PLAIN
    answer: int | None = None
    reads: bool = False

    def in_clear(self) -> bytes:
        """Return what follows the command byte outside a session, secrets included: do not keep it."""
        return self.header + joined(self.payload)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that is to be set.

    :param number: the key number as it is sent; at PICC level with the new type in it.  :param new: the key.
    :param old: the one it replaces; None for the key the session was opened with.
    :param key_set: for ChangeKeyEV2; None for ChangeKey.
    """

    number: int
    new: DesfireKey
    old: DesfireKey | None = None
    key_set: int | None = None

    @property
    def op(self) -> int:
        """The command byte."""
        return CHANGE_KEY if self.key_set is None else CHANGE_KEY_EV2

    @property
    def header(self) -> bytes:
        """What is sent in clear."""
        return bytes((self.number,)) if self.key_set is None else bytes((self.key_set, self.number))

    def mixed(self) -> bytes:
        """Return the new key, XORed with the old one where it is another than the session's: do not keep it.

        :raises EncodingError: where they differ in length.
        """
        with self.new.reveal() as new:
            if self.old is None:
                return bytes(new)
            if len(self.old) != len(self.new):
                raise EncodingError(f"ChangeKey {self.number:02X}: {self.new!r} cannot replace {self.old!r}")
            with self.old.reveal() as old:
                return bytes(a ^ b for a, b in zip(new, old, strict=True))


class DesfireSession(ABC):
    """One authenticated session.

    :param number: of the key it was opened with.
    """

    authentication: Authentication
    ends_with_every_error = True

    def __init__(self, number: int) -> None:
        self.number = number
        self.ended = False

    def wrap(self, command: NativeCommand) -> bytes:
        """Return what is sent after the command byte.  :raises SecureMessagingError: when the session is over."""
        if self.ended:
            raise SecureMessagingError(f"{self!r}: it is over")
        return self._wrap(command)

    def unwrap(self, command: NativeCommand, status: int, data: bytes) -> bytes:
        """Return the answer in clear.

        :param status: OK, or that of a signature: others go to :meth:`refused`.
        :raises SecureMessagingError: when a check fails; the session is over then.
        """
        try:
            return self._unwrap(command, status, data)
        except (SecureMessagingError, EncodingError) as error:
            self.ended = True
            raise SecureMessagingError(f"answer to {command.op:02X}: {error}") from None

    def refused(self, status: int) -> None:
        """Take a status that is an error: it bears no MAC, and ends most sessions."""
        self.ended = self.ended or self.ends_with_every_error or status in (0xAE, 0x1E)

    def change_key(self, change: KeyChange) -> bytes:
        """Return what is sent after the command byte to set a key.

        With the session's own key the session ends, and the answer has no MAC: take it by :meth:`key_changed`.
        """
        if self.ended:
            raise SecureMessagingError(f"{self!r}: it is over")
        return self._change_key(change)

    def key_changed(self, change: KeyChange, data: bytes) -> None:
        """Take the answer to a change of key.  :raises SecureMessagingError: when a check fails."""
        if change.old is not None:
            self.unwrap(NativeCommand(change.op, mode=Mode.MAC), OK, data)
            return
        self.ended = True
        if data:
            raise SecureMessagingError(f"answer to {change.op:02X}: {len(data)} bytes, expected none")

    @abstractmethod
    def _wrap(self, command: NativeCommand) -> bytes: ...

    @abstractmethod
    def _unwrap(self, command: NativeCommand, status: int, data: bytes) -> bytes: ...

    @abstractmethod
    def _change_key(self, change: KeyChange) -> bytes: ...

    def __repr__(self) -> str:
        return f"<{self.authentication} session, key {self.number:02X}>"


def zero_padded(data: bytes, block: int) -> bytes:
    """Return data filled up with zeros to whole blocks, one at least.

    >>> zero_padded(b"", 8).hex(), len(zero_padded(bytes(9), 8))
    ('0000000000000000', 16)
    """
    return data.ljust(max(block, -(-len(data) // block) * block), b"\0")


def split_mac(data: bytes, size: int) -> tuple[bytes, bytes]:
    """Return data and the MAC behind it.  :raises SecureMessagingError: where there is no room for one."""
    if len(data) < size:
        raise SecureMessagingError(f"{len(data)} bytes, expected a MAC of {size}")
    return data[:-size], data[-size:]


def check_mac(expected: bytes, received: bytes) -> None:
    """Compare two MACs.  :raises SecureMessagingError: when they differ."""
    if not hmac.compare_digest(expected, received):
        raise SecureMessagingError("MAC is wrong")


def without_crc(plain: bytes, length: int | None, crc: bytes) -> bytes:
    """Return the first bytes of a deciphered answer, CRC and padding checked.

    :param length: bytes of data; searching for a CRC that fits would find a wrong one in crafted data.
    :param crc: what must follow the data.
    :raises SecureMessagingError: when a check fails.
    """
    if length is None:
        raise SecureMessagingError("enciphered, and nobody said how many bytes it has")
    end = length + len(crc)
    data, padding = plain[:length], plain[end:]
    if len(plain) < end or not hmac.compare_digest(plain[length:end], crc):
        raise SecureMessagingError(f"CRC behind {length} bytes is wrong")
    if padding.strip(b"\0") and padding.rstrip(b"\0") != b"\x80":
        raise SecureMessagingError("padding is neither zeros nor 80 and zeros")
    return data
