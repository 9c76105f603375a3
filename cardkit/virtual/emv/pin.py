"""VERIFY: the offline PIN, plain or enciphered (EMV Book 3, 6.5.12; Book 2, 7)."""

import hmac
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import dgis, risk, rsa
from .data import BLOCKED, PIN_KEY
from .transaction import Scene, State

_PLAIN, _ENCIPHERED = 0x80, 0x88
_BLOCK: Final = 8
_HEADER: Final = 0x7F
_CHALLENGE: Final = slice(9, 17)


def verify(scene: Scene, command: PlainCommand) -> Answer:
    """VERIFY; a try is written off before anything is compared.

    :raises StatusWordError: 6A86 no such form of PIN, 6700, 6985 out of turn, 6984 no PIN, or nothing the card can
        decipher; 6983 blocked, 6A80 no PIN block, 63CX wrong.
    """
    key = _key(scene, command)
    if len(command.data) != (_BLOCK if key is None else key.size):
        raise StatusWordError(sw.WRONG_LENGTH)
    scene.require(State.INITIATED)
    data, transaction = scene.data, scene.transaction
    reference = data.get("pin")
    if not reference:
        raise StatusWordError(sw.DATA_INVALIDATED)
    if not data.tries:
        raise StatusWordError(sw.BLOCKED)
    block = command.data if key is None else _decipher(scene, key, command.data)
    if dgis.pin_digits(block) is None:
        raise StatusWordError(sw.WRONG_DATA)
    left, limit = data.tries - 1, data.get("tries")[1]
    data.put_now("tries", bytes((left, limit)))
    transaction.enciphered = key is not None
    transaction.pin = hmac.compare_digest(block, reference)
    if transaction.pin:
        data.put("tries", bytes((limit, limit)))
        return b"", sw.OK
    if not left and risk.controls(data, risk.BLOCK_WITH_PIN):
        data.put_now("state", BLOCKED)
    raise StatusWordError(sw.tries_left(left))


def _key(scene: Scene, command: PlainCommand) -> rsa.PrivateKey | None:
    """The key the PIN is enciphered under; None for a plain one.

    :raises StatusWordError: 6A86.
    """
    if command.p1 or command.p2 not in (_PLAIN, _ENCIPHERED):
        raise StatusWordError(sw.WRONG_P1P2)
    if command.p2 == _PLAIN:
        return None
    key = scene.data.rsa_key(PIN_KEY) or scene.data.rsa_key()
    if key is None:
        raise StatusWordError(sw.WRONG_P1P2)
    return key


def _decipher(scene: Scene, key: rsa.PrivateKey, data: bytes) -> bytes:
    """The PIN block; the challenge is used up, whatever comes out.

    :raises StatusWordError: 6984 without a challenge, or when it is another one.
    """
    challenge, scene.transaction.challenge = scene.transaction.challenge, b""
    clear = key.apply(data)
    if not challenge or clear[0] != _HEADER or not hmac.compare_digest(clear[_CHALLENGE], challenge):
        raise StatusWordError(sw.DATA_INVALIDATED)
    return clear[1 : 1 + _BLOCK]
