"""SCP01: triple DES sessions of old cards (GPCS appendix D). Legacy: to read such a card, and to migrate it."""

from __future__ import annotations

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.cbc import CbcEncryptor
from cardkit.crypto.mac import FullMac, full_mac, pad80
from cardkit.errors import EncodingError
from cardkit.secure.classbyte import protected_class
from cardkit.secure.greeting import Greeting
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters
from cardkit.secure.session import SHORT_NC, SHORT_NE, SecureSession, Sent, Terms, cipher_key, split, with_mac

_BLOCK = 8
_MAC = 8


def card_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the card cryptogram these session keys give, 8 bytes (GPCS D.3.2)."""
    with cipher_key(keys.enc, "3DES", parameters).reveal() as key:
        return full_mac(key, host_challenge + greeting.challenge)


def host_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the host cryptogram, 8 bytes (GPCS D.3.2)."""
    with cipher_key(keys.enc, "3DES", parameters).reveal() as key:
        return full_mac(key, greeting.challenge + host_challenge)


class Scp01Session(SecureSession):
    """An SCP01 session: commands have a MAC, or a MAC and encryption; responses have nothing.

    :raises KeyStoreError: when a session key is no 3DES key.
    """

    def __init__(self, terms: Terms, keys: SessionKeys, host_cryptogram: bytes) -> None:
        super().__init__(terms, keys, host_cryptogram)
        with cipher_key(keys.enc, "3DES", self.parameters).reveal() as key:
            self._encryptor = CbcEncryptor("3DES", key)
        with cipher_key(keys.mac, "3DES", self.parameters).reveal() as key:
            self._c_mac = FullMac(key)
            self._icv_cipher = CbcEncryptor("3DES", key) if self.parameters.icv_encryption else None
        self._icv = b""  # nothing is chained with before the first C-MAC

    def _protect(self, command: CommandAPDU, level: SecurityLevel) -> tuple[CommandAPDU, Sent]:
        header, data = split(command)
        if not level & SecurityLevel.C_MAC:
            return command, Sent(level, header)
        cla = protected_class(command.cla)
        if len(data) + _MAC > SHORT_NC or command.extended or command.ne > SHORT_NE:
            raise EncodingError(f"SCP01: {len(data)} bytes of data, expected {SHORT_NC - _MAC} at most, short")
        iv = self._icv_cipher.encrypt(self._icv) if self._icv and self._icv_cipher else self._icv
        mac = self._icv = self._c_mac.mac(header + bytes((len(data) + _MAC,)) + data, iv)
        encrypted = level & SecurityLevel.C_DEC and data
        field = self._encrypted(data) + mac if encrypted else with_mac(command, mac)
        return CommandAPDU(cla, command.ins, command.p1, command.p2, field, command.ne), Sent(level, header)

    def _encrypted(self, data: bytes) -> bytes:
        """Encrypt a length byte and the data, padded only where they are no whole blocks (GPCS D.3.4)."""
        message = bytes((len(data),)) + data
        return self._encryptor.encrypt(pad80(message, _BLOCK) if len(message) % _BLOCK else message)

    def _open(self, sent: Sent, response: ResponseAPDU) -> ResponseAPDU:  # noqa: ARG002  responses have no protection
        return response

    def _may_begin(self, level: SecurityLevel) -> bool:  # noqa: ARG002
        return False

    def _forget(self) -> None:
        self._icv = b""
        del self._encryptor, self._c_mac, self._icv_cipher
