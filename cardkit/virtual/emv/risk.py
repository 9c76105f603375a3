"""Card risk management: which cryptogram the card gives, and what it remembers (sheet payment.md 4, rules 3, 10, 11).

The card never gives more than it is asked for: TC, then ARQC, then AAC.
"""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .cvr import Cryptogram, Facts, Issuer, Passed
from .data import BLOCKED, INTERNAL, CardData
from .transaction import Scene

_CONTROL: Final = 0xDF01
_DECLINE_BLOCKED_PIN, _ISSUER_MUST_AUTHENTICATE, BLOCK_WITH_PIN = 0x80, 0x40, 0x20
_APPROVES: Final = 0x80  # card status update, byte 2
_PIN_REASON, _ISSUER_REASON = 2, 3  # CID b3 to b1


def controls(data: CardData, bit: int) -> bool:
    """Is a bit of the application control set?"""
    return bool((data.parameter(INTERNAL, _CONTROL) or b"\x00")[0] & bit)


def passed(data: CardData, values: dict[int, bytes]) -> Passed:
    """The limits that this transaction would pass, if it were approved offline."""
    risk = data.risk
    count, amount = risk.count + 1, risk.amount + own_amount(data, values)
    return Passed(
        lower_count=_over(data, 0x9F58, count, 16),
        upper_count=_over(data, 0x9F59, count, 16),
        lower_amount=_over(data, 0x9F54, amount, 10),
        upper_amount=_over(data, 0x9F5C, amount, 10),
    )


def _over(data: CardData, tag: int, value: int, base: int) -> bool:
    limit = data.parameter(INTERNAL, tag)
    return bool(limit) and value > int(limit.hex(), base)


def own_amount(data: CardData, values: dict[int, bytes]) -> int:
    """The amount, if it is in the currency of the counters.

    :raises StatusWordError: 6A80 when it has other digits than decimal ones.
    """
    text = values.get(0x9F02, b"").hex() or "0"
    if not text.isdecimal():
        raise StatusWordError(sw.WRONG_DATA)
    own = data.parameter(INTERNAL, 0x9F51)
    return int(text) if own and values.get(0x5F2A) == own else 0


def facts(scene: Scene, values: dict[int, bytes], kind: Cryptogram) -> Facts:
    """What the first CVR of a transaction tells."""
    data, transaction = scene.data, scene.transaction
    risk = data.risk
    home = data.in_records(transaction.afl, 0x5F28) if transaction.afl else b""
    return Facts(
        first=kind,
        dda=transaction.dda,
        tries=data.tries,
        pin=transaction.pin,
        enciphered=transaction.enciphered,
        pin_blocked=data.pin_blocked,
        incomplete=risk.incomplete,
        new_card=is_new(data),
        online_next=risk.online_next,
        failed_before=risk.failed,
        scripts=risk.scripts,
        script_failed=risk.script_failed,
        domestic=values.get(0x9F1A) == home if home else None,
        passed=passed(data, values),
        count=risk.count,
        amount=risk.amount,
    )


def is_new(data: CardData) -> bool:
    """Has the card never been online?"""
    return not any(data.last_online)


def refuses(data: CardData) -> bool:
    """Does it decline whatever is asked?"""
    return data.state == BLOCKED or (data.pin_blocked and controls(data, _DECLINE_BLOCKED_PIN))


def wants_online(data: CardData, limits: Passed) -> bool:
    """Does it want to hear its issuer?"""
    risk = data.risk
    return is_new(data) or risk.incomplete or risk.online_next or risk.failed or limits.lower or limits.upper


def first(data: CardData, asked: Cryptogram, limits: Passed) -> Cryptogram:
    """The type of the first cryptogram."""
    if asked is Cryptogram.AAC or refuses(data):
        return Cryptogram.AAC
    if asked is Cryptogram.TC and wants_online(data, limits):
        return Cryptogram.ARQC
    return asked


def second(scene: Scene, asked: Cryptogram, limits: Passed, *, unable: bool) -> Cryptogram:
    """The type of the second cryptogram; a terminal that asks for one more ARQC gets an AAC."""
    data, transaction = scene.data, scene.transaction
    if asked is not Cryptogram.TC or data.state == BLOCKED or transaction.issuer is Issuer.FAILED:
        return Cryptogram.AAC
    if unable:
        return Cryptogram.AAC if limits.upper or refuses(data) else Cryptogram.TC
    if transaction.issuer is Issuer.NOT_PERFORMED:
        return Cryptogram.AAC if controls(data, _ISSUER_MUST_AUTHENTICATE) else Cryptogram.TC
    approved = not transaction.csu or transaction.csu[1] & _APPROVES
    return Cryptogram.TC if approved else Cryptogram.AAC


def reason(data: CardData, kind: Cryptogram, issuer: Issuer) -> int:
    """Why it declined, for the CID (EMV Book 3, 6.5.5.4)."""
    if kind is not Cryptogram.AAC:
        return 0
    if issuer is Issuer.FAILED:
        return _ISSUER_REASON
    return _PIN_REASON if data.pin_blocked and controls(data, _DECLINE_BLOCKED_PIN) else 0


def after_first(data: CardData, kind: Cryptogram, values: dict[int, bytes]) -> None:
    """Remember the first cryptogram."""
    if kind is Cryptogram.ARQC:
        data.risk = replace(data.risk, incomplete=True)
    elif kind is Cryptogram.TC:
        data.risk = data.risk.counting(own_amount(data, values))


def after_second(scene: Scene, kind: Cryptogram, values: dict[int, bytes], *, unable: bool) -> None:
    """Remember the second cryptogram; what the issuer says of the counters comes on top (see `issuer`)."""
    data, transaction = scene.data, scene.transaction
    if unable and kind is Cryptogram.TC:
        data.risk = data.risk.counting(own_amount(data, values))
    risk = replace(data.risk, incomplete=False)
    if not unable and transaction.issuer is not Issuer.FAILED and not transaction.scripted:
        risk = replace(risk, scripts=0, script_failed=False)
    data.risk = risk
