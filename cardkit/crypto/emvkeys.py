"""Keys of a payment card: its master keys from an issuer's, and session keys from those (EMV 4.4 Book 2, A1.3, A1.4).

A card is named by its PAN and PAN sequence number, as one text of digits; keys are derived where their master is.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.nibbles import is_digits, mix
from cardkit.crypto.statickey import StaticKey, is_aes, key_bytes
from cardkit.errors import EncodingError, KeyStoreError

DES_BLOCK = 8
AES_BLOCK = 16
PSN_DIGITS = 2
PAN_DIGITS = (8, 19)
_HASHED_FROM = 17  # option B hashes a PAN of 17 digits or more (A1.4.2)
_Y_DIGITS = 16
# Option B: the hexadecimal letters of a hash as digits (A1.4.2)
_DECIMALIZED = str.maketrans("abcdef", "012345")
# A1.3.1: what replaces byte 3 of the diversification value, for the left and the right half
_HALVES = (0xF0, 0x0F)
_TREE_HEIGHTS = {4: 8, 2: 16}  # branches: height; the leaves are more than 65,535


def card_digits(pan: str, psn: str | None) -> bytes:
    """Return what a card's master keys are diversified with: the digits of PAN and sequence number, ASCII.

    :param psn: 2 digits; None for a card without one, which counts as 00.
    :raises EncodingError: on other lengths or characters.

    >>> card_digits("9901234567890123", "45")
    b'990123456789012345'
    """
    digits = pan + (psn if psn is not None else "00")
    least, most = PAN_DIGITS
    if not (least <= len(pan) <= most and len(digits) == len(pan) + PSN_DIGITS and is_digits(digits)):
        raise EncodingError(
            f"PAN of {len(pan)} and PSN of {len(psn or '00')} characters, expected {least} to {most} digits and 2"
        )
    return digits.encode()


def option_a(name: str, data: bytes) -> bytes:
    """Return the 16 bytes an issuer key encrypts by option A: Y and its inverse.

    :param name: of the key, for messages.  :param data: of :func:`card_digits`.
    Book 2, A1.4.1
    """
    digits = _checked(name, data)
    return _with_inverse(bytes.fromhex(digits[-_Y_DIGITS:].zfill(_Y_DIGITS)))


def option_b(name: str, data: bytes) -> bytes:
    """Return the 16 bytes an issuer key encrypts by option B: as A, after hashing a long PAN.

    :param name: of the key, for messages.  :param data: of :func:`card_digits`.
    Book 2, A1.4.2
    """
    digits = _checked(name, data)
    if len(digits) - PSN_DIGITS < _HASHED_FROM:
        return option_a(name, data)
    even = digits.zfill(len(digits) + len(digits) % 2)
    digest = hashlib.sha1(bytes.fromhex(even)).hexdigest()  # noqa: S324  the standard's
    found = "".join(c for c in digest if c.isdigit())
    letters = "".join(c for c in digest if not c.isdigit()).translate(_DECIMALIZED)
    return _with_inverse(bytes.fromhex((found + letters)[:_Y_DIGITS]))


def option_c(name: str, data: bytes) -> bytes:
    """Return the 32 bytes an AES issuer key encrypts by option C; a 16-byte key is the first half of the result.

    :param name: of the key, for messages.  :param data: of :func:`card_digits`.
    Book 2, A1.4.3; longer keys than AES-128 unverified
    """
    return _with_inverse(bytes.fromhex(_checked(name, data).zfill(2 * AES_BLOCK)))


def _checked(name: str, data: bytes) -> str:
    least, most = (PSN_DIGITS + size for size in PAN_DIGITS)
    if not (least <= len(data) <= most and data.isdigit()):
        raise KeyStoreError(
            f"key {name}: diversification over {len(data)} characters, expected {least} to {most} digits"
        )
    return data.decode()


def _with_inverse(block: bytes) -> bytes:
    return block + bytes(byte ^ 0xFF for byte in block)


def odd_parity(key: bytes | bytearray) -> bytearray:
    """Return a DES key with the last bit of each byte set so that the bits are odd in number; the caller wipes it.

    >>> odd_parity(bytes.fromhex("0003FE")).hex()
    '0102fe'
    """
    return bytearray(byte & 0xFE | (byte >> 1).bit_count() % 2 ^ 1 for byte in key)


def common_session(master: StaticKey, r: bytes, usage: Usage) -> Key:
    """Return a session key of EMV's common method, which M/Chip's own (SKD) is too, with another value.

    :param r: 8 bytes: ATC and zeros for a cryptogram, the cryptogram for a script; ATC, zeros, UN for SKD.
    :raises KeyStoreError: on another length.
    Book 2, A1.3.1; AES-192 and AES-256 unverified
    """
    if len(r) != DES_BLOCK:
        raise KeyStoreError(f"session key under {master.name}: diversified with {len(r)} bytes, expected 8")
    left, right = (r[:2] + bytes((constant,)) + r[3:] for constant in _HALVES)
    if not is_aes(master):
        return _des_session(master, master.ecb(left + right), usage)
    size = key_bytes(master)
    if size == AES_BLOCK:
        value = master.ecb(r.ljust(AES_BLOCK, b"\0"))
    else:
        value = master.ecb(left.ljust(AES_BLOCK, b"\0") + right.ljust(AES_BLOCK, b"\0"))[:size]
    return Key(value, f"{master.name}/session", master.algorithm, usage)


def vis_session(master: Key, atc: bytes, usage: Usage) -> Key:
    """Return a session key of VSDC's script method: the left half mixed with the ATC, the right with its inverse.

    :param atc: 2 bytes.  VIS, unverified; vectors of pyemv
    """
    check_atc(master.name, atc)
    inverse = bytes(byte ^ 0xFF for byte in atc)
    with master.reveal() as clear:
        mixed = bytearray(clear)
    for place, value in zip((6, 7, 14, 15), atc + inverse, strict=True):
        mixed[place] ^= value
    try:
        return _des_session(master, mixed, usage)
    finally:
        mixed[:] = bytes(len(mixed))


def tree_session(master: Key, atc: bytes, usage: Usage) -> Key:
    """Return a session key of EMV2000's tree, as cards have it: four branches, IV of zeros.

    :param atc: 2 bytes.  EMV 4.1 Book 2, A1.3 (withdrawn; cards live)
    """
    check_atc(master.name, atc)
    with master.reveal() as clear:
        value = emv2000_tree(clear, atc)
    return _des_session(master, value, usage)


def emv2000_tree(master: bytes | bytearray, atc: bytes, branch: int = 4, iv: bytes = bytes(16)) -> bytes:
    """Return the leaf of EMV2000's tree, without parity.

    :param master: 16 bytes.  :param atc: 2 bytes.  :param branch: 4 (a tree of height 8) or 2 (height 16).
    :param iv: 16 bytes.
    EMV 4.1 Book 2, A1.3 (withdrawn; cards live)
    """
    number, height = int.from_bytes(atc, "big"), _TREE_HEIGHTS[branch]
    path = [number // branch**level % branch for level in range(height - 1, -1, -1)]
    parent, grandparent = bytes(master), iv
    for step in path[:-1]:
        parent, grandparent = _child(parent, grandparent, step), parent
    leaf = _child(parent, grandparent, path[-1])
    return bytes(mix(bytearray(leaf), grandparent))


def _child(parent: bytes, grandparent: bytes, step: int) -> bytes:
    mixed = bytearray(grandparent)
    mixed[DES_BLOCK - 1] ^= step
    mixed[-1] ^= step ^ 0xF0
    cipher = Cipher(block_cipher("3DES", parent), modes.ECB())  # noqa: S305  single blocks, as the standard has them
    return cipher.encryptor().update(mixed)


def check_atc(name: str, atc: bytes) -> None:
    """Raise KeyStoreError for an application transaction counter that is not 2 bytes."""
    if len(atc) != 2:
        raise KeyStoreError(f"session key under {name}: ATC of {len(atc)} bytes, expected 2")


def _des_session(master: StaticKey | Key, value: bytes | bytearray, usage: Usage) -> Key:
    adjusted = odd_parity(value)
    try:
        return Key(adjusted, f"{master.name}/session", "3DES-128", usage)
    finally:
        adjusted[:] = bytes(len(adjusted))
