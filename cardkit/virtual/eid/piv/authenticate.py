"""GENERAL AUTHENTICATE: keys sign, decipher and agree; the management key is shown (SP 800-73-4 part 2, 3.2.4)."""

import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ... import statuswords as sw
from ... import tlv
from ...errors import StatusWordError
from ...gp import ber, curves, wire
from ...gp.crypto import aes_ecb, des3_ecb
from .. import keypair
from . import layout, slots
from .state import State

_TEMPLATE, _WITNESS, _CHALLENGE, _RESPONSE, _EXPONENTIATION = 0x7C, 0x80, 0x81, 0x82, 0x85
_TAGS: Final = frozenset((_WITNESS, _CHALLENGE, _RESPONSE, _EXPONENTIATION))
_DES_BLOCK, _AES_BLOCK = 8, 16


def general_authenticate(state: State, apdu: wire.Apdu) -> bytes:
    """Work on the objects of one dynamic authentication template.

    :raises StatusWordError: 6A80 a template that means nothing, 6A86 another algorithm than the key's, 6A88 no key,
        6982 without the PIN its policy asks for, or a wrong answer to a challenge.
    """
    outer = ber.parse(apdu.data)
    if len(outer) != 1 or outer[0][0] != _TEMPLATE:
        raise StatusWordError(sw.WRONG_DATA)
    fields = ber.unique(outer[0][1], _TAGS)
    if apdu.p2 == layout.MANAGEMENT:
        answer = _show_management_key(state, apdu.p1, fields)
    else:
        answer = _response(_use_key(state, apdu, fields))
    return tlv.build(_TEMPLATE, answer) if answer else b""


def _response(data: bytes) -> bytes:
    return tlv.build(_RESPONSE, data)


def _use_key(state: State, apdu: wire.Apdu, fields: dict[int, bytes]) -> bytes:
    slot = slots.load(state, apdu.p2) if apdu.p2 in layout.SLOTS else None
    if slot is None or slot.algorithm != apdu.p1:
        raise StatusWordError(sw.WRONG_P1P2)
    if slot.pin_policy != slots.NEVER:
        state.require_pin()
    if slot.pin_policy == slots.ALWAYS and not state.session.fresh:
        raise StatusWordError(sw.SECURITY_STATUS)
    given = {tag: value for tag, value in fields.items() if tag != _RESPONSE}
    if fields.get(_RESPONSE) != b"" or len(given) != 1:
        raise StatusWordError(sw.WRONG_DATA)
    if _CHALLENGE in given:
        return _sign(slot.key, given[_CHALLENGE])
    if _EXPONENTIATION in given and apdu.p2 in layout.AGREEING:
        return _agree(slot.key, given[_EXPONENTIATION])
    raise StatusWordError(sw.WRONG_DATA)


def _sign(key: keypair.PrivateKey, data: bytes) -> bytes:
    return keypair.raw_rsa(key, data) if isinstance(key, rsa.RSAPrivateKey) else keypair.ecdsa(key, data)


def _agree(key: keypair.PrivateKey, point: bytes) -> bytes:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StatusWordError(sw.WRONG_DATA)
    return curves.shared_secret(key, curves.public_key(point, key.curve))


def _show_management_key(state: State, algorithm: int, fields: dict[int, bytes]) -> bytes:
    """Ask for a challenge or a witness, or answer what was asked before; nothing waits twice."""
    session = state.session
    cell = state.journal.get(layout.MANAGEMENT_CELL)
    if (algorithm or layout.TRIPLE_DES) != cell[0]:
        raise StatusWordError(sw.WRONG_P1P2)
    challenge, session.challenge = session.challenge, b""
    witness, session.witness = session.witness, b""
    block = _DES_BLOCK if cell[0] == layout.TRIPLE_DES else _AES_BLOCK
    if fields == {_CHALLENGE: b""}:
        session.challenge = state.random.randbytes(block)
        return tlv.build(_CHALLENGE, session.challenge)
    if fields == {_WITNESS: b""}:
        session.witness = state.random.randbytes(block)
        return tlv.build(_WITNESS, _encrypt(cell, session.witness))
    if fields.keys() == {_RESPONSE}:
        _compare(state, fields[_RESPONSE], _encrypt(cell, challenge) if challenge else b"")
        return b""
    if (
        fields.keys() - {_RESPONSE} != {_WITNESS, _CHALLENGE}
        or fields.get(_RESPONSE)
        or len(fields[_CHALLENGE]) != block
    ):
        raise StatusWordError(sw.WRONG_DATA)
    _compare(state, fields[_WITNESS], witness)
    return _response(_encrypt(cell, fields[_CHALLENGE]))


def _compare(state: State, shown: bytes, expected: bytes) -> None:
    """:raises StatusWordError: 6985 nothing was asked, 6982 a wrong answer, which also ends what was there."""
    if not expected:
        raise StatusWordError(sw.CONDITIONS)
    state.session.managed = hmac.compare_digest(shown, expected)
    state.require_management()


def _encrypt(cell: bytes, block: bytes) -> bytes:
    return des3_ecb(cell[1:], block) if cell[0] == layout.TRIPLE_DES else aes_ecb(cell[1:], block)
