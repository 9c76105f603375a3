"""Issuer authentication: response cryptograms by EXTERNAL AUTHENTICATE or GENERATE AC (EMV Book 2, 8.2; 3, C10)."""

import hmac
from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, GpChip, PlainCommand
from ..gp.registry import CARD_LOCKED
from . import versions
from .cvr import Issuer
from .data import BLOCKED, INTERNAL, CardData
from .transaction import Scene, State

_AUTHENTICATION_FAILED: Final = b"\x63\x00"
_BY_COMMAND: Final = 0x04  # AIP byte 1: issuer authentication by EXTERNAL AUTHENTICATE
_SIZES: Final = range(8, 17)
_PROPRIETARY_FOLLOWS, _TRIES = 0x80, 0x0F  # card status update, byte 1
_BLOCK_CARD, _BLOCK_APPLICATION, _SET_TRIES, _ONLINE_NEXT, _COUNTERS = 0x40, 0x20, 0x10, 0x08, 0x03  # byte 2
_TO_LIMIT, _TO_ZERO, _ADD = 1, 2, 3


def external_authenticate(scene: Scene, command: PlainCommand) -> Answer:
    """EXTERNAL AUTHENTICATE, once a transaction.

    :raises StatusWordError: 6700, 6985 out of turn, a second time, or when the AIP does not offer it.
    """
    transaction = scene.transaction
    if len(command.data) not in _SIZES:
        raise StatusWordError(sw.WRONG_LENGTH)
    scene.require(State.ONLINE)
    if transaction.external or not transaction.aip[0] & _BY_COMMAND:
        raise StatusWordError(sw.CONDITIONS)
    transaction.external = True
    authenticate(scene, command.data)
    return b"", sw.OK if transaction.issuer is Issuer.SUCCESSFUL else _AUTHENTICATION_FAILED


def authenticate(scene: Scene, value: bytes) -> None:
    """Look at the value of tag 91; the transaction and the memory know the result."""
    data, transaction = scene.data, scene.transaction
    template = data.parameter(INTERNAL, 0x9F10)
    version = versions.of(template)
    size = 8 if version.arpc == 1 else 4
    sent, answer = value[:size], value[size:]
    if version.arpc == 1:
        answer = answer[:2]
    elif answer and not answer[0] & _PROPRIETARY_FOLLOWS:
        answer = answer[:4]
    subject = versions.Subject(transaction.values, transaction.aip, data.atc, template)
    expected = version.response(data.master_key(0), subject, transaction.cryptogram, answer)
    whole = len(answer) >= (2 if version.arpc == 1 else 4)
    right = hmac.compare_digest(sent, expected) and whole
    transaction.issuer = Issuer.SUCCESSFUL if right else Issuer.FAILED
    transaction.csu = answer if right and version.arpc != 1 else b""
    data.risk = replace(data.risk, failed=not right)
    if right:
        data.put("online", data.atc)


def obey(scene: Scene, amount: int) -> None:
    """Do what an authenticated issuer says of counters, PIN and life cycle; without a status update: counters to zero.

    :param amount: of this transaction in the currency of the counters.
    """
    data, update = scene.data, scene.transaction.csu
    if scene.transaction.issuer is not Issuer.SUCCESSFUL:
        return
    orders = update[1] if update else _TO_ZERO
    data.risk = replace(data.risk, online_next=bool(orders & _ONLINE_NEXT))
    _set_counters(data, orders & _COUNTERS, amount)
    if orders & _SET_TRIES and data.get("tries"):
        limit = data.get("tries")[1]
        data.put("tries", bytes((min(update[0] & _TRIES, limit), limit)))
    if orders & _BLOCK_APPLICATION:
        data.put("state", BLOCKED)
    if orders & _BLOCK_CARD:
        block_card(scene.chip)


def _set_counters(data: CardData, order: int, amount: int) -> None:
    risk = data.risk
    if order == _TO_ZERO:
        risk = replace(risk, count=0, amount=0)
    elif order == _TO_LIMIT:
        count, total = data.parameter(INTERNAL, 0x9F59), data.parameter(INTERNAL, 0x9F5C)
        risk = replace(risk, count=(count or b"\x00")[0], amount=int(total.hex() or "0"))
    elif order == _ADD:
        risk = risk.counting(amount)
    data.risk = risk


def block_card(chip: GpChip) -> None:
    """CARD BLOCK: no application can be selected any more; OPEN answers 6A81."""
    chip.registry.put(replace(chip.registry.isd, state=CARD_LOCKED))
