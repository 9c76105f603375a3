"""Sessions of EV2, on AES or on LRP: a transaction identifier and a command counter in every MAC (sheet 3.8, 3.18)."""

from typing import ClassVar, Final

from . import statuses
from .crypto import BlockCipher, crc32, odd_bytes, padded_80
from .lrp import Lrp, after
from .session import Message, Mode, Session, Size, check, split
from .statuses import RefusedError

_OK: Final = b"\x00"  # the status, as the MAC takes it
_MAC: Final = 8
_BLOCK: Final = 16
_LAST_COUNTER: Final = 0xFFFF
_COMMAND_LABEL, _ANSWER_LABEL = b"\xa5\x5a", b"\x5a\xa5"


class Ev2Session(Session):
    """What 71 opens and 77 opens anew.

    :param keys: session keys for encryption and MAC.
    :ivar counter: CmdCtr, that of the next command.
    """

    modern: ClassVar[bool] = True

    def __init__(self, key_no: int, keys: tuple[bytes, bytes], ti: bytes, counter: int = 0) -> None:
        self.key_no = key_no
        self.ti = ti
        self.counter = counter
        self._encryption = BlockCipher(keys[0], aes=True)
        self._macs = BlockCipher(keys[1], aes=True)

    def secured(self, opcode: int, mode: Mode, size: int) -> int:
        """MAC of 8 bytes, behind whole blocks when enciphered."""
        del opcode
        if mode is Mode.PLAIN:
            return size
        return _MAC + (size + _BLOCK - size % _BLOCK if mode is Mode.FULL and size else size)

    def unwrap(self, message: Message, size: Size, trailer: int = 0) -> bytes:
        """The payload; a MAC is over the command as sent."""
        del size, trailer
        if self.counter == _LAST_COUNTER:
            raise RefusedError(statuses.INTEGRITY)
        payload = message.body
        if message.mode is not Mode.PLAIN:
            payload, mac = split(payload, _MAC)
            check(self.mac(bytes((message.opcode,)), message.header + payload), mac)
        if message.mode is Mode.FULL and payload:
            payload = self._unpadded(self.deciphered(payload))
        self.counter += 1
        return payload

    def wrap(self, opcode: int, data: bytes, mode: Mode, *, to_end: bool) -> bytes:
        """MAC over the status and what is sent; an answer to a plain command has none."""
        del opcode, to_end
        if mode is Mode.PLAIN:
            return data
        sent = self.enciphered(padded_80(data, _BLOCK)) if mode is Mode.FULL and data else data
        return sent + self.mac(_OK, sent)

    def mac(self, opening: bytes, data: bytes) -> bytes:
        """MACt of a command or an answer, 8 bytes."""
        return odd_bytes(self.cmac(opening + self.counter.to_bytes(2, "little") + self.ti + data))

    def cmac(self, data: bytes) -> bytes:
        """CMAC by the session key, 16 bytes."""
        return self._macs.cmac(data, self._macs.zeros)

    def deciphered(self, data: bytes) -> bytes:
        """Blocks of a command.

        :raises RefusedError: 7E when they are not whole.
        """
        if len(data) % _BLOCK:
            raise RefusedError(statuses.LENGTH)
        return self._encryption.decrypt(data, self._iv(_COMMAND_LABEL))

    def enciphered(self, data: bytes) -> bytes:
        """Whole blocks of an answer."""
        return self._encryption.encrypt(data, self._iv(_ANSWER_LABEL))

    def _iv(self, label: bytes) -> bytes:
        return self._encryption.ecb(label + self.ti + self.counter.to_bytes(2, "little") + bytes(8))

    @staticmethod
    def _unpadded(plain: bytes) -> bytes:
        body = plain.rstrip(b"\x00")
        if not body.endswith(b"\x80") or len(plain) - len(body) >= _BLOCK:
            raise RefusedError(statuses.INTEGRITY)
        return body[:-1]

    def checksum(self, data: bytes) -> bytes:
        """CRC of 4 bytes."""
        return crc32(data)


class LrpSession(Ev2Session):
    """What 71 opens with the capability bit of LRP.

    :param keys: the LRP of encryption and that of MACs.
    :ivar blocks: EncCtr, 4 bytes; it runs on over commands and answers.
    """

    def __init__(self, key_no: int, keys: tuple[Lrp, Lrp], ti: bytes, counter: int = 0) -> None:
        self.key_no = key_no
        self.ti = ti
        self.counter = counter
        self.blocks = bytes(4)
        self._lrp_encryption, self._lrp_macs = keys

    def cmac(self, data: bytes) -> bytes:
        """CMAC over LRP, 16 bytes."""
        return self._lrp_macs.cmac(data)

    def deciphered(self, data: bytes) -> bytes:
        """Blocks of a command.

        :raises RefusedError: 7E when they are not whole.
        """
        if len(data) % _BLOCK:
            raise RefusedError(statuses.LENGTH)
        plain = self._lrp_encryption.decrypt(data, self.blocks)
        self.blocks = after(self.blocks, len(data) // _BLOCK)
        return plain

    def enciphered(self, data: bytes) -> bytes:
        """Whole blocks of an answer."""
        sent = self._lrp_encryption.encrypt(data, self.blocks)
        self.blocks = after(self.blocks, len(data) // _BLOCK)
        return sent
