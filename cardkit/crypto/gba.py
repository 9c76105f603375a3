"""Generic Bootstrapping Architecture: keys between a subscriber's card and an application server (3GPP TS 33.220).

With GBA_U the card keeps Ks and Ks_int_NAF for itself; the phone gets Ks_ext_NAF only.
"""

from __future__ import annotations

import hashlib
import hmac

from cardkit.crypto.aka import checked, subscriber_key, xor
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

HALF_BYTES = 16
MAC_BYTES = 8
KS_BYTES = 2 * HALF_BYTES
PROTOCOL_BYTES = 5
LONGEST = 0xFFFF

# TS 33.220 B.3
FC_NAF = b"\x01"
EXTERNAL, INTERNAL = b"gba-me", b"gba-u"


def ks(ck: bytes, ik: bytes) -> Secret:
    """Return the bootstrapped key Ks = CK || IK.

    :param ck, ik: 16 bytes each.  :raises EncodingError: on another length.
    TS 33.220 4.5.2
    """
    checked("CK", ck, HALF_BYTES)
    checked("IK", ik, HALF_BYTES)
    return Secret(ck + ik, "Ks")


def naf_id(fqdn: str, protocol: bytes) -> bytes:
    """Return NAF_ID: the server's name and the identifier of the protocol it speaks.

    :param protocol: 5 bytes, TS 33.220 annex H.  :raises EncodingError: on another length or an empty name.

    >>> naf_id("naf.example", bytes.fromhex("0100000002"))[-6:].hex()
    '650100000002'
    """
    checked("Ua security protocol identifier", protocol, PROTOCOL_BYTES)
    if not fqdn:
        raise EncodingError("NAF_ID: the name of the server is empty")
    return fqdn.encode() + protocol


def ks_ext_naf(key: Secret, rand: bytes, impi: str, naf: bytes) -> Secret:
    """Return Ks_ext_NAF, or Ks_NAF where the phone did the bootstrapping: 32 bytes.

    :param key: Ks, 32 bytes.  :param rand: of the bootstrapping, 16 bytes.  :param naf: NAF_ID.
    :raises EncodingError: on another length.
    TS 33.220 B.3
    """
    return _derive(key, EXTERNAL, rand, impi, naf, "Ks_ext_NAF")


def ks_int_naf(key: Secret, rand: bytes, impi: str, naf: bytes) -> Secret:
    """Return Ks_int_NAF, which stays in the card: 32 bytes, from the same as :func:`ks_ext_naf`."""
    return _derive(key, INTERNAL, rand, impi, naf, "Ks_int_NAF")


def _derive(key: Secret, purpose: bytes, rand: bytes, impi: str, naf: bytes, name: str) -> Secret:
    subscriber_key(key, "Ks", KS_BYTES)
    checked("RAND", rand, 16)
    parameters = (purpose, rand, impi.encode(), naf)
    if max(map(len, parameters)) > LONGEST:
        raise EncodingError(f"{name}: IMPI and NAF_ID must not be longer than {LONGEST} bytes")
    text = FC_NAF + b"".join(value + len(value).to_bytes(2, "big") for value in parameters)
    with key.reveal() as clear:
        return Secret(hmac.digest(clear, text, "sha256"), name)


def bootstrapping_mac(mac: bytes, ik: bytes) -> bytes:
    """Return MAC* of a GBA_U challenge: MAC xor the first 8 bytes of SHA-1(IK).

    A card that takes such an AUTN knows that it is for bootstrapping, and that the phone must not have CK and IK.

    :param mac: 8 bytes.  :param ik: 16 bytes.  :raises EncodingError: on another length.
    TS 33.220 5.3.2, from memory
    """
    checked("MAC", mac, MAC_BYTES)
    checked("IK", ik, HALF_BYTES)
    return xor(mac, hashlib.sha1(ik).digest()[:MAC_BYTES])  # noqa: S324  (the standard's)
