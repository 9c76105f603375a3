"""Secure messaging of one session: levels PLAIN, MAC and ENC, for command and response apart (sheet 2.6)."""

from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import crypto

PLAIN, MAC, ENC = range(3)
SECURED: Final = 0x04  # bit of CLA
_HEADER: Final = 4
_UNKNOWN_BITS: Final = 0x32  # of the secure messaging indicator
_HAS_LE: Final = 0x01
FULL: Final = 256  # bytes an answer carries at most
_ROOM: Final = {PLAIN: FULL, MAC: FULL - crypto.MAC_SIZE, ENC: 249}  # 16 * 16 - padding - MIC - status word


@dataclass(slots=True)
class Command:
    """A command as its handler sees it, whether it came secured or not.

    :ivar ne: bytes expected: 256 for Le 00, 0 when absent.
    :ivar level: of the command.  :ivar response_level: of the response to come.
    :ivar secured: it came in a session; else the session's rights are not its own.
    """

    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    level: int = PLAIN
    response_level: int = PLAIN
    secured: bool = False

    @property
    def room(self) -> int:
        """Bytes that a response can carry, and the terminal takes.

        :raises StatusWordError: 6700 when it wants more than secure messaging leaves room for.
        """
        most = _ROOM[self.response_level]
        if most < self.ne < FULL:
            raise StatusWordError(sw.WRONG_LENGTH)
        return min(self.ne, most)


@dataclass(slots=True, repr=False)
class Session:
    """One session with a key of the current directory.

    :ivar number: of that key.  :ivar frame_key: the next one to be used.
    """

    number: int
    frame_key: bytes

    def unwrap(self, apdu: bytes) -> Command:
        """The command in a secured APDU; its frame key is used up.

        :raises StatusWordError: 6988: the session cannot go on.
        """
        size = len(apdu)
        if size < _HEADER + 2 or not apdu[4] or size < 5 + apdu[4]:
            raise _refused()
        body, le_of_all = apdu[5 : 5 + apdu[4]], apdu[5 + apdu[4] :]
        indicator = body[0]
        level, response_level = indicator >> 6, indicator >> 2 & 3
        has_le = indicator & _HAS_LE
        if indicator & _UNKNOWN_BITS or max(level, response_level) > ENC:
            raise _refused()
        if le_of_all != (b"\0" if has_le or response_level else b""):
            raise _refused()
        if level == ENC:
            data = self._deciphered(apdu, body, has_le)
        else:
            body = self._verified(apdu, body, level)
            data = body[1 : len(body) - has_le]
        if len(body) < 1 + has_le:
            raise _refused()
        ne = (body[-1] or FULL) if has_le else 0
        return Command(apdu[1], apdu[2], apdu[3], data, ne, level, response_level, secured=True)

    def _verified(self, apdu: bytes, body: bytes, level: int) -> bytes:
        """The body without its MAC; where there is none the frame key goes on all the same."""
        received = body[-crypto.MAC_SIZE :] if level == MAC else b""
        body = body[: len(body) - len(received)]
        right, self.frame_key = crypto.mac(self.frame_key, apdu[:5] + body)
        if level == MAC and not compare_digest(received, right):
            raise _refused()
        return body

    def _deciphered(self, apdu: bytes, body: bytes, has_le: int) -> bytes:
        cryptogram = body[1 : len(body) - has_le]
        if not cryptogram or len(cryptogram) % crypto.BLOCK:
            raise _refused()
        padded, self.frame_key = crypto.decipher(self.frame_key, cryptogram)
        plain = crypto.unpad(padded)
        if plain is None or len(plain) < _HEADER + crypto.MIC_SIZE or plain[:_HEADER] != apdu[:_HEADER]:
            raise _refused()
        data, received = plain[_HEADER : -crypto.MIC_SIZE], plain[-crypto.MIC_SIZE :]
        le = body[len(body) - has_le :]
        if not compare_digest(received, crypto.mic(apdu[:5] + body[:1] + data + le)):
            raise _refused()
        return data

    def wrap(self, data: bytes, status: bytes, level: int) -> bytes:
        """The secured response."""
        if level == ENC:
            padded = crypto.pad(data + crypto.mic(data + status) + status)
            cryptogram, self.frame_key = crypto.encipher(self.frame_key, padded)
            return cryptogram + status
        mac, self.frame_key = crypto.mac(self.frame_key, data + status)
        return data + (mac if level == MAC else b"") + status


def _refused() -> StatusWordError:
    return StatusWordError(sw.WRONG_SECURE_MESSAGING)
