"""Message authentication codes, padding and key derivation of GlobalPlatform (GPCS B.1.2, B.2; Amd D 4.1).

Classes keep their ciphers for a session; the functions of the same name are for one message.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

from cardkit.crypto.cbc import CbcEncryptor
from cardkit.errors import EncodingError

_DES_BLOCK = 8
_AES_BLOCK = 16

# Padding that adds 1 to 16 bytes.
_PADDINGS = tuple(b"\x80" + bytes(count) for count in range(16))

# NIST SP 800-38B 5.3: the constant of a 128-bit block.
_RB = 0x87
_ALL_BITS = (1 << 128) - 1
_TOP_BIT = 1 << 127

# KDF in counter mode: at most this many blocks (the counter is one byte; Amd D 4.1.5).
_MOST_KDF_BLOCKS = 255


def pad80(data: bytes, size: int) -> bytes:
    """Return data with a byte 80 and zeros up to a multiple of `size`, 16 at most; at least one byte is added.

    ISO/IEC 9797-1 padding method 2.

    >>> pad80(b"\\x01\\x02", 4).hex(), pad80(b"", 2).hex()
    ('01028000', '8000')
    """
    return data + _PADDINGS[~len(data) % size]


def unpad80(data: bytes) -> bytes:
    """Return data without its padding, the inverse of :func:`pad80`.

    :raises EncodingError: when the data does not end in 80 and zeros.

    >>> unpad80(bytes.fromhex("01028000")).hex()
    '0102'
    """
    stripped = data.rstrip(b"\x00")
    if stripped[-1:] != b"\x80":
        raise EncodingError("padding: expected a byte 80 and zeros at the end of the data")
    return stripped[:-1]


class FullMac:
    """Triple DES MAC: the last block of 3DES-CBC over the padded message (GPCS B.1.2.1).

    :param key: 16 or 24 bytes.  :raises KeyStoreError: on another length.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes | bytearray) -> None:
        self._cipher = CbcEncryptor("3DES", key)

    def mac(self, message: bytes, iv: bytes = b"") -> bytes:
        """Return 8 bytes.

        :param iv: 8 bytes; empty for zeros.
        """
        return self._cipher.encrypt(pad80(message, _DES_BLOCK), iv)[-_DES_BLOCK:]


class RetailMac:
    """Single DES MAC with a final triple DES (ISO/IEC 9797-1 algorithm 3; GPCS B.1.2.2).

    :param key: 16 or 24 bytes; its first 8 are the single DES key.  :raises KeyStoreError: on another length.
    """

    __slots__ = ("_final", "_inner")

    def __init__(self, key: bytes | bytearray) -> None:
        self._final = CbcEncryptor("3DES", key)
        self._inner = CbcEncryptor("3DES", key[:_DES_BLOCK] * 3)

    def mac(self, message: bytes, iv: bytes = b"") -> bytes:
        """Return 8 bytes.

        :param iv: 8 bytes; empty for zeros.
        """
        return self.mac_padded(pad80(message, _DES_BLOCK), iv)

    def mac_padded(self, padded: bytes, iv: bytes = b"") -> bytes:
        """Return the 8-byte MAC of whole blocks.

        :param iv: 8 bytes; empty for zeros.
        """
        body, last = padded[:-_DES_BLOCK], padded[-_DES_BLOCK:]
        return self._final.encrypt(last, self._inner.encrypt(body, iv)[-_DES_BLOCK:] if body else iv)


class Cmac:
    """CMAC with AES (NIST SP 800-38B; GPCS B.2.2).

    :param key: 16, 24 or 32 bytes.  :raises KeyStoreError: on another length.
    """

    __slots__ = ("_cipher", "_subkey_padded", "_subkey_whole")

    def __init__(self, key: bytes | bytearray) -> None:
        self._cipher = CbcEncryptor("AES", key)
        self._subkey_whole = _doubled(int.from_bytes(self._cipher.encrypt(bytes(_AES_BLOCK))))
        self._subkey_padded = _doubled(self._subkey_whole)

    def mac(self, message: bytes) -> bytes:
        """Return 16 bytes."""
        if message and not len(message) % _AES_BLOCK:
            subkey = self._subkey_whole
        else:
            message, subkey = pad80(message, _AES_BLOCK), self._subkey_padded
        last = int.from_bytes(message[-_AES_BLOCK:]) ^ subkey
        return self._cipher.encrypt(message[:-_AES_BLOCK] + last.to_bytes(_AES_BLOCK))[-_AES_BLOCK:]


def _doubled(block: int) -> int:
    """Multiply by x in the field of SP 800-38B."""
    return block << 1 & _ALL_BITS ^ (_RB if block & _TOP_BIT else 0)


def full_mac(key: bytes | bytearray, message: bytes, iv: bytes = b"") -> bytes:
    """Return the 8-byte MAC of :class:`FullMac`."""
    return FullMac(key).mac(message, iv)


def retail_mac(key: bytes | bytearray, message: bytes, iv: bytes = b"") -> bytes:
    """Return the 8-byte MAC of :class:`RetailMac`.

    >>> retail_mac(bytes.fromhex("D1C28C601652A4770D67AD82D2D2E1C4"), bytes.fromhex("8482010010C7B5CEE99A930235")).hex()
    'cc6a0506b345c9b5'
    """
    return RetailMac(key).mac(message, iv)


def cmac(key: bytes | bytearray, message: bytes) -> bytes:
    """Return the 16-byte MAC of :class:`Cmac`.

    >>> cmac(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), b"").hex()  # RFC 4493 example 1
    'bb1d6929e95937287fa37d129b756746'
    """
    return Cmac(key).mac(message)


def kdf(key: bytes | bytearray, constant: int, context: bytes, size: int) -> bytes:
    """Derive key material from an AES key: NIST SP 800-108 in counter mode with CMAC, fields as Amd D 4.1.5.

    :param key: 16, 24 or 32 bytes.  :param constant: the derivation constant, 0 to 255 (Amd D table 4-1).
    :param size: bytes wanted, 1 to 4,080.  :raises EncodingError: on a size out of range.
    """
    blocks = -(-size // _AES_BLOCK)
    if not 1 <= blocks <= _MOST_KDF_BLOCKS:
        raise EncodingError(f"KDF: got a size of {size} bytes, expected 1 to {_MOST_KDF_BLOCKS * _AES_BLOCK}")
    mac = Cmac(key)
    label = bytes(11) + bytes((constant, 0)) + (8 * size).to_bytes(2)
    return b"".join(mac.mac(label + bytes((i,)) + context) for i in range(1, blocks + 1))[:size]


def x963_kdf(secret: bytes | bytearray, shared_info: bytes, size: int) -> bytes:
    """Derive key material from an agreed secret with SHA-256 (BSI TR-03111 4.3.3; GPCS B.4.5).

    :param secret: X coordinates.  :param size: bytes wanted.
    """
    return X963KDF(algorithm=SHA256(), length=size, sharedinfo=shared_info).derive(bytes(secret))
