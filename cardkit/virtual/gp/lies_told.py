"""What lying secure channels say instead of the truth: one function a lie (sheet 17, hostile card)."""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from .. import statuswords as sw
from . import ber
from .crypto import AES_BLOCK
from .keysets import SCP03
from .protection import R_ENC, Session
from .scp03 import HAS_R_ENC, HAS_R_MAC, PSEUDO_RANDOM, Scp03

_KVN_AT, _SCP_AT, _I_AT = 10, 11, 12  # in the answer to INITIALIZE UPDATE
_SEQUENCE: Final = 3
_POINT, _RECEIPT = 0x5F49, 0x86

Rewrite = Callable[[bytes, Random], bytes]  # the honest answer -> what is sent


class Answer(NamedTuple):
    """An answer with an R-MAC, before it is sent.

    :ivar before: data field of the last one.
    :ivar honest: status word -> data field with the R-MAC that covers it; call it once.
    """

    session: Session
    data: bytes
    status: bytes
    before: bytes
    honest: Callable[[bytes], bytes]

    def parts(self) -> tuple[bytes, bytes]:
        """Data as the honest card sends them, and R-MAC."""
        body = self.honest(self.status)
        cut = len(body) - self.session.mac_size
        return body[:cut], body[cut:]


class ResponseLie(NamedTuple):
    """A lie about an answer, and where it can be told."""

    tell: Callable[[Answer, Random], bytes]
    applies: Callable[[Answer], bool] = lambda _: True


def _flip(data: bytes, bit: int) -> bytes:
    at = bit // 8
    return data[:at] + bytes((data[at] ^ 1 << bit % 8,)) + data[at + 1 :]


def _dropped(answer: Answer, random: Random) -> bytes:
    del random
    return answer.parts()[0]


def _bare(answer: Answer, random: Random) -> bytes:
    del random
    answer.honest(answer.status)
    return b""


def _truncated(answer: Answer, random: Random) -> bytes:
    data, mac = answer.parts()
    return data + mac[: random.randrange(1, len(mac))]


def _flipped(answer: Answer, random: Random) -> bytes:
    data, mac = answer.parts()
    return data + _flip(mac, random.randrange(8 * len(mac)))


def _other_status(answer: Answer, random: Random) -> bytes:
    del random
    return answer.honest(sw.DEACTIVATED if answer.status == sw.OK else sw.OK)


def _before(answer: Answer, random: Random) -> bytes:
    del random
    answer.honest(answer.status)
    return answer.before


def _mac_of_before(answer: Answer, random: Random) -> bytes:
    del random
    return answer.parts()[0] + answer.before[-answer.session.mac_size :]


def _bad_padding(answer: Answer, random: Random) -> bytes:
    """Whole blocks that end in FF, under a right R-MAC."""
    del random
    answer.honest(answer.status)
    session, missing = answer.session, AES_BLOCK - len(answer.data) % AES_BLOCK
    if not isinstance(session, Scp03):
        return answer.data
    return session.seal(session.encipher(answer.data + b"\xff" * missing), answer.status)


def _is_encrypted(answer: Answer) -> bool:
    return bool(answer.session.level & R_ENC and answer.data)


def _has_before(answer: Answer) -> bool:
    return bool(answer.before)


r_mac_dropped: Final = ResponseLie(_dropped)

RESPONSES: Final = {
    "r-mac-dropped": r_mac_dropped,
    "r-mac-truncated": ResponseLie(_truncated),
    "r-mac-flipped": ResponseLie(_flipped),
    "r-mac-of-another-status": ResponseLie(_other_status),
    "r-mac-of-the-answer-before": ResponseLie(_mac_of_before, _has_before),
    "answer-of-before": ResponseLie(_before, _has_before),
    "bare-9000": ResponseLie(_bare),
    "r-enc-bad-padding": ResponseLie(_bad_padding, _is_encrypted),
}


def greeting_length(answer: bytes, random: Random) -> bytes:
    """A byte too few, or too many."""
    return answer[:-1] if random.randrange(2) else answer + b"\x00"


def greeting_cryptogram(answer: bytes, random: Random) -> bytes:
    """One bit of the card cryptogram is wrong."""
    behind = _SEQUENCE if answer[_SCP_AT] == SCP03 and answer[_I_AT] & PSEUDO_RANDOM else 0
    return _flip(answer, 8 * (len(answer) - behind - 1) + random.randrange(8))


def _kvn(answer: bytes, random: Random) -> bytes:
    del random
    return _put(answer, _KVN_AT, answer[_KVN_AT] ^ 0x01)


def _scp(answer: bytes, random: Random) -> bytes:
    """The next older protocol, and for SCP03 in its length, too."""
    del random
    older = _put(answer, _SCP_AT, max(answer[_SCP_AT] - 1, 1))
    return older[:28] if answer[_SCP_AT] == SCP03 else older


def _i(answer: bytes, random: Random) -> bytes:
    """SCP03 without R-MAC and R-ENC; others do not show their parameter."""
    del random
    return _put(answer, _I_AT, answer[_I_AT] & ~(HAS_R_MAC | HAS_R_ENC)) if answer[_SCP_AT] == SCP03 else answer


def _put(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes((value,)) + data[at + 1 :]


GREETINGS: Final[dict[str, Rewrite]] = {
    "greeting-length": greeting_length,
    "greeting-cryptogram": greeting_cryptogram,
    "greeting-other-kvn": _kvn,
    "greeting-older-scp": _scp,
    "greeting-weaker-i": _i,
}


def wrong_receipt(answer: bytes, random: Random) -> bytes:
    """One bit of the receipt is wrong."""
    return _flip(answer, 8 * (len(answer) - 16) + random.randrange(128))


def _with_point(answer: bytes, point: bytes) -> bytes:
    objects = dict(ber.parse(answer))
    return ber.build(_POINT, point) + ber.build(_RECEIPT, objects[_RECEIPT])


def _off_curve(answer: bytes, random: Random) -> bytes:
    point = dict(ber.parse(answer))[_POINT]
    return _with_point(answer, _flip(point, 8 * (len(point) - 1) + random.randrange(8)))


def _infinity(answer: bytes, random: Random) -> bytes:
    del random
    return _with_point(answer, b"\x00")


def _no_receipt(answer: bytes, random: Random) -> bytes:
    del random
    return ber.build(_POINT, dict(ber.parse(answer))[_POINT])


AGREEMENTS: Final[dict[str, Rewrite]] = {
    "receipt-wrong": wrong_receipt,
    "receipt-missing": _no_receipt,
    "point-off-the-curve": _off_curve,
    "point-at-infinity": _infinity,
}
