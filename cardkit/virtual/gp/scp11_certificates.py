"""Certificates of the off-card entity as the card reads them: X.509, and GlobalPlatform's own 7F21.

Amendment F as the specification sheet of the project tells it (clauses unverified). A card has no clock: dates are
not looked at.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber
from .curves import KEY_EC_CURVE, KEY_EC_PUBLIC, curve, public_key

_X509: Final = 0x30
_GP: Final = 0x7F21
_SERIAL, _USAGE, _KEY, _SIGNATURE = 0x93, 0x95, 0x7F49, 0x5F37
_MANDATORY: Final = (_SERIAL, 0x42, 0x5F20, _USAGE, 0x5F24, _KEY)
_ORDER: Final = (_SERIAL, 0x42, 0x5F20, _USAGE, 0x5F25, 0x5F24, 0x53, 0x73, 0xBF20, _KEY)
_USAGE_CA: Final = b"\x82"
_USAGE_KEY_AGREEMENT: Final = b"\x00\x80"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, not verified yet.

    :ivar certifies: its key may sign other certificates.  :ivar agrees: its key may be used in a key agreement.
    :ivar signed: what the signature covers.  :ivar signature: ECDSA, DER.
    :ivar digest: hash of the signature; None: the one that goes with the issuer's key.
    """

    key: ec.EllipticCurvePublicKey
    serial: int
    certifies: bool
    agrees: bool
    signed: bytes
    signature: bytes
    digest: hashes.HashAlgorithm | None

    def verify(self, issuer: ec.EllipticCurvePublicKey) -> None:
        """:raises StatusWordError: 6982 unless the issuer signed it."""
        digest = self.digest or _digest(issuer.curve)
        try:
            issuer.verify(self.signature, self.signed, ec.ECDSA(digest))
        except InvalidSignature:
            raise StatusWordError(sw.SECURITY_STATUS) from None


def parse(data: bytes) -> Certificate:
    """Read one certificate of either kind.

    :raises StatusWordError: 6A80.
    """
    return _parse_x509(data) if data[:1] == bytes((_X509,)) else _parse_gp(data)


def _digest(on: ec.EllipticCurve) -> hashes.HashAlgorithm:
    """GPCS B.4.3: as strong as the curve."""
    if on.key_size < 384:
        return hashes.SHA256()
    return hashes.SHA384() if on.key_size < 512 else hashes.SHA512()


def _parse_x509(data: bytes) -> Certificate:
    try:
        found = x509.load_der_x509_certificate(data)
        key, digest = found.public_key(), found.signature_hash_algorithm
        certifies, agrees = _x509_usage(found.extensions)
    except (ValueError, UnsupportedAlgorithm):
        raise StatusWordError(sw.WRONG_DATA) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or digest is None:
        raise StatusWordError(sw.WRONG_DATA)
    return Certificate(
        key, found.serial_number, certifies, agrees, found.tbs_certificate_bytes, found.signature, digest
    )


def _x509_usage(extensions: x509.Extensions) -> tuple[bool, bool]:
    """May the key sign certificates, may it agree on keys? Without the KeyUsage extension it may both."""
    certifies = agrees = True
    constrained = False
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage):
            certifies, agrees = value.key_cert_sign, value.key_agreement
        elif isinstance(value, x509.BasicConstraints):
            constrained = value.ca
    return certifies and constrained, agrees


def _parse_gp(data: bytes) -> Certificate:
    outer = ber.parse(data)
    if [tag for tag, _ in outer] != [_GP]:
        raise StatusWordError(sw.WRONG_DATA)
    body = outer[0][1]
    objects = ber.parse(body)
    values = dict(objects)
    tags = [tag for tag, _ in objects]
    if tags[-1:] != [_SIGNATURE] or tags[:-1] != [tag for tag in _ORDER if tag in values]:
        raise StatusWordError(sw.WRONG_DATA)
    if any(tag not in values for tag in _MANDATORY):
        raise StatusWordError(sw.WRONG_DATA)
    tail = ber.build(_SIGNATURE, values[_SIGNATURE])
    if not body.endswith(tail):
        raise StatusWordError(sw.WRONG_DATA)
    usage = values[_USAGE]
    return Certificate(
        _gp_key(values[_KEY]),
        int.from_bytes(values[_SERIAL], "big"),
        certifies=usage == _USAGE_CA,
        agrees=usage == _USAGE_KEY_AGREEMENT,
        signed=body[: -len(tail)],
        signature=_plain_signature(values[_SIGNATURE]),
        digest=None,
    )


def _gp_key(value: bytes) -> ec.EllipticCurvePublicKey:
    parts = ber.parse(value)
    if [tag for tag, _ in parts] != [KEY_EC_PUBLIC, KEY_EC_CURVE]:
        raise StatusWordError(sw.WRONG_DATA)
    return public_key(parts[0][1], curve(parts[1][1]))


def _plain_signature(value: bytes) -> bytes:
    """r and s side by side (BSI TR-03111 5.2.1) -> DER."""
    half = len(value) // 2
    if not half or len(value) % 2:
        raise StatusWordError(sw.WRONG_DATA)
    return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
