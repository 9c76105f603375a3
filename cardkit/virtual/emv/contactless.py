"""The contactless transaction in one command: GET PROCESSING OPTIONS decides and makes the cryptogram.

After the qVSDC-like template of sheet payment.md 17; beyond tags and bits that is unverified. The reader's qualifiers
(9F66) ask, the card's (9F6C) answer; fast DDA signs what an offline approval rests on.
"""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import actions, authentication, objects, risk, rsa
from .cvr import Cryptogram
from .data import CONTACTLESS, INTERNAL
from .transaction import Scene, State

_TTQ, _CTQ, _CVM_LIMIT, _AUTHENTICATION_DATA, _SIGNATURE, _AFL = 0x9F66, 0x9F6C, 0x9F6B, 0x9F69, 0x9F4B, 0x94
# Reader's qualifiers, 4 bytes
_EMV_MODE, _CONTACT, _OFFLINE_ONLY, _ONLINE_PIN, _SIGNING, _ODA_ONLINE = 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
_ONLINE_REQUIRED, _CVM_REQUIRED = 0x80, 0x40
_FAST_DDA: Final = 0x80
_CARD_PIN, _CARD_SIGNATURE = 0x80, 0x40  # card's qualifiers, byte 1
_VERSION: Final = b"\x01"
_NUMBER_SIZE: Final = 4
_LONGEST_ANSWER: Final = 256
_TEMPLATE: Final = 0x77


def complete(scene: Scene, options: dict[int, bytes]) -> bytes:
    """The whole transaction.

    :param options: what DGI B104 gives: AIP, AFL, and the static part of the answer.
    :raises StatusWordError: 6985 no common mode, 6984 a CVM that this card does not have without contacts.
    """
    data, transaction = scene.data, scene.transaction
    ttq = transaction.values[_TTQ].ljust(4, b"\x00")
    if not ttq[0] & _EMV_MODE:
        raise StatusWordError(sw.CONDITIONS)
    qualifiers = _qualifiers(scene, ttq)
    limits = risk.passed(data, transaction.values)
    key = data.rsa_key() if options[0x82][0] & authentication.DDA and _AFL in options and ttq[3] & _FAST_DDA else None
    kind = _kind(scene, ttq, can_sign=key is not None)
    if key is not None and (kind is Cryptogram.TC or (kind is Cryptogram.ARQC and ttq[0] & _ODA_ONLINE)):
        _sign(scene, key, qualifiers)
    facts = replace(risk.facts(scene, transaction.values, kind), passed=limits)
    template = data.parameter(CONTACTLESS, 0x9F10) or data.parameter(INTERNAL, 0x9F10)
    iad, transaction.cryptogram = actions.make(scene, template, facts)
    made = {
        0x9F10: iad,
        0x9F26: transaction.cryptogram,
        0x9F27: bytes((kind << 6,)),
        0x9F36: data.atc,
        _CTQ: qualifiers,
    }
    transaction.first, transaction.state = kind, State.DONE
    if kind is Cryptogram.TC:
        risk.after_first(data, kind, transaction.values)
    if kind is not Cryptogram.ARQC:
        actions.finish(scene, made)
    return _answer(scene, options, made)


def _qualifiers(scene: Scene, ttq: bytes) -> bytes:
    """The card's qualifiers, with one CVM if one is required.

    :raises StatusWordError: 6984 when the reader takes the card by contact, else 6985.
    """
    data = scene.data
    able = data.parameter(CONTACTLESS, _CTQ) or bytes(2)
    limit = data.parameter(CONTACTLESS, _CVM_LIMIT)
    above = bool(limit) and int(scene.transaction.values.get(0x9F02, b"").hex() or "0", 16) > int(limit.hex(), 16)
    rest = able[0] & ~(_CARD_PIN | _CARD_SIGNATURE)
    if not (ttq[1] & _CVM_REQUIRED or above):
        return bytes((rest, able[1]))
    if ttq[0] & _ONLINE_PIN and able[0] & _CARD_PIN:
        return bytes((rest | _CARD_PIN, able[1]))
    if ttq[0] & _SIGNING and able[0] & _CARD_SIGNATURE:
        return bytes((rest | _CARD_SIGNATURE, able[1]))
    raise StatusWordError(sw.DATA_INVALIDATED if ttq[0] & _CONTACT else sw.CONDITIONS)


def _kind(scene: Scene, ttq: bytes, *, can_sign: bool) -> Cryptogram:
    """TC only if the card can prove itself offline; an offline-only reader gets TC or AAC."""
    data = scene.data
    asked = Cryptogram.ARQC if ttq[1] & _ONLINE_REQUIRED or not can_sign else Cryptogram.TC
    kind = risk.first(data, asked, risk.passed(data, scene.transaction.values))
    return Cryptogram.AAC if kind is Cryptogram.ARQC and ttq[0] & _OFFLINE_ONLY else kind


def _sign(scene: Scene, key: rsa.PrivateKey, qualifiers: bytes) -> None:
    """Fast DDA, version 01: over the reader's number, amount, currency and the card's authentication data."""
    transaction = scene.transaction
    own = _VERSION + scene.chip.random.randbytes(_NUMBER_SIZE) + qualifiers
    seen = b"".join(transaction.values.get(tag, b"") for tag in (0x9F37, 0x9F02, 0x5F2A)) + own
    number = scene.data.atc
    signed = rsa.signed_dynamic_data(key, bytes((len(number),)) + number, seen)
    transaction.idn, transaction.dda = number, True
    transaction.fast = {_SIGNATURE: signed, _AUTHENTICATION_DATA: own}


def _answer(scene: Scene, options: dict[int, bytes], made: dict[int, bytes]) -> bytes:
    """What is signed is read from its record if there is one for it, else it is in the answer if it fits."""
    fast = scene.transaction.fast
    shown = {tag: value for tag, value in options.items() if tag != _AFL or fast} | made
    whole = _template(shown | {_SIGNATURE: fast.get(_SIGNATURE, b"")})
    in_record = bool(fast) and bool(scene.data.in_records(options[_AFL], _SIGNATURE))
    return whole if fast and not in_record and len(whole) <= _LONGEST_ANSWER else _template(shown)


def _template(found: dict[int, bytes]) -> bytes:
    return objects.build(_TEMPLATE, b"".join(objects.build(tag, value) for tag, value in found.items()))
