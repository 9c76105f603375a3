"""The certificate of a card's SCP11 key under survey: its chain to a pinned root, and a session that proves the key.

The session is SCP11b's: only the card proves itself, with no key of ours (Amd F, from memory).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp.picture import SeenChain
from cardkit.apps.gp.schema import CertificateBlock
from cardkit.errors import AuthenticationError, CardError, EncodingError, ProfileError
from cardkit.secure.certificates import parse_certificates, trusted_key
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import SCP11, Parameters, Quirks, decode_parameters
from cardkit.secure.scp11 import Scp11, Variant
from cardkit.secure.session import Terms

PROVING = Variant.B
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"

Send = Callable[[CommandAPDU], ResponseAPDU]


@dataclass(frozen=True, slots=True)
class Certified:
    """Which key has a certificate, and who vouches for it.

    :param root: pinned.  :param kvn: version of the card's key.
    """

    root: ec.EllipticCurvePublicKey
    kvn: int
    parameters: Parameters


def certified(block: CertificateBlock, pem: bytes) -> Certified:
    """Read what a profile pins.

    :param pem: contents of its file.  :raises ProfileError: when that is no public key on an elliptic curve.
    """
    root = pinned_root(pem, f"gp.certificate.root: {block.root}")
    return Certified(root, block.kvn, decode_parameters(SCP11, block.i))


def pinned_root(pem: bytes, where: str) -> ec.EllipticCurvePublicKey:
    """Read the public key of a root, or of its certificate.

    :param where: for the error.  :raises ProfileError: when it is none on an elliptic curve.
    """
    try:
        start = pem.lstrip().startswith(_CERTIFICATE)
        root = x509.load_pem_x509_certificate(pem).public_key() if start else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProfileError(f"{where}: {error}") from None
    if not isinstance(root, ec.EllipticCurvePublicKey):
        raise ProfileError(f"{where}: expected a key on an elliptic curve")
    return root


def judge_chain(store: bytes, wanted: Certified, day: date) -> tuple[SeenChain, ec.EllipticCurvePublicKey | None]:
    """Judge a certificate store (BF21), and return the key it vouches for.

    :param day: on which all of it must be in force.
    """
    try:
        return SeenChain(), trusted_key(parse_certificates(store), [wanted.root], now=day)
    except (AuthenticationError, EncodingError) as error:
        return SeenChain(str(error)), None


def proves(send: Send, wanted: Certified, key: ec.EllipticCurvePublicKey, max_data: int) -> bool:
    """Agree on one session, and close it: whether the card has the private key."""
    terms = Terms(wanted.parameters, SecurityLevel.C_MAC | SecurityLevel.R_MAC, Quirks(), max_data)
    opening = Scp11(PROVING, wanted.kvn, terms, ec.generate_private_key(key.curve), key)
    try:
        opening.finish(send(opening.authenticate())).close()
    except CardError:
        return False
    return True
