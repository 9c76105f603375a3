"""Certificates of SCP11: X.509 and GlobalPlatform's own form, and the chain that makes a card's key trusted.

Amd F 6 (from memory). No clock: the date comes in.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from cardkit.crypto.agreement import public_point
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, EncodingError

_STORE = 0xBF21
_X509 = 0x30
_GP = 0x7F21

# Data objects of a GlobalPlatform certificate.
_SERIAL, _ISSUER, _SUBJECT, _USAGE = 0x93, 0x42, 0x5F20, 0x95
_FROM, _UNTIL, _KEY, _SIGNATURE = 0x5F25, 0x5F24, 0x7F49, 0x5F37
_POINT, _CURVE = 0xB0, 0xF0
_FOR_CERTIFICATES, _FOR_AGREEMENT = b"\x82", b"\x00\x80"

# Key parameter references of GPCS table B-2; the twisted Brainpool curves are not offered by our cipher library.
_CURVES: dict[bytes, ec.EllipticCurve] = {
    b"\x00": ec.SECP256R1(),
    b"\x01": ec.SECP384R1(),
    b"\x02": ec.SECP521R1(),
    b"\x03": ec.BrainpoolP256R1(),
    b"\x05": ec.BrainpoolP384R1(),
    b"\x07": ec.BrainpoolP512R1(),
}


# What the X.509 parser says of bytes it cannot read.
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
    OverflowError,
)

_SHA384_BITS, _SHA512_BITS = 384, 512

E = TypeVar("E", bound=x509.ExtensionType)


class Certificate(ABC):
    """A certificate on an elliptic curve key.

    :param raw: as read.  :param serial: serial number.  :param issuer: who signed it, as the form names it.
    :param subject: whose key it is.  :param validity: first and last day, the first None where it does not say.
    """

    def __init__(
        self,
        raw: bytes,
        names: tuple[bytes, bytes, bytes],
        validity: tuple[date | None, date],
        public_key: ec.EllipticCurvePublicKey,
    ) -> None:
        self.raw = raw
        self.serial, self.issuer, self.subject = names
        self.not_before, self.not_after = validity
        self.public_key = public_key

    @property
    @abstractmethod
    def certifies(self) -> bool:
        """Whether its key may sign certificates."""

    @property
    @abstractmethod
    def agrees(self) -> bool:
        """Whether its key may be used for key agreement."""

    @abstractmethod
    def check_signature(self, signer: ec.EllipticCurvePublicKey) -> None:
        """Check who signed it.

        :raises InvalidSignature: when it was another.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.serial.hex().upper()} until {self.not_after.isoformat()}>"


class X509Certificate(Certificate):
    """A certificate in the form of RFC 5280, DER.

    :raises EncodingError: when it is none, its key is on no elliptic curve, or it is signed in another way.
    """

    def __init__(self, raw: bytes) -> None:
        try:
            self._x509 = x509.load_der_x509_certificate(raw)
            self._extensions = self._x509.extensions
            key, algorithm = self._x509.public_key(), self._x509.signature_hash_algorithm
            names = (
                _unsigned(self._x509.serial_number),
                self._x509.issuer.public_bytes(),
                self._x509.subject.public_bytes(),
            )
            validity = (self._x509.not_valid_before_utc.date(), self._x509.not_valid_after_utc.date())
        except _UNREADABLE as error:
            raise EncodingError(f"X.509 certificate: {error}") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(algorithm, SHA256 | SHA384 | SHA512):
            raise EncodingError("X.509 certificate: expected an elliptic curve key and a signature with SHA-2")
        self._hash = algorithm
        super().__init__(raw, names, validity, key)

    @property
    def certifies(self) -> bool:
        """Whether its basic constraints say CA."""
        constraints = _extension(self._extensions, x509.BasicConstraints)
        return constraints is not None and constraints.ca

    @property
    def agrees(self) -> bool:
        """Whether its key usage says key agreement, or says nothing."""
        usage = _extension(self._extensions, x509.KeyUsage)
        return usage is None or usage.key_agreement

    def check_signature(self, signer: ec.EllipticCurvePublicKey) -> None:
        """Check the ECDSA signature; InvalidSignature when another key made it."""
        signer.verify(self._x509.signature, self._x509.tbs_certificate_bytes, ec.ECDSA(self._hash))


class GpCertificate(Certificate):
    """A certificate in GlobalPlatform's form: ``7F21{93 42 5F20 95 [5F25] 5F24 [53|73] [BF20] 7F49 5F37}``.

    :raises EncodingError: when an object is missing, doubled or malformed, or the curve is not known here.
    """

    def __init__(self, raw: bytes) -> None:
        self._objects = tlv.parse(raw)[0].children()
        self._usage = self._one(_USAGE)
        self._signature = self._one(_SIGNATURE)
        if self._objects[-1].tag != _SIGNATURE:
            raise EncodingError("GP certificate: the signature 5F37 is not its last object")
        start = _day(self._one(_FROM)) if _FROM in self._objects else None
        names = (self._one(_SERIAL), self._one(_ISSUER), self._one(_SUBJECT))
        super().__init__(raw, names, (start, _day(self._one(_UNTIL))), _public_key(self._one(_KEY)))

    def _one(self, tag: int) -> bytes:
        found = self._objects.find(tag)
        if len(found) != 1:
            raise EncodingError(f"GP certificate: object {tag:02X} is there {len(found)} times, expected once")
        return found[0].value

    @property
    def certifies(self) -> bool:
        """Whether its key usage 95 says so."""
        return self._usage == _FOR_CERTIFICATES

    @property
    def agrees(self) -> bool:
        """Whether its key usage 95 says so."""
        return self._usage == _FOR_AGREEMENT

    def check_signature(self, signer: ec.EllipticCurvePublicKey) -> None:
        """Check the plain ECDSA signature (r and s, no ASN.1; GPCS B.4.3) over all objects before it."""
        half = (signer.key_size + 7) // 8
        if len(self._signature) != 2 * half:
            raise InvalidSignature
        r, s = (int.from_bytes(part) for part in (self._signature[:half], self._signature[half:]))
        signed = b"".join(item.build() for item in self._objects if item.tag != _SIGNATURE)
        signer.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_hash_for(signer.key_size)))


def parse_certificates(data: bytes) -> list[Certificate]:
    """Read certificates one after the other, or the certificate store BF21 that holds them.

    :raises EncodingError: when there is none, or something else.
    """
    objects = list(tlv.parse(data))
    if len(objects) == 1 and objects[0].tag == _STORE:
        objects = list(objects[0].children())
    forms: dict[int, type[X509Certificate | GpCertificate]] = {_X509: X509Certificate, _GP: GpCertificate}
    strange = [item.tag for item in objects if item.tag not in forms]
    if strange or not objects:
        raise EncodingError(f"certificates: got {f'tag {strange[0]:02X}' if strange else 'none'}, expected 30 or 7F21")
    return [forms[item.tag](item.build()) for item in objects]


def trusted_key(
    chain: Sequence[Certificate], roots: Sequence[ec.EllipticCurvePublicKey], *, now: date
) -> ec.EllipticCurvePublicKey:
    """Return the key of a chain's last certificate, once every link has been checked.

    :param chain: the leaf last; the first is signed by a root, and may be the root itself.
    :param roots: pinned public keys.  :param now: the day the chain must be valid on.
    :raises AuthenticationError: when a link does not hold: the key is somebody's, but not proved to be the card's.
    """
    if not chain:
        raise AuthenticationError("certificate chain: empty, and no key is trusted without one")
    _check_anchor(chain[0], roots)
    for issuer, certificate in itertools.pairwise(chain):
        _check_link(issuer, certificate)
    for certificate in chain:
        _check_validity(certificate, now)
    if not chain[-1].agrees:
        raise AuthenticationError(f"certificate chain: the key of {chain[-1]!r} is not for key agreement")
    return chain[-1].public_key


def _check_anchor(certificate: Certificate, roots: Sequence[ec.EllipticCurvePublicKey]) -> None:
    if not any(_signed_by(certificate, root) for root in roots):
        raise AuthenticationError(
            f"certificate chain: {certificate!r} was signed by none of the {len(roots)} pinned roots"
        )


def _check_link(issuer: Certificate, certificate: Certificate) -> None:
    if certificate.issuer != issuer.subject:
        raise AuthenticationError(f"certificate chain: {certificate!r} names another issuer than the one before it")
    if not issuer.certifies:
        raise AuthenticationError(f"certificate chain: {issuer!r} may not sign certificates")
    if not _signed_by(certificate, issuer.public_key):
        raise AuthenticationError(f"certificate chain: {certificate!r} was not signed by the one before it")


def _check_validity(certificate: Certificate, now: date) -> None:
    early = certificate.not_before is not None and now < certificate.not_before
    if early or now > certificate.not_after:
        raise AuthenticationError(f"certificate chain: {certificate!r} is not valid on {now.isoformat()}")


def _signed_by(certificate: Certificate, signer: ec.EllipticCurvePublicKey) -> bool:
    try:
        certificate.check_signature(signer)
    except InvalidSignature:
        return False
    return True


def _unsigned(number: int) -> bytes:
    """Write a serial number in as many bytes as it needs; OverflowError on a negative one."""
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))


def _extension(extensions: x509.Extensions, kind: type[E]) -> E | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _public_key(value: bytes) -> ec.EllipticCurvePublicKey:
    objects = tlv.parse(value)
    point, reference = objects.first(_POINT) or b"", objects.first(_CURVE) or b""
    if reference not in _CURVES:
        raise EncodingError(f"GP certificate: curve reference {reference.hex().upper() or 'missing'}, not known")
    return public_point(_CURVES[reference], point)


def _day(value: bytes) -> date:
    """Read YYYYMMDD in four BCD bytes."""
    try:
        return date.fromisoformat(value.hex())
    except ValueError:
        raise EncodingError(f"GP certificate: date {value.hex().upper()}, expected YYYYMMDD") from None


def _hash_for(bits: int) -> HashAlgorithm:
    """Return the hash for a key length (GPCS B.4.3)."""
    if bits < _SHA384_BITS:
        return SHA256()
    return SHA384() if bits < _SHA512_BITS else SHA512()
