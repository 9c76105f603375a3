"""SCP01, the card's side (GPCS 2.3.1 appendix D): three 3DES keys, explicit, commands only.

`i`: 05 without, 15 with ICV encryption.
"""

import hmac
from typing import Final

from . import crypto
from .crypto import DES_BLOCK
from .keysets import SCP01
from .protection import C_DEC, C_MAC, Command, Request, Session, refused, whole_blocks

ICV_ENCRYPTION: Final = 0x10  # bit of i

_CHALLENGE_SIZE: Final = 8
_LEVELS: Final = frozenset((0, C_MAC, C_MAC | C_DEC))


def initiate(request: Request) -> tuple["Scp01", bytes]:
    """Answer INITIALIZE UPDATE.

    :returns: the session, and the response from the SCP identifier on.
    :raises StatusWordError: 6A88 for an incomplete key set.
    """
    enc, mac, dek = request.keys.channel_keys()
    host, card = request.host_challenge, request.random(_CHALLENGE_SIZE)
    context = card[4:] + host[:4] + card[:4] + host[4:]
    session = Scp01(crypto.des3_ecb(enc, context), crypto.des3_ecb(mac, context), dek, i=request.keys.i)
    session.derive_cryptograms(host, card)
    return session, bytes((SCP01,)) + card + session.card_cryptogram


class Scp01(Session):
    """One SCP01 session.

    :param enc: S-ENC.  :param mac: S-MAC.  :param dek: static DEK.
    """

    def __init__(self, enc: bytes, mac: bytes, dek: bytes, *, i: int) -> None:
        self._enc, self._mac, self._dek = enc, mac, dek
        self._icv_encryption = bool(i & ICV_ENCRYPTION)
        self._icv: bytes | None = None
        self.levels = _LEVELS

    def derive_cryptograms(self, host: bytes, card: bytes) -> None:
        """Card and host cryptogram over both challenges (D.3.2)."""
        self.card_cryptogram = crypto.full_mac(self._enc, host + card)
        self.host_cryptogram = crypto.full_mac(self._enc, card + host)

    def authenticate(self, command: Command) -> None:
        """D.5.2: with C-MAC, never encrypted."""
        self._verify(command, *self.split(command.data))
        self.level = command.p1

    def unwrap(self, command: Command) -> bytes:
        """D.3.3 and D.3.4: decrypt, then verify over the plain data."""
        if not self.level & C_MAC:
            return command.data
        if not command.secured:
            raise refused()
        data, mac = self.split(command.data)
        if data and self.level & C_DEC:
            data = self._decrypt(data)
        self._verify(command, data, mac)
        return data

    def _verify(self, command: Command, data: bytes, mac: bytes) -> None:
        if self._icv is None:
            iv = bytes(DES_BLOCK)
        else:
            iv = crypto.des3_ecb(self._mac, self._icv) if self._icv_encryption else self._icv
        value = crypto.full_mac(self._mac, command.header(len(data) + self.mac_size) + data, iv)
        if not hmac.compare_digest(value, mac):
            raise refused()
        self._icv = value

    def _decrypt(self, data: bytes) -> bytes:
        """A length byte, the data, and padding only where it is needed to fill the last block."""
        if len(data) % DES_BLOCK:
            raise refused()
        clear = crypto.des3_cbc_decrypt(self._enc, data)
        framed = clear[: 1 + clear[0]]
        expected = crypto.pad80(framed, DES_BLOCK) if len(framed) % DES_BLOCK else framed
        if clear != expected:
            raise refused()
        return framed[1:]

    def protect(self, data: bytes, status: bytes) -> bytes:
        """Responses go out as they are."""
        del status
        return data

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """3DES-ECB under the static DEK (D.4.3)."""
        whole_blocks(data, DES_BLOCK)
        return crypto.des3_ecb_decrypt(self._dek, data)
