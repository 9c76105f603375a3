"""Asymmetric keys: made or taken in, kept as PKCS #8, used on raw blocks and hashes."""

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import curves

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Domain = int | ec.EllipticCurve  # bits of a modulus, or a curve

_EXPONENT: Final = 65_537
_EXPONENT_BYTES: Final = b"\x01\x00\x01"
_PUBLIC: Final = 0x7F49
_MODULUS, _PUBLIC_EXPONENT, _POINT = 0x81, 0x82, 0x86
_HASHES: Final[Mapping[int, hashes.HashAlgorithm]] = {32: hashes.SHA256(), 48: hashes.SHA384()}


def generate(domain: Domain, random: Callable[[int], bytes]) -> PrivateKey:
    """A new key; those on curves follow from `random`."""
    if isinstance(domain, int):
        return rsa.generate_private_key(_EXPONENT, domain)
    return curves.draw(random, domain)


def from_primes(p: bytes, q: bytes, crt: tuple[bytes, bytes, bytes], bits: int) -> rsa.RSAPrivateKey:
    """An RSA key with the public exponent 65537.

    :param crt: d mod p-1, d mod q-1, 1/q mod p.
    :raises StatusWordError: 6A80 for numbers that do not belong together, or another size.
    """
    prime, other, dp, dq, inverse = (int.from_bytes(part, "big") for part in (p, q, *crt))
    if (prime * other).bit_length() != bits or max(prime, other) >= 1 << bits // 2:  # before anything takes long
        raise StatusWordError(sw.WRONG_DATA)
    try:
        d = pow(_EXPONENT, -1, (prime - 1) * (other - 1))
        public = rsa.RSAPublicNumbers(_EXPONENT, prime * other)
        return rsa.RSAPrivateNumbers(prime, other, d, dp, dq, inverse, public).private_key()
    except ValueError:
        raise StatusWordError(sw.WRONG_DATA) from None


def stored(key: PrivateKey) -> bytes:
    """PKCS #8, as it lies in memory."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load(body: bytes) -> PrivateKey:
    """A key from memory.

    :raises StatusWordError: 6F00 when the memory holds no such key.
    """
    key = load_der_private_key(body, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, PrivateKey):
        raise StatusWordError(sw.INTERNAL)
    return key


def public_objects(key: PrivateKey) -> bytes:
    """The public half: `86 point`, or `81 modulus 82 exponent`."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return tlv.build(_POINT, curves.point_of(key.public_key()))
    modulus = key.public_key().public_numbers().n.to_bytes(key.key_size // 8, "big")
    return tlv.build(_MODULUS, modulus) + tlv.build(_PUBLIC_EXPONENT, _EXPONENT_BYTES)


def public_template(key: PrivateKey) -> bytes:
    """`7F49` with the public half in it, as a generated key is answered."""
    return tlv.build(_PUBLIC, public_objects(key))


def raw_rsa(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """The private operation on one block, as long as the modulus.

    :raises StatusWordError: 6A80 for another length, and from the modulus on.
    """
    numbers, size = key.private_numbers(), key.key_size // 8
    number = int.from_bytes(block, "big")
    if len(block) != size or number >= numbers.public_numbers.n:
        raise StatusWordError(sw.WRONG_DATA)
    first, second = pow(number, numbers.dmp1, numbers.p), pow(number, numbers.dmq1, numbers.q)
    lift = (first - second) * numbers.iqmp % numbers.p
    return (second + lift * numbers.q).to_bytes(size, "big")


def ecdsa(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """A signature in DER; a hash shorter than the field counts as the number it is.

    :raises StatusWordError: 6A80 for no hash, or one longer than the field.
    """
    size = key.key_size // 8
    if not 0 < len(digest) <= size:
        raise StatusWordError(sw.WRONG_DATA)
    return key.sign(digest.rjust(size, b"\x00"), ec.ECDSA(Prehashed(_HASHES[size])))
