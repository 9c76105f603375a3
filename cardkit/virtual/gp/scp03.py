"""SCP03, the card's side (Amendment D): AES, every `i`, S8 and S16, R-MAC, R-ENC.

`i`: b1 16-byte challenges, cryptograms and MACs, b5 pseudo-random challenge, b6 R-MAC, b7 R-ENC.
"""

import hmac
from typing import Final

from .. import statuswords as sw
from .crypto import AES_BLOCK, PaddingError, aes_cbc, aes_cbc_decrypt, aes_cmac, aes_ecb, kdf, pad80, unpad80
from .keysets import SCP03
from .protection import (
    C_DEC,
    C_MAC,
    R_ENC,
    R_MAC,
    Behaviour,
    Command,
    Request,
    Session,
    check_begin_data,
    is_error,
    refused,
    whole_blocks,
)

S16: Final = 0x01  # bits of i
PSEUDO_RANDOM: Final = 0x10
HAS_R_MAC: Final = 0x20
HAS_R_ENC: Final = 0x40

_CARD_CRYPTOGRAM, _HOST_CRYPTOGRAM, _CHALLENGE = 0x00, 0x01, 0x02  # derivation constants, Amendment D Table 4-1
_S_ENC, _S_MAC, _S_RMAC = 0x04, 0x06, 0x07
_RESPONSE: Final = 0x80  # first byte of the counter block of a response
_END: Final = 0x03


def size(i: int) -> int:
    """Bytes of challenges, cryptograms and MACs: 8 or 16."""
    return 16 if i & S16 else 8


def levels(i: int) -> frozenset[int]:
    """The values of P1 that EXTERNAL AUTHENTICATE may have (Amendment D 7.1.2)."""
    allowed = {0, C_MAC, C_MAC | C_DEC}
    if i & HAS_R_MAC:
        allowed |= {C_MAC | R_MAC, C_MAC | C_DEC | R_MAC}
        if i & HAS_R_ENC:
            allowed.add(C_MAC | C_DEC | R_MAC | R_ENC)
    return frozenset(allowed)


def initiate(request: Request) -> tuple["Scp03", bytes]:
    """Answer INITIALIZE UPDATE.

    :returns: the session, and the response from the SCP identifier on.
    :raises StatusWordError: 6A88 for an incomplete key set, 6985 at the counter's end.
    """
    keys = request.keys
    enc, mac, dek = keys.channel_keys()
    challenge, sequence = _challenge(request, enc)
    context = request.host_challenge + challenge
    length = len(enc)
    session = Scp03(
        (kdf(enc, _S_ENC, context, length), kdf(mac, _S_MAC, context, length), kdf(mac, _S_RMAC, context, length)),
        dek,
        i=keys.i,
        behaviour=request.behaviour,
    )
    session.derive_cryptograms(context)
    return session, bytes((SCP03, keys.i)) + challenge + session.card_cryptogram + sequence


def _challenge(request: Request, enc: bytes) -> tuple[bytes, bytes]:
    """Card challenge, and the sequence counter where it is shown (Amendment D 6.2.2.1)."""
    keys = request.keys
    if not keys.i & PSEUDO_RANDOM:
        return request.random(size(keys.i)), b""
    before = keys.counter_bytes
    after = keys.count().to_bytes(len(before), "big")
    sequence = before if request.behaviour.old_counter else after
    return kdf(enc, _CHALLENGE, sequence + request.aid, size(keys.i)), sequence


class Scp03(Session):
    """One SCP03 session; SCP11 goes on with it, too, its receipt as first chaining value.

    :param keys: S-ENC, S-MAC, S-RMAC.  :param dek: static DEK, or S-DEK of SCP11.
    """

    def __init__(
        self,
        keys: tuple[bytes, bytes, bytes],
        dek: bytes,
        *,
        i: int,
        behaviour: Behaviour,
        chain: bytes = bytes(AES_BLOCK),
    ) -> None:
        self._enc, self._mac, self._rmac = keys
        self._dek = dek
        self._i = i
        self._counts_all = not behaviour.counter_data_only
        self._chain = chain
        self._counter = 0
        self._before_begin: int | None = None
        self._covered = False
        self.block = AES_BLOCK
        self.mac_size = size(i)
        self.levels = levels(i)

    def derive_cryptograms(self, context: bytes) -> None:
        """Card and host cryptogram (Amendment D 6.2.2.2, 6.2.2.3).

        :param context: host challenge and card challenge.
        """
        self.card_cryptogram = kdf(self._mac, _CARD_CRYPTOGRAM, context, self.mac_size)
        self.host_cryptogram = kdf(self._mac, _HOST_CRYPTOGRAM, context, self.mac_size)

    def authenticate(self, command: Command) -> None:
        """Amendment D 6.2.3: with C-MAC, never encrypted."""
        self._verify(command)
        self.level = command.p1

    def unwrap(self, command: Command) -> bytes:
        """Amendment D 6.2.4 and 6.2.6: verify, then decrypt; the counter moves without data, too."""
        self._covered = True
        if not self.level & C_MAC:
            return command.data
        if not command.secured:
            raise refused()
        data = self._verify(command)
        if not self.level & C_DEC:
            return data
        self._counter += bool(data) or self._counts_all
        return self._decrypt(data) if data else data

    def _verify(self, command: Command) -> bytes:
        data, mac = self.split(command.data)
        value = aes_cmac(self._mac, self._chain + command.header(len(command.data)) + data)
        if not hmac.compare_digest(value[: self.mac_size], mac):
            raise refused()
        self._chain = value
        return data

    def _iv(self, first: int) -> bytes:
        return aes_ecb(self._enc, bytes((first,)) + self._counter.to_bytes(AES_BLOCK - 1, "big"))

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) % AES_BLOCK:
            raise refused()
        try:
            return unpad80(aes_cbc_decrypt(self._enc, data, self._iv(0)), AES_BLOCK)
        except PaddingError:
            raise refused() from None

    def protect(self, data: bytes, status: bytes) -> bytes:
        """Amendment D 6.2.5 and 6.2.7: an error status word goes out alone."""
        covered, self._covered = self._covered, False
        if not covered or not self.level & R_MAC:
            return data
        if is_error(status):
            return b""
        return self.seal(self.encipher(pad80(data, AES_BLOCK)) if self.level & R_ENC and data else data, status)

    def encipher(self, padded: bytes) -> bytes:
        """R-ENC of the response to the command unwrapped last: whole blocks."""
        return aes_cbc(self._enc, padded, self._iv(_RESPONSE))

    def seal(self, data: bytes, status: bytes) -> bytes:
        """A response's data field with its R-MAC."""
        return data + aes_cmac(self._rmac, self._chain + data + status)[: self.mac_size]

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """AES-CBC under the DEK, IV 0 (Amendment D 6.2.8)."""
        whole_blocks(data, AES_BLOCK)
        return aes_cbc_decrypt(self._dek, data)

    def begin_r_mac(self, p1: int, data: bytes) -> None:
        """Raise the level of responses, no higher than commands are protected (Amendment D 7.1.3).

        The response to BEGIN is the first protected one.
        """
        if p1 not in (R_MAC, R_MAC | R_ENC):
            raise refused(sw.WRONG_P1P2)
        check_begin_data(data)
        now = self.level & (R_MAC | R_ENC)
        if self.level | p1 not in self.levels or p1 & now != now or p1 == now:
            raise refused(sw.CONDITIONS)
        if self._before_begin is None:
            self._before_begin = self.level
        self.level |= p1

    def end_r_mac(self, p2: int) -> bytes:
        """Back to the level before BEGIN; the response to END has no R-MAC any more (Amendment D 7.1.4)."""
        if p2 != _END:
            raise refused(sw.WRONG_P1P2)
        if self._before_begin is None:
            raise refused(sw.DATA_NOT_FOUND)
        self.level, self._before_begin = self._before_begin, None
        return b""
