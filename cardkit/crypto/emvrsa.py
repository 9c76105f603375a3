"""RSA as payment cards use it: blocks as long as the modulus, from 6A to BC, that are recovered and not compared.

``cryptography`` has no such operation, so the arithmetic is here, by ``pow``, for keys of any size there ever was.
EMV 4.4 Book 2, A2.1, B2.1
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers

from cardkit.errors import EncodingError, KeyStoreError

HEADER = 0x6A
TRAILER = 0xBC
HASH_BYTES = 20
# EMV Book 2, B2.1.2: the only public exponents, without leading zeros
EXPONENTS = (b"\x03", b"\x01\x00\x01")
# What cardkit signs: static data, issuer certificate, ICC certificate, dynamic data (Book 2, 5 and 6)
FORMATS = (2, 3, 4, 5)
LONGEST_BYTES = 248


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """An RSA public key of a payment system, an issuer or a card.

    :param modulus: big-endian, as many bytes as it is stored in.  :param exponent: ``03`` or ``010001``.
    """

    modulus: bytes
    exponent: bytes

    @property
    def size(self) -> int:
        """Bytes of the modulus, and of every block under it."""
        return len(self.modulus)

    @property
    def bits(self) -> int:
        """Bits of the modulus, as it is stored."""
        return 8 * len(self.modulus)

    def recover(self, block: bytes) -> bytes:
        """Return a signed or enciphered block to the power of the exponent.

        :raises EncodingError: on a block of another length, an exponent EMV has not, or an even modulus.
        Book 2, A2.1
        """
        check_exponent("RSA", self.exponent)
        if len(block) != self.size:
            raise EncodingError(f"RSA: block of {len(block)} bytes, expected {self.size} as the modulus")
        if not self.modulus or not self.modulus[-1] & 1:
            raise EncodingError(f"RSA: modulus of {self.size} bytes is even, so it is none")
        number = pow(_number(block), _number(self.exponent), _number(self.modulus))
        return number.to_bytes(self.size, "big")


def check_exponent(what: str, exponent: bytes) -> None:
    """Raise EncodingError for a public exponent other than 3 and 65537, or with leading zeros."""
    if exponent not in EXPONENTS:
        raise EncodingError(f"{what}: public exponent {exponent.hex().upper() or 'absent'}, expected 03 or 010001")


def sign(private: RSAPrivateNumbers, name: str, content: bytes, extra: bytes) -> bytes:
    """Return the block of a content under a private key: ``6A content hash BC``, signed, recovered and compared.

    :param content: from the format byte to the byte before the hash: 22 bytes shorter than the modulus.
    :param extra: what is hashed behind the content and not in the block.
    :raises KeyStoreError: on a content of another length or format, or where recovering gives something else.
    Book 2, A2.1; ``pow`` is not constant in time: keys worth an attack belong in a token
    """
    public = RsaPublicKey(_bytes(private.public_numbers.n), _bytes(private.public_numbers.e))
    block = signed_block(public, name, content, extra)
    signature = _private_power(private, _number(block)).to_bytes(public.size, "big")
    if not hmac.compare_digest(public.recover(signature), block):
        raise KeyStoreError(f"key {name}: a signature does not recover: the private key is broken")
    return signature


def signed_block(public: RsaPublicKey, name: str, content: bytes, extra: bytes) -> bytes:
    """Return the block that is signed: ``6A content hash BC``; errors as :func:`sign`."""
    room = public.size - HASH_BYTES - 2
    if len(content) != room:
        raise KeyStoreError(f"key {name}: content of {len(content)} bytes, expected {room} under {public.bits} bits")
    if content[0] not in FORMATS:
        raise KeyStoreError(f"key {name}: format {content[0]:02X}, expected one of 02, 03, 04, 05")
    if public.exponent not in EXPONENTS:
        raise KeyStoreError(f"key {name}: public exponent {public.exponent.hex().upper()}, expected 03 or 010001")
    digest = hashlib.sha1(content + extra).digest()  # noqa: S324  hash algorithm 01, the only one EMV has here
    return bytes((HEADER,)) + content + digest + bytes((TRAILER,))


def _private_power(private: RSAPrivateNumbers, number: int) -> int:
    """Return number^d mod n by the Chinese remainder theorem."""
    p, q = private.p, private.q
    at_p, at_q = pow(number, private.dmp1, p), pow(number, private.dmq1, q)
    return at_q + q * ((at_p - at_q) * private.iqmp % p)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
