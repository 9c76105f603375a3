"""What of a command and its answer may be written down.

A masked field becomes ``<n:CLASS>`` with n bytes in decimal, so that a redacted trace keeps header, lengths, status
words and structure, and can be compared and replayed. Redaction runs on bytes, before anything is formatted.
The default is to deny: data is masked unless a rule shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

_HEADER = 4
_LC_EXTENDED = 7

KEY = "KEY"
DATA = "DATA"
AUTH = "AUTH"
SECURE_MESSAGING = "SM"
PIN = "PIN"
PUK = "PUK"
ADM = "ADM"

GET_RESPONSE = 0xC0


class Redactor(Protocol):
    """Turns the two halves of an exchange into text; called in the order of the wire.

    ``name`` goes into the trace's first line: ``all`` (nothing shown), ``rules``, ``none`` (everything shown).
    """

    name: str

    def command(self, command: bytes) -> str:
        """Return the text of a command about to be sent."""
        ...

    def response(self, answer: bytes) -> str:
        """Return the text of the answer to the last command."""
        ...

    def reset(self) -> None:
        """Forget what the card forgets at reset."""
        ...


class FileClasses(Protocol):
    """Knows which file is selected and what it holds; the application modules provide it."""

    def follow(self, command: bytes, answer: bytes) -> None:
        """See an exchange: a SELECT changes the current file."""
        ...

    def mask(self, command: bytes) -> str | None:
        """Return the class of the contents this read or update addresses; None for public contents."""
        ...

    def reset(self) -> None:
        """Forget the selected file."""
        ...


@dataclass(frozen=True, slots=True)
class CommandParts:
    """A command APDU cut into header with Lc, data field, and Le.

    An APDU whose lengths contradict each other counts as header and data.
    """

    head: bytes
    data: bytes
    le: bytes


# A piece of a data field: bytes, and the class that masks them (None shows them).
Pieces = tuple[tuple[int, str | None], ...]
# Given the command's parts, the pieces of its data field; what they leave over is masked as DATA.
Rule = Callable[[CommandParts], Pieces]


def split_command(command: bytes) -> CommandParts:
    """Cut a command APDU (ISO/IEC 7816-3 12.1.3).

    >>> split_command(bytes.fromhex("00A40004023F0000"))
    CommandParts(head=b'\\x00\\xa4\\x00\\x04\\x02', data=b'?\\x00', le=b'\\x00')
    """
    size = len(command)
    if size <= _HEADER + 1:
        return CommandParts(command, b"", b"")
    if command[_HEADER]:
        start, count, le_sizes = _HEADER + 1, command[_HEADER], (0, 1)
    elif size == _LC_EXTENDED:
        return CommandParts(command, b"", b"")
    else:
        start, count, le_sizes = _LC_EXTENDED, int.from_bytes(command[5:_LC_EXTENDED], "big"), (0, 2)
    if size - start - count not in le_sizes:
        return CommandParts(command[:_HEADER], command[_HEADER:], b"")
    return CommandParts(command[:start], command[start : start + count], command[start + count :])


def masked(size: int, kind: str) -> str:
    """Return the text of a masked field.

    >>> masked(8, "PIN")
    '<8:PIN>'
    """
    return f"<{size}:{kind}>" if size else ""


def _plain(data: bytes) -> str:
    return data.hex().upper()


class HideAll:
    """Shows headers, lengths and status words, nothing else: the default of every trace."""

    name = "all"

    def command(self, command: bytes) -> str:
        """Mask the whole data field."""
        parts = split_command(command)
        return _plain(parts.head) + masked(len(parts.data), DATA) + _plain(parts.le)

    def response(self, answer: bytes) -> str:
        """Mask everything before the status word."""
        return masked(max(0, len(answer) - 2), DATA) + _plain(answer[-2:])

    def reset(self) -> None:
        """Nothing to forget."""


class ShowAll:
    """Shows every byte: for cards with test keys."""

    name = "none"

    def command(self, command: bytes) -> str:
        """Show it."""
        return _plain(command)

    def response(self, answer: bytes) -> str:
        """Show it."""
        return _plain(answer)

    def reset(self) -> None:
        """Nothing to forget."""


# Who decides about a field.
_FILE = "by file"
_SECRET = "by reference"  # noqa: S105 - the name of a rule
_STORE = "by class"

# INS -> (mask of command data, mask of response data); None shows it. Of every instruction that is not here,
# both are masked. ISO/IEC 7816-4 table 5, TS 102 221 10.1.2, GlobalPlatform Card Specification 11.
_INSTRUCTIONS: dict[int, tuple[str | None, str | None]] = {
    0x04: (None, None),  # DEACTIVATE FILE
    0x20: (_SECRET, None),  # VERIFY
    0x22: (None, None),  # MANAGE SECURITY ENVIRONMENT
    0x24: (_SECRET, None),  # CHANGE REFERENCE DATA
    0x26: (_SECRET, None),  # DISABLE VERIFICATION
    0x28: (_SECRET, None),  # ENABLE VERIFICATION
    0x2A: (DATA, DATA),  # PERFORM SECURITY OPERATION
    0x2C: (PUK, None),  # RESET RETRY COUNTER, UNBLOCK PIN
    0x32: (_FILE, _FILE),  # INCREASE
    0x44: (None, None),  # ACTIVATE FILE
    0x46: (None, None),  # GENERATE KEY PAIR
    0x47: (None, None),
    0x50: (None, None),  # INITIALIZE UPDATE
    0x52: (KEY, None),  # UPDATE KEY
    0x70: (None, None),  # MANAGE CHANNEL
    0x84: (None, None),  # GET CHALLENGE
    0x82: (AUTH, AUTH),  # EXTERNAL AUTHENTICATE: a recorded BAC run lets anyone search the MRZ
    0x86: (DATA, DATA),  # GENERAL AUTHENTICATE
    0x88: (None, AUTH),  # AUTHENTICATE
    0xA2: (_FILE, None),  # SEARCH RECORD
    0xA4: (None, None),  # SELECT
    0xAE: (None, None),  # GENERATE AC
    0xB0: (None, _FILE),  # READ BINARY
    0xB2: (None, _FILE),  # READ RECORD
    0xC4: (KEY, None),  # ChangeKey
    0xCA: (None, DATA),  # GET DATA
    0xCB: (None, DATA),
    0xD0: (_FILE, None),  # WRITE BINARY
    0xD6: (_FILE, None),  # UPDATE BINARY
    0xD8: (KEY, None),  # PUT KEY
    0xDA: (KEY, None),  # PUT DATA
    0xDB: (KEY, None),
    0xDC: (_FILE, None),  # UPDATE RECORD
    0xE2: (_STORE, None),  # STORE DATA, APPEND RECORD
    0xE4: (None, None),  # DELETE FILE
    0xF2: (None, None),  # STATUS
}
_DENY = (DATA, DATA)
_CREDENTIALS = (KEY, PIN, PUK, ADM)

# Administrative codes among the references of VERIFY: ADM1 to ADM5, ADM6 to ADM10 (TS 102 221 9.5.1).
_ADM_REFERENCES = frozenset((*range(0x0A, 0x0F), *range(0x8A, 0x8F)))
_PROPRIETARY = 0x80
_CLASS_2G = 0xA0


class RuleRedactor:
    """Redacts by instruction, selected file and, where an application brings them, rules of its own.

    :param files: who knows the selected file; without it every file's contents are masked.
    :param rules: INS -> rule for the command's data field; it overrides the table for that instruction.
    """

    name = "rules"

    def __init__(self, files: FileClasses | None = None, rules: Mapping[int, Rule] | None = None) -> None:
        self._files = files
        self._rules = dict(rules or {})
        self._command = b""
        self._response_mask: str | None = DATA

    def command(self, command: bytes) -> str:
        """Mask the data field, by rule or by instruction, and remember what the answer will be."""
        parts = split_command(command)
        self._command = command
        if command[1] == GET_RESPONSE:
            return _plain(command)
        data_mask, self._response_mask = self._masks(command)
        rule = self._rules.get(command[1])
        if rule is not None:
            text = _in_pieces(parts.data, rule(parts))
        elif data_mask is None:
            text = _plain(parts.data)
        else:
            text = masked(len(parts.data), data_mask)
        return _plain(parts.head) + text + _plain(parts.le)

    def response(self, answer: bytes) -> str:
        """Mask the answer's data; GET RESPONSE carries the data of the command before it."""
        if self._files is not None:
            self._files.follow(self._command, answer)
        data, sw = answer[:-2], answer[-2:]
        shown = _plain(data) if self._response_mask is None else masked(len(data), self._response_mask)
        return shown + _plain(sw)

    def reset(self) -> None:
        """Forget the selected file."""
        self._response_mask = DATA
        if self._files is not None:
            self._files.reset()

    def _masks(self, command: bytes) -> tuple[str | None, str | None]:
        asked, answered = _INSTRUCTIONS.get(command[1], _DENY)
        asked, answered = self._resolve(asked, command), self._resolve(answered, command)
        if not _is_secured(command[0]):
            return asked, answered
        # Wrapped by secure messaging and not unwrapped by us.
        return asked if asked in _CREDENTIALS else SECURE_MESSAGING, SECURE_MESSAGING

    def _resolve(self, mask: str | None, command: bytes) -> str | None:
        if mask == _SECRET:
            return ADM if command[3] in _ADM_REFERENCES else PIN
        if mask == _STORE:
            mask = KEY if command[0] & _PROPRIETARY and command[0] != _CLASS_2G else _FILE
        if mask == _FILE:
            return DATA if self._files is None else self._files.mask(command)
        return mask


def _in_pieces(data: bytes, pieces: Pieces) -> str:
    text, at = "", 0
    for size, kind in pieces:
        piece = data[at : at + size]
        text += _plain(piece) if kind is None else masked(len(piece), kind)
        at += size
    return text + masked(max(0, len(data) - at), DATA)


def _is_secured(cla: int) -> bool:
    """Secure messaging bits of both codings (ISO/IEC 7816-4 5.4.1); class A0 knows none."""
    if cla == _CLASS_2G:
        return False
    return bool(cla & (0x20 if cla & 0x40 else 0x0C))
