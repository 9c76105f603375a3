"""Who the card is: GetVersion, GetCardUID, GetFreeMemory, ReadSignature (sheet 3.2, 3.14)."""

from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from . import statuses
from .call import Answer, Call
from .session import Mode
from .state import RANDOM_UID, State
from .statuses import RefusedError

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D  # of secp224r1
_SIZE: Final = 28


def get_version(state: State, call: Call) -> Answer:
    """60: three frames; with a random UID the third shows zeros."""
    del call
    image = state.image
    uid = bytes(len(state.uid)) if state.flags & RANDOM_UID else state.uid
    return [image.hardware, image.software, uid + image.production]


def get_free_memory(state: State, call: Call) -> Answer:
    """6E: 3 bytes."""
    del call
    return state.free.to_bytes(3, "little")


def get_card_uid(state: State, call: Call) -> Answer:
    """51: the real UID."""
    del call
    return state.uid


def signing(state: State, call: Call) -> Mode:
    """Access of ReadSignature: anybody; enciphered in a session of EV2."""
    del call
    return Mode.FULL if state.session.modern else Mode.PLAIN


def read_signature(state: State, call: Call) -> Answer:
    """3C: 56 bytes, by the virtual maker's test key.

    :raises RefusedError: 9E for another address than 00.
    """
    if call.data != b"\x00":
        raise RefusedError(statuses.PARAMETER)
    return signature(state.image.signer, state.uid)


@lru_cache(maxsize=256)
def signature(scalar: int, uid: bytes) -> bytes:
    """ECDSA on secp224r1 over the raw UID, the same each time.

    :returns: r 28 || s 28.
    """
    secret = scalar.to_bytes(_SIZE, "big")
    nonce = int.from_bytes(sha256(secret + uid).digest(), "big") % (_ORDER - 1) + 1
    r = ec.derive_private_key(nonce, ec.SECP224R1()).public_key().public_numbers().x % _ORDER
    s = pow(nonce, -1, _ORDER) * (int.from_bytes(uid, "big") + r * scalar) % _ORDER
    return r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")
