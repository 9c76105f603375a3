"""SCP03: AES sessions with MAC chaining, R-MAC and R-ENC (Amd D 6.2); SCP11 sessions go on as it does."""

from __future__ import annotations

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.key import Key
from cardkit.crypto.mac import Cmac, kdf, pad80, unpad80
from cardkit.errors import KeyStoreError, SecureMessagingError
from cardkit.secure.classbyte import protected_class
from cardkit.secure.greeting import Greeting
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters
from cardkit.secure.session import (
    SHORT_NC,
    SHORT_NE,
    SecureSession,
    Sent,
    Terms,
    cipher_key,
    is_error,
    split,
    with_mac,
)

_BLOCK = 16
_RESPONSE_COUNTER = 1 << 127  # the first bit of an R-ENC counter block (Amd D 6.2.7)

# Derivation constants (Amd D table 4-1).
_CARD_CRYPTOGRAM = 0x00
_HOST_CRYPTOGRAM = 0x01

_C_MAC, _C_DEC = int(SecurityLevel.C_MAC), int(SecurityLevel.C_DEC)
_R_MAC, _R_ENC = int(SecurityLevel.R_MAC), int(SecurityLevel.R_ENC)


def card_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the card cryptogram these session keys give, 8 or 16 bytes (Amd D 6.2.2.2)."""
    return _cryptogram(_CARD_CRYPTOGRAM, parameters, keys.mac, host_challenge + greeting.challenge)


def host_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the host cryptogram, 8 or 16 bytes (Amd D 6.2.2.3)."""
    return _cryptogram(_HOST_CRYPTOGRAM, parameters, keys.mac, host_challenge + greeting.challenge)


def _cryptogram(constant: int, parameters: Parameters, key: Key, context: bytes) -> bytes:
    with cipher_key(key, "AES", parameters).reveal() as mac:
        return kdf(mac, constant, context, parameters.cryptogram_size)


class Scp03Session(SecureSession):
    """An SCP03 session, or with a receipt as its first chaining value an SCP11 one.

    :param chain: the first MAC chaining value, 16 bytes.
    :raises KeyStoreError: when a session key is missing or no AES key.
    """

    def __init__(
        self, terms: Terms, keys: SessionKeys, host_cryptogram: bytes | None, chain: bytes = bytes(_BLOCK)
    ) -> None:
        super().__init__(terms, keys, host_cryptogram)
        if keys.rmac is None:
            raise KeyStoreError(f"{self.parameters}: the session keys lack S-RMAC")
        with cipher_key(keys.enc, "AES", self.parameters).reveal() as key:
            self._encryptor = CbcEncryptor("AES", key)
            self._decryptor = CbcDecryptor("AES", key)
        with cipher_key(keys.mac, "AES", self.parameters).reveal() as key:
            self._c_mac = Cmac(key)
        with cipher_key(keys.rmac, "AES", self.parameters).reveal() as key:
            self._r_mac = Cmac(key)
        self._chain = chain
        self._counter = 0
        self._mac_size = self.parameters.mac_size

    def _protect(self, command: CommandAPDU, level: SecurityLevel) -> tuple[CommandAPDU, Sent]:
        flags = int(level)
        header, data = split(command)
        if not flags & _C_MAC:
            return command, Sent(level, header)
        cla = protected_class(command.cla)
        encrypted = self._encrypted(data) if flags & _C_DEC else None
        body = data if encrypted is None else encrypted
        lc = len(body) + self._mac_size
        extended = command.extended or lc > SHORT_NC or command.ne > SHORT_NE
        length = b"\x00" + lc.to_bytes(2) if extended else bytes((lc,))
        self._chain = self._c_mac.mac(self._chain + header + length + body)
        mac = self._chain[: self._mac_size]
        field = with_mac(command, mac) if encrypted is None else encrypted + mac
        wrapped = CommandAPDU(cla, command.ins, command.p1, command.p2, field, command.ne, command.extended)
        return wrapped, Sent(level, header, self._chain, self._counter)

    def _encrypted(self, data: bytes) -> bytes:
        """Count the command and encrypt its data field; an empty one stays empty (Amd D 6.2.6)."""
        padded = pad80(data, _BLOCK) if data or self.quirks.enc_empty_data else b""
        if padded or not self.quirks.counter_data_only:
            self._counter += 1
        if not padded:
            return b""
        # The encrypted counter is the IV: CBC over counter and data, of which the first block is not sent.
        return self._encryptor.encrypt(self._counter.to_bytes(_BLOCK) + padded)[_BLOCK:]

    def _open(self, sent: Sent, response: ResponseAPDU) -> ResponseAPDU:
        if not self._has_r_mac(sent, response):
            return response
        if is_error(response.sw) and not self.quirks.rmac_on_error:
            if response.data:
                raise SecureMessagingError(f"{len(response.data)} bytes with status {response.sw:04X}, expected none")
            return response
        size = self._mac_size
        if len(response.data) < size:
            raise SecureMessagingError(f"{len(response.data)} bytes, expected an R-MAC of {size} at least")
        body, mac = response.data[:-size], response.data[-size:]
        expected = self._r_mac.mac(sent.context + body + response.sw.to_bytes(2))[:size]
        self._verify(expected, mac)
        if int(sent.level) & _R_ENC and body:
            body = self._decrypted(body, sent.counter)
        return ResponseAPDU(body, response.sw)

    def _has_r_mac(self, sent: Sent, response: ResponseAPDU) -> bool:
        """Whether an answer must have an R-MAC; BEGIN and END are answered at the level before or after them."""
        before = bool(int(sent.level) & _R_MAC)
        if sent.begins_r_mac():
            return before or bool(response.data)
        if sent.ends_r_mac():
            return bool(self._opening_level & _R_MAC) or (before and bool(response.data))
        return before

    def _decrypted(self, body: bytes, counter: int) -> bytes:
        iv = self._encryptor.encrypt((_RESPONSE_COUNTER | counter).to_bytes(_BLOCK))
        return unpad80(self._decryptor.decrypt(body, iv))

    def _may_begin(self, level: SecurityLevel) -> bool:
        raised = self.level | level
        return bool(level & _R_MAC) and raised != self.level and raised in self.parameters.levels

    def _forget(self) -> None:
        self._chain = b""
        del self._encryptor, self._decryptor, self._c_mac, self._r_mac
