"""SCP02: triple DES sessions, explicit and implicit, with C-MAC, encryption and R-MAC (GPCS appendix E)."""

from __future__ import annotations

from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.cbc import CbcEncryptor
from cardkit.crypto.key import Key
from cardkit.crypto.mac import RetailMac, full_mac, pad80, retail_mac
from cardkit.errors import KeyStoreError, SecureMessagingError
from cardkit.secure.classbyte import bare_class, protected_class
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

_BLOCK = 8
_MAC = 8
_SINGLE_DES = 8
_CHALLENGE = 6
_SUCCESS = 0x9000


def card_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the card cryptogram these session keys give, 8 bytes (GPCS E.4.2.1)."""
    return _cryptogram(parameters, keys.enc, host_challenge + _sequence(greeting) + greeting.challenge)


def host_cryptogram(parameters: Parameters, keys: SessionKeys, host_challenge: bytes, greeting: Greeting) -> bytes:
    """Return the host cryptogram, 8 bytes (GPCS E.4.2.2)."""
    return _cryptogram(parameters, keys.enc, _sequence(greeting) + greeting.challenge + host_challenge)


def card_challenge(keys: SessionKeys, aid: bytes) -> bytes:
    """Return the well-known pseudo-random challenge, 6 bytes (GPCS E.4.2.3).

    :param aid: the selected application's, as registered.
    """
    with keys.mac.reveal() as key:
        return retail_mac(key, aid)[:_CHALLENGE]


def _sequence(greeting: Greeting) -> bytes:
    return greeting.sequence or b""


def _cryptogram(parameters: Parameters, key: Key, message: bytes) -> bytes:
    with cipher_key(key, "3DES", parameters).reveal() as enc:
        return full_mac(enc, message)


class Scp02Session(SecureSession):
    """An SCP02 session.

    :param aid: opens it implicitly: the application's, as registered; None for an explicit session.
    :raises KeyStoreError: when a session key is no 3DES key, or S-RMAC is missing where the card has R-MAC.
    """

    def __init__(
        self, terms: Terms, keys: SessionKeys, host_cryptogram: bytes | None, aid: bytes | None = None
    ) -> None:
        super().__init__(terms, keys, host_cryptogram)
        with cipher_key(keys.enc, "3DES", self.parameters).reveal() as key:
            self._encryptor = CbcEncryptor("3DES", key)
        with cipher_key(keys.mac, "3DES", self.parameters).reveal() as key:
            self._c_mac = RetailMac(key)
            self._icv_cipher = CbcEncryptor("3DES", key[:_SINGLE_DES] * 3) if self.parameters.icv_encryption else None
        self._r_mac = self._r_mac_cipher(keys)
        self._icv = bytes(_MAC) if aid is None else self._c_mac.mac(aid)
        self._first = True  # the first ICV is never encrypted
        self._first_ricv = b"" if aid is None or self._r_mac is None else self._r_mac.mac(aid)
        self._ricv: bytes | None = None  # None while there is no R-MAC session

    def _r_mac_cipher(self, keys: SessionKeys) -> RetailMac | None:
        if not self.parameters.rmac:
            return None
        if keys.rmac is None:
            raise KeyStoreError(f"{self.parameters}: the session keys lack S-RMAC")
        with cipher_key(keys.rmac, "3DES", self.parameters).reveal() as key:
            return RetailMac(key)

    def external_authenticate(self) -> CommandAPDU:
        """Return EXTERNAL AUTHENTICATE; its C-MAC is what the R-MAC chain begins with (GPCS E.4.5)."""
        command = super().external_authenticate()
        self._first_ricv = self._icv
        if self.level & SecurityLevel.R_MAC:
            self._ricv = self._first_ricv
        return command

    # Commands.

    def _protect(self, command: CommandAPDU, level: SecurityLevel) -> tuple[CommandAPDU, Sent]:
        header, data = split(command)
        ne = SHORT_NE if level & SecurityLevel.R_MAC and not command.ne else command.ne
        if not level & SecurityLevel.C_MAC:
            plain = replace(command, ne=ne)
            return plain, Sent(level, header, _covered(command, header, data, plain.is_extended))
        cla = protected_class(command.cla)
        padded = pad80(data, _BLOCK) if level & SecurityLevel.C_DEC and data else data
        extended = command.extended or len(padded) + _MAC > SHORT_NC or ne > SHORT_NE
        covered = _covered(command, header, data, extended)
        modified = header + _length(len(data) + _MAC, extended) + data
        mac = self._next_mac(covered if self.parameters.c_mac_unmodified else modified)
        field = self._encryptor.encrypt(padded) + mac if padded is not data else with_mac(command, mac)
        wrapped = CommandAPDU(cla, command.ins, command.p1, command.p2, field, ne, command.extended)
        return wrapped, Sent(level, header, covered)

    def _next_mac(self, message: bytes) -> bytes:
        iv = self._icv_cipher.encrypt(self._icv) if self._icv_cipher and not self._first else self._icv
        self._first = False
        self._icv = self._c_mac.mac(message, iv)
        return self._icv

    # Responses.

    def _open(self, sent: Sent, response: ResponseAPDU) -> ResponseAPDU:
        if sent.reports_r_mac() and self._ricv is not None:
            return self._reported(self._ricv, response)
        if sent.begins_r_mac() and response.sw == _SUCCESS and self._ricv is None:
            self._ricv = self._first_ricv
        if self._ricv is None or self._r_mac is None:
            return response
        body, mac = self._cut(sent, response)
        counted = bytes((len(body) & 0xFF,)) + body + response.sw.to_bytes(2)
        self._ricv = self._r_mac.mac(sent.context + counted, self._ricv)
        if mac:
            self._verify(self._ricv, mac)
        return ResponseAPDU(body, response.sw)

    def _cut(self, sent: Sent, response: ResponseAPDU) -> tuple[bytes, bytes]:
        """Split a response into data and R-MAC, which is empty where the card need not send one."""
        data, error = response.data, is_error(response.sw)
        if not sent.level & SecurityLevel.R_MAC and not sent.begins_r_mac():
            return data, b""
        bare = (error and not self.quirks.rmac_on_error) or not sent.level & SecurityLevel.R_MAC
        if bare and not data:
            return b"", b""
        if len(data) < _MAC:
            raise SecureMessagingError(f"{len(data)} bytes, expected an R-MAC of {_MAC} at least")
        if error and len(data) > _MAC:
            raise SecureMessagingError(f"{len(data)} bytes with status {response.sw:04X}, expected an R-MAC at most")
        return data[:-_MAC], data[-_MAC:]

    def _reported(self, ricv: bytes, response: ResponseAPDU) -> ResponseAPDU:
        """Check what END R-MAC SESSION brings: the R-MAC over all answers so far; it is not itself covered."""
        if response.sw == _SUCCESS:
            self._verify(ricv, response.data)
        return response

    def _follow(self, sent: Sent) -> None:
        if sent.ends_r_mac():
            self._ricv = None
            self.level &= ~SecurityLevel.R_MAC
        else:
            super()._follow(sent)

    def _may_begin(self, level: SecurityLevel) -> bool:
        return self._r_mac is not None and self._ricv is None and level in (SecurityLevel.NONE, SecurityLevel.R_MAC)

    def _forget(self) -> None:
        self._icv = self._first_ricv = b""
        self._ricv = None
        del self._encryptor, self._c_mac, self._icv_cipher, self._r_mac


def _length(count: int, extended: bool) -> bytes:
    """Return Lc in the form the command goes out with: a MAC covers that form."""
    return b"\x00" + count.to_bytes(2) if extended else bytes((count,))


def _covered(command: CommandAPDU, header: bytes, data: bytes, extended: bool) -> bytes:
    """Return the command before protection, as the R-MAC covers it and the C-MAC on unmodified commands."""
    return bytes((bare_class(command.cla),)) + header[1:] + _length(len(data), extended) + data
