"""RSA as payment cards use it: blocks as long as the modulus, from 6A to BC, that are recovered and not compared.

``cryptography`` has no such operation, so the arithmetic is here, for keys of any size there ever was.
EMV 4.4 Book 2, A2.1, B2.1
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from Crypto.Math.Numbers import Integer

from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError, KeyStoreError

HEADER = 0x6A
TRAILER = 0xBC
HASH_BYTES = 20
# EMV Book 2, B2.1.2: the only public exponents, without leading zeros
EXPONENTS = (b"\x03", b"\x01\x00\x01")
# What issuers and payment systems sign: issuer certificate, static data, ICC certificate; cards sign dynamic data
CERTIFIED = (2, 3, 4)
FORMATS = (*CERTIFIED, 5)
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


def sign(crt: Sequence[Secret], public: RsaPublicKey, name: str, content: bytes, extra: bytes) -> bytes:
    """Return the block of a content under a private key: ``6A content hash BC``, signed, recovered and compared.

    :param crt: q^-1 mod p, d mod (q-1), d mod (p-1), q and p.
    :param content: from the format byte to the byte before the hash: 22 bytes shorter than the modulus.
    :param extra: what is hashed behind the content and not in the block.
    :raises KeyStoreError: on a content of another length or format, or where recovering gives something else.
    Book 2, A2.1; keys worth an attack belong in a token
    """
    block = signed_block(public, name, content, extra)
    signature = private_power(crt, block, public.size)
    check_signature(public, name, block, signature)
    return signature


def private_power(crt: Sequence[Secret], block: bytes, size: int) -> bytes:
    """Return a block to the power of the private exponent, by the Chinese remainder theorem.

    :param crt: as for :func:`sign`.  :param size: of the modulus, in bytes.

    The powers are pycryptodome's: five times as fast as ``pow``, and from its version 4 on constant in time.
    """
    with ExitStack() as stack:
        qinv, dq, dp, q, p = (_number(stack.enter_context(part.reveal())) for part in crt)
    number = Integer(_number(block))
    at_p, at_q = int(pow(number, dp, p)), int(pow(number, dq, q))
    return (at_q + q * ((at_p - at_q) * qinv % p)).to_bytes(size, "big")


def check_certified(name: str, content: bytes) -> None:
    """Raise KeyStoreError for a content that no issuer and no payment system signs."""
    if not content or content[0] not in CERTIFIED:
        raise KeyStoreError(f"key {name}: format {content[:1].hex().upper()}, expected 02, 03 or 04")


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


def _number(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "big")
