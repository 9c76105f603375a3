"""Secure messaging of travel documents (ICAO Doc 9303-11 9.8): 3DES after BAC, 3DES or AES after PACE and CA."""

from __future__ import annotations

import hmac
from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.documentkeys import TDES, MessagingKeys
from cardkit.crypto.mac import Cmac, RetailMac, pad80, unpad80
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, SecureMessagingError, UnprotectedError
from cardkit.secure.classbyte import bare_class

_SM = 0x0C  # header authenticated
_ENCRYPTED, _ENCRYPTED_ODD, _LE, _STATUS, _MAC = 0x87, 0x85, 0x97, 0x99, 0x8E
_PADDED = b"\x01"
_MAC_BYTES = 8
_SHORT_NC, _SHORT_NE, _EXTENDED_NE = 255, 256, 65_536
_OVERHEAD = 18  # bytes of a short answer that are not encrypted data: 87 81 L 01, 99 02 SW, 8E 08 MAC


class IcaoSession:
    """One session; it goes into ``Channel.secure``. An error in an answer ends it for good.

    :param keys: of the session; they are the session's to wipe.
    :param counter: send sequence counter; zeros if empty.
    """

    def __init__(self, keys: MessagingKeys, counter: bytes = b"") -> None:
        self._keys = keys
        cipher = "3DES" if keys.algorithm == TDES else "AES"
        with keys.enc.reveal() as enc, keys.mac.reveal() as mac:
            self._encryptor = CbcEncryptor(cipher, enc)
            self._decryptor = CbcDecryptor(cipher, enc)
            self._mac = RetailMac(mac).mac_padded if keys.algorithm == TDES else Cmac(mac).mac
        self._block = self._encryptor.block_size
        self._counter = int.from_bytes(counter)
        self._command: CommandAPDU | None = None
        self.open = True

    @property
    def algorithm(self) -> str:
        """Of the session's keys."""
        return self._keys.algorithm

    @property
    def counter(self) -> bytes:
        """The send sequence counter."""
        return self._counter.to_bytes(self._block)

    def most_data(self, ne: int) -> int:
        """Return how much plain data an answer carries.

        :param ne: bytes of the protected answer, 256 or up to 65,536.
        """
        return (ne - _OVERHEAD - 2 * (ne > _SHORT_NE)) // self._block * self._block - 1

    def wrap(self, command: CommandAPDU) -> CommandAPDU:
        """Return the protected command.

        :raises SecureMessagingError: when the session is over.
        :raises EncodingError: on a command with neither data nor Le (chips disagree about its MAC), or one that is
            protected already.
        """
        if not self.open:
            raise SecureMessagingError("secure messaging: the session is over, expected a new one")
        if bare_class(command.cla) != command.cla or not (command.nc or command.ne):
            raise EncodingError(f"{command!r}: expected a class without secure messaging, and data or Le")
        self._count()
        cla = command.cla | _SM
        header = bytes((cla, command.ins, command.p1, command.p2))
        body = self._encrypted(command) + self._le(command)
        message = self.counter + pad80(header, self._block) + body
        body += tlv.build(_MAC, self._checksum(message))
        extended = command.is_extended or len(body) > _SHORT_NC
        self._command = command
        ne = _EXTENDED_NE if extended else _SHORT_NE
        return replace(command, cla=cla, data=body, ne=ne, extended=extended)

    def unwrap(self, response: ResponseAPDU) -> ResponseAPDU:
        """Return the plain answer to the command wrapped last.

        :raises SecureMessagingError: on an answer that is not protected, or not as it must be: the session is over.
        """
        command, self._command = self._command, None
        if command is None:
            raise SecureMessagingError("secure messaging: an answer to no command")
        try:
            return self._checked(command, response)
        except SecureMessagingError:
            self.close()
            raise

    def close(self) -> None:
        """End the session and wipe its keys."""
        self.open = False
        self._keys.wipe()

    def _count(self) -> None:
        self._counter = (self._counter + 1) % (1 << 8 * self._block)

    def _checksum(self, message: bytes) -> bytes:
        return self._mac(pad80(message, self._block))[:_MAC_BYTES]

    def _iv(self) -> bytes:
        return b"" if self.algorithm == TDES else self._encryptor.encrypt(self.counter)

    def _encrypted(self, command: CommandAPDU) -> bytes:
        if not command.nc:
            return b""
        plain = replace(command, ne=0, extended=True).encode()[-command.nc :]
        cryptogram = self._encryptor.encrypt(pad80(plain, self._block), self._iv())
        if command.ins & 1:
            return tlv.build(_ENCRYPTED_ODD, cryptogram)
        return tlv.build(_ENCRYPTED, _PADDED + cryptogram)

    def _le(self, command: CommandAPDU) -> bytes:
        if not command.ne:
            return b""
        size = 2 if command.is_extended else 1
        return tlv.build(_LE, (command.ne % (1 << 8 * size)).to_bytes(size))

    def _checked(self, command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        """Check the MAC, then everything else, and decrypt."""
        self._count()
        objects = _objects(response)
        covered = response.data[: -2 - _MAC_BYTES]
        if not hmac.compare_digest(self._checksum(self.counter + covered), objects[-1].value):
            raise SecureMessagingError("secure messaging: wrong MAC in the answer")
        status = objects[-2].value
        if int.from_bytes(status) != response.sw:
            raise SecureMessagingError(
                f"secure messaging: status {response.sw:04X} outside, {status.hex().upper()} inside, expected the same"
            )
        plain = self._decrypted(objects[0], odd=bool(command.ins & 1)) if len(objects) > 2 else b""
        if command.ne and len(plain) > command.ne:  # who asked for nothing judges what a chip says all the same
            raise SecureMessagingError(
                f"secure messaging: {len(plain)} bytes in the answer, {command.ne} were asked for"
            )
        return ResponseAPDU(plain, response.sw)

    def _decrypted(self, item: tlv.Tlv, *, odd: bool) -> bytes:
        value = item.value
        if item.tag != (_ENCRYPTED_ODD if odd else _ENCRYPTED) or not (odd or value[:1] == _PADDED):
            raise SecureMessagingError(f"secure messaging: data object {item.tag:02X} is none of this command")
        try:
            return unpad80(self._decryptor.decrypt(value if odd else value[1:], self._iv()))
        except EncodingError as error:
            raise SecureMessagingError(f"secure messaging: encrypted data: {error}") from None


def _objects(response: ResponseAPDU) -> tuple[tlv.Tlv, ...]:
    """Return the objects of an answer: 87 or 85 where there are data, 99, 8E, and nothing else."""
    if not response.data:
        raise UnprotectedError(response.sw)
    try:
        objects = tuple(tlv.parse(response.data))
    except EncodingError as error:
        raise SecureMessagingError(f"secure messaging: answer: {error}") from None
    tags = tuple(item.tag for item in objects)
    if tags[-2:] != (_STATUS, _MAC) or tags[:-2] not in ((), (_ENCRYPTED,), (_ENCRYPTED_ODD,)):
        names = " ".join(f"{tag:02X}" for tag in tags[:8])
        raise SecureMessagingError(f"secure messaging: objects {names} in the answer, expected 87 or 85, then 99, 8E")
    if len(objects[-2].value) != 2 or len(objects[-1].value) != _MAC_BYTES or objects[-1].length_size:
        raise SecureMessagingError("secure messaging: expected 2 bytes of status (99) and 8 of MAC (8E) in the answer")
    return objects
