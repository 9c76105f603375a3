"""RSA as payment cards use it: blocks as long as the modulus, from 6A to BC, that are recovered and not compared.

``cryptography`` has no such operation, so the arithmetic is here, by ``pow``, for keys of any size there ever was.
EMV 4.4 Book 2, A2.1, B2.1
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

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

    @classmethod
    def of(cls, modulus: int, exponent: int) -> RsaPublicKey:
        """Return the key of two numbers, each as long as it needs to be."""
        return cls(*(number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (modulus, exponent)))

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


@dataclass(frozen=True, slots=True)
class CrtNumbers:
    """A private key as the Chinese remainder theorem wants it; it lives as long as one signature.

    :param qinv: q^-1 mod p.
    """

    p: int = field(repr=False)
    q: int = field(repr=False)
    dp: int = field(repr=False)
    dq: int = field(repr=False)
    qinv: int = field(repr=False)

    def power(self, number: int) -> int:
        """Return number^d mod n."""
        at_p, at_q = pow(number, self.dp, self.p), pow(number, self.dq, self.q)
        return at_q + self.q * ((at_p - at_q) * self.qinv % self.p)


def sign(private: CrtNumbers, public: RsaPublicKey, name: str, content: bytes, extra: bytes) -> bytes:
    """Return the block of a content under a private key: ``6A content hash BC``, signed, recovered and compared.

    :param content: from the format byte to the byte before the hash: 22 bytes shorter than the modulus.
    :param extra: what is hashed behind the content and not in the block.
    :raises KeyStoreError: on a content of another length or format, or where recovering gives something else.
    Book 2, A2.1; ``pow`` is not constant in time: keys worth an attack belong in a token
    """
    block = signed_block(public, name, content, extra)
    signature = private.power(_number(block)).to_bytes(public.size, "big")
    check_signature(public, name, block, signature)
    return signature


def check_signature(public: RsaPublicKey, name: str, block: bytes, signature: bytes) -> None:
    """Raise KeyStoreError for a signature that does not recover to its block."""
    if len(signature) != public.size or not hmac.compare_digest(public.recover(signature), block):
        raise KeyStoreError(f"key {name}: a signature does not recover: the private key is broken")


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


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
