"""The sessions of D40 and EV1: the first protection, which knows only DES, and the one with a running IV."""

from __future__ import annotations

from cardkit.crypto.desfire import BlockKey, DesfireKey, KeyKind, crc16, crc32
from cardkit.crypto.secret import joined
from cardkit.errors import SecureMessagingError
from cardkit.secure.desfire import (
    READ_SIGNATURE,
    SENDING_MAC,
    SENDING_MAC_EV1,
    Authentication,
    DesfireSession,
    KeyChange,
    Mode,
    NativeCommand,
    check_mac,
    split_mac,
    without_crc,
    zero_padded,
)

_READING_WITH_MAC = frozenset((0xBD, 0xBB, 0x6C))
_D40_MAC, _EV1_MAC = 4, 8


class D40Session(DesfireSession):
    """The oldest protection: 4-byte MACs over data only, a CRC of 2 bytes, every IV zeros.

    :param key: session key.  :param number: of the card's key.
    """

    authentication = Authentication.D40
    ends_with_every_error = False

    def __init__(self, key: DesfireKey, number: int) -> None:
        super().__init__(number)
        self._key = BlockKey(key)

    def _wrap(self, command: NativeCommand) -> bytes:
        header, payload = command.header, joined(command.payload)
        if command.mode is Mode.FULL and payload:
            return header + self._sent(payload + crc16(payload))
        if command.mode is Mode.MAC and command.op in SENDING_MAC:
            return header + payload + self._mac(payload)
        return header + payload

    def _unwrap(self, command: NativeCommand, status: int, data: bytes) -> bytes:  # noqa: ARG002 - it enters no MAC
        if command.mode is Mode.FULL and command.reads:
            plain = self._key.decrypt(data)
            return without_crc(plain, command.answer, crc16(plain[: command.answer]))
        if command.mode is Mode.MAC and command.op in _READING_WITH_MAC:
            plain, mac = split_mac(data, _D40_MAC)
            check_mac(self._mac(plain), mac)
            return plain
        return data

    def key_changed(self, change: KeyChange, data: bytes) -> None:
        """Take the answer to a change of key, which has nothing in it."""
        self.ended = self.ended or change.old is None
        if data:
            raise SecureMessagingError(f"answer to {change.op:02X}: {len(data)} bytes, expected none")

    def _change_key(self, change: KeyChange) -> bytes:
        mixed = change.mixed()
        plain = mixed + crc16(mixed)
        if change.old is not None:
            with change.new.reveal() as new:
                plain += crc16(new)
        return change.header + self._sent(plain)

    def _sent(self, plain: bytes) -> bytes:
        return self._key.send_decipher(zero_padded(plain, self._key.block))

    def _mac(self, data: bytes) -> bytes:
        """Return the first 4 bytes of the last block of CBC over data and zeros."""
        return self._key.encrypt(zero_padded(data, self._key.block))[-self._key.block :][:_D40_MAC]


class Ev1Session(DesfireSession):
    """The protection of EV1: CMACs over command and answer, chained by an IV that runs through the session.

    :param key: session key.  :param number: of the card's key.
    """

    def __init__(self, key: DesfireKey, number: int) -> None:
        super().__init__(number)
        self.authentication = Authentication.AES if key.kind is KeyKind.AES else Authentication.ISO
        self._key = BlockKey(key)
        self.iv = bytes(key.kind.block_bytes)

    def _wrap(self, command: NativeCommand) -> bytes:
        if command.op == READ_SIGNATURE:
            return command.in_clear()  # it and its answer leave the session as it is
        plain = command.in_clear()
        if command.mode is Mode.FULL and command.payload:
            checked = crc32(bytes((command.op,)) + plain)
            return command.header + self._encrypted(plain[len(command.header) :] + checked)
        self.iv = self._key.cmac(bytes((command.op,)) + plain, self.iv)
        mac = self.iv[:_EV1_MAC] if command.mode is Mode.MAC and command.op in SENDING_MAC_EV1 else b""
        return plain + mac

    def _unwrap(self, command: NativeCommand, status: int, data: bytes) -> bytes:
        if command.op == READ_SIGNATURE:
            return data
        tail = bytes((status,))
        if command.mode is Mode.FULL and command.reads:
            plain = self._key.decrypt(data, self.iv)
            self.iv = data[-self._key.block :]
            return without_crc(plain, command.answer, crc32(plain[: command.answer] + tail))
        plain, mac = split_mac(data, _EV1_MAC)
        self.iv = self._key.cmac(plain + tail, self.iv)
        check_mac(self.iv[:_EV1_MAC], mac)
        return plain

    def _change_key(self, change: KeyChange) -> bytes:
        mixed = change.mixed()
        if change.new.kind is KeyKind.AES:
            mixed += bytes((change.new.version,))
        plain = mixed + crc32(bytes((change.op,)) + change.header + mixed)
        if change.old is not None:
            with change.new.reveal() as new:
                plain += crc32(new)
        return change.header + self._encrypted(plain)

    def _encrypted(self, plain: bytes) -> bytes:
        sent = self._key.encrypt(zero_padded(plain, self._key.block), self.iv)
        self.iv = sent[-self._key.block :]
        return sent
