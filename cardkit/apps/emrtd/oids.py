"""Object identifiers of travel documents (ICAO Doc 9303-10, -11 9.2, -12; BSI TR-03110-3 A.1)."""

from __future__ import annotations

from enum import IntEnum

BSI_PROTOCOLS = "0.4.0.127.0.7.2.2"
PUBLIC_KEY_DH = f"{BSI_PROTOCOLS}.1.1"
PUBLIC_KEY_ECDH = f"{BSI_PROTOCOLS}.1.2"
TERMINAL_AUTHENTICATION = f"{BSI_PROTOCOLS}.2"
CHIP_AUTHENTICATION_DH = f"{BSI_PROTOCOLS}.3.1"
CHIP_AUTHENTICATION_ECDH = f"{BSI_PROTOCOLS}.3.2"
PACE = f"{BSI_PROTOCOLS}.4"
STANDARDIZED_PARAMETERS = "0.4.0.127.0.7.1.2"
PLAIN_ECDSA = "0.4.0.127.0.7.1.1.4.1"
ACTIVE_AUTHENTICATION = "2.23.136.1.1.5"
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
SECURITY_OBJECT = "0.4.0.127.0.7.3.2.1"
"""Content type of EF.CardSecurity."""
EF_DIR_INFO = ("2.23.136.1.1.13", "1.3.27.1.1.13")
"""The second is what code uses; which is right is unverified."""
LDS_SECURITY_OBJECT_ELSEWHERE = ("1.3.27.1.1.1", "1.2.528.1.1006.1.20.1")
"""What Belgium and France, and the Netherlands, have written for the content type of EF.SOD."""
DH_KEYS = ("1.2.840.10046.2.1", "1.2.840.113549.1.3.1")


class Mapping(IntEnum):
    """How PACE maps its nonce: generic, integrated, with chip authentication; the arc behind :data:`PACE`."""

    DH_GM = 1
    ECDH_GM = 2
    DH_IM = 3
    ECDH_IM = 4
    ECDH_CAM = 6


class Cipher(IntEnum):
    """Cipher of a protocol: the last arc of its identifier."""

    TDES = 1
    AES_128 = 2
    AES_192 = 3
    AES_256 = 4


def pace(mapping: Mapping, cipher: Cipher) -> str:
    """Return the protocol of a PACEInfo.

    >>> pace(Mapping.ECDH_GM, Cipher.AES_128)
    '0.4.0.127.0.7.2.2.4.2.2'
    """
    return f"{PACE}.{mapping:d}.{cipher:d}"


def chip_authentication(agreement: str, cipher: Cipher) -> str:
    """Return the protocol of a ChipAuthenticationInfo.

    :param agreement: :data:`CHIP_AUTHENTICATION_DH` or :data:`CHIP_AUTHENTICATION_ECDH`.
    """
    return f"{agreement}.{cipher:d}"
