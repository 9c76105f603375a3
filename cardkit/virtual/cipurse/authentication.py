"""GET CHALLENGE and MUTUAL AUTHENTICATE, and wrong authentications in a row (sheet 2.4)."""

from hmac import compare_digest
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import crypto, files
from .chip import CipurseChip
from .keyrecords import KeyRecord
from .messaging import FULL, Command, Session

_CHALLENGE_SIZE: Final = 22
_PROOF_SIZE: Final = 16
TOKEN_SIZE: Final = 38  # cP, RT, rT


def get_challenge(chip: CipurseChip, command: Command) -> bytes:
    """RP || rP, for the command right after this one.

    :raises StatusWordError: 6700.
    """
    if command.ne not in (_CHALLENGE_SIZE, FULL):
        raise StatusWordError(sw.WRONG_LENGTH)
    chip.challenge = chip.random.randbytes(_CHALLENGE_SIZE)
    return chip.challenge


def mutual_authenticate(chip: CipurseChip, command: Command) -> bytes:
    """Check cP and answer cT: a session with a key of the current directory; the one before is over in any case.

    :raises StatusWordError: 6700, 6985 without a challenge, 6A88, 6984, 6988.
    """
    if command.ne not in (_PROOF_SIZE, FULL):
        raise StatusWordError(sw.WRONG_LENGTH)
    chip.end_session()
    if not chip.challenge:
        raise StatusWordError(sw.CONDITIONS)
    key = record(chip, command.p2)
    count_try(chip, key, command.p2)
    proof, randoms = command.data[:_PROOF_SIZE], command.data[_PROOF_SIZE:]
    agreed = crypto.agree(key.key, chip.challenge, randoms)
    if not compare_digest(agreed.terminal_proof, proof):
        raise StatusWordError(sw.WRONG_SECURE_MESSAGING)
    forget_tries(chip, command.p2)
    chip.session = Session(command.p2, agreed.frame_key)
    return agreed.card_proof


def record(chip: CipurseChip, number: int) -> KeyRecord:
    """A key of the current directory.

    :raises StatusWordError: 6A88.
    """
    if not 1 <= number <= chip.directory.keys:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return KeyRecord.of(chip.store.get(files.keys_cell(chip.current)), number)


def count_try(chip: CipurseChip, key: KeyRecord, number: int) -> None:
    """Count an authentication as wrong before it is looked at, so that no power cut hides it.

    :raises StatusWordError: 6984 for a key that is invalid, or had too many of them.
    """
    most = chip.image.behaviour.wrong_keys
    tries = _tries(chip, number)
    if key.invalid or (most and tries >= most):
        raise StatusWordError(sw.DATA_INVALIDATED)
    if most:
        _count(chip, number, tries + 1)


def forget_tries(chip: CipurseChip, number: int) -> None:
    """After a right authentication, or with a new key, the count starts anew."""
    if _tries(chip, number):
        _count(chip, number, 0)


def _tries(chip: CipurseChip, number: int) -> int:
    return int.from_bytes(chip.journal.get(files.tries_cell(chip.current))[number - 1 : number], "big")


def _count(chip: CipurseChip, number: int, value: int) -> None:
    cell = files.tries_cell(chip.current)
    tries = bytearray(chip.journal.get(cell).ljust(chip.directory.keys, b"\0"))
    tries[number - 1] = value
    chip.journal.put_now(cell, bytes(tries) if any(tries) else b"")
