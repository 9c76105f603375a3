"""What the card computes with: 3DES and AES in ECB and CBC, the MACs and key derivations of its secure channels.

GPCS B.1 to B.6 and Amendment D 4.1, as the specification sheet of the project states them. Two-key triple DES is
K1 K2 K1; single DES is triple DES with one key three times.
"""

import hashlib

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from ..errors import VirtualCardError

DES_BLOCK = 8
AES_BLOCK = 16

KEY_DES, KEY_AES = 0x80, 0x88  # key types of GPCS Table 11-16


class PaddingError(VirtualCardError):
    """Decrypted data do not end in 80 00...; the card answers 6982."""


def pad80(data: bytes, block: int) -> bytes:
    """Padding method 2 of ISO/IEC 9797-1: 80, then zeros; always at least one byte.

    >>> pad80(b"abc", 8).hex()
    '6162638000000000'
    """
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def unpad80(data: bytes, block: int) -> bytes:
    """Take off what `pad80` put on.

    :raises PaddingError: when that is not how the last block ends.
    """
    body = data.rstrip(b"\x00")
    if not body.endswith(b"\x80") or len(data) - len(body) >= block:
        raise PaddingError("padding: expected 80 00... in the last block")
    return body[:-1]


def _des3(key: bytes) -> TripleDES:
    return TripleDES(key + key[:8] if len(key) == 16 else key)


def _encrypt(algorithm: BlockCipherAlgorithm, mode: modes.ECB | modes.CBC, data: bytes) -> bytes:
    return Cipher(algorithm, mode).encryptor().update(data)


def _decrypt(algorithm: BlockCipherAlgorithm, mode: modes.ECB | modes.CBC, data: bytes) -> bytes:
    return Cipher(algorithm, mode).decryptor().update(data)


def des_ecb(key: bytes, data: bytes) -> bytes:
    """Single DES, for the ICV of SCP02. :param key: 8 bytes."""
    return _encrypt(TripleDES(key * 3), modes.ECB(), data)  # noqa: S305 - GPCS E.3.4


def des3_ecb(key: bytes, data: bytes) -> bytes:
    """Triple DES in ECB mode. :param key: 16 or 24 bytes."""
    return _encrypt(_des3(key), modes.ECB(), data)  # noqa: S305 - GPCS B.1.1.2


def des3_ecb_decrypt(key: bytes, data: bytes) -> bytes:
    """The reverse of `des3_ecb`."""
    return _decrypt(_des3(key), modes.ECB(), data)  # noqa: S305 - GPCS B.1.1.2


def des3_cbc(key: bytes, data: bytes, iv: bytes = bytes(DES_BLOCK)) -> bytes:
    """Triple DES in CBC mode."""
    return _encrypt(_des3(key), modes.CBC(iv), data)


def des3_cbc_decrypt(key: bytes, data: bytes, iv: bytes = bytes(DES_BLOCK)) -> bytes:
    """The reverse of `des3_cbc`."""
    return _decrypt(_des3(key), modes.CBC(iv), data)


def full_mac(key: bytes, data: bytes, iv: bytes = bytes(DES_BLOCK)) -> bytes:
    """Full triple DES MAC, 8 bytes (GPCS B.1.2.1)."""
    return des3_cbc(key, pad80(data, DES_BLOCK), iv)[-DES_BLOCK:]


def retail_mac(key: bytes, data: bytes, iv: bytes = bytes(DES_BLOCK)) -> bytes:
    """Single DES with a final triple DES, 8 bytes (GPCS B.1.2.2; ISO/IEC 9797-1 algorithm 3)."""
    return retail_mac_of_blocks(key, pad80(data, DES_BLOCK), iv)


def retail_mac_of_blocks(key: bytes, padded: bytes, iv: bytes = bytes(DES_BLOCK)) -> bytes:
    """The same over data that are padded already, at least one block."""
    head, last = padded[:-DES_BLOCK], padded[-DES_BLOCK:]
    if head:
        iv = _encrypt(TripleDES(key[:8] * 3), modes.CBC(iv), head)[-DES_BLOCK:]
    return des3_cbc(key, last, iv)


def aes_ecb(key: bytes, data: bytes) -> bytes:
    """AES in ECB mode, for counters and key check values."""
    return _encrypt(AES(key), modes.ECB(), data)  # noqa: S305 - Amendment D 6.2.6


def aes_cbc(key: bytes, data: bytes, iv: bytes = bytes(AES_BLOCK)) -> bytes:
    """AES in CBC mode."""
    return _encrypt(AES(key), modes.CBC(iv), data)


def aes_cbc_decrypt(key: bytes, data: bytes, iv: bytes = bytes(AES_BLOCK)) -> bytes:
    """The reverse of `aes_cbc`."""
    return _decrypt(AES(key), modes.CBC(iv), data)


def aes_cmac(key: bytes, data: bytes) -> bytes:
    """AES CMAC, 16 bytes (NIST SP 800-38B; GPCS B.2.2)."""
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def kdf(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """Data derivation of SCP03: `size` bytes, counter mode over CMAC (Amendment D 4.1.5).

    :param constant: 00 card and 01 host cryptogram, 02 challenge, 04 S-ENC, 06 S-MAC, 07 S-RMAC.
    """
    label = bytes(11) + bytes((constant, 0)) + (size * 8).to_bytes(2, "big")
    blocks = range(1, -(-size // AES_BLOCK) + 1)
    return b"".join(aes_cmac(key, label + bytes((number,)) + context) for number in blocks)[:size]


def x963_kdf(secret: bytes, shared_info: bytes, size: int) -> bytes:
    """X9.63 key derivation with SHA-256 (BSI TR-03111 4.3.3; Amendment F)."""
    rounds = range(1, -(-size // 32) + 1)
    return b"".join(hashlib.sha256(secret + n.to_bytes(4, "big") + shared_info).digest() for n in rounds)[:size]


def kcv(key_type: int, key: bytes) -> bytes:
    """Key check value, 3 bytes: DES over zeros, AES over 01 bytes (GPCS B.6).

    >>> kcv(KEY_AES, bytes(range(0x40, 0x50))).hex()
    '504a77'
    """
    if key_type == KEY_AES:
        return aes_ecb(key, b"\x01" * AES_BLOCK)[:3]
    return (des_ecb if len(key) == 8 else des3_ecb)(key, bytes(DES_BLOCK))[:3]
