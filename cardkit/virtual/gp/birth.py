"""What the maker gives each chip for SCP11: private keys of its own, and certificates of the maker's test authority.

Both follow from the serial number alone, so that a chip made again is the same chip. The authority is a test one: its
private key stands in the image for all to see.
"""

import datetime
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from . import ber, cells, keycells
from .curves import KEY_EC_CURVE, KEY_EC_PRIVATE
from .keysets import SCP11, CardKeyEntry, KeySet

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_P256: Final = b"\x00"
_SIZE: Final = 32
_ECDSA_SHA256: Final = bytes.fromhex("300A06082A8648CE3D040302")
_SEQUENCE, _BIT_STRING = 0x30, 0x03
_CERTIFICATES: Final = 0xBF21
_FROM: Final = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_UNTIL: Final = datetime.datetime(2055, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """The maker's certification authority, and the keys it certifies.

    :ivar secret: its private key, a number of P-256.
    :ivar kvn: version number of the keys.  :ivar kids: their identifiers: 11, 13, 15.  :ivar i: parameter of SCP11.
    """

    name: str
    secret: int
    kvn: int
    kids: tuple[int, ...]
    i: int

    def born(self, isd: bytes, serial: bytes, order: int) -> dict[str, bytes]:
        """The keys of a chip and their certificates, root first.

        :param order: number of key sets before this one.
        """
        keys = {kid: _number(self.name.encode() + serial + bytes((kid,))) for kid in self.kids}
        entries = {
            kid: CardKeyEntry(kid, self.kvn, KEY_EC_PRIVATE, key.to_bytes(_SIZE, "big"), ((KEY_EC_CURVE, _P256),))
            for kid, key in keys.items()
        }
        found = {cells.keys(isd, self.kvn): keycells.encode(KeySet(self.kvn, SCP11, self.i, entries), order)}
        root = _root(self)
        for kid, key in keys.items():
            leaf = self.certificate(f"{serial.hex().upper()} {kid:02X}", key, ca=False)
            found[cells.scp11(isd, _CERTIFICATES, bytes((kid, self.kvn)))] = root + leaf
        return found

    def certificate(self, subject: str, secret: int, *, ca: bool) -> bytes:
        """An X.509 certificate, DER; `secret` is the private key of its subject."""
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                               "crl_sign", "encipher_only", "decipher_only"), False)  # fmt: skip
        authority = ec.derive_private_key(self.secret, ec.SECP256R1())
        draft = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(self.name))
            .public_key(ec.derive_private_key(secret, ec.SECP256R1()).public_key())
            .serial_number(_number(subject.encode()) >> 128)
            .not_valid_before(_FROM)
            .not_valid_after(_UNTIL)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(key_agreement=not ca, key_cert_sign=ca, **usage), critical=True)
            .sign(authority, hashes.SHA256())
        )
        body = draft.tbs_certificate_bytes
        signature = ber.build(_BIT_STRING, b"\x00" + _sign(self.secret, body))
        return ber.build(_SEQUENCE, body + _ECDSA_SHA256 + signature)


@lru_cache(maxsize=8)
def _root(authority: Authority) -> bytes:
    return authority.certificate(authority.name, authority.secret, ca=True)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _number(seed: bytes) -> int:
    """A private key that follows from a seed."""
    return int.from_bytes(hashlib.sha256(seed).digest(), "big") % (_ORDER - 1) + 1


def _sign(secret: int, message: bytes) -> bytes:
    """ECDSA with SHA-256 on P-256, its nonce made of key and message; DER. For test keys: not constant in time."""
    nonce = _number(secret.to_bytes(_SIZE, "big") + message)
    r = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers().x % _ORDER
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    return encode_dss_signature(r, pow(nonce, -1, _ORDER) * (digest + r * secret) % _ORDER)
