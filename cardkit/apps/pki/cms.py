"""CMS SignedData as travel documents and their lists have it (RFC 5652): one content, one signer, signed attributes.

:func:`parse` reads BER as well as DER; what was hashed or signed is kept as the bytes it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm, digest, hash_identifier, hash_of
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.signing import SigningKey
from cardkit.encoding import der, tlv
from cardkit.encoding.ber import with_definite_lengths
from cardkit.encoding.der import Fields, Tag
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError, KeyStoreError

SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
_VERSION = 3
_BY_ISSUER = 1
_WHAT = "SignedData"


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """Who signed, and how.

    :param issuer: Name, DER, of the certificate's issuer; empty where the signer is named by its key.
    :param serial: of the certificate.  :param key_identifier: subjectKeyIdentifier; empty where named by its issuer.
    :param digest: name of the hash of the content.
    :param signed: the signed attributes as they are hashed (SET OF); empty where there are none.
    :param attributes: values (the content of each SET) by object identifier.
    :param algorithm: AlgorithmIdentifier of the signature.
    """

    version: int
    issuer: bytes
    serial: int
    key_identifier: bytes
    digest: str
    signed: bytes
    attributes: Mapping[str, bytes]
    algorithm: bytes
    signature: bytes

    def names(self, certificate: Certificate) -> bool:
        """Whether it names this certificate."""
        if self.key_identifier:
            return certificate.subject_key_identifier == self.key_identifier
        return (certificate.issuer, certificate.serial) == (self.issuer, self.serial)

    @property
    def message_digest(self) -> bytes:
        """The hash of the content as it was signed; empty where the attribute is missing."""
        value = self.attributes.get(MESSAGE_DIGEST, b"")
        return der.only(value, Tag.OCTET_STRING, "messageDigest").value if value else b""

    @property
    def content_type(self) -> str:
        """The type of the content as it was signed; empty where the attribute is missing."""
        value = self.attributes.get(CONTENT_TYPE, b"")
        return der.read_oid(der.only(value, Tag.OID, "contentType").value) if value else ""

    @property
    def signing_time(self) -> datetime | None:
        """When it says it was signed; None where it does not."""
        value = self.attributes.get(SIGNING_TIME, b"")
        return der.read_time(tlv.first(value)[0]) if value else None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A signed content.

    :param content: the value that was hashed.  :param certificates: each as it was, DER.
    :param ber: whether it came in indefinite lengths.
    """

    version: int
    content_type: str
    content: bytes
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    ber: bool = False

    @property
    def signer(self) -> SignerInfo:
        """The one signer.  :raises EncodingError: where there is none, or more than one."""
        if len(self.signers) != 1:
            raise EncodingError(f"{_WHAT}: got {len(self.signers)} signers, expected 1")
        return self.signers[0]

    def signature_verifies(self, public_key: bytes) -> bool:
        """Whether the one signer's signature is right under a key.

        :param public_key: SubjectPublicKeyInfo.  :raises EncodingError: on a key or scheme that cannot be used.
        """
        signer = self.signer
        algorithm = SignatureAlgorithm.parse(signer.algorithm)
        message = signer.signed or self.content
        return publickey.verifies(public_key, algorithm, message, signer.signature, signer.digest)

    def content_matches(self) -> bool:
        """Whether the signed attributes are those of this content: its hash, and its type."""
        signer = self.signer
        right = signer.message_digest == digest(signer.digest, self.content)
        return right and signer.content_type == self.content_type


def parse(data: bytes) -> SignedData:
    """Read a ContentInfo with SignedData; nothing may follow it.

    :raises EncodingError: on another type, a part that is missing, a hash that is none of SHA-1 and SHA-2.
    """
    definite = with_definite_lengths(data)
    info = Fields(der.only(definite, Tag.SEQUENCE, "ContentInfo").value, "ContentInfo")
    kind = info.oid("contentType")
    if kind != SIGNED_DATA:
        raise EncodingError(f"ContentInfo: content type {kind}, expected {SIGNED_DATA} (SignedData)")
    fields = Fields(der.only(info.take(0xA0, "content").value, Tag.SEQUENCE, _WHAT).value, _WHAT)
    info.end()
    version = fields.integer("version")
    fields.take(Tag.SET, "digestAlgorithms")
    content_type, content = _encapsulated(fields.sequence("encapContentInfo"))
    certificates = fields.maybe(0xA0)
    fields.maybe(0xA1)
    signers = Fields(fields.take(Tag.SET, "signerInfos").value, "signerInfos").rest()
    fields.end()
    inside = Fields(certificates.value, "certificates").rest() if certificates else ()
    return SignedData(
        version,
        content_type,
        content,
        tuple(item.build() for item in inside),
        tuple(_signer(item) for item in signers),
        ber=definite != data,
    )


def _encapsulated(fields: Fields) -> tuple[str, bytes]:
    content_type = fields.oid("eContentType")
    content = der.only(fields.take(0xA0, "eContent").value, Tag.OCTET_STRING, "eContent").value
    return content_type, content


def _signer(item: Tlv) -> SignerInfo:
    if item.tag != Tag.SEQUENCE:
        raise EncodingError(f"SignerInfo: got tag {item.tag:02X}, expected 30")
    fields = Fields(item.value, "SignerInfo")
    version = fields.integer("version")
    key = fields.maybe(0x80)
    issuer, serial = (b"", 0) if key else _issuer_and_serial(fields.sequence("issuerAndSerialNumber"))
    hashed = hash_of(fields.take(Tag.SEQUENCE, "digestAlgorithm").build())
    signed = fields.maybe(0xA0)
    algorithm = fields.take(Tag.SEQUENCE, "signatureAlgorithm").build()
    signature = fields.octets("signature")
    return SignerInfo(
        version,
        issuer,
        serial,
        key.value if key else b"",
        hashed,
        tlv.build(Tag.SET, signed.value) if signed else b"",
        _attributes(signed.value) if signed else {},
        algorithm,
        signature,
    )


def _issuer_and_serial(fields: Fields) -> tuple[bytes, int]:
    return fields.take(Tag.SEQUENCE, "issuer").build(), fields.integer("serialNumber")


def _attributes(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for item in Fields(data, "signedAttrs").rest():
        fields = Fields(item.value, "signedAttrs")
        oid = fields.oid("type")
        found[oid] = fields.take(Tag.SET, "values").value
    return found


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever signs: a key of a key store, and its certificate, DER.

    :param digest: hash of the content; empty for the one of the signature.
    :raises KeyStoreError: where the certificate is of another key.
    """

    key: SigningKey
    certificate: bytes
    digest: str = ""

    def __post_init__(self) -> None:
        own = Certificate.parse(self.certificate)
        if not publickey.same(own.public_key, self.key.public_key):
            raise KeyStoreError(f"key {self.key.reference}: the certificate {own.sha256[:16]} is of another key")


def sign(
    content_type: str,
    content: bytes,
    signer: Signer,
    signing_time: datetime | None = None,
    certificates: Sequence[bytes] = (),
) -> bytes:
    """Return a ContentInfo with SignedData, DER.

    :param signing_time: aware; None leaves the attribute out.  :param certificates: besides the signer's.
    :raises KeyStoreError: as of the key store.
    """
    hashed = signer.digest or signer.key.hash
    attributes = [
        _attribute(CONTENT_TYPE, der.oid(content_type)),
        _attribute(MESSAGE_DIGEST, der.octets(digest(hashed, content))),
    ]
    if signing_time is not None:
        attributes.append(_attribute(SIGNING_TIME, der.time(signing_time)))
    info = _signer_info(signer, hashed, der.set_of(attributes))
    inside = b"".join(sorted({signer.certificate, *certificates}))
    data = der.sequence(
        der.integer(_VERSION),
        der.set_of([hash_identifier(hashed)]),
        der.sequence(der.oid(content_type), der.explicit(0, der.octets(content))),
        tlv.build(0xA0, inside),
        der.set_of([info]),
    )
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, data))


def _signer_info(signer: Signer, hashed: str, signed: bytes) -> bytes:
    """Return a SignerInfo.  :param signed: the attributes as they are hashed, a SET OF."""
    certificate = Certificate.parse(signer.certificate)
    return der.sequence(
        der.integer(_BY_ISSUER),
        der.sequence(certificate.issuer, der.integer(certificate.serial)),
        hash_identifier(hashed),
        tlv.build(0xA0, tlv.first(signed)[0].value),
        signer.key.algorithm,
        der.octets(signer.key.sign(signed)),
    )


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of([value]))
