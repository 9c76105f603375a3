"""SCP02, the card's side (GPCS 2.3.1 appendix E): every `i`, explicit and implicit, R-MAC.

`i`: b1 three keys, b2 C-MAC on the unmodified APDU, b3 explicit, b4 ICV over the AID, b5 ICV encryption, b6 R-MAC,
b7 pseudo-random challenge.
"""

import hmac
from typing import Final, NamedTuple

from .. import statuswords as sw
from . import crypto
from .crypto import DES_BLOCK, PaddingError
from .keysets import SCP02, KeySet
from .protection import (
    C_DEC,
    C_MAC,
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

UNMODIFIED_APDU: Final = 0x02  # bits of i
EXPLICIT: Final = 0x04
ICV_OVER_AID: Final = 0x08
ICV_ENCRYPTION: Final = 0x10
HAS_R_MAC: Final = 0x20
PSEUDO_RANDOM: Final = 0x40

_S_MAC, _S_RMAC, _S_DEK, _S_ENC = b"\x01\x01", b"\x01\x02", b"\x01\x81", b"\x01\x82"  # E.4.1
_CHALLENGE_SIZE: Final = 6
_ON_DEMAND: Final = 0x00  # P1 of BEGIN: R-MAC in the answer to END only
_KEEP, _END = 0x01, 0x03  # P2 of END


class SessionKeys(NamedTuple):
    """The four session keys, 16 bytes each."""

    enc: bytes
    mac: bytes
    rmac: bytes
    dek: bytes


def _session_key(key: bytes, constant: bytes, counter: int) -> bytes:
    return crypto.des3_cbc(key, constant + counter.to_bytes(2, "big") + bytes(12))


def session_keys(keys: KeySet, counter: int, later: int | None = None) -> SessionKeys:
    """Derive the session keys (E.4.1).

    :param later: implicit sessions take R-MAC and DEK keys from the counter after its increment (E.1.2.2).
    :raises StatusWordError: 6A88 for an incomplete key set.
    """
    enc, mac, dek = keys.channel_keys()
    later = counter if later is None else later
    return SessionKeys(
        _session_key(enc, _S_ENC, counter),
        _session_key(mac, _S_MAC, counter),
        _session_key(mac, _S_RMAC, later),
        _session_key(dek, _S_DEK, later),
    )


def levels(i: int) -> frozenset[int]:
    """The values of P1 that EXTERNAL AUTHENTICATE may have (E.5.2.3)."""
    commands = (0, C_MAC, C_MAC | C_DEC)
    return frozenset((*commands, *(level | R_MAC for level in commands)) if i & HAS_R_MAC else commands)


def is_implicit(keys: KeySet) -> bool:
    """Does this set open sessions by their first C-MAC?"""
    return keys.scp == SCP02 and not keys.i & EXPLICIT


def initiate(request: Request) -> tuple["Scp02", bytes]:
    """Answer INITIALIZE UPDATE; the counter moves only when EXTERNAL AUTHENTICATE succeeds.

    :returns: the session, and the response from the SCP identifier on.
    :raises StatusWordError: 6A88 for an incomplete key set, 6985 at the counter's end and for an implicit `i`.
    """
    keys = request.keys
    if is_implicit(keys):
        raise refused(sw.CONDITIONS)
    derived = session_keys(keys, keys.counter)
    keys.next_counter()
    sequence, host = keys.counter_bytes, request.host_challenge
    if keys.i & PSEUDO_RANDOM:
        challenge = crypto.retail_mac(derived.mac, request.aid)[:_CHALLENGE_SIZE]
    else:
        challenge = request.random(_CHALLENGE_SIZE)
    session = Scp02(derived, i=keys.i, behaviour=request.behaviour)
    session.card_cryptogram = crypto.full_mac(derived.enc, host + sequence + challenge)
    session.host_cryptogram = crypto.full_mac(derived.enc, sequence + challenge + host)
    return session, bytes((SCP02,)) + sequence + challenge + session.card_cryptogram


def implicit(keys: KeySet, aid: bytes, behaviour: Behaviour) -> "Scp02":
    """The session that the next right C-MAC opens: integrity of commands only (E.1.2.2, E.3.2).

    :raises StatusWordError: 6A88, 6985 at the counter's end.
    """
    derived = session_keys(keys, keys.counter, keys.next_counter())
    session = Scp02(derived, i=keys.i, behaviour=behaviour)
    if keys.i & ICV_OVER_AID:
        session.start_from(aid)
    session.implicit = True
    session.level = C_MAC
    return session


class Scp02(Session):
    """One SCP02 session, explicit until `start_from` or the maker says otherwise."""

    def __init__(self, keys: SessionKeys, *, i: int, behaviour: Behaviour) -> None:
        self._keys = keys
        self._i = i
        self._rmac_on_error = behaviour.rmac_on_error
        self._icv = bytes(DES_BLOCK)
        self._first_ricv = self._ricv = bytes(DES_BLOCK)
        self._first = True
        self._covered: bytes | None = None  # the command as the R-MAC covers it
        self._collects = False  # BEGIN R-MAC SESSION with P1 00
        self._begun = False
        self.levels = levels(i)

    def start_from(self, aid: bytes) -> None:
        """First ICVs of an implicit session: MACs over the AID of the selected application (E.3.2)."""
        self._icv = crypto.retail_mac(self._keys.mac, aid)
        self._first_ricv = self._ricv = crypto.retail_mac(self._keys.rmac, aid)

    def authenticate(self, command: Command) -> None:
        """E.5.2: with C-MAC, never encrypted; that MAC is where R-MACs start from (E.4.5)."""
        self._verify(command, *self.split(command.data))
        self._first_ricv = self._ricv = self._icv
        self.level = command.p1

    def unwrap(self, command: Command) -> bytes:
        """E.4.4 and E.4.6: decrypt, then verify over the plain data."""
        data = self._unprotect(command)
        self._covered = command.header(len(data), secured=False) + data
        return data

    def _unprotect(self, command: Command) -> bytes:
        if self.implicit and not command.secured:
            self.level &= ~C_MAC
        if not self.level & C_MAC:
            return command.data
        if not command.secured:
            raise refused()
        data, mac = self.split(command.data)
        if data and self.level & C_DEC:
            data = self._decrypt(data)
        self._verify(command, data, mac)
        return data

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) % DES_BLOCK:
            raise refused()
        try:
            return crypto.unpad80(crypto.des3_cbc_decrypt(self._keys.enc, data), DES_BLOCK)
        except PaddingError:
            raise refused() from None

    def _verify(self, command: Command, data: bytes, mac: bytes) -> None:
        iv = self._icv
        if self._i & ICV_ENCRYPTION and not self._first:
            iv = crypto.des_ecb(self._keys.mac[:DES_BLOCK], iv)
        if self._i & UNMODIFIED_APDU:
            header = command.header(len(data), secured=False)
        else:
            header = command.header(len(data) + self.mac_size)
        value = crypto.retail_mac(self._keys.mac, header + data, iv)
        if not hmac.compare_digest(value, mac):
            raise refused()
        self._icv = value
        self._first = False

    def protect(self, data: bytes, status: bytes) -> bytes:
        """E.4.5: the chain advances with every answer; errors cover no data."""
        covered, self._covered = self._covered, None
        if covered is None or not (self.level & R_MAC or self._collects):
            return data
        failed = is_error(status)
        if failed:
            data = b""
        block = covered + bytes((len(data) % 256,)) + data + status
        self._ricv = crypto.retail_mac(self._keys.rmac, block, self._ricv)
        return data if self._collects or (failed and not self._rmac_on_error) else data + self._ricv

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """3DES under the session DEK: ECB when explicit, CBC with IV 0 when implicit (E.4.7)."""
        whole_blocks(data, DES_BLOCK)
        decrypt = crypto.des3_cbc_decrypt if self.implicit else crypto.des3_ecb_decrypt
        return decrypt(self._keys.dek, data)

    def begin_r_mac(self, p1: int, data: bytes) -> None:
        """BEGIN R-MAC SESSION is covered itself (E.5.3).

        :param p1: 10 an R-MAC in every answer, 00 only in the answer to END.
        """
        if not self._i & HAS_R_MAC:
            raise refused(sw.NO_INSTRUCTION)
        if p1 not in (R_MAC, _ON_DEMAND):
            raise refused(sw.WRONG_P1P2)
        check_begin_data(data)
        if self._begun or self.level & R_MAC:
            raise refused(sw.CONDITIONS)
        self._begun = True
        self._ricv = self._first_ricv
        self._collects = p1 == _ON_DEMAND
        self.level |= p1

    def end_r_mac(self, p2: int) -> bytes:
        """END R-MAC SESSION is not covered; it answers the R-MAC as it stands (E.5.4).

        :param p2: 03 the R-MAC session is over, 01 it goes on.
        """
        if not self._i & HAS_R_MAC:
            raise refused(sw.NO_INSTRUCTION)
        if p2 not in (_KEEP, _END):
            raise refused(sw.WRONG_P1P2)
        if not self._begun:
            raise refused(sw.DATA_NOT_FOUND)
        self._covered = None
        if p2 == _END:
            self._begun = self._collects = False
            self.level &= ~R_MAC
        return self._ricv
