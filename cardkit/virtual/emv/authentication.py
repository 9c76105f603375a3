"""Offline data authentication by the card: GET CHALLENGE, INTERNAL AUTHENTICATE, signatures (EMV Book 2, 6.5, 6.6)."""

import hashlib
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import crypto, dol, objects, rsa, versions
from .data import INTERNAL, CardData
from .transaction import Scene, State

DDA, CDA = 0x20, 0x01  # AIP byte 1
_CHALLENGE_SIZE: Final = 8
_DYNAMIC_NUMBERS: Final = 3  # index of their master key
_NUMBER_SIZE: Final = 8
_SIGNATURE, _FORMAT_1, _FORMAT_2 = 0x9F4B, 0x80, 0x77


def get_challenge(scene: Scene, command: PlainCommand) -> Answer:
    """GET CHALLENGE: 8 random bytes, for one VERIFY.

    :raises StatusWordError: 6700 with data, 6985.
    """
    if command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    scene.require(State.INITIATED)
    scene.transaction.challenge = scene.chip.random.randbytes(_CHALLENGE_SIZE)
    return scene.transaction.challenge, sw.OK


def internal_authenticate(scene: Scene, command: PlainCommand) -> Answer:
    """INTERNAL AUTHENTICATE: dynamic data authentication.

    :raises StatusWordError: 6985 out of turn or without DDA, 6700 another length than the DDOL asks for.
    """
    transaction = scene.transaction
    scene.require(State.INITIATED)
    values = dol.split(scene.data.ddol(transaction.afl), command.data)
    key = scene.data.rsa_key()
    if not transaction.aip[0] & DDA or key is None:
        raise StatusWordError(sw.CONDITIONS)
    number = dynamic_number(scene, values.get(0x9F37, b""))
    signed = rsa.signed_dynamic_data(key, bytes((len(number),)) + number, command.data)
    transaction.idn, transaction.dda = number, True
    if scene.choices.format == 1:
        return objects.build(_FORMAT_1, signed), sw.OK
    return objects.build(_FORMAT_2, objects.build(_SIGNATURE, signed)), sw.OK


def dynamic_number(scene: Scene, unpredictable: bytes) -> bytes:
    """The ICC dynamic number: from its master key, ATC and unpredictable number; random without such a key."""
    master = scene.data.master_key(_DYNAMIC_NUMBERS)
    if not master:
        return scene.chip.random.randbytes(_NUMBER_SIZE)
    seed = scene.data.atc + bytes(2) + unpredictable[:4].ljust(4, b"\x00")
    if uses_aes(scene.data):
        return crypto.aes_session_key(master, seed)[:_NUMBER_SIZE]
    return crypto.des3_ecb(master, seed)


def uses_aes(data: CardData) -> bool:
    """Are the keys of the application AES keys?"""
    return versions.of(data.parameter(INTERNAL, 0x9F10)).aes


def combined_signature(
    scene: Scene, key: rsa.PrivateKey, cryptogram: bytes, answer: list[tuple[int, bytes]], unpredictable: bytes
) -> bytes:
    """The signature of a GENERATE AC answer (EMV Book 2, 6.6.1).

    :param answer: the other objects of the answer in their order, CID first.
    """
    transaction = scene.transaction
    sent = transaction.initial + transaction.sent + b"".join(objects.build(tag, value) for tag, value in answer)
    number = transaction.idn
    digest = hashlib.sha1(sent, usedforsecurity=False).digest()
    dynamic = bytes((len(number),)) + number + answer[0][1] + cryptogram + digest
    return rsa.signed_dynamic_data(key, dynamic, unpredictable)
