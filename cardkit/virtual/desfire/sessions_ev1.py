"""Sessions of D40 and EV1 (sheet 3.8)."""

from typing import ClassVar, Final

from . import statuses
from .crypto import BlockCipher, crc16, crc32, padded_80, xor, zero_padded
from .session import MACED_COMMANDS, Message, Mode, Session, Size, check, cut, split
from .statuses import RefusedError

_OK: Final = b"\x00"  # the status, as MAC and CRC take it
_MACED_ANSWERS: Final = frozenset({0xBD, 0xBB, 0x6C})  # of D40
_D40_MAC, _D40_CRC = 4, 2
_EV1_MAC, _EV1_CRC = 8, 4
_EV1_MACED: Final = MACED_COMMANDS | {0x8D, 0x8B, 0xBA, 0xC8, 0x55, 0x56, 0x57}


class D40Session(Session):
    """What 0A opens: the card only ever enciphers, so commands arrive deciphered.

    :param cipher: of the session key.
    """

    fragile: ClassVar[bool] = False

    def __init__(self, key_no: int, cipher: BlockCipher) -> None:
        self.key_no = key_no
        self._cipher = cipher

    def secured(self, opcode: int, mode: Mode, size: int) -> int:
        """MAC of 4 bytes, or CRC of 2 and whole blocks."""
        if mode is Mode.FULL:
            return size + _D40_CRC + -(size + _D40_CRC) % self._cipher.block if size else 0
        return size + (_D40_MAC if mode is Mode.MAC and opcode in MACED_COMMANDS else 0)

    def unwrap(self, message: Message, size: Size, trailer: int = 0) -> bytes:
        """The payload; MAC and CRC are over it alone."""
        if message.mode is Mode.FULL and message.body:
            return self._deciphered(message.body, size, trailer)
        if message.mode is Mode.MAC and message.opcode in MACED_COMMANDS:
            payload, mac = split(message.body, _D40_MAC)
            check(self._mac(payload), mac)
            return payload
        return message.body

    def _deciphered(self, body: bytes, size: Size, trailer: int) -> bytes:
        block = self._cipher.block
        if len(body) % block:
            raise RefusedError(statuses.LENGTH)
        plain = xor(self._cipher.ecb(body), self._cipher.zeros + body[:-block])
        length = cut(plain, size, _D40_CRC + trailer)
        end = length + _D40_CRC
        check(crc16(plain[:length]), plain[length:end])
        return plain[:length] + plain[end : end + trailer]

    def wrap(self, opcode: int, data: bytes, mode: Mode, *, to_end: bool) -> bytes:
        """MAC of 4 bytes, or CRC and zeros in whole blocks; nothing without data."""
        del to_end
        if not data or mode is Mode.PLAIN:
            return data
        if mode is Mode.MAC:
            return data + self._mac(data) if opcode in _MACED_ANSWERS else data
        return self.enciphered(zero_padded(data + crc16(data), self._cipher.block))

    def enciphered(self, padded: bytes) -> bytes:
        """Whole blocks of an answer."""
        return self._cipher.encrypt(padded, self._cipher.zeros)

    def _mac(self, data: bytes) -> bytes:
        block = self._cipher.block
        blocks = self._cipher.encrypt(zero_padded(data, block) or self._cipher.zeros, self._cipher.zeros)
        return blocks[-block:][:_D40_MAC]

    def checksum(self, data: bytes) -> bytes:
        """CRC of 2 bytes."""
        return crc16(data)


class Ev1Session(Session):
    """What 1A, AA and EXTERNAL AUTHENTICATE open: one IV runs on over commands and answers.

    :ivar iv: the last block enciphered, or the last CMAC.
    """

    def __init__(self, key_no: int, cipher: BlockCipher) -> None:
        self.key_no = key_no
        self._cipher = cipher
        self.iv = cipher.zeros

    def secured(self, opcode: int, mode: Mode, size: int) -> int:
        """MAC of 8 bytes, or CRC of 4 and whole blocks."""
        if mode is Mode.FULL:
            return size + _EV1_CRC + -(size + _EV1_CRC) % self._cipher.block if size else 0
        return size + (_EV1_MAC if mode is Mode.MAC and opcode in _EV1_MACED else 0)

    def unwrap(self, message: Message, size: Size, trailer: int = 0) -> bytes:
        """The payload; MAC and CRC are over the whole command."""
        opening = bytes((message.opcode,)) + message.header
        if message.mode is Mode.FULL and message.body:
            return self._deciphered(opening, message.body, size, trailer)
        sent = message.mode is Mode.MAC and message.opcode in _EV1_MACED
        payload, mac = split(message.body, _EV1_MAC if sent else 0)
        self.iv = self._cipher.cmac(opening + payload, self.iv)
        if sent:
            check(self.iv[:_EV1_MAC], mac)
        return payload

    def _deciphered(self, opening: bytes, body: bytes, size: Size, trailer: int) -> bytes:
        block = self._cipher.block
        if len(body) % block:
            raise RefusedError(statuses.LENGTH)
        plain = self._cipher.decrypt(body, self.iv)
        self.iv = body[-block:]
        length = cut(plain, size, _EV1_CRC + trailer)
        end = length + _EV1_CRC
        check(crc32(opening + plain[:length]), plain[length:end])
        return plain[:length] + plain[end : end + trailer]

    def wrap(self, opcode: int, data: bytes, mode: Mode, *, to_end: bool) -> bytes:
        """CMAC behind the data whatever the mode, or CRC and padding in whole blocks."""
        del opcode
        if mode is Mode.FULL and data:
            block = self._cipher.block
            body = data + crc32(data + _OK)
            padded = padded_80(body, block) if to_end and len(body) % block else zero_padded(body, block)
            return self.enciphered(padded)
        self.iv = self._cipher.cmac(data + _OK, self.iv)
        return data + self.iv[:_EV1_MAC]

    def enciphered(self, padded: bytes) -> bytes:
        """Whole blocks of an answer; the IV runs on."""
        sent = self._cipher.encrypt(padded, self.iv)
        self.iv = sent[-self._cipher.block :]
        return sent

    def mac(self, data: bytes) -> bytes:
        """CMAC of 8 bytes over any bytes, for ISO 7816 commands; the IV runs on."""
        self.iv = self._cipher.cmac(data, self.iv)
        return self.iv[:_EV1_MAC]

    def checksum(self, data: bytes) -> bytes:
        """CRC of 4 bytes."""
        return crc32(data)
