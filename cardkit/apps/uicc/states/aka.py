"""Proving K and OPc by what the card answers to AUTHENTICATE (TS 33.102 6.3, TS 31.102 7.1).

A stale AUTN (SQN 0, right MAC) is answered with AUTS by a card that has K, OPc and the constants of f1, f1*, f5, f5*,
and spends nothing. One with a flipped MAC bit must be refused. A fresh one shows RES, CK, IK and moves the card's SQN,
so it is sent only within what the profile allows; sent again it must lead to AUTS. So must one whose SQN leaps further
than the card is to follow.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial

from cardkit.apdu import ResponseAPDU
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.schema import AuthBlock, KeySlot
from cardkit.apps.uicc.sqn import SQN_BITS, AkaAlgorithm, Vector, make_vector, next_sqn, verify_auts
from cardkit.apps.uicc.states.authentication import constants_of, keys_in, parameters_of
from cardkit.apps.uicc.states.route import MAC_FAILURE
from cardkit.apps.uicc.tuak import Tuak
from cardkit.apps.uicc.xor import Xor2G, XorAka
from cardkit.crypto.comp128 import Comp128
from cardkit.desired import Content
from cardkit.errors import AuthenticationError

OK, SECURITY_STATUS = 0x9000, 0x6982
STALE = bytes(6)
AUTS_TAG, KEYS_TAG = 0xDC, 0xDB
KC_FROM_BYTES = 16  # c3 is defined for CK and IK of that length
LOCKED = "locked"
"""Kind of the proof that a card answers nobody who has not presented PIN1."""
PROVEN = "proven"
SPENT = "not checked: the reserved SQN is spent"
CLOSED = "not checked: 6982, PIN1 is not open"
NO_ROOM = "not checked: no SQN lies beyond delta"
UNKNOWN_SQN = "not checked: the card's SQN is unknown"

Algorithm = Milenage | Tuak | XorAka | Xor2G | Comp128


def algorithm_of(auth: AuthBlock, name: str, content: Content) -> Algorithm:
    """Return the functions of one key file.

    :param name: of its algorithm.  :param content: what was written there.
    """
    k, opc = keys_in(name, content)
    if opc is not None:
        return Tuak(k, opc, parameters_of(auth)) if name == "tuak" else Milenage(k, opc, constants_of(auth))
    if name == "xor":
        return XorAka(k)
    return Xor2G(k) if name == "xor-2g" else Comp128(int(name[-1]), k)


def proof_of(auth: AuthBlock, slot: KeySlot, algorithm: Algorithm) -> AkaProof | GsmProof:
    """Return what makes the challenges of one key file and judges the answers."""
    if isinstance(algorithm, Xor2G | Comp128):
        return GsmProof(algorithm.a3a8)
    if slot.proof == "gsm":
        return GsmProof(partial(algorithm.a3a8, first_word_only=auth.sres_variant == 2))
    return AkaProof(algorithm, auth)


class GsmProof:
    """The proof of a key file that answers 2G challenges.

    :param a3a8: RAND, 16 bytes -> SRES, 4 bytes, and Kc, 8 bytes.
    """

    sqn_ms: None = None
    returned_kc: None = None

    def __init__(self, a3a8: Callable[[bytes], tuple[bytes, bytes]]) -> None:
        self._a3a8 = a3a8

    def challenge(self, kind: str, rand: bytes) -> bytes:  # noqa: ARG002  (as :class:`AkaProof` has it)
        """Return the data field of AUTHENTICATE."""
        return _sized(rand)

    def judge(self, kind: str, rand: bytes, answer: ResponseAPDU) -> str:  # noqa: ARG002
        """Return ``proven``, or in words what is wrong with an answer."""
        sres, kc = self._a3a8(rand)
        if answer.sw == SECURITY_STATUS:
            return CLOSED
        if answer.sw != OK:
            return f"refused: {_words(answer)}"
        if not hmac.compare_digest(answer.data, _sized(sres) + _sized(kc)):
            return "SRES and Kc are not those of this record's key"
        return PROVEN


class AkaProof:
    """The proofs of one key file.

    :ivar sqn_ms: the card's SQN as its last AUTS told, None before.
    :ivar returned_kc: whether the answer to a fresh challenge held Kc, None before.
    """

    def __init__(self, algorithm: AkaAlgorithm, auth: AuthBlock) -> None:
        self._algorithm = algorithm
        self._auth = auth
        self._amf = bytes.fromhex(auth.amf)
        self._stale: dict[bytes, bytes] = {}
        self._fresh: tuple[int, Vector] | None = None
        self.sqn_ms: int | None = None
        self.returned_kc: bool | None = None

    def challenge(self, kind: str, rand: bytes) -> bytes | str:
        """Return the data field of AUTHENTICATE, or in words why it must not be sent."""
        if kind in ("fresh", "replayed"):
            return self._fresh_challenge(kind, rand)
        if kind == "leaping":
            return self._leaping_challenge(rand)
        autn = self._stale_autn(rand)
        if kind == "flipped":
            autn = autn[:-1] + bytes((autn[-1] ^ 1,))
        return _sized(rand) + _sized(autn)

    def _stale_autn(self, rand: bytes) -> bytes:
        """AUTN of SQN 0: AK, AMF, MAC."""
        if rand not in self._stale:
            mac = self._algorithm.f1(STALE, rand, self._amf)
            self._stale[rand] = self._algorithm.f5(rand) + self._amf + mac
        return self._stale[rand]

    def _fresh_challenge(self, kind: str, rand: bytes) -> bytes | str:
        if kind == "fresh":
            if self.sqn_ms is None:
                return UNKNOWN_SQN
            sqn = next_sqn(self.sqn_ms, self._auth.ind, self._auth.ind_bits)
            if sqn > self._auth.sqn_max:
                return SPENT
            self._fresh = (sqn, make_vector(self._algorithm, rand, sqn, self._amf))
        if self._fresh is None:
            return SPENT
        vector = self._fresh[1]
        return _sized(vector.rand) + _sized(vector.autn)

    def _leaping_challenge(self, rand: bytes) -> bytes | str:
        if self.sqn_ms is None:
            return UNKNOWN_SQN
        sqn = self.sqn_ms + (self._auth.delta + 1 << self._auth.ind_bits)
        if sqn >= 1 << SQN_BITS:
            return NO_ROOM
        return _sized(rand) + _sized(make_vector(self._algorithm, rand, sqn, self._amf).autn)

    def judge(self, kind: str, rand: bytes, answer: ResponseAPDU) -> str:
        """Return ``proven``, or in words what is wrong with an answer."""
        judges: dict[str, Callable[[bytes, ResponseAPDU], str]] = {
            "stale": self._judge_stale,
            "flipped": self._judge_flipped,
            "fresh": self._judge_fresh,
            "replayed": self._judge_replayed,
            "leaping": self._judge_leaping,
        }
        if kind == LOCKED:
            refused = answer.sw == SECURITY_STATUS
            return PROVEN if refused else f"not refused before PIN1: {_words(answer)}"
        if answer.sw == SECURITY_STATUS:
            return CLOSED
        return judges[kind](rand, answer)

    def _judge_stale(self, rand: bytes, answer: ResponseAPDU) -> str:
        if answer.sw == OK and answer.data[:1] == bytes((KEYS_TAG,)):
            return "a stale AUTN was accepted: the card does not check SQN"
        auts = _auts(answer)
        if auts is None:
            return f"no AUTS: {_words(answer)}"
        try:
            self.sqn_ms = verify_auts(self._algorithm, rand, auts)
        except AuthenticationError:
            return "AUTS is not of this record's K and OPc"
        return PROVEN

    @staticmethod
    def _judge_flipped(rand: bytes, answer: ResponseAPDU) -> str:  # noqa: ARG004  (one signature for all)
        if answer.sw == MAC_FAILURE and not answer.data:
            return PROVEN
        return f"a wrong MAC was not refused: {_words(answer)}"

    def _judge_fresh(self, rand: bytes, answer: ResponseAPDU) -> str:  # noqa: ARG002
        assert self._fresh is not None
        sqn, vector = self._fresh
        expected = bytes((KEYS_TAG,)) + _sized(vector.res) + _sized(vector.ck) + _sized(vector.ik)
        if answer.sw != OK:
            return f"a fresh AUTN was refused: {_words(answer)}"
        self.returned_kc = len(answer.data) > len(expected)
        if self.returned_kc and len(vector.ck) == len(vector.ik) == KC_FROM_BYTES:
            expected += _sized(vector.kc)
        if not hmac.compare_digest(answer.data, expected):
            return f"RES, CK, IK{', Kc' if self.returned_kc else ''} are not those of this record's K and OPc"
        self.sqn_ms = sqn
        return PROVEN

    def _judge_replayed(self, rand: bytes, answer: ResponseAPDU) -> str:
        assert self._fresh is not None
        sqn = self._fresh[0]
        outcome = self._judge_stale(rand, answer)
        if outcome != PROVEN:
            return outcome
        return PROVEN if self.sqn_ms == sqn else f"SQN_MS is {self.sqn_ms}, expected the one just used, {sqn}"

    def _judge_leaping(self, rand: bytes, answer: ResponseAPDU) -> str:
        if answer.sw == OK and answer.data[:1] == bytes((KEYS_TAG,)):
            return "an SQN that leaps beyond delta was accepted: the card is spent"
        return self._judge_stale(rand, answer)


def _sized(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def _auts(answer: ResponseAPDU) -> bytes | None:
    data = answer.data
    if answer.sw != OK or len(data) != 16 or data[0] != AUTS_TAG or data[1] != 14:
        return None
    return data[2:]


def _words(answer: ResponseAPDU) -> str:
    return f"status {answer.sw:04X}, {len(answer.data)} bytes"
