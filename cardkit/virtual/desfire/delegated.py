"""Delegated applications: somebody else's, in memory the owner of the card has set apart (sheet 3.12)."""

from dataclasses import replace
from typing import Final

from . import applications, statuses
from .call import Answer, Call
from .crypto import BlockCipher, odd_bytes
from .model import Application, Key
from .session import Mode, check
from .state import BLOCK, FIRST_PICC_KEY, State
from .statuses import RefusedError

_AUTH, _MAC, _ENC = FIRST_PICC_KEY, FIRST_PICC_KEY + 1, FIRST_PICC_KEY + 2  # PICC keys
_PROOF: Final = 40  # enciphered key 32, MAC 8
_MAC_SIZE: Final = 8
_RANDOM: Final = 7
_SLOT: Final = slice(3, 8)
_OPCODE: Final = b"\xc9"


def delegating(state: State, call: Call) -> Mode:
    """The DAM authentication key.

    :raises RefusedError: AE.
    """
    del call
    if state.session.key_no != _AUTH:
        raise RefusedError(statuses.AUTHENTICATION)
    return Mode.MAC


def payload(state: State, call: Call) -> int:
    """The first frame describes the application; the second brings key and MAC."""
    del state
    return len(call.data) + _PROOF


def create_delegated_application(state: State, call: Call) -> Answer:
    """C9: AID3 slot2 version1 quota2 ks1 ks2 ..., then the enciphered key and the owner's MAC.

    :raises RefusedError: 1E, 9E, CE, DE, 0E.
    """
    described, proof = call.data[:-_PROOF], call.data[-_PROOF:]
    made = applications.parse(state, described[:3] + described[8:])
    key = _key(state, made, described, proof)
    slot = described[_SLOT]
    applications.check_new(state, made)
    if _find(state, slot[:2]) is not None:
        raise RefusedError(statuses.DUPLICATE)
    if int.from_bytes(slot[3:], "little") * BLOCK > state.free:
        raise RefusedError(statuses.NO_MEMORY)
    applications.add(state, replace(made, slot=slot), key)
    return b""


def _key(state: State, made: Application, described: bytes, proof: bytes) -> Key:
    """The key of all places, once the MAC is right.

    :raises RefusedError: 1E.
    """
    sealed, mac = proof[:-_MAC_SIZE], proof[-_MAC_SIZE:]
    macs = BlockCipher(state.key(_MAC).value, aes=True)
    check(odd_bytes(macs.cmac(_OPCODE + described + sealed, macs.zeros)), mac)
    opener = BlockCipher(state.key(_ENC).value, aes=True)
    plain = opener.decrypt(sealed, opener.zeros)[_RANDOM:]
    kind = made.key_type
    return Key(kind, plain[: kind.size], plain[kind.size])


def _find(state: State, number: bytes) -> Application | None:
    return next((one for one in state.applications() if one.slot[:2] == number), None)


def get_delegated_info(state: State, call: Call) -> Answer:
    """69: version of the slot, quota, free blocks, AID.

    :raises RefusedError: A0 for an empty slot.
    """
    found = _find(state, call.data)
    if found is None:
        raise RefusedError(statuses.NO_APPLICATION)
    free = int.from_bytes(found.slot[3:], "little") - found.blocks
    return found.slot[2:] + free.to_bytes(2, "little") + found.aid
