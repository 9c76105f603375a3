"""Public keys as certificates and data groups have them: SubjectPublicKeyInfo, curves by name or with every parameter.

ICAO wants explicit parameters (Doc 9303-12 4.4), which most libraries refuse: they are matched with a known curve by
prime, coefficients and order, never by what the key calls itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cardkit.apps.pki.algorithms import PSS, RSA_ENCRYPTION, Scheme, SignatureAlgorithm, digest
from cardkit.crypto import curves, ecdsa
from cardkit.crypto.curves import Curve
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

EC_PUBLIC_KEY = "1.2.840.10045.2.1"
PRIME_FIELD = "1.2.840.10045.1.1"
_WHAT = "SubjectPublicKeyInfo"
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class EcKey:
    """A point on a curve.

    :param explicit: whether the parameters are written out.
    """

    curve: Curve
    point: bytes
    explicit: bool

    @property
    def bits(self) -> int:
        """Size of the field."""
        return self.curve.p.bit_length()

    @property
    def coordinates(self) -> tuple[int, int]:
        """Of the point.  :raises EncodingError: where it is compressed."""
        if self.compressed:
            raise EncodingError(f"{_WHAT}: compressed point, expected both coordinates")
        size = self.curve.size
        return int.from_bytes(self.point[1 : 1 + size], "big"), int.from_bytes(self.point[1 + size :], "big")

    @property
    def compressed(self) -> bool:
        """Whether only one coordinate is there."""
        return self.point[:1] != b"\x04"


@dataclass(frozen=True, slots=True)
class RsaKey:
    """A modulus and an exponent."""

    n: int
    e: int

    @property
    def bits(self) -> int:
        """Size of the modulus."""
        return self.n.bit_length()


@lru_cache(maxsize=64)  # one signer's key is read for every document
def parse(data: bytes) -> EcKey | RsaKey:
    """Read a SubjectPublicKeyInfo.

    :raises EncodingError: on another algorithm than RSA and EC, on a curve that is none of
        :data:`cardkit.crypto.curves.CURVES`, on a point that is not on its curve.
    """
    fields = Fields(der.only(data, Tag.SEQUENCE, _WHAT).value, _WHAT)
    algorithm = fields.sequence("algorithm")
    key = der.read_bits(fields.take(Tag.BIT_STRING, "subjectPublicKey").value)
    fields.end()
    oid = algorithm.oid("algorithm")
    if oid in (RSA_ENCRYPTION, PSS):
        numbers = Fields(der.only(key, Tag.SEQUENCE, _WHAT).value, _WHAT)
        return RsaKey(numbers.integer("modulus"), numbers.integer("exponent"))
    if oid != EC_PUBLIC_KEY:
        raise EncodingError(f"{_WHAT}: algorithm {oid}, expected RSA or EC")
    curve, explicit = _curve(algorithm)
    found = EcKey(curve, key, explicit)
    if not found.compressed and (len(key) != 1 + 2 * curve.size or not curve.contains(*found.coordinates)):
        raise EncodingError(f"{_WHAT}: a point of {len(key)} bytes that is not on {curve.name}")
    return found


def _curve(algorithm: Fields) -> tuple[Curve, bool]:
    named = algorithm.maybe(Tag.OID)
    if named is None:
        return explicit_curve(algorithm.take(Tag.SEQUENCE, "parameters").build()), True
    oid = der.read_oid(named.value)
    if oid not in curves.BY_OID:
        raise EncodingError(f"{_WHAT}: curve {oid} is none of travel documents")
    return curves.BY_OID[oid], False


def same(first: bytes, second: bytes) -> bool:
    """Whether two SubjectPublicKeyInfo are one key, in whatever form its curve is written."""
    one, other = parse(first), parse(second)
    if isinstance(one, EcKey) and isinstance(other, EcKey):
        return (one.curve, one.point) == (other.curve, other.point)
    return one == other


def explicit_curve(parameters: bytes) -> Curve:
    """Return the curve whose ECParameters these are. RFC 3279 2.3.5

    :raises EncodingError: where they are those of no known curve.
    """
    fields = Fields(der.only(parameters, Tag.SEQUENCE, "ECParameters").value, "ECParameters")
    fields.integer("version")
    field = fields.sequence("fieldID")
    if field.oid("fieldType") != PRIME_FIELD:
        raise EncodingError("ECParameters: a field that is not prime")
    p = field.integer("prime")
    coefficients = fields.sequence("curve")
    a, b = (int.from_bytes(coefficients.octets(name), "big") for name in ("a", "b"))
    generator, n = fields.octets("base"), fields.integer("order")
    found = curves.matching(p, a, b, n)
    if found is None or generator[1 : 1 + found.size] != found.x.to_bytes(found.size, "big"):
        raise EncodingError(f"ECParameters: a curve of {p.bit_length()} bits that is none of travel documents")
    return found


def build_ec(curve: Curve, point: bytes, *, explicit: bool) -> bytes:
    """Return the SubjectPublicKeyInfo of a point.

    :param explicit: whether every parameter is written out, as ICAO Doc 9303-12 4.4 wants it.
    """
    parameters = ec_parameters(curve) if explicit else der.oid(curve.oid)
    return der.sequence(der.sequence(der.oid(EC_PUBLIC_KEY), parameters), der.bits(point))


def build_rsa(n: int, e: int) -> bytes:
    """Return the SubjectPublicKeyInfo of an RSA key. RFC 3279 2.3.1"""
    key = der.sequence(der.integer(n), der.integer(e))
    return der.sequence(der.sequence(der.oid(RSA_ENCRYPTION), der.NULL), der.bits(key))


def ec_parameters(curve: Curve) -> bytes:
    """Return the ECParameters of a curve. RFC 3279 2.3.5, BSI TR-03111 5.2"""
    coefficients = (der.octets(number.to_bytes(curve.size, "big")) for number in (curve.a, curve.b))
    return der.sequence(
        der.integer(1),
        der.sequence(der.oid(PRIME_FIELD), der.integer(curve.p)),
        der.sequence(*coefficients),
        der.octets(curve.generator),
        der.integer(curve.n),
        der.integer(1),
    )


def verifies(
    public_key: bytes, algorithm: SignatureAlgorithm, message: bytes, signature: bytes, hashed: str = ""
) -> bool:
    """Whether a signature is right.

    :param public_key: SubjectPublicKeyInfo.  :param hashed: the hash, where the algorithm does not name one.
    :raises EncodingError: on a key that cannot be read, or is of another scheme.
    """
    key = parse(public_key)
    name = algorithm.hash or hashed
    if name not in _HASHES:
        raise EncodingError(f"signature algorithm {algorithm.oid}: no hash is named")
    hashing = _HASHES[name]()
    if isinstance(key, EcKey):
        _expect(algorithm, Scheme.ECDSA)
        return _ecdsa_verifies(key, name, message, signature)
    _expect(algorithm, Scheme.PKCS1, Scheme.PSS)
    try:
        _loaded_rsa(key).verify(signature, message, _padding(algorithm, hashing), hashing)
    except InvalidSignature:
        return False
    return True


def _expect(algorithm: SignatureAlgorithm, *schemes: Scheme) -> None:
    if algorithm.scheme not in schemes:
        raise EncodingError(
            f"signature algorithm {algorithm.oid}: {algorithm.scheme.value}, the key is of another kind"
        )


def _padding(algorithm: SignatureAlgorithm, hashing: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.scheme is Scheme.PKCS1:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hashing), algorithm.salt_bytes)


def _ecdsa_verifies(key: EcKey, hashing: str, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right, r and s in a SEQUENCE; by ``cryptography`` where it has the curve."""
    loaded = _loaded_ec(key)
    if loaded is None:
        numbers = Fields(der.only(signature, Tag.SEQUENCE, "signature").value, "signature")
        r, s = numbers.integer("r"), numbers.integer("s")
        numbers.end()
        return ecdsa.verifies(key.curve, key.coordinates, digest(hashing, message), r, s)
    try:
        loaded.verify(signature, message, ec.ECDSA(_HASHES[hashing]()))
    except InvalidSignature:
        return False
    return True


def _loaded_ec(key: EcKey) -> ec.EllipticCurvePublicKey | None:
    """Return the key as ``cryptography`` has it; None where it does not have the curve."""
    try:
        loaded = load_der_public_key(build_ec(key.curve, key.point, explicit=False))
    except UnsupportedAlgorithm:
        return None
    except ValueError:
        raise EncodingError(f"{_WHAT}: key on {key.curve.name} cannot be used") from None
    return loaded if isinstance(loaded, ec.EllipticCurvePublicKey) else None


def _loaded_rsa(key: RsaKey) -> RSAPublicKey:
    try:
        return RSAPublicNumbers(key.e, key.n).public_key()
    except (ValueError, OverflowError):  # the latter of negative numbers
        raise EncodingError(f"{_WHAT}: RSA key of {key.bits} bits cannot be used") from None
