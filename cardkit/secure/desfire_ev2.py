"""The sessions of EV2: a transaction identifier and a command counter under every MAC; with AES, or with LRP."""

from __future__ import annotations

from abc import abstractmethod

from cardkit.crypto.desfire import BlockKey, DesfireKey, crc32, truncated
from cardkit.crypto.lrp import Lrp
from cardkit.crypto.mac import Cmac, pad80, unpad80
from cardkit.crypto.secret import Secret, joined
from cardkit.errors import SecureMessagingError
from cardkit.secure.desfire import (
    OK,
    Authentication,
    DesfireSession,
    KeyChange,
    Mode,
    NativeCommand,
    check_mac,
    split_mac,
)

TRANSACTION_IDENTIFIER_BYTES = 4
_MAC_BYTES = 8
_BLOCK = 16
_LAST_COUNTER = 0xFFFF
_COMMAND_IV, _ANSWER_IV = bytes.fromhex("A55A"), bytes.fromhex("5AA5")
_DONE = bytes((OK,))


class CountedSession(DesfireSession):
    """What both have in common.

    :param number: of the card's key.  :param identifier: TI, 4 bytes.  :param counter: CmdCtr.
    """

    def __init__(self, number: int, identifier: bytes, counter: int) -> None:
        super().__init__(number)
        self.identifier = identifier
        self.counter = counter

    @abstractmethod
    def _mac(self, message: bytes) -> bytes:
        """Return a MAC of 16 bytes."""

    @abstractmethod
    def _encrypt(self, data: bytes) -> bytes:
        """Encrypt what a command carries, whole blocks."""

    @abstractmethod
    def _decrypt(self, data: bytes) -> bytes:
        """Decrypt what an answer carries; the counter has been raised."""

    @property
    def _context(self) -> bytes:
        return self.counter.to_bytes(2, "little") + self.identifier

    def _wrap(self, command: NativeCommand) -> bytes:
        if self.counter == _LAST_COUNTER:
            self.ended = True
            raise SecureMessagingError(f"{self!r}: its counter is at its end")
        if command.mode is Mode.PLAIN:
            return command.in_clear()
        payload = joined(command.payload)
        ciphered = command.mode is Mode.FULL and payload
        sent = command.header + (self._encrypt(pad80(payload, _BLOCK)) if ciphered else payload)
        return sent + truncated(self._mac(bytes((command.op,)) + self._context + sent))

    def _unwrap(self, command: NativeCommand, status: int, data: bytes) -> bytes:  # noqa: ARG002 - 00 enters every MAC
        self.counter += 1
        if command.mode is Mode.PLAIN:
            return data
        sent, mac = split_mac(data, _MAC_BYTES)
        check_mac(truncated(self._mac(_DONE + self._context + sent)), mac)
        plain = unpad80(self._decrypt(sent)) if command.mode is Mode.FULL and sent else sent
        if command.answer is not None and len(plain) != command.answer:
            raise SecureMessagingError(f"{len(plain)} bytes, expected {command.answer}")
        return plain

    def _change_key(self, change: KeyChange) -> bytes:
        payload = change.mixed() + bytes((change.new.version,))
        if change.old is not None:
            with change.new.reveal() as new:
                payload += crc32(new)
        return self._wrap(NativeCommand(change.op, change.header, payload, Mode.FULL))


class Ev2Session(CountedSession):
    """A session with AES.

    :param keys: SesAuthENC and SesAuthMAC.
    """

    authentication = Authentication.EV2

    def __init__(self, keys: tuple[DesfireKey, DesfireKey], number: int, identifier: bytes, counter: int = 0) -> None:
        super().__init__(number, identifier, counter)
        self._enc = BlockKey(keys[0])
        with keys[1].reveal() as clear:
            self._signing = Cmac(clear)

    def _mac(self, message: bytes) -> bytes:
        return self._signing.mac(message)

    def _encrypt(self, data: bytes) -> bytes:
        return self._enc.encrypt(data, self._iv(_COMMAND_IV))

    def _decrypt(self, data: bytes) -> bytes:
        return self._enc.decrypt(data, self._iv(_ANSWER_IV))

    def _iv(self, label: bytes) -> bytes:
        return self._enc.encrypt(label + self.identifier + self.counter.to_bytes(2, "little") + bytes(8))


class LrpSession(CountedSession):
    """A session with LRP (AN12304; transport sheet 3.18).

    :param master: of the session, 16 bytes.  :param blocks: how many blocks it has enciphered: EncCtr.
    """

    authentication = Authentication.LRP

    def __init__(self, master: Secret, number: int, identifier: bytes, counter: int = 0) -> None:
        super().__init__(number, identifier, counter)
        self._lrp = Lrp(master, updated=2)
        self._blocks = bytes(4)

    def proof(self, message: bytes) -> bytes:
        """Return the 16-byte MAC by which each side proves its key."""
        return self._lrp.cmac(message)

    def opened(self, identified: bytes) -> bytes:
        """Decipher what the card says when it has proven its key, and take the transaction identifier from it."""
        plain, self._blocks = self._lrp.decrypt(identified, self._blocks, number=1, padded=False)
        self.identifier = plain[:TRANSACTION_IDENTIFIER_BYTES]
        return plain

    def _mac(self, message: bytes) -> bytes:
        return self._lrp.cmac(message)

    def _encrypt(self, data: bytes) -> bytes:
        sent, self._blocks = self._lrp.encrypt(data, self._blocks, number=1, padded=False)
        return sent

    def _decrypt(self, data: bytes) -> bytes:
        plain, self._blocks = self._lrp.decrypt(data, self._blocks, number=1, padded=False)
        return plain
