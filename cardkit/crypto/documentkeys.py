"""Keys of travel documents: what is derived from passwords and agreements, and what is checked with them.

ICAO Doc 9303-11 9.7; names of algorithms as in :data:`cardkit.crypto.key.ALGORITHMS`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.emvkeys import odd_parity
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.mac import Cmac, RetailMac
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError

TDES = "3DES-128"
_SIZES = {TDES: ("sha1", 16), "AES-128": ("sha1", 16), "AES-192": ("sha256", 24), "AES-256": ("sha256", 32)}
_ENC, _MAC, _PASSWORD = 1, 2, 3
_MAC_BYTES = 8

# Basic access control, 9303-11 4.3.
_SEED_BYTES = 16
_CHALLENGE_BYTES = 8


@dataclass(frozen=True, slots=True)
class MessagingKeys:
    """Keys of one secure messaging session."""

    enc: Key = field(repr=False)
    mac: Key = field(repr=False)

    @property
    def algorithm(self) -> str:
        """Of both keys."""
        return self.enc.algorithm

    def wipe(self) -> None:
        """Overwrite them."""
        self.enc.wipe()
        self.mac.wipe()


def mac(key: Key, data: bytes) -> bytes:
    """Return the 8 bytes of a MAC: CMAC, or the retail MAC of padded data. 9303-11 9.8.6.2"""
    with key.reveal() as clear:
        if key.algorithm == TDES:
            return RetailMac(clear).mac(data)
        return Cmac(clear).mac(data)[:_MAC_BYTES]


def messaging_keys(agreed: Secret, algorithm: str, nonce: bytes = b"") -> MessagingKeys:
    """Return the session keys of an agreed secret.

    :param nonce: of chip authentication version 2, 8 bytes.
    """
    enc, mac_key = (_derive(agreed, counter, algorithm, nonce) for counter in (_ENC, _MAC))
    return MessagingKeys(enc, mac_key)


def password_key(secret: Secret, algorithm: str) -> Key:
    """Return the key a PACE nonce is encrypted under. 9303-11 9.7.3

    :param secret: CAN, PIN or PUK, or the hash of :func:`mrz_secret`.
    """
    return _derive(secret, _PASSWORD, algorithm)


def mrz_secret(information: Secret) -> Secret:
    """Return what PACE takes for the password of the MRZ: 20 bytes.

    :param information: number, birth and expiry, each with its digit (9303-11 4.3.2).
    """
    with information.reveal() as clear:
        return Secret(hashlib.sha1(clear, usedforsecurity=False).digest(), "MRZ")


def basic_access_keys(information: Secret) -> MessagingKeys:
    """Return the document basic access keys. 9303-11 9.7.2"""
    with mrz_secret(information).reveal() as hashed:
        return messaging_keys(Secret(hashed[:_SEED_BYTES], "key seed"), TDES)


def basic_access_request(keys: MessagingKeys, challenges: bytes, own: Secret) -> bytes:
    """Return the data of EXTERNAL AUTHENTICATE, 40 bytes.

    :param challenges: of the terminal and of the chip, 16 bytes.  :param own: the terminal's 16 bytes of key.
    """
    with keys.enc.reveal() as clear, own.reveal() as half:
        cryptogram = CbcEncryptor(TDES, clear).encrypt(challenges + bytes(half))
    return cryptogram + mac(keys.mac, cryptogram)


def basic_access_session(keys: MessagingKeys, challenges: bytes, own: Secret, answer: bytes) -> MessagingKeys:
    """Return the session keys of basic access control.

    :param challenges, own: as in the request.  :param answer: the chip's 40 bytes.
    :raises AuthenticationError: where the MAC is wrong, or other challenges come back.
    """
    cryptogram, checksum = answer[:-_MAC_BYTES], answer[-_MAC_BYTES:]
    size = len(challenges) + len(own)
    if len(cryptogram) != size or not hmac.compare_digest(mac(keys.mac, cryptogram), checksum):
        raise AuthenticationError(
            f"BAC: the chip's answer of {len(answer)} bytes has a wrong MAC, expected {size + _MAC_BYTES}"
        )
    with keys.enc.reveal() as clear:
        plain = CbcDecryptor(TDES, clear).decrypt(cryptogram)
    swapped = challenges[_CHALLENGE_BYTES:] + challenges[:_CHALLENGE_BYTES]
    if not hmac.compare_digest(plain[: len(swapped)], swapped):
        raise AuthenticationError("BAC: the chip's answer is to other challenges: expected ours back")
    with own.reveal() as half:
        seed = bytes(a ^ b for a, b in zip(half, plain[len(swapped) :], strict=True))
    return messaging_keys(Secret(seed, "key seed"), TDES)


def _derive(secret: Secret, counter: int, algorithm: str, nonce: bytes = b"") -> Key:
    name, size = _SIZES[algorithm]
    with secret.reveal() as clear:
        made = hashlib.new(name, bytes(clear) + nonce + counter.to_bytes(4), usedforsecurity=False).digest()[:size]
    if algorithm == TDES:
        made = bytes(odd_parity(made))
    return Key(made, f"{secret.name} {counter}", algorithm, Usage.SECURE_CHANNEL)
