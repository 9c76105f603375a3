"""CIPURSE secure messaging: each command and each answer plain, with a MAC, or enciphered; nine pairs in all.

Every frame, plain ones too, moves the chain of frame keys on: a frame lost, changed or sent twice shows in the next.
Frames: transport sheet 2.5, 2.6 (measured against the terminal library of the OSPT Alliance; no free specification).
"""

from __future__ import annotations

import hmac
from enum import IntEnum
from itertools import product
from typing import NamedTuple

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cipurse import BLOCK, MAC_BYTES, FrameKey, mic
from cardkit.crypto.mac import pad80, unpad80
from cardkit.crypto.secret import joined
from cardkit.errors import EncodingError, SecureMessagingError

_SECURED = 0x04
_SHORT_NC, _SHORT_NE, _OK = 255, 256, 0x9000
_HEADER, _MIC, _SW = 4, 4, 2
_CARRIED = 231
"""Bytes of data every pair carries, both ways."""


class Level(IntEnum):
    """How a command or an answer is protected; two bits of a file's rules."""

    PLAIN = 0
    MAC = 1
    ENC = 2


class Pair(NamedTuple):
    """Levels of a command and of its answer: a nibble of a file's rules."""

    command: Level
    response: Level

    @staticmethod
    def of(nibble: int) -> Pair:
        """Read a nibble.  :raises EncodingError: on a level that is none."""
        found = _PAIRS.get(nibble)
        if found is None:
            raise EncodingError(f"secure messaging rule {nibble:X}: expected two levels of 0 to 2")
        return found

    @property
    def nibble(self) -> int:
        """The four bits."""
        return self.command << 2 | self.response

    @property
    def most_sent(self) -> int:
        """Bytes of data a command without Le carries."""
        return {Level.PLAIN: 254, Level.MAC: 246, Level.ENC: _CARRIED}[self.command]

    @property
    def most_received(self) -> int:
        """Bytes of data an answer carries."""
        return {Level.PLAIN: 256, Level.MAC: 256 - MAC_BYTES, Level.ENC: 249}[self.response]

    def sealed_command(self, size: int, *, le: bool) -> int:
        """Return the length of the data field of a protected command.  :param size: of the plain one."""
        if self.command is Level.ENC:
            return 1 + BLOCK * ((size + _HEADER + _MIC) // BLOCK + 1) + le
        return 1 + size + MAC_BYTES * (self.command is Level.MAC) + le

    def sealed_answer(self, size: int) -> int:
        """Return how many bytes a protected answer has before its status word.  :param size: of the plain one."""
        if self.response is Level.ENC:
            return BLOCK * ((size + _MIC + _SW) // BLOCK + 1)
        return size + MAC_BYTES * (self.response is Level.MAC)

    def __str__(self) -> str:
        return f"{self.command.name.lower()}/{self.response.name.lower()}"


_PAIRS = {pair.nibble: pair for pair in (Pair(*levels) for levels in product(Level, Level))}


class CipurseSession:
    """One session, opened by a mutual authentication. A check that fails ends it and destroys the frame key.

    :param frame: key of the first frame; it is the session's to wipe.
    """

    def __init__(self, frame: FrameKey) -> None:
        self._frame = frame
        self._asked: Level | None = None
        self.open = True

    def wrap(self, command: CommandAPDU, pair: Pair) -> CommandAPDU:
        """Return the protected command.

        :raises SecureMessagingError: when the session is over, or an answer is still due.
        :raises EncodingError: when the level does not carry so many data; the session is as before.
        """
        if not self.open or self._asked is not None:
            raise SecureMessagingError(
                f"secure messaging: {'an answer is due' if self.open else 'the session is over'}"
            )
        if command.is_extended or command.cla & _SECURED:
            raise EncodingError(f"{command!r}: expected a short command without secure messaging")
        body = self._sealed(command, pair)
        self._asked = pair.response
        ne = _SHORT_NE if command.ne or pair.response else 0
        return CommandAPDU(command.cla | _SECURED, command.ins, command.p1, command.p2, body, ne)

    def _sealed(self, command: CommandAPDU, pair: Pair) -> bytes:
        """Return the data field, and move the chain on."""
        data = joined(command.data)
        le = bytes((command.ne & 0xFF,)) if command.ne else b""
        smi = bytes((pair.command << 6 | pair.response << 2 | len(le),))
        body = smi + data + le
        size = pair.sealed_command(len(data), le=bool(le))
        if size > _SHORT_NC:
            raise EncodingError(f"{command!r}: {len(data)} bytes at level {pair}, expected {pair.most_sent} or fewer")
        header = bytes((command.cla | _SECURED, command.ins, command.p1, command.p2, size))
        if pair.command is Level.ENC:
            block = header[:_HEADER] + data + mic(header + body)
            return smi + self._frame.encipher(pad80(block, BLOCK)) + le
        if pair.command is Level.MAC:
            return body + self._frame.mac(header + body)
        self._frame.pass_by(header + body)
        return body

    def unwrap(self, response: ResponseAPDU) -> ResponseAPDU:
        """Return the plain answer to the command wrapped last.

        A bare status word other than 9000 is given back as it came: nobody vouches for it, and the session goes on.
        Where a protected answer was due it moves no chain on; where a plain one was due it is that answer (as the
        terminal library of the OSPT Alliance has it).

        :raises SecureMessagingError: on an answer that is not protected as was asked: the session is over.
        """
        if self._asked is None:
            raise SecureMessagingError("secure messaging: an answer to no command")
        level, self._asked = self._asked, None
        if level and not response.data and response.sw != _OK:
            return response
        try:
            return ResponseAPDU(self._opened(response, level), response.sw)
        except SecureMessagingError:
            self.close()
            raise

    def _opened(self, response: ResponseAPDU, level: Level) -> bytes:
        status = response.sw.to_bytes(_SW)
        if level is Level.ENC:
            return self._deciphered(response.data, status)
        if level is Level.PLAIN:
            self._frame.pass_by(response.data + status)
            return response.data
        if len(response.data) < MAC_BYTES:
            raise SecureMessagingError(f"secure messaging: {len(response.data)} bytes, expected a MAC of {MAC_BYTES}")
        data, mac = response.data[:-MAC_BYTES], response.data[-MAC_BYTES:]
        if not hmac.compare_digest(self._frame.mac(data + status), mac):
            raise SecureMessagingError("secure messaging: wrong MAC in the answer")
        return data

    def _deciphered(self, cryptogram: bytes, status: bytes) -> bytes:
        try:
            block = unpad80(self._frame.decipher(cryptogram))
        except EncodingError as error:
            raise SecureMessagingError(f"secure messaging: enciphered answer: {error}") from None
        if len(block) < _MIC + _SW or len(cryptogram) != BLOCK * (len(block) // BLOCK + 1):
            raise SecureMessagingError(
                f"secure messaging: {len(cryptogram)} enciphered bytes, another length than theirs"
            )
        data, check, inner = block[: -_MIC - _SW], block[-_MIC - _SW : -_SW], block[-_SW:]
        if not hmac.compare_digest(mic(data + status), check):
            raise SecureMessagingError("secure messaging: wrong check value (MIC) in the answer")
        if inner != status:
            raise SecureMessagingError(
                f"secure messaging: status {status.hex().upper()} outside, {inner.hex().upper()} inside: expected one"
            )
        return data

    def close(self) -> None:
        """End the session and wipe its key."""
        self.open = False
        self._frame.wipe()
