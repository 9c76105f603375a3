"""An offline PIN on its way to the card, enciphered under a key of the card's (EMV 4.4 Book 2, 7.2)."""

from __future__ import annotations

from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

HEADER = 0x7F
PIN_BLOCK_BYTES = 8
CHALLENGE_BYTES = 8
FIXED_BYTES = 1 + PIN_BLOCK_BYTES + CHALLENGE_BYTES


def encipher_pin(key: RsaPublicKey, block: Secret, challenge: bytes, filler: bytes) -> bytes:
    """Return the data field of VERIFY with P2 = 88.

    :param key: of 9F2D, or the card's own of 9F46.  :param block: PIN block of format 2, 8 bytes.
    :param challenge: of GET CHALLENGE, 8 bytes.  :param filler: random, as long as the modulus less 17 bytes.
    :raises EncodingError: on other lengths.
    Book 2, 7.2, table 24
    """
    sizes = (len(block), len(challenge), len(filler))
    if sizes != (PIN_BLOCK_BYTES, CHALLENGE_BYTES, key.size - FIXED_BYTES):
        got = "PIN block of {}, challenge of {}, filler of {} bytes".format(*sizes)
        raise EncodingError(f"enciphered PIN: {got}, expected 8, 8 and {key.size - FIXED_BYTES}")
    with block.reveal() as clear:
        return key.recover(bytes((HEADER,)) + clear + challenge + filler)
