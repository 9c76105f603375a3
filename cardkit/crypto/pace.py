"""What PACE computes: the nonce, the integrated mapping's pseudo-random function, chip authentication mapping.

ICAO Doc 9303-11 4.4.
"""

from __future__ import annotations

import hmac

from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.documentkeys import TDES, MessagingKeys
from cardkit.crypto.groups import EcGroup
from cardkit.crypto.key import Key
from cardkit.crypto.mac import unpad80
from cardkit.crypto.points import multiply
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, EncodingError

# 9303-11 4.4.3.3.2: constants c0 and c1 by the length of the key in bytes they are used with.
_SHORT = ("a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad")
_LONG = (
    "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
    "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
)
_EXTRA_BITS = 64
_AES_BLOCK = 16
_SHORT_NONCE = 16
_MOST_NONCE_BYTES = 64
_BLOCK_BYTES = {"3DES": 8, "AES": 16}
_KEY_BYTES = {TDES: 16, "AES-128": 16, "AES-192": 24, "AES-256": 32}


def decrypted_nonce(key: Key, encrypted: bytes) -> Secret:
    """Return the chip's nonce: as many whole blocks as the chip likes. 9303-11 4.4.3.3

    :param key: of the password.
    :raises EncodingError: where it is not whole blocks, 64 bytes at most.
    """
    cipher = _cipher(key.algorithm)
    size, block = len(encrypted), _BLOCK_BYTES[cipher]
    if not size or size % block or size > _MOST_NONCE_BYTES:
        expected = f"expected blocks of {block}, {_MOST_NONCE_BYTES} at most"
        raise EncodingError(f"PACE: encrypted nonce of {size} bytes with {key.algorithm}, {expected}")
    with key.reveal() as clear:
        return Secret(CbcDecryptor(cipher, clear).decrypt(encrypted), "PACE nonce")


def terminal_nonce_bytes(algorithm: str) -> int:
    """Return the size of the nonce a terminal sends in integrated mapping."""
    return _KEY_BYTES[algorithm]


def pseudo_random_number(algorithm: str, nonce: Secret, terminal_nonce: bytes, prime: int) -> int:
    """Return what the pseudo-random function makes of both nonces, modulo the prime. 9303-11 4.4.3.3.2

    :param terminal_nonce: as long as a key.  :raises EncodingError: where the chip's nonce is shorter than a key.
    """
    cipher, size = _cipher(algorithm), _KEY_BYTES[algorithm]
    if len(nonce) < size:
        raise EncodingError(f"PACE: nonce of {len(nonce)} bytes, integrated mapping with {algorithm} needs {size}")
    c0, c1 = (bytes.fromhex(text) for text in (_SHORT if size == _SHORT_NONCE else _LONG))
    with nonce.reveal() as clear:
        key = CbcEncryptor(cipher, terminal_nonce).encrypt(bytes(clear))[:size]
    made = b""
    while 8 * len(made) < prime.bit_length() + _EXTRA_BITS:
        encryptor = CbcEncryptor(cipher, key)
        made += encryptor.encrypt(c1)
        key = encryptor.encrypt(c0)[:size]
    return int.from_bytes(made) % prime


def check_chip_mapping(
    keys: MessagingKeys, encrypted: bytes, chip_key: bytes, mapping_key: bytes, group: EcGroup
) -> None:
    """Check the chip authentication data of PACE: whether the key mapped with is the chip's signed one times them.

    :param encrypted: what the chip sent with its token.  :param chip_key: public key of EF.CardSecurity.
    :param mapping_key: the chip's public key of the mapping.  :param group: the curve, its own generator.
    :raises AuthenticationError: where it is not.  9303-11 4.4.3.5
    """
    try:
        with keys.enc.reveal() as clear:
            iv = CbcEncryptor("AES", clear).encrypt(b"\xff" * _AES_BLOCK)
            data = unpad80(CbcDecryptor("AES", clear).decrypt(encrypted, iv))
        expected = multiply(group.curve, int.from_bytes(data) % group.order, group.point(chip_key))
    except EncodingError as error:
        raise AuthenticationError(f"PACE-CAM: chip authentication data: {error}") from None
    mapped = b"" if expected is None else b"\x04" + b"".join(number.to_bytes(group.size) for number in expected)
    if not hmac.compare_digest(mapped, mapping_key):
        raise AuthenticationError("PACE-CAM: the chip does not know the private key to that of EF.CardSecurity")


def _cipher(algorithm: str) -> str:
    return "3DES" if algorithm == TDES else "AES"
