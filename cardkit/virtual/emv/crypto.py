"""Session keys, cryptograms and MACs of payment cards (EMV Book 2, 8, 9 and A1), as the project's sheet states them.

Keys have 16 bytes: two-key triple DES, or AES-128 for cryptogram version CCD 6. Parity bits of derived keys are left
as they come: DES does not look at them.
"""

from typing import Final

from ..gp import crypto
from ..gp.crypto import aes_cbc_decrypt, aes_cmac, aes_ecb, des3_cbc_decrypt, des3_ecb, des3_ecb_decrypt, pad80

_BLOCK: Final = 8
_AES_BLOCK: Final = 16
_LEFT, _RIGHT = b"\xf0", b"\x0f"  # byte 3 of the diversification value (A1.3.1)

__all__ = [
    "aes_cbc_decrypt",
    "aes_cmac",
    "aes_mac",
    "aes_session_key",
    "des3_cbc_decrypt",
    "des3_ecb",
    "des3_ecb_decrypt",
    "mac3",
    "pad80",
    "session_key",
    "vis_session_key",
]


def session_key(master: bytes, diversification: bytes) -> bytes:
    """Common session key derivation, triple DES (A1.3.1).

    :param diversification: R, 8 bytes, of which the third is replaced.
    """
    left, right = (diversification[:2] + constant + diversification[3:] for constant in (_LEFT, _RIGHT))
    return des3_ecb(master, left + right)


def aes_session_key(master: bytes, diversification: bytes) -> bytes:
    """The same for AES-128: R, padded with zeros to a block (A1.3.1)."""
    return aes_ecb(master, diversification.ljust(_AES_BLOCK, b"\x00"))


def vis_session_key(master: bytes, atc: bytes) -> bytes:
    """The session key of VSDC secure messaging: master key xor ATC on the left, xor its complement on the right."""
    complement = bytes(byte ^ 0xFF for byte in atc)
    mask = bytes(6) + atc + bytes(6) + complement
    return bytes(one ^ other for one, other in zip(master, mask, strict=True))


def mac3(key: bytes, data: bytes, *, method: int = 2) -> bytes:
    """ISO/IEC 9797-1 algorithm 3, 8 bytes.

    :param method: of padding: 1 zeros where needed, 2 80 00...
    """
    padded = pad80(data, _BLOCK) if method == 2 else data + bytes(-len(data) % _BLOCK)
    return crypto.retail_mac_of_blocks(key, padded)


def aes_mac(key: bytes, data: bytes) -> bytes:
    """AES-CMAC, its first 8 bytes (A1.2.2)."""
    return aes_cmac(key, data)[:_BLOCK]
