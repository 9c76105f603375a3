"""Secure messaging, the chip's side (ICAO Doc 9303-11 9.8).

command   87|85 cryptogram, 97 Le, 8E checksum          response   87|85 cryptogram, 99 status word, 8E checksum
"""

import hmac
from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import ImageError, StatusWordError
from ..gp.crypto import PaddingError, pad80, unpad80
from .suites import MAC_SIZE, Suite

MISSING_OBJECT: Final = b"\x69\x87"
WRONG_OBJECT: Final = b"\x69\x88"
_CRYPTOGRAM, _CRYPTOGRAM_ODD, _LE, _STATUS, _CHECKSUM = 0x87, 0x85, 0x97, 0x99, 0x8E
_PADDED: Final = b"\x01"  # padding indicator of a cryptogram
_SHORT: Final = 256
_OBJECTS: Final = 14  # bytes of status and checksum in a response
_CRYPTOGRAM_HEAD: Final = 5  # at most, with its padding indicator, in a short response
_FULL: Final = {1: 256, 2: 65_536}


class BrokenSessionError(StatusWordError):
    """The protection of a command is missing or wrong: answered in clear, and the session is over."""


@dataclass(slots=True, repr=False)
class SecureMessaging:
    """One session's keys and its counter.

    :ivar counter: send sequence counter as of the last message, either way.
    """

    suite: Suite
    encryption: bytes
    mac: bytes
    counter: int = 0

    def unwrap(self, header: bytes, body: bytes) -> tuple[bytes, int]:
        """Check and decipher a command.

        :param header: CLA INS P1 P2 as sent.  :param body: its data field.
        :returns: the plain data field, and Ne, 0 without Le.
        :raises BrokenSessionError: 6987 an object is missing, 6988 one is wrong.
        """
        objects = self._objects(body)
        if _CHECKSUM not in objects:
            raise BrokenSessionError(MISSING_OBJECT)
        self.counter += 1
        self._check(header, body[: -2 - MAC_SIZE], objects[_CHECKSUM])
        tag = _CRYPTOGRAM_ODD if header[1] & 1 else _CRYPTOGRAM
        if len(objects.keys() & {_CRYPTOGRAM, _CRYPTOGRAM_ODD} - {tag}):
            raise BrokenSessionError(WRONG_OBJECT)
        data = self._decipher(objects[tag], odd=bool(header[1] & 1)) if tag in objects else b""
        return data, _expected(objects.get(_LE))

    @staticmethod
    def _objects(body: bytes) -> dict[int, bytes]:
        try:
            found = list(tlv.parse(body))
        except ImageError:
            raise BrokenSessionError(WRONG_OBJECT) from None
        order = [tag for tag in (_CRYPTOGRAM, _CRYPTOGRAM_ODD, _LE, _CHECKSUM) if tag in dict(found)]
        if [tag for tag, _ in found] != order:
            raise BrokenSessionError(WRONG_OBJECT)
        return dict(found)

    def _check(self, header: bytes, objects: bytes, checksum: bytes) -> None:
        """The MAC; a command without any object is padded once by ISO, twice by some readers."""
        head = self._counter() + pad80(header, self.suite.block)
        accepted = [pad80(head + objects, self.suite.block)]
        if not objects:
            accepted.append(head)
        if not any(hmac.compare_digest(self.suite.mac_of_blocks(self.mac, one), checksum) for one in accepted):
            raise BrokenSessionError(WRONG_OBJECT)

    def _counter(self) -> bytes:
        return (self.counter % (1 << 8 * self.suite.block)).to_bytes(self.suite.block, "big")

    def _decipher(self, value: bytes, *, odd: bool) -> bytes:
        indicator, cryptogram = (_PADDED, value) if odd else (value[:1], value[1:])
        if indicator != _PADDED or not cryptogram or len(cryptogram) % self.suite.block:
            raise BrokenSessionError(WRONG_OBJECT)
        iv = self.suite.message_iv(self.encryption, self._counter())
        try:
            return unpad80(self.suite.decrypt(self.encryption, cryptogram, iv), self.suite.block)
        except PaddingError:
            raise BrokenSessionError(WRONG_OBJECT) from None

    def wrap(self, data: bytes, status: bytes, *, odd: bool) -> bytes:
        """The response to the command unwrapped last, status word included.

        :param odd: the instruction was odd: its data are TLV already.
        """
        self.counter += 1
        objects = b""
        if data:
            iv = self.suite.message_iv(self.encryption, self._counter())
            cryptogram = self.suite.encrypt(self.encryption, pad80(data, self.suite.block), iv)
            tag = _CRYPTOGRAM_ODD if odd else _CRYPTOGRAM
            objects = tlv.build(tag, cryptogram if odd else _PADDED + cryptogram)
        objects += tlv.build(_STATUS, status)
        checksum = self.suite.mac_of_blocks(self.mac, pad80(self._counter() + objects, self.suite.block))
        return objects + tlv.build(_CHECKSUM, checksum) + status

    @property
    def most_short(self) -> int:
        """Most plain bytes of an answer that fits a short APDU: 231 with 3DES, 223 with AES."""
        blocks = (_SHORT - _OBJECTS - _CRYPTOGRAM_HEAD) // self.suite.block
        return blocks * self.suite.block - 1


def _expected(le: bytes | None) -> int:
    if le is None:
        return 0
    if len(le) not in _FULL:
        raise BrokenSessionError(WRONG_OBJECT)
    return int.from_bytes(le, "big") or _FULL[len(le)]


def refused_without_session() -> StatusWordError:
    """The error of a protected command when there is no session."""
    return StatusWordError(sw.NO_SECURE_MESSAGING)
