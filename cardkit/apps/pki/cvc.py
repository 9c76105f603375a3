"""Card verifiable certificates: what a chip can check of a terminal (BSI TR-03110-3 C, D; ICAO Doc 9303-11 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import IntFlag

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import PSS, RSA_ENCRYPTION, Scheme, SignatureAlgorithm
from cardkit.apps.pki.publickey import EcKey
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import curves
from cardkit.crypto.curves import Curve
from cardkit.encoding import der, tlv
from cardkit.encoding.der import Fields
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError, KeyStoreError

_CERTIFICATE, _BODY, _SIGNATURE = 0x7F21, 0x7F4E, 0x5F37
_PROFILE, _CAR, _KEY, _CHR, _CHAT = 0x5F29, 0x42, 0x7F49, 0x5F20, 0x7F4C
_EFFECTIVE, _EXPIRES = 0x5F25, 0x5F24
_ROLE, _AUTHORIZATION = 0x06, 0x53
_WHAT = "card verifiable certificate"
_TERMINAL = "0.4.0.127.0.7.2.2.2"
INSPECTION_SYSTEM = "0.4.0.127.0.7.3.1.2.1"
# TR-03110-3 A.6.4, A.6.5
_ECDSA = {f"{_TERMINAL}.2.{n}": name for n, name in enumerate(("sha1", "sha224", "sha256", "sha384", "sha512"), 1)}
_ECDSA_OID = {name: oid for oid, name in _ECDSA.items()}
_RSA = {
    f"{_TERMINAL}.1.1": (Scheme.PKCS1, "sha1"),
    f"{_TERMINAL}.1.2": (Scheme.PKCS1, "sha256"),
    f"{_TERMINAL}.1.3": (Scheme.PSS, "sha1"),
    f"{_TERMINAL}.1.4": (Scheme.PSS, "sha256"),
    f"{_TERMINAL}.1.5": (Scheme.PKCS1, "sha512"),
    f"{_TERMINAL}.1.6": (Scheme.PSS, "sha512"),
}
_SALTS = {"sha1": 20, "sha256": 32, "sha512": 64}
_P, _A, _B, _G, _N, _POINT, _COFACTOR = range(0x81, 0x88)
_REFERENCE_BYTES = range(8, 17)


class Right(IntFlag):
    """What an inspection system may read, and what it is: the one byte of its authorization. TR-03110-4 2.2.3"""

    FINGER = 0x01
    IRIS = 0x02
    FOREIGN_VERIFIER = 0x40
    DOMESTIC_VERIFIER = 0x80
    AUTHORITY = 0xC0


@dataclass(frozen=True, slots=True)
class CvCertificate:
    """A certificate.

    :param der: the whole, as read.  :param body: what is signed, tag 7F4E and all.
    :param authority, holder: references, ASCII: country, mnemonic, sequence number.
    :param public_key: objects of 7F49.  :param role: object identifier in dots.  :param authorization: 1 or 5 bytes.
    """

    der: bytes = field(repr=False)
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    authority: str
    holder: str
    public_key: TlvList = field(repr=False)
    role: str
    authorization: bytes
    effective: date
    expires: date

    @classmethod
    def parse(cls, data: bytes) -> CvCertificate:
        """Read a certificate; nothing may follow it.

        :raises EncodingError: where a part is missing, malformed or out of order.
        """
        whole = Fields(der.only(data, _CERTIFICATE, _WHAT).value, _WHAT)
        body, signature = whole.take(_BODY, "body"), whole.take(_SIGNATURE, "signature").value
        whole.end()
        fields = Fields(body.value, _WHAT)
        fields.take(_PROFILE, "profile identifier")
        authority = _reference(fields.take(_CAR, "authority").value)
        key = tlv.parse(fields.take(_KEY, "public key").value)
        holder = _reference(fields.take(_CHR, "holder").value)
        chat = Fields(fields.take(_CHAT, "authorization").value, _WHAT)
        role, authorization = chat.oid("role"), chat.take(_AUTHORIZATION, "rights").value
        effective, expires = (_day(fields.take(tag, "date").value) for tag in (_EFFECTIVE, _EXPIRES))
        return cls(data, body.build(), signature, authority, holder, key, role, authorization, effective, expires)

    @property
    def scheme(self) -> str:
        """Object identifier of its key: algorithm, scheme, hash."""
        return der.read_oid(self.public_key.first(0x06) or b"")

    def curve(self) -> Curve | None:
        """Return the curve whose parameters it has; None where it inherits them, or is RSA.

        :raises EncodingError: on parameters of no known curve.
        """
        if self.public_key.first(_N) is None or self.scheme in _RSA:
            return None
        p, a, b, n = (int.from_bytes(self.public_key.first(tag) or b"", "big") for tag in (_P, _A, _B, _N))
        found = curves.matching(p, a, b, n)
        if found is None:
            raise EncodingError(f"{_WHAT} {self.holder}: a curve of {p.bit_length()} bits that is not known")
        return found

    def key_info(self, inherited: Curve | None = None) -> bytes:
        """Return its key as SubjectPublicKeyInfo.

        :param inherited: curve of the certificates above; its own parameters come first.
        :raises EncodingError: on a key without curve, or of an unknown scheme.
        """
        if self.scheme in _RSA:
            n, e = (int.from_bytes(self.public_key.first(tag) or b"", "big") for tag in (0x81, 0x82))
            return publickey.build_rsa(n, e)
        curve = self.curve() or inherited
        if curve is None or self.scheme not in _ECDSA:
            raise EncodingError(f"{_WHAT} {self.holder}: key {self.scheme} without a curve")
        return publickey.build_ec(curve, self.public_key.first(_POINT) or b"", explicit=False)

    def signed_by(self, issuer: CvCertificate, inherited: Curve | None = None) -> bool:
        """Whether another certificate's key made its signature.

        :param inherited: curve of the issuer where it has none of its own.
        :raises EncodingError: on a key that cannot be used.
        """
        return verifies(issuer, inherited, self.body, self.signature)


def verifies(signer: CvCertificate, inherited: Curve | None, message: bytes, signature: bytes) -> bool:
    """Whether the key of a certificate made a signature; ECDSA as plain r and s. TR-03110-3 A.6

    :raises EncodingError: on a key that cannot be used.
    """
    key, scheme = signer.key_info(inherited), signer.scheme
    if scheme in _RSA:
        kind, name = _RSA[scheme]
        oid = RSA_ENCRYPTION if kind is Scheme.PKCS1 else PSS
        return publickey.verifies(key, SignatureAlgorithm(oid, kind, name, _SALTS[name]), message, signature)
    half = len(signature) // 2
    if not half or len(signature) % 2:
        return False
    numbers = (der.integer(int.from_bytes(part, "big")) for part in (signature[:half], signature[half:]))
    algorithm = SignatureAlgorithm(publickey.EC_PUBLIC_KEY, Scheme.ECDSA, _ECDSA[scheme])
    return publickey.verifies(key, algorithm, message, der.sequence(*numbers))


def check_chain(trust_point: CvCertificate, chain: Sequence[CvCertificate]) -> bytes:
    """Return the effective authorization of a chain's last certificate: every one's rights, and no more.

    :param trust_point: CVCA.  :param chain: links, document verifier, terminal.
    :raises EncodingError: naming the first certificate that the one before has not issued.
    """
    above, curve, rights = trust_point, trust_point.curve(), trust_point.authorization
    for one in chain:
        if one.authority != above.holder:
            raise EncodingError(f"{_WHAT} {one.holder}: issued by {one.authority}, expected {above.holder}")
        if not one.signed_by(above, curve):
            raise EncodingError(f"{_WHAT} {one.holder}: its signature is wrong under the key of {above.holder}")
        if len(one.authorization) == len(rights):
            rights = bytes(left & right for left, right in zip(rights, one.authorization, strict=True))
        else:
            rights = one.authorization
        above, curve = one, one.curve() or curve
    return rights


@dataclass(frozen=True, slots=True)
class CvRequest:
    """What a certificate is asked for with.

    :param holder: 2 letters of country, mnemonic up to 9, 5 of a sequence number.  :param key: on an elliptic curve.
    :param rights: role and rights of an inspection system.
    """

    holder: str
    key: SigningKey
    rights: Right
    effective: date
    expires: date


def issue(request: CvRequest, authority: str, authority_key: SigningKey) -> bytes:
    """Return a certificate; that of a CVCA, which is its own authority, has the curve's parameters.

    :param authority: reference of the issuer's holder.
    :raises KeyStoreError: as of the key store, and on a key that is not on a curve.
    """
    key = publickey.parse(request.key.public_key)
    if not isinstance(key, EcKey):
        raise KeyStoreError(f"key {request.key.reference}: expected an elliptic curve")
    role = der.oid(INSPECTION_SYSTEM) + tlv.build(_AUTHORIZATION, bytes((request.rights,)))
    body = tlv.build(
        _BODY,
        tlv.build(_PROFILE, b"\x00")
        + tlv.build(_CAR, _checked(authority))
        + tlv.build(_KEY, _key_objects(key, request.key.hash, whole=Right.AUTHORITY in request.rights))
        + tlv.build(_CHR, _checked(request.holder))
        + tlv.build(_CHAT, role)
        + tlv.build(_EFFECTIVE, _date(request.effective))
        + tlv.build(_EXPIRES, _date(request.expires)),
    )
    return tlv.build(_CERTIFICATE, body + tlv.build(_SIGNATURE, authority_key.sign_plain(body)))


def _key_objects(key: EcKey, hashing: str, *, whole: bool) -> bytes:
    curve, objects = key.curve, [(_POINT, key.point)]
    if whole:
        numbers = ((_P, curve.p), (_A, curve.a), (_B, curve.b))
        objects = [(tag, number.to_bytes(curve.size, "big")) for tag, number in numbers]
        objects += [(_G, curve.generator), (_N, curve.n.to_bytes(curve.scalar_size, "big"))]
        objects += [(_POINT, key.point), (_COFACTOR, b"\x01")]
    return der.oid(_ECDSA_OID[hashing]) + b"".join(tlv.build(tag, value) for tag, value in objects)


def _checked(reference: str) -> bytes:
    plain = reference.isascii() and reference.isalnum() and reference[:2].isupper()
    if not plain or len(reference) not in _REFERENCE_BYTES:
        raise EncodingError(f"{_WHAT}: reference {reference!r}, expected country, mnemonic, 5 of a sequence number")
    return reference.encode("ascii")


def _reference(value: bytes) -> str:
    return value.decode("latin-1")


def _date(day: date) -> bytes:
    """Return a date as six unpacked digits. TR-03110-3 D.2.1.3"""
    return bytes(int(digit) for digit in f"{day:%y%m%d}")


def _day(value: bytes) -> date:
    digits = "".join(f"{byte:X}" for byte in value)
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise EncodingError(f"{_WHAT}: a date of {len(value)} bytes, expected six unpacked digits") from None
