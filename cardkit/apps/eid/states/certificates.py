"""Certificate objects of a PIV card: issued for the key a slot has, then held against what was planned."""

from __future__ import annotations

from cardkit.apps.eid import certificates
from cardkit.apps.eid.objects import CertificateObject
from cardkit.apps.eid.states.product import EidProduct, KeyPair
from cardkit.apps.pki.certificate import Certificate
from cardkit.crypto import KeyStore
from cardkit.errors import EncodingError


def issue(product: EidProduct, pair: KeyPair, statement: bytes, public_key: bytes, keystore: KeyStore) -> bytes:
    """Return the object with the certificate of a key.

    :param statement: the content of the certificate's state.  :param public_key: SubjectPublicKeyInfo.
    :raises KeyStoreError: when the issuer's key is missing, or for another purpose.
    """
    request = certificates.request_of(statement, pair.usage, public_key)
    made = certificates.issue(request, product.issuer, product.block.issuer.key, keystore)
    return CertificateObject.of(made).build()


def fault(product: EidProduct, pair: KeyPair, statement: bytes, body: bytes, public_key: bytes) -> str:
    """Return what is wrong with a certificate object; empty where nothing is.

    :param public_key: SubjectPublicKeyInfo of the slot's key as the card tells it; empty where it does not.
    """
    try:
        found = CertificateObject.parse(body).certificate
    except EncodingError as error:
        return str(error)
    return certificates.fault(certificates.request_of(statement, pair.usage, public_key), product.issuer, found)


def key_in(body: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate object.  :raises EncodingError: where it cannot be read."""
    return Certificate.parse(CertificateObject.parse(body).certificate).public_key
