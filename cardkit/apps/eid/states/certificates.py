"""Certificates of the keys a card has made: issued in the run, then held against what was planned."""

from __future__ import annotations

from cardkit.apps.eid.objects import CertificateObject
from cardkit.apps.eid.states.product import EidProduct, KeyPair, request_of
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.issuing import issue_holder
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import KeyStore
from cardkit.errors import EncodingError


def issue(product: EidProduct, pair: KeyPair, statement: bytes, public_key: bytes, keystore: KeyStore) -> bytes:
    """Return the object with the certificate of a key.

    :param statement: the content of the certificate's state.  :param public_key: SubjectPublicKeyInfo.
    :raises KeyStoreError: when the issuer's key is missing, or for another purpose.
    """
    request = request_of(pair, statement, public_key)
    signing = SigningKey(keystore, product.block.issuer.key)
    return CertificateObject.of(issue_holder(request, product.issuer, signing)).build()


def fault(product: EidProduct, pair: KeyPair, statement: bytes, body: bytes, public_key: bytes) -> str:
    """Return what is wrong with a certificate object; empty where nothing is.

    :param public_key: SubjectPublicKeyInfo of the slot's key as the card tells it; empty where it does not.
    """
    try:
        found = Certificate.parse(CertificateObject.parse(body).certificate)
        algorithm = SignatureAlgorithm.parse(found.algorithm)
        signed = publickey.verifies(product.issuer.public_key, algorithm, found.signed, found.signature)
    except EncodingError as error:
        return str(error)
    wanted = request_of(pair, statement, public_key)
    differences = {
        "serial number": found.serial == wanted.serial,
        "subject": found.subject == wanted.subject,
        "validity": (found.not_before, found.not_after) == (wanted.term.begin, wanted.term.end),
        "key usage": found.key_usage == wanted.usage,
        "issuer": found.issuer == product.issuer.subject and signed,
        "key": not public_key or found.public_key == public_key,
    }
    wrong = ", ".join(name for name, same in differences.items() if not same)
    return f"another {wrong}" if wrong else ""


def key_in(body: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate object.  :raises EncodingError: where it cannot be read."""
    return Certificate.parse(CertificateObject.parse(body).certificate).public_key
