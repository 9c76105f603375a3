"""What the secure channel protocols of the card share: commands, security levels, and the shape of a session.

Clauses are those of the specification sheet: GPCS 10, D, E; Amendment D; Amendment F.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from .. import statuswords as sw
from ..errors import StatusWordError
from .keysets import KeySet

C_MAC: Final = 0x01  # security level, GPCS Table 10-1; also P1 of EXTERNAL AUTHENTICATE
C_DEC: Final = 0x02
R_MAC: Final = 0x10
R_ENC: Final = 0x20
ANY_AUTHENTICATED: Final = 0x40
AUTHENTICATED: Final = 0x80

Random = Callable[[int], bytes]  # size -> that many bytes


class Command(NamedTuple):
    """One whole command, its segments joined (GPCS 11.1.5), data as they were sent.

    :ivar extended: Lc has three bytes, as sent or because the joined data are longer than 255 bytes.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    extended: bool = False

    @property
    def secured(self) -> bool:
        """Does CLA announce secure messaging? b3 on channels 0 to 3, b6 on channels 4 to 19."""
        return bool(self.cla & (0x20 if self.cla & 0x40 else 0x04))

    def header(self, size: int, *, secured: bool = True) -> bytes:
        """CLA without logical channel, INS, P1, P2 and Lc as a MAC covers them.

        :param size: the value of Lc.  :param secured: CLA in its 84 form, else in its 80 form.
        """
        cla = self.cla & (0x90 if self.cla & 0x40 else 0xF0) | (0x04 if secured else 0)
        lc = b"\x00" + size.to_bytes(2, "big") if self.extended or size > 0xFF else bytes((size,))
        return bytes((cla, self.ins, self.p1, self.p2)) + lc


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Where cards differ; the defaults are what the specification says.

    :ivar rmac_on_error: SCP02: an error status word carries an R-MAC, too.
    :ivar counter_data_only: SCP03: commands without data leave the encryption counter alone.
    :ivar old_counter: SCP03: challenge and answer show the sequence counter before its increment.
    :ivar scp11_i: parameter of SCP11, its first byte: b1 11a, b2 11b, b5 11c, b7 S16; 0 for no SCP11.
    """

    rmac_on_error: bool = True
    counter_data_only: bool = False
    old_counter: bool = False
    scp11_i: int = 0x13


class Request(NamedTuple):
    """What a protocol needs to answer INITIALIZE UPDATE.

    :ivar aid: AID of the application that runs the channel, as registered.
    """

    keys: KeySet
    host_challenge: bytes
    aid: bytes
    random: Random
    behaviour: Behaviour


def refused(status: bytes = sw.SECURITY_STATUS) -> StatusWordError:
    """The error of a command that fails its protection."""
    return StatusWordError(status)


def is_error(status: bytes) -> bool:
    """Any status word but 9000, 62XX and 63XX (Amendment D 6.2.5)."""
    return status != sw.OK and status[0] not in (0x62, 0x63)


class Session(ABC):
    """The card's half of one session, from the answer to INITIALIZE UPDATE on.

    :ivar level: C_MAC, C_DEC, R_MAC, R_ENC in force; 0 before `authenticate`.
    :ivar levels: those EXTERNAL AUTHENTICATE may ask for.
    :ivar mac_size: bytes of a MAC on the wire.
    :ivar block: bytes of a block of sensitive data: 8 under a 3DES key, 16 under an AES key.
    :ivar implicit: opened by its first C-MAC (SCP02).
    """

    levels: frozenset[int] = frozenset()
    mac_size: int = 8
    block: int = 8
    level: int = 0
    card_cryptogram: bytes = b""
    host_cryptogram: bytes = b""
    implicit: bool = False

    def proves(self, cryptogram: bytes) -> bool:
        """Is this the cryptogram that only the holder of the keys can make?"""
        return hmac.compare_digest(cryptogram, self.host_cryptogram)

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Data field and MAC.

        :raises StatusWordError: 6982 when there is not even room for a MAC.
        """
        if len(data) < self.mac_size:
            raise refused()
        return data[: -self.mac_size], data[-self.mac_size :]

    @abstractmethod
    def authenticate(self, command: Command) -> None:
        """Verify the C-MAC of EXTERNAL AUTHENTICATE; the level is then P1.

        :raises StatusWordError: 6982.
        """

    @abstractmethod
    def unwrap(self, command: Command) -> bytes:
        """Verify and decrypt what the level protects.

        :returns: the plain data field.
        :raises StatusWordError: 6982; the session is over.
        """

    @abstractmethod
    def protect(self, data: bytes, status: bytes) -> bytes:
        """The data field of the response to the command unwrapped last, protected as the level says."""

    @abstractmethod
    def decrypt_sensitive(self, data: bytes) -> bytes:
        """Decrypt keys and secret DGIs under the data encryption key; padding is left on.

        :raises StatusWordError: 6A80 when these are no whole blocks.
        """

    def begin_r_mac(self, p1: int, data: bytes) -> None:
        """BEGIN R-MAC SESSION; `data` is plain.

        :raises StatusWordError: 6D00 in a protocol without it; else 6A80, 6A86, 6985.
        """
        del p1, data
        raise refused(sw.NO_INSTRUCTION)

    def end_r_mac(self, p2: int) -> bytes:
        """END R-MAC SESSION.

        :returns: the data field of the response; it is not protected any further.
        :raises StatusWordError: 6D00 in a protocol without it; else 6A86, 6A88.
        """
        del p2
        raise refused(sw.NO_INSTRUCTION)


def check_begin_data(data: bytes) -> None:
    """The data of BEGIN R-MAC SESSION: nothing, or a length byte and at most 24 bytes.

    :raises StatusWordError: 6A80.
    """
    if data and (data[0] != len(data) - 1 or data[0] > 24):
        raise StatusWordError(sw.WRONG_DATA)


def whole_blocks(data: bytes, block: int) -> None:
    """Sensitive data come in whole cipher blocks.

    :raises StatusWordError: 6A80.
    """
    if not data or len(data) % block:
        raise StatusWordError(sw.WRONG_DATA)
