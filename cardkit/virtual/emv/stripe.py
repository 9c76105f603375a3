"""COMPUTE CRYPTOGRAPHIC CHECKSUM: the dynamic code of contactless mag-stripe mode (Contactless C-2; unverified)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, PlainCommand
from . import crypto, dol, objects
from .transaction import Scene, State

CHECKSUM: Final = 0x8E80  # P1 P2
_CVC3_KEY: Final = 4  # index of its key
_DEFAULT_UDOL: Final = bytes.fromhex("9F6A04")
_UDOL, _NUMBER, _TRACK_1, _TRACK_2 = 0x9F69, 0x9F6A, 0x56, 0x9F6B
_CODE_1, _CODE_2, _ATC, _TEMPLATE = 0x9F60, 0x9F61, 0x9F36, 0x77


def compute_checksum(scene: Scene, command: PlainCommand) -> Answer:
    """COMPUTE CRYPTOGRAPHIC CHECKSUM: CVC3 of both tracks.

    :raises StatusWordError: 6985 out of turn, without a key for it, or without track data; 6700 another length than the
        UDOL asks for.
    """
    data, transaction = scene.data, scene.transaction
    scene.require(State.INITIATED)
    values = dol.split(data.in_records(transaction.afl, _UDOL) or _DEFAULT_UDOL, command.data)
    key = data.master_key(_CVC3_KEY)
    tracks = {code: data.in_records(transaction.afl, tag) for code, tag in ((_CODE_2, _TRACK_2), (_CODE_1, _TRACK_1))}
    if not key or not tracks[_CODE_2]:
        raise StatusWordError(sw.CONDITIONS)
    number = values.get(_NUMBER, b"").ljust(4, b"\x00")
    codes = {code: cvc3(key, track, number, data.atc) for code, track in tracks.items() if track} | {_ATC: data.atc}
    transaction.state = State.DONE
    return objects.build(_TEMPLATE, b"".join(objects.build(tag, value) for tag, value in codes.items())), sw.OK


def cvc3(key: bytes, track: bytes, number: bytes, atc: bytes) -> bytes:
    """The code of one track, 2 bytes.

    :param track: static track data, tag 56 or 9F6B.  :param number: unpredictable number, 4 bytes of digits.
    """
    start = crypto.mac3(key, track)[-2:]
    return crypto.des3_ecb(key, start + number + atc)[-2:]
