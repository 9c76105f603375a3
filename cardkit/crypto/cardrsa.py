"""RSA key pairs that are made for one card and go into it, in parts (EMV CPS 2.0 A.2; GPCS Tables 11-98, 11-99)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from cardkit.crypto.emvrsa import EXPONENTS, RsaPublicKey
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

CRT_PARTS = ("q^-1 mod p", "d mod (q-1)", "d mod (p-1)", "q", "p")
_LEAST_BYTES, _MOST_BYTES = 128, 256


@dataclass(frozen=True, slots=True)
class CardRsaKey:
    """A card's key pair.

    :param crt: q^-1 mod p, d mod (q-1), d mod (p-1), q and p, each half as long as the modulus.
    :param exponent: d, as long as the modulus.
    """

    public: RsaPublicKey
    crt: tuple[Secret, ...] = field(repr=False)
    exponent: Secret = field(repr=False)

    def check(self) -> None:
        """Check every part against the others, then sign once and verify with the public key.

        :raises KeyStoreError: where they are not of one pair.
        """
        modulus, e = (int.from_bytes(value, "big") for value in (self.public.modulus, self.public.exponent))
        qinv, dq, dp, q, p, d = (_number(part) for part in (*self.crt, self.exponent))
        exponents = ((dp, p), (dq, q), (d, p), (d, q))
        if p * q != modulus or q * qinv % p != 1 or any(e * part % (prime - 1) != 1 for part, prime in exponents):
            raise KeyStoreError("card key: private and public part are not of one pair")
        public = rsa.RSAPublicNumbers(e, modulus)
        numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qinv, public)
        private = numbers.private_key(unsafe_skip_rsa_key_validation=True)
        signature = private.sign(self.public.modulus, PKCS1v15(), SHA256())
        try:
            private.public_key().verify(signature, self.public.modulus, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise KeyStoreError("card key: a signature is not verified by the public key") from None


def generate(bits: int, exponent: int) -> CardRsaKey:
    """Make a key pair; it takes tens to hundreds of milliseconds.

    :param bits: of the modulus, 1024 to 2048, whole bytes.  :param exponent: 3 or 65537.
    :raises KeyStoreError: on another size or exponent.
    """
    public = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    if public not in EXPONENTS or bits % 16 or not _LEAST_BYTES <= bits // 8 <= _MOST_BYTES:
        raise KeyStoreError(
            f"card key: RSA of {bits} bits with exponent {exponent}, expected 1024 to {8 * _MOST_BYTES} bits in "
            "steps of 16 with 3 or 65537"
        )
    return from_numbers(rsa.generate_private_key(exponent, bits).private_numbers())


def from_numbers(numbers: rsa.RSAPrivateNumbers) -> CardRsaKey:
    """Return the key pair of these numbers."""
    public = numbers.public_numbers
    size = (public.n.bit_length() + 7) // 8
    parts = (numbers.iqmp, numbers.dmq1, numbers.dmp1, numbers.q, numbers.p)
    return CardRsaKey(
        RsaPublicKey(public.n.to_bytes(size, "big"), public.e.to_bytes((public.e.bit_length() + 7) // 8, "big")),
        tuple(Secret(part.to_bytes((size + 1) // 2, "big"), name) for part, name in zip(parts, CRT_PARTS, strict=True)),
        Secret(numbers.d.to_bytes(size, "big"), "d"),
    )


def _number(part: Secret) -> int:
    with part.reveal() as clear:
        return int.from_bytes(clear, "big")
